"""Whether the end of a video file is missing, by its own structure.

Decoders don't say: most read a file that was cut off up to the cut and then end as if it were whole.
"""

import os
from pathlib import Path
from typing import BinaryIO

from framegan.data.boxes import boxes

BOXES = {b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"pnot", b"uuid", b"sidx"}
EBML, SEGMENT = b"\x1aE\xdf\xa3", b"\x18S\x80g"
ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
"""The first bytes of a WMV or ASF file, and of the part of its header that holds its size."""
OGG_PAGE, OGG_END = b"OggS", 4
"""The first bytes of a page of Ogg, and the flag of the last one."""
OGG_TAIL = 1 << 17
"""Bytes in which the last page of Ogg lies: none is longer than 65,307."""
DV = bytes.fromhex("1f0700")
"""The first bytes of raw DV: those of its first frame."""
DV_FRAMES = {0x00: 120_000, 0x80: 144_000}
"""How many bytes a frame of raw DV takes, or a multiple of that, by the highest bit of its fourth byte."""
TRANSPORT_PACKETS = {0: 188, 4: 192}
"""Where the first sync byte of a transport stream lies, and its packets' size."""


def missing_end(path: Path) -> str | None:
    """Return why a file can't be whole, or None: it is, or its kind doesn't show it.

    Raises:
        OSError: it can't be read.
    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        head = file.read(256)
        if size == 0:
            return "empty file"
        if head[4:8] in BOXES:
            return _of_boxes(file, size)
        if head[:4] == b"RIFF":
            return _short(size, _end_of_riff(file, size))
        if head[:4] == EBML:
            return _short(size, _end_of_segment(head))
        if head[:4] == b"GIF8":
            return _of_gif(file, size)
        if head[:3] == b"FLV":
            return _of_flv(file, size)
        if head[:16] == ASF:
            return _short(size, _size_of_asf(file))
        if head[:4] == OGG_PAGE:
            return _of_ogg(file, size)
        if head[:3] == DV and size % DV_FRAMES[head[3] & 0x80]:
            return f"cut off in the middle of its last frame, at {size} bytes"
        for start, step in TRANSPORT_PACKETS.items():
            if head[start::step][:2] == b"GG" and size % step:
                return f"cut off in the middle of its last packet, at {size} bytes"
    return None


def _short(size: int, announced: int | None) -> str | None:
    return f"cut off: {size} of {announced} bytes are there" if announced is not None and size < announced else None


def _of_boxes(file: BinaryIO, size: int) -> str | None:
    """Walk the boxes of MP4 and QuickTime."""
    found = list(boxes(file))
    return _short(size, found[-1].end) or (
        None if any(box.kind == b"moov" for box in found) else "cut off: it has no index (moov)"
    )


def _end_of_riff(file: BinaryIO, size: int) -> int | None:
    """Walk the RIFF chunks of an AVI, of which large files have several; 0 stands in one that was never finished."""
    position = 0
    while position + 8 <= size:
        file.seek(position)
        header = file.read(8)
        length = int.from_bytes(header[4:], "little")
        if header[:4] != b"RIFF" or not length:
            return None
        position += 8 + length
    return position


def _end_of_segment(head: bytes) -> int | None:
    """Return where a Matroska segment ends; None where it was written as a stream, without its size."""
    length, start = _number(head, 4)
    at = start + (length or 0)
    if head[at : at + 4] != SEGMENT:
        return None
    length, start = _number(head, at + 4)
    return None if length is None else start + length


def _number(data: bytes, at: int) -> tuple[int | None, int]:
    """Return an EBML number (None: unknown) and where it ends; its leading zero bits say how many bytes follow."""
    size = 9 - data[at].bit_length()
    bits = 7 * size
    value = int.from_bytes(data[at : at + size]) & ((1 << bits) - 1)
    return (None if value == (1 << bits) - 1 else value), at + size


def _of_gif(file: BinaryIO, size: int) -> str | None:
    file.seek(max(0, size - 256))
    return None if file.read().rstrip(b"\0").endswith(b";") else "cut off: its last byte is not the end mark of a GIF"


def _of_flv(file: BinaryIO, size: int) -> str | None:
    """Look at the last tag: 4 bytes behind it repeat its size, 11 before its data hold that of the data."""
    file.seek(size - 4)
    length = int.from_bytes(file.read())
    file.seek(max(0, size - 4 - length))
    whole = int.from_bytes(file.read(4)[1:]) == length - 11
    return None if whole else "cut off in the middle of its last tag"


def _size_of_asf(file: BinaryIO) -> int | None:
    """Return the size in the header of a WMV file; None where it was written as a stream, with 0 there."""
    file.seek(0)
    header = file.read(1 << 16)
    at = header.find(ASF_PROPERTIES)
    return int.from_bytes(header[at + 40 : at + 48], "little") or None if at >= 0 else None


def _of_ogg(file: BinaryIO, size: int) -> str | None:
    """Look at the last page: byte 5 are flags, byte 26 the number of bytes behind it with the sizes of its parts."""
    file.seek(max(0, size - OGG_TAIL))
    tail = file.read()
    at = tail.rfind(OGG_PAGE)
    parts = tail[at + 27 : at + 27 + tail[at + 26]] if 0 <= at < len(tail) - 27 else b""
    whole = at >= 0 and len(tail) >= at + 27 + len(parts) + sum(parts) and tail[at + 5] & OGG_END
    return None if parts and whole else "cut off: its last page is not marked as the end"
