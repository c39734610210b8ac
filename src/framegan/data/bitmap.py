"""What the header of a BMP, or of a DIB, which is one without its first 14 bytes, says of its pixels."""

import struct
from typing import Any

BITFIELDS = 3
"""Compression: the bits of each channel are given by masks."""


def bits_of_bitmap(image: Any) -> int:
    """Return how many bits a pixel of an open BMP or DIB has."""
    return _header(image)[0]


def refusal_of_bitmap(image: Any) -> str | None:
    """Return why the pixels of an open BMP or DIB can't be delivered as they are meant, or None."""
    bits, compression, alpha = _header(image)
    if bits == 4 and image.mode in ("1", "L") and not compression:
        return "a palette of greys with 4 bits a pixel is not read; save it as PNG"
    if bits == 16 and compression == BITFIELDS and alpha:
        return "16 bits a pixel with alpha are not read; save it as PNG"
    return None


def _header(image: Any) -> tuple[int, int, int]:
    """Return bits a pixel, the compression, and the mask of the alpha."""
    before = image.fp.tell()
    image.fp.seek(14 if image.format == "BMP" else 0)
    head = image.fp.read(56).ljust(56, b"\0")
    image.fp.seek(before)
    (size,) = struct.unpack_from("<L", head)
    if size == 12:
        return struct.unpack_from("<H", head, 10)[0], 0, 0
    bits, compression = struct.unpack_from("<HL", head, 14)
    return bits, compression, struct.unpack_from("<L", head, 52)[0] if size >= 56 else 0
