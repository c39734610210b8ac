"""Edits of size and place. Pixels that aren't scaled or turned by an odd angle stay the same to the bit."""

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from framegan.edits.outline import Filter, Filtered, Outline, by_planes, written
from framegan.edits.values import Area, BorderOrArea, Colour, Cut, SizeOrFactor, for_ffmpeg, is_grey

KERNELS = {"nearest": "neighbor", "bilinear": "bilinear", "bicubic": "bicubic", "lanczos": "lanczos", "area": "area"}
"""Of scaling, by FFmpeg's names."""
UPSIDE_DOWN = [Filter("vflip"), Filter("copy")]
"""The copy, as vflip alone leaves rows to be read backwards, which PyAV 17 doesn't."""
EXACT = "+accurate_rnd+full_chroma_int"


@dataclass(frozen=True)
class Scale(Filtered):
    """Scale by a factor, or to WIDTHxHEIGHT.

    Args:
        kernel: nearest repeats pixels, area averages those that become one.
    """

    example: ClassVar[str] = "scale=2 scale.kernel=lanczos"
    to: SizeOrFactor
    kernel: Literal["nearest", "bilinear", "bicubic", "lanczos", "area"] = "lanczos"

    def after(self, before: Outline) -> Outline:
        if isinstance(self.to, Area):
            return before.resized(self.to.width, self.to.height)
        return before.resized(max(1, round(before.width * self.to)), max(1, round(before.height * self.to)))

    def filters(self, before: Outline) -> list[Filter]:
        made = self.after(before)
        scaled = Filter("scale", {"w": str(made.width), "h": str(made.height), "flags": KERNELS[self.kernel] + EXACT})
        return by_planes(before, [scaled], mixes=self.kernel != "nearest")


@dataclass(frozen=True)
class Crop(Filtered):
    """Keep WIDTHxHEIGHT+X+Y of each picture; without +X+Y its middle."""

    example: ClassVar[str] = "crop=32x24+4+4"
    area: Cut

    def after(self, before: Outline) -> Outline:
        x, y = self._place(before)
        if x < 0 or y < 0 or x + self.area.width > before.width or y + self.area.height > before.height:
            raise ValueError(f"crop={self.area} goes beyond pictures of {before.size}; choose a part of them, or pad")
        return before.resized(self.area.width, self.area.height)

    def filters(self, before: Outline) -> list[Filter]:
        x, y = self._place(before)
        sides = {"w": str(self.area.width), "h": str(self.area.height)}
        return [Filter("crop", {**sides, "x": str(x), "y": str(y), "exact": "1"})]

    def _place(self, before: Outline) -> tuple[int, int]:
        if self.area.x is None or self.area.y is None:
            return (before.width - self.area.width) // 2, (before.height - self.area.height) // 2
        return self.area.x, self.area.y


@dataclass(frozen=True)
class Rotate(Filtered):
    """Turn clockwise by degrees; by multiples of 90 exactly.

    Args:
        grow: whether the picture grows until nothing is cut off, at other angles.
        fill: colour of the corners.
    """

    example: ClassVar[str] = "rotate=30"
    degrees: Annotated[float, Field(ge=-360, le=360, allow_inf_nan=False)]
    grow: bool = False
    fill: Colour = "black"

    def after(self, before: Outline) -> Outline:
        if self.degrees % 90:
            made = before if is_grey(self.fill) else before.in_colour()
            return made.resized(*self._grown(before)) if self.grow else made
        return before if self.degrees % 180 == 0 else before.resized(before.height, before.width)

    def filters(self, before: Outline) -> list[Filter]:
        if self.degrees % 90:
            made = self.after(before)
            sides = {"ow": str(made.width), "oh": str(made.height)}
            turned = Filter("rotate", {"a": written(math.radians(self.degrees)), **sides, "c": for_ffmpeg(self.fill)})
            return by_planes(before, [turned], mixes=True) if before.has_alpha else [turned]
        turns: dict[float, list[Filter]] = {
            0: [Filter("null")],
            90: [Filter("transpose", {"dir": "clock"})],
            180: [Filter("hflip"), *UPSIDE_DOWN],
            270: [Filter("transpose", {"dir": "cclock"})],
        }
        return turns[self.degrees % 360]

    def _grown(self, before: Outline) -> tuple[int, int]:
        sine, cosine = (abs(f(math.radians(self.degrees))) for f in (math.sin, math.cos))
        across = before.width * cosine + before.height * sine
        return math.ceil(across - 1e-9), math.ceil(before.width * sine + before.height * cosine - 1e-9)


@dataclass(frozen=True)
class Flip(Filtered):
    """Mirror left to right (horizontal) or top to bottom (vertical)."""

    example: ClassVar[str] = "flip=horizontal"
    way: Literal["horizontal", "vertical"] = "horizontal"

    def filters(self, before: Outline) -> list[Filter]:
        return [Filter("hflip")] if self.way == "horizontal" else UPSIDE_DOWN


@dataclass(frozen=True)
class Pad(Filtered):
    """Add pixels on each side, or put the picture into WIDTHxHEIGHT, at +X+Y or in its middle.

    Args:
        colour: of what is added.
    """

    example: ClassVar[str] = "pad=8 pad.colour=orange"
    to: BorderOrArea
    colour: Colour = "black"

    def after(self, before: Outline) -> Outline:
        width, height, x, y = self._area(before)
        if x < 0 or y < 0 or x + before.width > width or y + before.height > height:
            raise ValueError(f"pad={self.to} is too small for pictures of {before.size}; choose a larger one, or crop")
        return (before if is_grey(self.colour) else before.in_colour()).resized(width, height)

    def filters(self, before: Outline) -> list[Filter]:
        names = "w", "h", "x", "y"
        options = {name: str(value) for name, value in zip(names, self._area(before), strict=True)}
        return [Filter("pad", {**options, "color": for_ffmpeg(self.colour)})]

    def _area(self, before: Outline) -> tuple[int, int, int, int]:
        if isinstance(self.to, int):
            return before.width + 2 * self.to, before.height + 2 * self.to, self.to, self.to
        width, height, x, y = self.to
        if x is None or y is None:
            return width, height, (width - before.width) // 2, (height - before.height) // 2
        return width, height, x, y


@dataclass(frozen=True)
class Pixelate(Filtered):
    """Show squares, with sides of this many pixels, as their mean."""

    example: ClassVar[str] = "pixelate=4"
    side: Annotated[int, Field(ge=2, le=512)]

    def filters(self, before: Outline) -> list[Filter]:
        squares = Filter("pixelize", {"w": str(self.side), "h": str(self.side), "m": "avg"})
        return by_planes(before, [squares], mixes=True) if before.has_alpha else [squares]
