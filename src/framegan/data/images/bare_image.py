"""Image files without their metadata, for pictures that Pillow refuses because of what goes with them.

Nor does a missing end mark of a JPEG cost a picture; see `framegan.data.images.jpeg`.
"""

import io
import re
import zlib

from framegan.data.images import jpeg
from framegan.data.images.file import File
from framegan.data.images.tiff import TIFF_MARKS, without_other_tags

PNG = b"\x89PNG\r\n\x1a\n"
OF_PIXELS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}
BESIDE = {b"eXIf": 0, b"acTL": 20, b"fcTL": 38, b"fdAT": 16}
"""Chunks of a PNG's orientation and animation, and the fewest bytes that each has; they are kept where whole."""
AVIF_EXIF = re.compile(rb"(infe.{8})Exif", re.DOTALL)


def without_metadata(path: File) -> io.BytesIO | None:
    """Return an image file with its pixels and its orientation alone; None for other formats than these."""
    data = path.read_bytes()
    if data.startswith(PNG):
        return io.BytesIO(_bare_png(data))
    if data.startswith(b"\xff\xd8"):
        return io.BytesIO(jpeg.with_end(jpeg.without_metadata(data)))
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
