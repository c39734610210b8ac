"""Which way up a picture is, read alone: the rest of its metadata may be broken."""

import re
import struct

from PIL import Image

TAG = 0x0112
NUMBERS = {1: "B", 3: "H", 4: "L"}
"""Types that a number may have in EXIF: BYTE, SHORT, LONG."""
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


def orientation_of(image: Image.Image) -> int:
    """Return the orientation of an open image, 1 to 8: by its EXIF, or else its XMP; 1 where neither can be read.

    Pillow turns a TIFF itself, and gives its size upright.
    """
    if image.format == "TIFF":
        return 1
    text = image.info.get("Raw profile type exif")
    found = orientation_in(_bytes(image.info.get("exif"))) or orientation_in(_from_text(text))
    if found is None:
        match = XMP.search(_bytes(image.info.get("XML:com.adobe.xmp") or image.info.get("xmp")))
        found = int(match[1]) if match else None
    return found or 1


def upright(image: Image.Image) -> Image.Image:
    """Return a decoded image the right way up."""
    turn = TURNS.get(orientation_of(image))
    return image if turn is None else image.transpose(turn)


def orientation_in(data: bytes) -> int | None:
    """Return the orientation in the first directory of EXIF, which is that of a TIFF."""
    while data.startswith(b"Exif\0\0"):
        data = data[6:]
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None:
        return None
    try:
        (place,) = struct.unpack_from(f"{order}L", data, 4)
        (count,) = struct.unpack_from(f"{order}H", data, place)
        for start in range(place + 2, place + 2 + 12 * count, 12):
            tag, kind = struct.unpack_from(f"{order}HH", data, start)
            if tag == TAG and kind in NUMBERS:
                (value,) = struct.unpack_from(order + NUMBERS[kind], data, start + 8)
                return value if 1 <= value <= 8 else None
    except struct.error:
        pass
    return None


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
