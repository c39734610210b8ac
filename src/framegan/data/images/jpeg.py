"""The segments of a JPEG file, which Pillow doesn't show: its end mark, its metadata, and whether it is lossless.

Cameras and downloads leave files whose end mark is missing and nothing else, and decoders refuse them. A decoder makes
up what is missing of a picture from whatever follows. So a picture that is the same whatever follows is whole.
"""

import io
import os
import re
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from PIL import Image

from framegan.data.images.orientation import orientation_in

FRAMES, LOSSLESS, SCAN, RESTARTS = (0xC0, 0xC1, 0xC2), 0xC3, 0xDA, 0xDD
"""Markers: of a sequential or progressive picture, of a lossless one, of a scan of it, and of places in scans where
decoders begin again, for which they skip what lies before."""
JFIF, EXIF, ADOBE, COMMENT = 0xE0, 0xE1, 0xEE, 0xFE
END = b"\xff\xd9"
WITHOUT_CONTENT = (0x01, *range(0xD0, 0xDA))
NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")

JFIF_BYTES = 16
"""Of a segment that says how colours are kept; decoders look at no shorter one."""
ORIENTED = b"\xff\xe1\0\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0"
"""A segment of EXIF that holds an orientation alone, up to its number."""

NOT_SCANNED = 99
FOLLOWING = (b"", b"\x55" * 64, b"\xaa" * 64)
SPARE = 4
"""Bytes at the end of a scan without which it can't be whole. As many zeros are what was never written."""


def is_ended(file: BinaryIO) -> bool:
    """Say whether a JPEG has its end mark; without one, decoders make up a picture of zeros that follow."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 2))
    if file.read() == END:
        return True
    file.seek(0)
    return _is_ended_and_scanned(file.read())[0]


def with_end(data: bytes) -> bytes:
    """Return a JPEG with the end mark that it lacks; as it is where it lacks none, or more than that."""
    bare = data.removesuffix(END[:1])
    ended, scanned = _is_ended_and_scanned(bare)
    may_lack_it = scanned and not ended and not bare.endswith(bytes(SPARE))
    lacks_it = may_lack_it and _is_whole(bare) and not _is_whole(bare[:-SPARE])
    return bare + END if lacks_it else data


def without_metadata(data: bytes) -> bytes:
    """Return a JPEG whose only metadata are its orientation and how its colours are kept."""
    kept, rest = [data[:2]], 2
    for marker, start, end in _segments(data):
        if marker == SCAN:
            break
        rest = end
        jfif = marker == JFIF and end - start >= JFIF_BYTES
        if jfif or marker == ADOBE or not (JFIF <= marker <= 0xEF or marker == COMMENT):
            kept.append(data[start:end])
        elif marker == EXIF and (orientation := orientation_in(data[start + 4 : end])):
            kept.append(ORIENTED + bytes([orientation]) + bytes(6))
    return b"".join([*kept, data[rest:]])


def is_lossless(data: bytes) -> bool:
    """Say whether a JPEG has a lossless frame of three channels of 8 bits."""
    heads = (data[start + 1 : start + 5] for marker, start, _ in _segments(data) if marker in (LOSSLESS, SCAN))
    return next(heads, b"") == b"\xc3\0\x11\x08"


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield the marker, the start and the end of each segment: 2 bytes marker, 2 bytes length, the content.

    A scan ends where the next marker follows. Where the data are damaged, no more segments come.
    """
    place = 2
    while place + 1 < len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker == 0xFF:  # a filling byte
            place += 1
            continue
        end = place + 2
        if marker not in WITHOUT_CONTENT:
            end += int.from_bytes(data[end : end + 2])
        if marker == SCAN:
            following = NEXT_MARKER.search(data, end)
            end = following.start() if following else len(data)
        yield marker, place, end
        place = end


def _is_ended_and_scanned(data: bytes) -> tuple[bool, bool]:
    """Return whether there is an end mark behind the picture, and whether there are scans of all of it."""
    left: dict[tuple[int, int], int] = {}
    end, restarts = 2, False
    for marker, start, end in _segments(data):
        content = data[start + 4 : end]
        if marker == END[1]:
            return True, True
        if marker in FRAMES:
            left = {(channel, k): NOT_SCANNED for channel in content[6::3] for k in range(64)}
        elif marker == SCAN and content:
            behind = 1 + 2 * content[0]
            first, last, bits = content[behind : behind + 3].ljust(3, b"\xff")
            left |= {(channel, k): bits & 15 for channel in content[1:behind:2] for k in range(first, last + 1)}
        restarts |= marker == RESTARTS and any(content)
    return False, end >= len(data) and bool(left) and not any(left.values()) and not restarts


def _is_whole(data: bytes) -> bool:
    try:
        first, *others = (np.asarray(Image.open(io.BytesIO(data + after + END))) for after in FOLLOWING)
    except (OSError, ValueError, SyntaxError):
        return False
    return all(np.array_equal(first, other) for other in others)
