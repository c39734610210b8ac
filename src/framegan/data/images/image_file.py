"""One image file: its header checked, its pixels decoded upright and fitted to one size."""

import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
from PIL import Image, features
from PIL.JpegImagePlugin import JpegImageFile

from framegan.data.images.bare_image import without_metadata
from framegan.data.images.file import File
from framegan.data.images.image_refusals import GREY, refusal, refusal_of_unknown
from framegan.data.images.orientation import FROM_BELOW, FROM_RIGHT, LYING, orientation_of, turned
from framegan.data.images.pixels import eight_bits, with_alpha, without_alpha
from framegan.data.resolution import sides_of, simplest

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
"""Formats that are hardly known by their content, so that the ending decides; of others the content does."""
FORMATS = [name for name in ENDINGS if name not in NEEDED or features.check(NEEDED[name])]
EXTENSIONS = tuple(sorted(ending for name in FORMATS for ending in ENDINGS[name]))

MAX_PIXELS = 89_478_485
"""Of an image, or of a frame of a video; more are not decoded. They take a quarter of a GB as RGB, and Pillow warns of
them too."""
OVER_LIMIT = f"more than the {MAX_PIXELS:,} pixels that are read; make it smaller or cut it up"

Answer = TypeVar("Answer")
Resize = Literal["crop", "pad", "stretch"]
Channels = Literal[1, 2, 3, 4]
MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
"""By channels: grey, grey with alpha, colour, colour with alpha."""
Filter = Literal["area", "bilinear", "bicubic", "lanczos"]


class UnfitError(ValueError):
    """Says why an image is not read though it is whole."""


def is_grey(path: File) -> bool:
    """Say from its header whether an image is grey; one with a palette counts as colour.

    Raises:
        ValueError: there is no header that can be read, or it announces pixels that we don't; without the path.
    """
    return ask(path, lambda image: image.mode in GREY)


def size_of(path: File) -> tuple[int, int]:
    """Return (width, height) of an image, upright, from its header; raises as `is_grey`."""
    return ask(path, lambda image: image.size if orientation_of(image) < 5 else image.size[::-1])


def decode(path: File, channels: Channels) -> Image.Image:
    """Return an image upright, of the mode that these channels have; without alpha, transparent parts are black.

    Raises:
        ValueError: the file can't be decoded; without the path.
    """
    return ask(path, lambda image: _upright_in(image, channels))


def decode_reduced(path: File, fit: "Fit") -> np.ndarray:
    """Return an image as `decode` and a fit do, but that a large JPEG is decoded at a half, a quarter or an eighth.

    That is done where twice the pixels a side that are needed are left, and takes a third of the time. It raises as
    `decode` does.
    """

    def pixels(image: Image.Image) -> np.ndarray:
        if not isinstance(image, JpegImageFile):
            return fit(_upright_in(image, fit.channels))
        size, orientation = image.size, orientation_of(image)
        least = fit.least(size[::-1] if orientation in LYING else size)
        reduced = image.draft(None, least[::-1] if orientation in LYING else least)
        whole = _upright_in(image, fit.channels)
        if reduced is None:
            return fit(whole)
        _, (_, _, across, down) = reduced  # which may be parts of a pixel, in the last row and column
        if orientation in LYING:
            size, across, down = size[::-1], down, across
        left = whole.width - across if orientation in FROM_RIGHT else 0.0
        top = whole.height - down if orientation in FROM_BELOW else 0.0
        return fit(whole, size, (left, top, left + across, top + down))

    return ask(path, pixels)


def _upright_in(image: Image.Image, channels: Channels) -> Image.Image:
    orientation = orientation_of(image)
    whole = turned(eight_bits(image), orientation)
    layers = (with_alpha if channels in (2, 4) else without_alpha)(whole)
    layers.load()
    return layers if layers.mode == MODES[channels] else layers.convert(MODES[channels])


