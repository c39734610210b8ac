"""What the header of a JPEG 2000 says of its samples, and which of them Pillow decodes as they are meant.

ISO/IEC 15444-1, Annex A.5.1 (the marker SIZ) and Annex I (boxes).
"""

import struct
from pathlib import Path
from typing import BinaryIO

SIZE_MARKER = b"\xff\x4f\xff\x51"
"""The first bytes of a codestream; the header of its samples follows at once."""
REMEDY = "save it with 8 bits per channel, or as PNG"


def refusal_of_jpeg2000(path: Path) -> str | None:
    """Return why the pixels of a JPEG 2000 can't be delivered as they are meant, or None."""
    with path.open("rb") as file:
        depths = _depths(file)
    if any(depth & 0x80 for depth in depths):
        return f"its samples are signed; {REMEDY}"
    if len(depths) > 1 and max(depths) > 7:  # Pillow rounds the brightest of them up to 256, which is black
        return f"colours of {max(depths) + 1} bits are not read; {REMEDY}"
    return None


def _depths(file: BinaryIO) -> bytes:
    """Return of each channel its bits less one, with the highest bit set where it is signed."""
    if file.read(4) != SIZE_MARKER and not _to_codestream(file):
        return b""
    header = file.read(38)
    if len(header) < 38:
        return b""
    (channels,) = struct.unpack_from(">H", header, 36)
    return file.read(3 * channels)[::3]


def _to_codestream(file: BinaryIO) -> bool:
    """Go to where the header of the samples begins in a file of boxes; say whether there is one."""
    place = 0
    while True:
        file.seek(place)
        head = file.read(16)
        if len(head) < 8:
            return False
        length, kind = struct.unpack_from(">L4s", head)
        long = length == 1
        if kind == b"jp2c":
            file.seek(place + (16 if long else 8))
            return file.read(4) == SIZE_MARKER
        length = struct.unpack(">Q", head[8:].ljust(8, b"\0"))[0] if long else length
        if length < 8:
            return False
        place += length
