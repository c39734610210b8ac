"""JPEG files whose end mark is missing and nothing else: cameras and downloads leave such, and decoders refuse them.

A decoder makes up what is missing of a picture from whatever follows. So a picture that is the same whatever follows
is whole.
"""

import io
import os
import re
from typing import BinaryIO

import numpy as np
from PIL import Image

END = b"\xff\xd9"
FRAMES, SCAN, RESTARTS = (0xC0, 0xC1, 0xC2), 0xDA, 0xDD
"""Markers: of a sequential or progressive picture, of a scan of it, and of places in scans where decoders start anew,
for which they skip what lies before."""
WITHOUT_CONTENT = (0x01, *range(0xD0, 0xD9))
NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
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
    return _walk(file.read())[0]


def with_end(data: bytes) -> bytes:
    """Return a JPEG with the end mark that it lacks; as it is where it lacks none, or more than that."""
    bare = data.removesuffix(END[:1])
    ended, scanned = _walk(bare)
    if ended or not scanned or bare.endswith(bytes(SPARE)):
        return data
    if _is_whole(bare) and not _is_whole(bare[:-SPARE]):
        return bare + END
    return data


def _walk(data: bytes) -> tuple[bool, bool]:
    """Return whether there is an end mark behind the picture, and whether there are scans of all of it."""
    left: dict[tuple[int, int], int] = {}
    place, restarts = 2, False
    while place + 1 < len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker == END[1]:
            return True, True
        if marker == 0xFF or marker in WITHOUT_CONTENT:
            place += 1 if marker == 0xFF else 2
            continue
        end = place + 2 + int.from_bytes(data[place + 2 : place + 4])
        content, place = data[place + 4 : end], end
        if marker in FRAMES:
            left = {(channel, k): NOT_SCANNED for channel in content[6::3] for k in range(64)}
        elif marker == SCAN and content:
            behind = 1 + 2 * content[0]
            first, last, bits = content[behind : behind + 3].ljust(3, b"\xff")
            left |= {(channel, k): bits & 15 for channel in content[1:behind:2] for k in range(first, last + 1)}
            following = NEXT_MARKER.search(data, place)
            place = following.start() if following else len(data)
        restarts |= marker == RESTARTS and any(content)
    return False, place >= len(data) and bool(left) and not any(left.values()) and not restarts


def _is_whole(data: bytes) -> bool:
    try:
        first, *others = (np.asarray(Image.open(io.BytesIO(data + after + END))) for after in FOLLOWING)
    except (OSError, ValueError, SyntaxError):
        return False
    return all(np.array_equal(first, other) for other in others)
