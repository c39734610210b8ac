"""How the values of edits are written: sizes, places, stretches of time, colours, files."""

import re
from pathlib import Path
from typing import Annotated, NamedTuple

from PIL import ImageColor
from pydantic import Field, PlainValidator

SIZE = re.compile(r"(\d{1,6})x(\d{1,6})(?:\+(\d{1,6})\+(\d{1,6}))?")
RANGE = re.compile(r"(\d*\.?\d+)?-(\d*\.?\d+)?")
NUMBER = re.compile(r"\d*\.?\d+")


class Area(NamedTuple):
    """A part of a picture; x and y = None: its middle."""

    width: int
    height: int
    x: int | None
    y: int | None

    def __str__(self) -> str:
        place = "" if self.x is None else f"+{self.x}+{self.y}"
        return f"{self.width}x{self.height}{place}"


def _area(text: object) -> Area:
    if isinstance(text, Area):
        return text
    found = SIZE.fullmatch(str(text))
    if not found or "0" in (found[1].lstrip("0") or "0", found[2].lstrip("0") or "0"):
        raise ValueError("WIDTHxHEIGHT or WIDTHxHEIGHT+X+Y in pixels, such as 32x32+4+4")
    width, height, x, y = (None if number is None else int(number) for number in found.groups())
    assert width is not None
    assert height is not None
    return Area(width, height, x, y)


def _size_or_factor(text: object) -> Area | float:
    if isinstance(text, int | float) or NUMBER.fullmatch(str(text)):
        factor = float(str(text))
        if 1 / 64 <= factor <= 64:
            return factor
    try:
        found = _area(text)
    except ValueError:
        found = None
    if found is None or found.x is not None:
        raise ValueError("a factor from 1/64 to 64 such as 2, or WIDTHxHEIGHT in pixels such as 128x96")
    return found


def _border_or_area(text: object) -> Area | int:
    if isinstance(text, int) or str(text).isdecimal():
        return int(str(text))
    try:
        return _area(text)
    except ValueError:
        raise ValueError("pixels on each side such as 8, or WIDTHxHEIGHT or WIDTHxHEIGHT+X+Y") from None


def _range(text: object) -> tuple[float, float | None]:
    if isinstance(text, tuple):
        return text
    found = RANGE.fullmatch(str(text))
    first, last = [float(part) if part else None for part in found.groups()] if found else [None, None]
    if (first is None and last is None) or (last is not None and last <= (first or 0)):
        raise ValueError("FIRST-LAST, such as 0.5-2, or one of them, such as 0.5-")
    return first or 0.0, last


def _colour(text: object) -> str:
    try:
        ImageColor.getrgb(str(text))
    except ValueError:
        raise ValueError("a colour, such as black, orange or #ff8800") from None
    return str(text)


def _file(text: object) -> Path:
    path = Path(str(text)).expanduser()
    if not path.is_file():
        raise ValueError("a file that exists")
    return path


Cut = Annotated[Area, PlainValidator(_area)]
SizeOrFactor = Annotated[Area | float, PlainValidator(_size_or_factor)]
BorderOrArea = Annotated[Area | int, PlainValidator(_border_or_area)]
Stretch = Annotated[tuple[float, float | None], PlainValidator(_range)]
Colour = Annotated[str, PlainValidator(_colour)]
"""As Pillow names it: black, #ff8800, hsl(120, 100%, 50%)."""
File = Annotated[Path, PlainValidator(_file)]
"""A file that an edit reads; no file that says how it was made may name one."""
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


def is_grey(colour: str) -> bool:
    """Say whether a colour is a grey, black or white."""
    red, green, blue, *_ = ImageColor.getrgb(colour)
    return red == green == blue


def for_ffmpeg(colour: str) -> str:
    """Return a colour as FFmpeg reads it."""
    red, green, blue, *alpha = ImageColor.getrgb(colour)
    return f"0x{red:02x}{green:02x}{blue:02x}{alpha[0] if alpha else 255:02x}"
