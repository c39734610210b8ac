"""One image file: its header checked, its pixels decoded upright, without alpha, and fitted to a square."""

from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageOps

EXTENSIONS = (".bmp", ".gif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""What a file with these extensions may hold; Pillow knows others that run programs, such as EPS."""

MAX_PIXELS = 89_478_485
"""Of an image, or of a frame of a video; more are not decoded. They take a quarter of a GB as RGB, and Pillow warns of
them too."""
OVER_LIMIT = f"more than the {MAX_PIXELS:,} pixels that are read; make it smaller or cut it up"

GREY = {"1", "L", "LA", "I;16", "I;16B", "I"}
COLOUR = {"P", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr"}
"""Pillow's modes that are read; 32 bits (I) only from PPM, where they hold 16."""

Resize = Literal["crop", "pad", "stretch"]
Filter = Literal["area", "bilinear", "bicubic", "lanczos"]
FILTERS: dict[Filter, Image.Resampling] = {
    "area": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
"""Of scaling; all of them are antialiased. Enlarging has no area to average: it is bilinear then, as FFmpeg's."""


def is_grey(path: Path) -> bool:
    """Say from its header whether an image is grey; one with a palette counts as colour.

    Raises:
        ValueError: there is no header that can be read, or it announces pixels that we don't; without the path.
    """
    return _header(path)[0] in GREY


def size_of(path: Path) -> tuple[int, int]:
    """Return (width, height) of an image from its header; raises as `is_grey`."""
    return _header(path)[1]


def _header(path: Path) -> tuple[str, tuple[int, int]]:
    """Return the mode and the size (width, height) of an image."""
    if path.stat().st_size == 0:
        raise ValueError("empty file")
    with _open(path) as image:
        if image.mode not in GREY | COLOUR or (image.mode == "I" and image.format != "PPM"):
            raise ValueError(
                f"pixels of mode {image.mode!r} have no known range; save it with 8 or 16 bits per channel"
            )
        return image.mode, image.size


def decode(path: Path, channels: Literal[1, 3]) -> Image.Image:
    """Return an image upright, grey or RGB, transparent parts black; the first frame of several.

    Raises:
        ValueError: the file can't be decoded; without the path.
    """
    with _open(path) as file:
        try:
            image = ImageOps.exif_transpose(file)
        except Exception as error:  # a decoder may stumble over anything in a damaged file
            raise ValueError(str(error) or type(error).__name__) from None
    return _without_alpha(_eight_bits(image)).convert("L" if channels == 1 else "RGB")


def to_square(image: Image.Image, resolution: int, policy: Resize, filter: Filter = "lanczos") -> np.ndarray:
    """Return an image as (resolution, resolution, channels) uint8."""
    return np.array(_to_square(image, resolution, policy, filter)).reshape(resolution, resolution, -1)


def read(
    path: Path, resolution: int, channels: Literal[1, 3], policy: Resize, filter: Filter = "lanczos"
) -> np.ndarray:
    """Return an image file as (resolution, resolution, channels) uint8; see `decode`."""
    return to_square(decode(path, channels), resolution, policy, filter)


def _open(path: Path) -> Image.Image:
    """Open an image whose pixels are not too many to be decoded."""
    try:
        image = Image.open(path, formats=FORMATS)
    except Image.UnidentifiedImageError:
        raise ValueError("not an image that can be read") from None
    except Image.DecompressionBombError:
        raise ValueError(OVER_LIMIT) from None
    except Exception as error:
        raise ValueError(str(error) or type(error).__name__) from None
    if image.width * image.height > MAX_PIXELS:
        image.close()
        raise ValueError(f"{image.width}x{image.height}, {OVER_LIMIT}")
    return image


def _eight_bits(image: Image.Image) -> Image.Image:
    """Scale grey of 16 bits; Pillow's own conversion clips it."""
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return image


def _without_alpha(image: Image.Image) -> Image.Image:
    """Lay what may be transparent over black."""
    if not image.has_transparency_data:
        return image
    grey = image.mode in GREY
    layers = image.convert("LA" if grey else "RGBA")
    canvas = Image.new("L" if grey else "RGB", image.size)
    canvas.paste(layers.convert(canvas.mode), mask=layers.getchannel("A"))
    return canvas


def _to_square(image: Image.Image, resolution: int, policy: Resize, filter: Filter) -> Image.Image:
    size, width, height = (resolution, resolution), image.width, image.height
    if policy == "crop":
        side = min(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        return _scale(image, (left, top, left + side, top + side), size, filter)
    whole = (0, 0, width, height)
    if policy == "pad":
        scale = resolution / max(width, height)
        fitted = max(1, round(width * scale)), max(1, round(height * scale))
        canvas = Image.new(image.mode, size)
        corner = (resolution - fitted[0]) // 2, (resolution - fitted[1]) // 2
        canvas.paste(_scale(image, whole, fitted, filter), corner)
        return canvas
    return _scale(image, whole, size, filter)


def _scale(
    image: Image.Image, box: tuple[float, float, float, float], size: tuple[int, int], filter: Filter
) -> Image.Image:
    """Return what is in a box (left, top, right, bottom) at a size (width, height)."""
    left, top, right, bottom = box
    if filter == "area" and (size[0] > right - left or size[1] > bottom - top):
        filter = "bilinear"
    return image.resize(size, FILTERS[filter], box)