@dataclass(frozen=True)
class Fit:
    """Fits images in the colours asked for to one size.

    Args:
        resize: crop the middle of the image to the shape of the resolution, pad it with black, or stretch it.
        filter: of scaling; all of them are antialiased. Enlarging has no area to average: it is bilinear then, as
            FFmpeg's.
    """

    resolution: int | tuple[int, int]
    channels: Channels
    resize: Resize
    filter: Filter

    def __post_init__(self) -> None:
        object.__setattr__(self, "resolution", simplest(self.resolution))

    def __call__(
        self, image: Image.Image, whole: tuple[int, int] | None = None, shown: tuple[float, ...] | None = None
    ) -> np.ndarray:
        """Return an image as uint8 (height, width, channels).

        Args:
            whole: the (width, height) of what it shows, if it shows that reduced.
            shown: in which part of it, (left, top, right, bottom), in its own pixels.
        """
        width, height = whole or image.size
        left, top, right, bottom = shown or (0, 0, width, height)
        size, placed = self._placed(width, height)
        across, down = (right - left) / width, (bottom - top) / height
        box = left + placed[0] * across, top + placed[1] * down, left + placed[2] * across, top + placed[3] * down
        enlarges = size[0] > box[2] - box[0] or size[1] > box[3] - box[1]
        filter = {"area": "bilinear" if enlarges else "box"}.get(self.filter, self.filter)
        if image.size != size or box != (0, 0, *size):
            image = image.resize(size, Image.Resampling[filter.upper()], box)
        pixels = np.array(image).reshape(*size[::-1], -1)
        if self.channels in (2, 4):
            pixels[pixels[..., -1] == 0] = 0  # whatever colour lies where nothing is seen
        return padded(pixels, self.resolution) if self.resize == "pad" else pixels

    def least(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return which (width, height) of an image of this one still has twice the pixels a side that are needed."""
        (across, down), (left, top, right, bottom) = self._placed(*size)
        factor = 2 * max(across / (right - left), down / (bottom - top))
        return math.ceil(size[0] * factor), math.ceil(size[1] * factor)

    def _placed(self, width: int, height: int) -> tuple[tuple[int, int], tuple[float, float, float, float]]:
        """Return to which (width, height) which part of an image, (left, top, right, bottom), is scaled."""
        down, across = sides_of(self.resolution)
        if self.resize == "pad":
            scale = min(across / width, down / height)
            return (max(1, round(width * scale)), max(1, round(height * scale))), (0, 0, width, height)
        if self.resize == "stretch":
            return (across, down), (0, 0, width, height)
        wide, high = min(width, height * across / down), min(height, width * down / across)
        left, top = (width - wide) / 2, (height - high) / 2
        return (across, down), (left, top, left + wide, top + high)


def padded(pixels: np.ndarray, resolution: int | tuple[int, int]) -> np.ndarray:
    """Return a picture (H, W, C) in the middle of a black one of this size."""
    (height, width, channels), (down, across) = pixels.shape, sides_of(resolution)
    black = np.zeros((down, across, channels), np.uint8)
    top, left = (down - height) // 2, (across - width) // 2
    black[top : top + height, left : left + width] = pixels
    return black


def ask(path: File, question: Callable[[Image.Image], Answer]) -> Answer:
    """Return what is asked of an open image; where that fails, of one without metadata, which never cost a picture."""
    try:
        return _answer(path, path if isinstance(path, Path) else io.BytesIO(path.read_bytes()), question)
    except UnfitError:
        raise
    except ValueError:
        bare = without_metadata(path)
        if bare is None:
            raise
    return _answer(path, bare, question)


@cache
def _formats_of(ending: str) -> list[str]:
    """Return what a file with this ending may be; what it says comes first, which is mostly true."""
    found = [kind for kind in FORMATS if kind not in BY_ENDING or ending.lower() in ENDINGS[kind]]
    return sorted(found, key=lambda kind: ending.lower() not in ENDINGS[kind])


def _answer(path: File, file: Path | io.BytesIO, question: Callable[[Image.Image], Answer]) -> Answer:
    try:
        with Image.open(file, formats=_formats_of(path.suffix)) as image:
            if image.width * image.height > MAX_PIXELS:
                raise UnfitError(f"{image.width}x{image.height}, {OVER_LIMIT}")
            if reason := refusal(image, path):
                raise UnfitError(reason)
            return question(image)
    except UnfitError:
        raise
    except Image.UnidentifiedImageError:
        raise ValueError(refusal_of_unknown(path)) from None
    except Image.DecompressionBombError:
        raise UnfitError(OVER_LIMIT) from None
    except Exception as error:  # a decoder may stumble over anything in a damaged file
        if isinstance(error, OSError) and error.errno:  # it is the disk
            raise UnfitError(str(error.strerror)) from None
        raise ValueError(str(error) or type(error).__name__) from None
