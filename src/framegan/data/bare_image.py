"""Image files without their metadata, for pictures that Pillow refuses because of what goes with them.

Nor does the end mark of a JPEG cost a picture; see `framegan.data.jpeg_end`.
"""

import io
import re
import zlib
from pathlib import Path

from framegan.data.jpeg_end import with_end
from framegan.data.orientation import orientation_in
from framegan.data.tiff import TIFF_MARKS, without_other_tags

PNG = b"\x89PNG\r\n\x1a\n"
OF_PIXELS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}
BESIDE = {b"eXIf": 0, b"acTL": 20, b"fcTL": 38, b"fdAT": 16}
"""Chunks of a PNG's orientation, and those that tell an animation: kept if they have so many bytes and are whole."""
JFIF, EXIF, ADOBE, COMMENT, SCAN = 0xE0, 0xE1, 0xEE, 0xFE, 0xDA
ORIENTED = b"\xff\xe1\0\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0"
"""A segment of EXIF that holds an orientation alone, up to its number."""
JFIF_BYTES = 16
"""Of a segment that tells decoders how colours are kept; they look at no shorter one."""
AVIF_EXIF = re.compile(rb"(infe.{8})Exif", re.DOTALL)


def without_metadata(path: Path) -> io.BytesIO | None:
    """Return an image file with its pixels and its orientation alone; None where we know no way to do so."""
    data = path.read_bytes()
    if data.startswith(PNG):
        return io.BytesIO(_bare_png(data))
    if data.startswith(b"\xff\xd8"):
        return io.BytesIO(with_end(_bare_jpeg(data)))
    if data.startswith(TIFF_MARKS):
        return io.BytesIO(without_other_tags(data))
    if data[4:8] == b"ftyp":
        return io.BytesIO(AVIF_EXIF.sub(rb"\1junk", data))
    return None


def _bare_png(data: bytes) -> bytes:
    """Keep some chunks: 4 bytes length, 4 bytes kind, the content, 4 bytes checksum."""
    kept, place = [PNG], len(PNG)
    while place + 8 <= len(data):
        kind, end = data[place + 4 : place + 8], place + 12 + int.from_bytes(data[place : place + 4])
        whole = zlib.crc32(data[place + 4 : end - 4]).to_bytes(4) == data[end - 4 : end]
        if kind in OF_PIXELS or (whole and kind in BESIDE and end - place >= BESIDE[kind]):
            kept.append(data[place:end])
        place = end
    return b"".join(kept)


def _bare_jpeg(data: bytes) -> bytes:
    """Leave out segments before the first scan: a marker of 2 bytes, 2 bytes length, the content."""
    kept, place = [data[:2]], 2
    while place + 4 <= len(data) and data[place] == 0xFF and data[place + 1] != SCAN:
        marker = data[place + 1]
        if marker == 0xFF:  # a filling byte
            place += 1
            continue
        end = place + 2 + int.from_bytes(data[place + 2 : place + 4])
        jfif = marker == JFIF and end - place >= JFIF_BYTES
        if jfif or marker == ADOBE or not (JFIF <= marker <= 0xEF or marker == COMMENT):
            kept.append(data[place:end])
        elif marker == EXIF and (orientation := orientation_in(data[place + 4 : end])):
            kept.append(ORIENTED + bytes([orientation]) + bytes(6))
        place = end
    return b"".join([*kept, data[place:]])
