"""Animations of pictures, .gif, .webp, .apng: read picture by picture, as wholes with their times."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from framegan.data.images.image_file import MAX_PIXELS, OVER_LIMIT
from framegan.edits import source_colours
from framegan.edits.outline import Frames, Outline
from framegan.video_files import Shown

FORMATS = ("GIF", "WEBP", "PNG")
UNTIMED = 100
"""Milliseconds that browsers show a picture of an animation that says 10 or less."""


@dataclass(frozen=True)
class Animation:
    """The pictures of a file.

    Args:
        durations: seconds of each.
        mode: of Pillow.
        first: number of the first one; before it may be one that only programs show which know no animations.
        profile: of their colours. None = they are sRGB.
    """

    path: Path
    outline: Outline
    durations: list[Fraction]
    mode: str
    first: int
    profile: bytes | None

    def frames(self) -> Frames:
        start = Fraction()
        with _opened(self.path) as image:
            for place, duration in enumerate(self.durations, self.first):
                image.seek(place)
                picture = _eight_bits(image).convert(self.mode)
                if self.profile and self.mode != "L":
                    picture = source_colours.in_srgb(picture, self.profile)
                yield Shown(start, duration, np.atleast_3d(np.asarray(picture)))
                start += duration


def animation(path: Path) -> Animation | None:
    """Return the animation in a file; None where it holds one picture, or none.

    Raises:
        ValueError: it is damaged.
    """
    try:
        with _opened(path) as image:
            if getattr(image, "n_frames", 1) == 1:
                return None
            if image.width * image.height > MAX_PIXELS:
                raise ValueError(f"{image.width}x{image.height}, {OVER_LIMIT}")
            modes, profile = {image.mode}, image.info.get("icc_profile")
            durations, is_clear = [], False
            first = int(image.info.get("default_image", False))
            for place in range(first, image.n_frames):
                image.seek(place)
                image.load()  # a .webp says how long it is shown once it is decoded
                durations.append(_seconds(image.info.get("duration")))
                modes.add(image.mode)
                is_clear = is_clear or image.has_transparency_data
            width, height = image.size
    except Image.UnidentifiedImageError:
        return None
    mode = "RGBA" if is_clear else "L" if modes <= {"L", "1", "I;16"} else "RGB"
    end, number = sum(durations, Fraction()), len(durations)
    channels = len(mode)
    outline = Outline(width, height, channels, number, end, number / end, Fraction(1, 1000))
    return Animation(path, outline, durations, mode, first, profile)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open a file; whatever a decoder stumbles over is a ValueError."""
    try:
        with Image.open(path, formats=FORMATS) as image:
            yield image
    except (Image.UnidentifiedImageError, ValueError, MemoryError):
        raise
    except Exception as error:
        raise ValueError(str(error) or type(error).__name__) from error


def _eight_bits(image: Any) -> Any:
    """Return an image; of grey with 16 bits the upper 8, which Pillow would take for white."""
    return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)) if image.mode == "I;16" else image


def _seconds(milliseconds: float | None) -> Fraction:
    """Return how long a picture is shown, to a millisecond."""
    return Fraction(round(milliseconds) if milliseconds and milliseconds > 10 else UNTIMED, 1000)
