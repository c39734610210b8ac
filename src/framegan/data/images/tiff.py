"""What the directory of a TIFF file says of its pixels, and which of them Pillow decodes as they are meant.

TIFF 6.0 (Adobe, 1992); the tags and their numbers are its own.
"""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

SUBFILE, WIDTH, LENGTH, BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER = 254, 256, 257, 258, 259, 262, 266
ORIENTATION, PLANAR, COLOUR_MAP, EXTRA, SAMPLE_FORMAT, SUBSAMPLING, DEPTH = 274, 284, 320, 338, 339, 530, 32997
ASKED = (SUBFILE, BITS, COMPRESSION, PHOTOMETRIC, PLANAR, EXTRA, SAMPLE_FORMAT, SUBSAMPLING, DEPTH)
OF_PIXELS = {
    *ASKED, WIDTH, LENGTH, FILL_ORDER, ORIENTATION, COLOUR_MAP, 273, 277, 278, 279, 292, 293, 317, 322, 323, 324, 325,
    332, 347, 512, 513, 514, 515, 519, 520, 521, 529, 531, 532,
}  # fmt: skip
"""Tags without which pixels are decoded otherwise: strips, tiles, palettes and what decompression needs."""
REDUCED_OR_MASK = 1 | 4
"""Bits of SUBFILE: a small copy of another page, or which parts of it are transparent."""
YCBCR = 6
JPEG = (6, 7)
"""Compressions that turn YCbCr into RGB themselves."""
READ = {0: "grey", 1: "grey", 2: "RGB", 3: "palette", 5: "CMYK", 6: "YCbCr"}
"""PHOTOMETRIC; 0 has white at zero."""
REMEDY = "save it as RGB or grey of 8 or 16 bits"
TIFF_MARKS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
MAX_PAGES = 1 << 16
WORDS = {1: "B", 3: "H", 4: "L", 13: "L", 16: "Q"}
"""Types of unsigned numbers: BYTE, SHORT, LONG, IFD, LONG8."""


@dataclass(frozen=True)
class Directory:
    """What is said of one page.

    Args:
        place: where it lies in the file.
        order: "<" or ">", of bytes in numbers.
        big: whether it is of a BigTIFF.
        entries: 12 or, in a BigTIFF, 20 bytes of each tag, by its number.
        numbers: the unsigned numbers of the tags that are `ASKED` for.
    """

    place: int
    order: str
    big: bool
    entries: dict[int, bytes]
    numbers: dict[int, tuple[int, ...]]

    def number(self, tag: int, default: int) -> int:
        """Return the first number of a tag."""
        return next(iter(self.numbers.get(tag, ())), default)


def directories(file: BinaryIO) -> Iterator[Directory]:
    """Yield the directories of a TIFF file, as far as they can be read."""
    head = file.read(16)
    order = "<" if head[:2] == b"II" else ">"
    try:
        big = struct.unpack(f"{order}H", head[2:4])[0] == 43
        place = struct.unpack(f"{order}Q" if big else f"{order}L", head[8:16] if big else head[4:8])[0]
        seen: set[int] = set()
        while place and place not in seen and len(seen) < MAX_PAGES:
            seen.add(place)
            directory, place = _directory(file, place, order, big)
            yield directory
    except (struct.error, OSError, OverflowError):
        return


def _directory(file: BinaryIO, place: int, order: str, big: bool) -> tuple[Directory, int]:
    """Return the directory at a place, and the place of the next one or 0."""
    count, word, size = ("Q", "Q", 20) if big else ("H", "L", 12)
    file.seek(place)
    (number,) = struct.unpack(order + count, file.read(struct.calcsize(order + count)))
    lines = file.read(min(number, MAX_PAGES) * size)
    (following,) = struct.unpack(order + word, file.read(struct.calcsize(order + word)).ljust(8 if big else 4, b"\0"))
    entries = {}
    for start in range(0, len(lines) - size + 1, size):
        line = lines[start : start + size]
        entries[struct.unpack(f"{order}H", line[:2])[0]] = line
    numbers = {tag: _numbers(file, entries[tag], order, big) for tag in ASKED if tag in entries}
    return Directory(place, order, big, entries, numbers), following


def _numbers(file: BinaryIO, entry: bytes, order: str, big: bool) -> tuple[int, ...]:
    kind, count = struct.unpack(f"{order}HQ" if big else f"{order}HL", entry[2:12] if big else entry[2:8])
    if kind not in WORDS or count > 64:
        return ()
    form, value = order + WORDS[kind] * count, entry[12:] if big else entry[8:]
    size = struct.calcsize(form)
    if size > len(value):
        file.seek(struct.unpack(f"{order}Q" if big else f"{order}L", value)[0])
        value = file.read(size)
    return struct.unpack(form, value[:size])


def refusal_of_tiff(path: Path) -> str | None:
    """Return why the pixels of a TIFF file can't be delivered as they are meant, or None."""
    with path.open("rb") as file:
        pages = list(directories(file))
    whole = [page for page in pages if not page.number(SUBFILE, 0) & REDUCED_OR_MASK]
    if not pages:
        return "its directory can't be read"
    if len(whole) > 1:
        return f"it holds {len(whole)} pages; save each as a file of its own"
    if pages[0] not in whole:
        return "its first page is a small copy or a mask; save the picture alone"
    if (depth := pages[0].number(DEPTH, 1)) > 1:
        return f"it holds a volume of {depth} slices; save each as a file of its own"
    return _unread(pages[0])


def _unread(page: Directory) -> str | None:
    photometric, compression = page.number(PHOTOMETRIC, 0), page.number(COMPRESSION, 1)
    bits, planar = page.number(BITS, 1), page.number(PLANAR, 1) == 2
    kinds = set(page.numbers.get(SAMPLE_FORMAT, (1,)))
    if kinds != {1}:
        return f"its samples are signed or no integers (SampleFormat {', '.join(map(str, sorted(kinds)))}); {REMEDY}"
    if photometric not in READ:
        return f"its colours (PhotometricInterpretation {photometric}) are not read; {REMEDY}"
    if photometric == YCBCR and compression not in JPEG and page.numbers.get(SUBSAMPLING, (2, 2)) != (1, 1):
        return f"its YCbCr is subsampled outside a JPEG, which is not read; {REMEDY}"
    if bits > 16:
        return f"pixels of {bits} bits have no known range; {REMEDY}"
    if photometric < 2 and planar and page.numbers.get(EXTRA):
        return f"beside its grey lie planes of other samples, which are not read; {REMEDY}"
    return None


def without_other_tags(data: bytes) -> bytes:
    """Return a TIFF file with one directory, of the tags of its pixels and its orientation alone."""
    file = bytearray(data)
    for page in directories(io.BytesIO(data)):
        kept = b"".join(entry for tag, entry in sorted(page.entries.items()) if tag in OF_PIXELS)
        count, room = ("Q", 8) if page.big else ("H", 4)
        content = struct.pack(page.order + count, len(kept) // (20 if page.big else 12)) + kept + bytes(room)
        file[page.place : page.place + len(content)] = content
        break
    return bytes(file)
