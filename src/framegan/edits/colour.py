"""Edits of colour."""

from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field, PlainValidator

from framegan.edits import blackbody
from framegan.edits.outline import Filter, Filtered, Outline, written
from framegan.edits.values import File, Stretch

Preset = Literal[
    "color_negative", "cross_process", "darker", "increase_contrast", "lighter", "linear_contrast", "medium_contrast",
    "negative", "none", "strong_contrast", "vintage",
]  # fmt: skip
"""Of FFmpeg's curves."""
CLOSEST = 0.01 - 1e-9
"""From one point of a curve to the next; FFmpeg refuses two of one level of 255."""
LARGEST_TABLE = 129
"""Colours on a side of a .cube."""
LONGEST_LINE = 500
"""Letters of a line of a .cube; FFmpeg takes what is behind them for the next one."""
DOMAIN = {"DOMAIN_MIN": 0, "DOMAIN_MAX": 1}
"""Of the colours that go into a .cube: FFmpeg doesn't look at these lines everywhere."""


def _points(text: object) -> str:
    """Return the points of a curve as FFmpeg reads them."""
    try:
        points = [tuple(map(float, point.split("/"))) for point in str(text).split()]
        fits = all(len(point) == 2 and all(0 <= value <= 1 for value in point) for point in points)
        rises = all(later[0] - point[0] >= CLOSEST for point, later in pairwise(points))
    except ValueError:
        points, fits, rises = [], False, False
    if not points or not fits or not rises:
        raise ValueError("points from 0 to 1 as IN/OUT, IN rising by 0.01 or more: '0/0 0.5/0.6 1/1'")
    return " ".join("/".join(map(written, point)) for point in points)


Points = Annotated[str, PlainValidator(_points)]


def _by_table(expression: str) -> list[Filter]:
    """Return what changes each of red, green and blue by itself.

    Args:
        expression: of `val`, from 0 to 255.
    """
    rounded = f"clip(round({expression}),0,255)"
    return [Filter("lut", {"c0": rounded, "c1": rounded, "c2": rounded})]


@dataclass(frozen=True)
class Brightness(Filtered):
    """Add to all colours; 1 is white."""

    example: ClassVar[str] = "brightness=0.2"
    amount: Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False)]

    def filters(self, before: Outline) -> list[Filter]:
        return _by_table(f"val+{written(255 * self.amount)}")


@dataclass(frozen=True)
class Contrast(Filtered):
    """Move all colours away from the middle grey; 1 changes nothing."""

    example: ClassVar[str] = "contrast=1.5"
    factor: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)]

    def filters(self, before: Outline) -> list[Filter]:
        return _by_table(f"(val-127.5)*{written(self.factor)}+127.5")


@dataclass(frozen=True)
class Gamma(Filtered):
    """Lighten what is between black and white (above 1), or darken it."""

    example: ClassVar[str] = "gamma=1.6"
    exponent: Annotated[float, Field(ge=0.1, le=10, allow_inf_nan=False)]

    def filters(self, before: Outline) -> list[Filter]:
        return _by_table(f"255*pow(val/255,{written(1 / self.exponent)})")


@dataclass(frozen=True)
class Levels(Filtered):
    """Stretch the colours from BLACK-WHITE to 0-1."""

    example: ClassVar[str] = "levels=0.1-0.9"
    stretch: Stretch

    def filters(self, before: Outline) -> list[Filter]:
        black, white = self._ends()
        return _by_table(f"(val-{written(255 * black)})*{written(1 / (white - black))}")

    def after(self, before: Outline) -> Outline:
        black, white = self._ends()
        if not black < white <= 1:
            given = f"{black:g}-{'' if self.stretch[1] is None else f'{white:g}'}"
            raise ValueError(f"levels={given} goes beyond white, which is 1, and black is 0; set levels=0.1-0.9, say")
        return before

    def _ends(self) -> tuple[float, float]:
        return self.stretch[0], 1.0 if self.stretch[1] is None else self.stretch[1]


@dataclass(frozen=True)
class Curves(Filtered):
    """Map colours by a curve through points IN/OUT, or one of FFmpeg's.

    Args:
        all: of red, green and blue together.
        red, green, blue: of that colour, besides.
        preset: one of FFmpeg's in their place.
    """

    example: ClassVar[str] = "curves='0/0 0.4/0.6 1/1' curves.blue='0/0.2 1/0.8'"
    all: Points = ""
    red: Points = ""
    green: Points = ""
    blue: Points = ""
    preset: Preset = "none"

    def after(self, before: Outline) -> Outline:
        if not any((self.all, self.red, self.green, self.blue)) and self.preset == "none":
            raise ValueError("curves has no curve; set curves='0/0 0.5/0.6 1/1', or curves.preset=vintage")
        of_one = self.red or self.green or self.blue or self.preset in ("color_negative", "cross_process", "vintage")
        return before.in_colour() if of_one else before

    def filters(self, before: Outline) -> list[Filter]:
        curves = {"all": self.all, "red": self.red, "green": self.green, "blue": self.blue}
        given = {name: points for name, points in curves.items() if points}
        return [Filter("curves", {"preset": self.preset, **given})]


