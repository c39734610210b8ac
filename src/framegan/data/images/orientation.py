"""Which way up a picture is, read alone: the rest of its metadata may be broken."""

import io
import re
import struct
from typing import Any

from PIL import Image

from framegan.data.images.file import from_start
from framegan.data.images.tiff import ORIENTATION, directories

XMP = re.compile(rb'tiff:Orientation(?:="|>)([1-8])')

TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What brings a picture upright, by its orientation as EXIF numbers them; 1 is upright."""
LYING = {5, 6, 7, 8}
"""Orientations of pictures whose rows are upright columns."""
FROM_RIGHT, FROM_BELOW = {2, 3, 6, 7}, {3, 4, 7, 8}
"""Those whose first pixel comes to lie at the right, and at the bottom."""


def orientation_of(image: Image.Image) -> int:
    """Return the orientation of an open image, 1 to 8: by its EXIF, or else its XMP; 1 where neither can be read.

    It is asked before the image is decoded. Pillow turns a TIFF itself, and gives its size upright.
    """
    if image.format == "TIFF":
        return 1
    info = image.info
    told = info.get("exif") or (_behind_pixels(image) if image.format == "PNG" else None)
    for exif in (_bytes(told), _from_text(info.get("Raw profile type exif"))):
        if found := orientation_in(exif):
            return found
    match = XMP.search(_bytes(info.get("XML:com.adobe.xmp") or info.get("xmp")))
    return int(match[1]) if match else 1


def turned(image: Image.Image, orientation: int) -> Image.Image:
    """Return an image of an orientation the right way up."""
    turn = TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)


def orientation_in(data: bytes) -> int | None:
    """Return the orientation in the first directory of EXIF, which is that of a TIFF."""
    while data.startswith(b"Exif\0\0"):
        data = data[6:]
    if not data.startswith((b"II", b"MM")):
        return None
    try:
        numbers = next(directories(io.BytesIO(data))).numbers(ORIENTATION)
    except (StopIteration, struct.error):
        return None
    return numbers[0] if numbers and 1 <= numbers[0] <= 8 else None


def _behind_pixels(image: Any) -> bytes:
    """Return the EXIF that a PNG has behind its pixels, where Pillow finds it once these are decoded."""
    with from_start(image) as file:
        file.seek(8)
        while len(head := file.read(8)) == 8:
            length, kind = struct.unpack(">I4s", head)
            if kind == b"eXIf":
                return file.read(length)
            file.seek(length + 4, io.SEEK_CUR)
    return b""


def _from_text(text: object) -> bytes:
    """Return EXIF from hexadecimal digits, below three lines, as PNG has it in a text."""
    try:
        return bytes.fromhex("".join(str(text).split("\n")[3:]))
    except ValueError:
        return b""


def _bytes(value: object) -> bytes:
    if isinstance(value, str):
        return value.encode(errors="replace")
    return value if isinstance(value, bytes) else b""
