"""Which images are read: their endings and formats, and which kinds of pixels Pillow hands over rightly."""

import re
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image, features

from framegan.data.bitmap import refusal_of_bitmap
from framegan.data.jpeg2000 import refusal_of_jpeg2000
from framegan.data.sgi import refusal_of_sgi
from framegan.data.tiff import REMEDY, TIFF_MARKS, refusal_of_tiff

ENDINGS = {
    "AVIF": (".avif",),
    "BMP": (".bmp",),
    "DIB": (".dib",),
    "GIF": (".gif",),
    "JPEG": (".jfif", ".jpe", ".jpeg", ".jpg", ".mpo"),
    "JPEG2000": (".j2k", ".jp2", ".jpf", ".jpx"),
    "PCX": (".pcx",),
    "PNG": (".apng", ".png"),
    "PPM": (".pbm", ".pgm", ".pnm", ".ppm"),
    "QOI": (".qoi",),
    "SGI": (".bw", ".rgb", ".rgba", ".sgi"),
    "TGA": (".tga",),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
}
"""By Pillow's name of a format. Pillow knows others that run programs, such as EPS, or that hold no picture."""

NEEDED = {"AVIF": "avif", "JPEG2000": "jpg_2000", "WEBP": "webp"}
"""Parts that Pillow may have been built without."""

BY_ENDING = {"DIB", "PCX", "SGI", "TGA"}
"""Formats that hardly tell from their content, so that the ending has to say so; of others the content decides."""

FORMATS = tuple(name for name in ENDINGS if name not in NEEDED or features.check(NEEDED[name]))
EXTENSIONS = tuple(sorted(ending for name in FORMATS for ending in ENDINGS[name]))

GREY = {"1", "L", "LA", "La", "I;16", "I;16B", "I"}
COLOUR = {"P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr"}
"""Pillow's modes that are read; 32 bits (I) only from PPM, where they hold 16."""


@cache
def formats_of(ending: str) -> list[str]:
    """Return what a file with this ending may hold."""
    return [kind for kind in FORMATS if kind not in BY_ENDING or ending.lower() in ENDINGS[kind]]


def refusal(image: Image.Image, path: Path) -> str | None:
    """Return why an open image can't be delivered as it is meant, or None."""
    if image.format == "TIFF" and (reason := refusal_of_tiff(path)):
        return reason
    if image.format == "TGA" and not image.tile:  # type: ignore[attr-defined]
        return "its kind of pixels is not read; save it as PNG"
    if image.format in ("BMP", "DIB") and (reason := refusal_of_bitmap(image)):
        return reason
    if image.format == "JPEG" and image.mode == "CMYK" and "adobe" not in image.info:
        return "its CMYK may be inverted or not, for Adobe's marker is missing; save it as RGB"
    if image.format == "JPEG" and image.mode == "RGB" and not {"adobe", "jfif"} & {*image.info} and _is_lossless(path):
        return "its colours may be RGB or YCbCr, for it is lossless without a marker that says so; save it as PNG"
    if image.format == "SGI" and (reason := refusal_of_sgi(path)):
        return reason
    if image.format == "JPEG2000" and (reason := refusal_of_jpeg2000(path)):
        return reason
    if image.format == "PPM" and _is_followed(image, path):
        return "it holds several pictures; save each as a file of its own"
    if image.format not in ("TIFF", "MPO") and _moves(image):
        return "it holds several pictures; save each as a file of its own, or read it as a video"
    if image.mode not in GREY | COLOUR or (image.mode == "I" and image.format != "PPM"):
        return f"pixels of mode {image.mode!r} have no known range; save it with 8 or 16 bits per channel"
    if image.format == "PCX" and image.mode == "L" and not _has_palette(path):
        return "its palette is missing: it is cut short, or it has none; save it as PNG"
    return None


def refusal_of_unknown(path: Path) -> str:
    """Return why Pillow doesn't open an image."""
    with path.open("rb") as file:
        head = file.read(4)
    if not head:
        return "empty file"
    if head in TIFF_MARKS:
        return refusal_of_tiff(path) or f"its kind of TIFF is not read; {REMEDY}"
    return "not an image that can be read"


def _moves(image: Image.Image) -> bool:
    """Say whether there are pictures after the first. Those of an MPO are previews and depths of the first."""
    try:
        return bool(getattr(image, "is_animated", False))
    except (EOFError, OSError, ValueError):
        return False  # it is cut short, which its decoder says better


def _is_lossless(path: Path) -> bool:
    """Say whether a JPEG has the marker of a lossless frame of three channels of 8 bits."""
    with path.open("rb") as file:
        before, frame, _ = file.read().partition(b"\xff\xc3\0\x11\x08")
    return bool(frame) and b"\xff\xda" not in before


def _is_followed(image: Any, path: Path) -> bool:
    """Say whether a second picture follows the samples of a PPM, as it may; those written as text tell no end."""
    tile = image.tile[0]
    if tile.codec_name != "raw":
        return False
    bits = {"1": 1, "L": 8, "RGB": 24}.get(image.mode, 16)
    with path.open("rb") as file:
        file.seek(tile.offset + -(-image.width * bits // 8) * image.height)
        return re.match(rb"\s*P[1-7fF]\s", file.read(8)) is not None


def _has_palette(path: Path) -> bool:
    """Say whether a PCX ends with a palette, which Pillow takes for grey where it is missing."""
    with path.open("rb") as file:
        return file.seek(0, 2) > 128 + 769 and file.seek(-769, 2) > 0 and file.read(1) == b"\x0c"