@dataclass(frozen=True)
class Saturation(Filtered):
    """Multiply how strong colours are; 0 leaves greys."""

    example: ClassVar[str] = "saturation=1.8"
    leaves_alpha: ClassVar[bool] = True
    factor: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)]

    def filters(self, before: Outline) -> list[Filter]:
        return [Filter("format", {"pix_fmts": "yuv444p"}), Filter("hue", {"s": written(self.factor)})]


@dataclass(frozen=True)
class Hue(Filtered):
    """Turn all colours by degrees of the colour wheel."""

    example: ClassVar[str] = "hue=90"
    leaves_alpha: ClassVar[bool] = True
    degrees: Annotated[float, Field(ge=-360, le=360, allow_inf_nan=False)]

    def filters(self, before: Outline) -> list[Filter]:
        return [Filter("format", {"pix_fmts": "yuv444p"}), Filter("hue", {"h": written(self.degrees)})]


@dataclass(frozen=True)
class Temperature(Filtered):
    """Show it in light of this colour temperature, in kelvin: 6500 leaves it as it is, less is warmer."""

    example: ClassVar[str] = "temperature=4000"
    kelvin: Annotated[int, Field(ge=1000, le=40_000)]

    def after(self, before: Outline) -> Outline:
        return before.in_colour()

    def filters(self, before: Outline) -> list[Filter]:
        gains = blackbody.gains(self.kelvin)
        return [Filter("lut", {f"c{place}": f"round(val*{written(gain)})" for place, gain in enumerate(gains)})]


@dataclass(frozen=True)
class Lut(Filtered):
    """Map colours by a table in a .cube file."""

    example: ClassVar[str] = "lut=warm.cube"
    file: File

    def after(self, before: Outline) -> Outline:
        _check_cube(self.file)
        return before.in_colour()

    def filters(self, before: Outline) -> list[Filter]:
        return [Filter("lut3d", {"file": str(self.file.absolute())})]


@dataclass(frozen=True)
class Grey(Filtered):
    """Leave brightness alone."""

    example: ClassVar[str] = "grey"
    leaves_alpha: ClassVar[bool] = True

    def after(self, before: Outline) -> Outline:
        return replace(before, channels=2 if before.has_alpha else 1)

    def filters(self, before: Outline) -> list[Filter]:
        return [Filter("format", {"pix_fmts": "gray"})]


@dataclass(frozen=True)
class Invert(Filtered):
    """Show the negative."""

    example: ClassVar[str] = "invert"

    def filters(self, before: Outline) -> list[Filter]:
        return [Filter("negate")]


def _check_cube(path: Path) -> None:
    """Raise ValueError where a file is no table of colours: its first line of another kind is shown."""
    rule = "it should be a .cube file with LUT_3D_SIZE N and N x N x N lines of three numbers"
    size, rows = 0, 0
    if path.suffix.lower() != ".cube":
        raise ValueError(f"lut={path}: {rule}")
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            words = line.split("#")[0].split()
            if len(line) <= LONGEST_LINE and (not words or words[0] == "TITLE" or _is_domain(words)):
                continue
            if words[:1] == ["LUT_3D_SIZE"] and len(words) == 2 and words[1].isdecimal():
                size = int(words[1])
            elif size and len(words) == 3 and _are_numbers(words):
                rows += 1
            else:
                raise ValueError(f"lut={path}, line {number}: {line.strip()[:40]!r}; {rule}, of colours from 0 to 1")
            if size > LARGEST_TABLE or rows > size**3:
                break
    if not 2 <= size <= LARGEST_TABLE or rows != size**3:
        raise ValueError(f"lut={path} has LUT_3D_SIZE {size} and {rows:,} lines; {rule}, N from 2 to {LARGEST_TABLE}")


def _is_domain(words: list[str]) -> bool:
    """Say whether a line says of each colour that it goes from 0, or up to 1."""
    return words[0] in DOMAIN and _are_numbers(words[1:]) and {*map(float, words[1:])} == {DOMAIN[words[0]]}


def _are_numbers(words: list[str]) -> bool:
    try:
        return all(abs(float(word)) < 1e6 for word in words)
    except ValueError:
        return False
