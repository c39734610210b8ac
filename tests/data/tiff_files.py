"""TIFF files of every kind of pixel, written by hand: Pillow reads many more than it writes."""

import itertools
import struct
import zlib
from collections.abc import Sequence

import numpy as np

CODES = {"none": 1, "lzw": 5, "deflate": 8, "packbits": 32773}
"""TIFF's numbers of compressions."""
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 12: 8, 13: 4, 16: 8}
"""Bytes of a value, by the number of its type: BYTE, ASCII, SHORT, LONG, RATIONAL, DOUBLE, IFD, LONG8."""
LETTERS = {1: "B", 2: "B", 3: "H", 4: "L", 5: "2L", 12: "d", 13: "L", 16: "Q"}
Tag = tuple[int, int, Sequence]
"""Number, type, values."""


def tiff(
    samples: np.ndarray,
    bits: int,
    photometric: int,
    *,
    order: str = "<",
    planar: bool = False,
    compression: str = "none",
    tile: tuple[int, int] | None = None,
    rows: int | None = None,
    predictor: int = 1,
    fill_order: int = 1,
    sample_format: int = 1,
    extra: Sequence[int] = (),
    big: bool = False,
    tags: Sequence[Tag] = (),
    pages: int = 1,
) -> bytes:
    """Return a TIFF file.

    Args:
        samples: (H, W, S) unsigned numbers of `bits` bits, as they are stored; of any kind where bits is 32 or 64.
        tile: height and width of its tiles, multiples of 16; None: strips of `rows` rows.
        extra: the kind of each sample beyond the colours.
        tags: further ones, or others in place of those written.
        pages: how many pages it has, all alike.
    """
    height, width, depth = samples.shape
    chunks = [
        _in_order(_compress(_pack(block, bits, order, predictor), compression), fill_order)
        for plane in (np.split(samples, depth, axis=2) if planar else [samples])
        for block in _blocks(plane, tile, rows or height)
    ]
    layout = [(322, 4, [tile[1]]), (323, 4, [tile[0]])] if tile else [(278, 4, [rows or height])]
    known = [
        *((256, 4, [width]), (257, 4, [height]), (258, 3, [bits] * depth), (259, 3, [CODES[compression]])),
        *((262, 3, [photometric]), (266, 3, [fill_order]), (277, 3, [depth]), (284, 3, [2 if planar else 1])),
        *layout,
        *([(317, 3, [predictor])] if predictor > 1 else []),
        *([(338, 3, list(extra))] if extra else []),
        *([(339, 3, [sample_format] * depth)] if sample_format > 1 else []),
    ]
    entries = {tag: (tag, kind, values) for tag, kind, values in [*known, *tags]}
    file = bytearray(_header(order, big))
    offsets = []
    for chunk in chunks:
        offsets.append(len(file))
        file += chunk + bytes(len(chunk) % 2)
    places, counts = (324, 325) if tile else (273, 279)
    entries[places] = (places, 16 if big else 4, offsets)
    entries[counts] = (counts, 16 if big else 4, [len(chunk) for chunk in chunks])
    link = 8 if big else 4
    for _ in range(pages):
        link = _append(file, [entries[tag] for tag in sorted(entries)], order, big, link)
    return bytes(file)


def _header(order: str, big: bool) -> bytes:
    mark = b"II" if order == "<" else b"MM"
    return mark + (struct.pack(f"{order}HHHQ", 43, 8, 0, 0) if big else struct.pack(f"{order}HL", 42, 0))


def _append(file: bytearray, entries: list[Tag], order: str, big: bool, link: int) -> int:
    """Append a directory, have the place `link` point to it, and return where it will point to the next one."""
    count, word = ("Q", "Q") if big else ("H", "L")
    room = struct.calcsize(order + word)
    lines = []
    for tag, kind, values in entries:
        flat = list(itertools.chain.from_iterable(values)) if kind == 5 else list(values)
        content = struct.pack(order + LETTERS[kind][-1] * len(flat), *flat)
        if len(content) > room:
            lines.append(struct.pack(f"{order}HH{word}{word}", tag, kind, len(values), len(file)))
            file += content + bytes(len(content) % 2)
        else:
            lines.append(struct.pack(f"{order}HH{word}", tag, kind, len(values)) + content.ljust(room, b"\0"))
    struct.pack_into(order + word, file, link, len(file))
    file += struct.pack(order + count, len(lines)) + b"".join(lines)
    file += bytes(room)
    return len(file) - room


def _blocks(plane: np.ndarray, tile: tuple[int, int] | None, rows: int) -> list[np.ndarray]:
    """Cut a plane into strips, or into tiles that are filled up at the edges."""
    if tile is None:
        return [plane[top : top + rows] for top in range(0, len(plane), rows)]
    high, wide = tile
    height, width, _ = plane.shape
    full = np.pad(plane, ((0, -height % high), (0, -width % wide), (0, 0)))
    return [
        full[top : top + high, left : left + wide] for top in range(0, height, high) for left in range(0, width, wide)
    ]


def _pack(block: np.ndarray, bits: int, order: str, predictor: int) -> bytes:
    """Return the bytes of a block, each of its rows beginning at a byte."""
    if predictor == 2:
        block = np.concatenate([block[:, :1], np.diff(block, axis=1)], axis=1)
    rows = block.reshape(len(block), -1)
    if bits in (8, 16, 32, 64):
        packed = rows.astype(rows.dtype.newbyteorder(order)).view(np.uint8)
    else:
        each = (rows[..., None] >> np.arange(bits - 1, -1, -1)) & 1
        packed = np.packbits(each.reshape(len(rows), -1).astype(np.uint8), axis=1)
    return packed.tobytes()


def _in_order(data: bytes, fill_order: int) -> bytes:
    """Turn the bits of each byte around, as FillOrder 2 has them."""
    if fill_order == 1:
        return data
    return np.packbits(np.unpackbits(np.frombuffer(data, np.uint8)), bitorder="little").tobytes()


def _compress(data: bytes, compression: str) -> bytes:
    if compression == "deflate":
        return zlib.compress(data)
    if compression == "packbits":
        parts = [data[start : start + 128] for start in range(0, len(data), 128)]
        return b"".join(bytes([len(part) - 1]) + part for part in parts)
    return _lzw(data) if compression == "lzw" else data


def _lzw(data: bytes) -> bytes:
    """Clear the table before it would need more than 9 bits."""
    codes = []
    for start in range(0, len(data), 250):
        codes += [256, *data[start : start + 250]]
    bits = "".join(f"{code:09b}" for code in [*codes, 257])
    return int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8))
