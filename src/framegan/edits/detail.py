"""Edits of detail: what is between a pixel and its neighbours, in space and time."""

from dataclasses import dataclass
from itertools import chain, islice
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from framegan.edits import graph
from framegan.edits.outline import Filter, Filtered, Frames, Outline, Streamed, by_planes, written

IN_YUV = Filter("format", {"pix_fmts": "yuv444p"})
"""Before filters that know no RGB."""


@dataclass(frozen=True)
class Sharpen(Filtered):
    """Make edges stronger.

    Args:
        size: pixels of what is taken for an edge, odd.
    """

    example: ClassVar[str] = "sharpen=1"
    leaves_alpha: ClassVar[bool] = True
    amount: Annotated[float, Field(gt=0, le=5, allow_inf_nan=False)]
    size: Literal["3", "5", "7", "9", "11", "13"] = "5"

    def filters(self, before: Outline) -> list[Filter]:
        sides = {"lx": self.size, "ly": self.size}
        return [IN_YUV, Filter("unsharp", {**sides, "la": written(self.amount), "ca": "0"})]


@dataclass(frozen=True)
class Blur(Filtered):
    """Blur by a Gaussian with this standard deviation, in pixels."""

    example: ClassVar[str] = "blur=2"
    sigma: Annotated[float, Field(gt=0, le=500, allow_inf_nan=False)]

    def after(self, before: Outline) -> Outline:
        if min(before.width, before.height) < 2:  # FFmpeg's gblur writes over the end of its memory
            raise ValueError(f"blur needs sides of at least 2 pixels, got {before.size}; leave it out, or scale first")
        return before

    def filters(self, before: Outline) -> list[Filter]:
        return by_planes(before, [Filter("gblur", {"sigma": written(self.sigma), "steps": "3"})], mixes=True)


@dataclass(frozen=True)
class Denoise(Filtered):
    """Take out noise.

    Args:
        way: space: what looks alike in a frame is averaged (slow, sharp); time: what hardly changes from frame to
            frame is.
    """

    example: ClassVar[str] = "denoise=4"
    leaves_alpha: ClassVar[bool] = True
    strength: Annotated[float, Field(ge=1, le=15, allow_inf_nan=False)] = 4
    way: Literal["space", "time"] = "space"

    def filters(self, before: Outline) -> list[Filter]:
        if self.way == "space":
            return [Filter("nlmeans", {"s": written(self.strength), "p": "5", "r": "11"})]
        near, far = written(0.02 * self.strength), written(0.04 * self.strength)
        options = {f"{plane}{which}": value for plane in "012" for which, value in (("a", near), ("b", far))}
        return [Filter("atadenoise", {**options, "s": "5"})]


@dataclass(frozen=True)
class Deflicker(Streamed):
    """Give each frame the brightness of those around it.

    Args:
        window: how many are looked at; of a shorter clip all.
    """

    example: ClassVar[str] = "deflicker=5"
    window: Annotated[int, Field(ge=2, le=129)] = 5

    def after(self, before: Outline) -> Outline:
        before.require_time("deflicker")
        graph.require("deflicker", "deflicker")
        return before

    def frames(self, frames: Frames, before: Outline) -> Frames:
        first = list(islice(frames, self.window))
        if len(first) < 2:
            yield from first
            return
        # FFmpeg would take frames that a clip doesn't have for black, and what is known of their number may be a guess
        filters = [IN_YUV, Filter("deflicker", {"size": str(len(first)), "mode": "am"})]
        yield from graph.filtered(chain(first, frames), before, filters, leaves_alpha=True)


@dataclass(frozen=True)
class Stabilise(Filtered):
    """Take out the shaking of a camera.

    Args:
        reach: how far frames are moved at most, in pixels.
    """

    example: ClassVar[str] = "stabilise=16"
    leaves_alpha: ClassVar[bool] = True
    reach: Literal["16", "32", "48", "64"] = "16"

    def after(self, before: Outline) -> Outline:
        before.require_time("stabilise")
        needed = 2 * int(self.reach) + 32  # a block of 16 pixels, and what is around it
        if min(before.width, before.height) < needed:
            raise ValueError(f"stabilise needs sides of at least {needed} pixels, got {before.size}; scale first")
        return before

    def filters(self, before: Outline) -> list[Filter]:
        return [IN_YUV, Filter("deshake", {"rx": self.reach, "ry": self.reach, "edge": "mirror"})]


@dataclass(frozen=True)
class Vignette(Filtered):
    """Darken the corners; 1 is the most."""

    example: ClassVar[str] = "vignette=0.5"
    leaves_alpha: ClassVar[bool] = True
    strength: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 0.5

    def filters(self, before: Outline) -> list[Filter]:
        return [Filter("vignette", {"angle": written(self.strength * 1.25), "dither": "0"})]


@dataclass(frozen=True)
class Grain(Filtered):
    """Add noise as of a film, the same for the same seed."""

    example: ClassVar[str] = "grain=20"
    leaves_alpha: ClassVar[bool] = True
    strength: Annotated[int, Field(ge=1, le=100)]
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0

    def filters(self, before: Outline) -> list[Filter]:
        return [Filter("noise", {"alls": str(self.strength), "allf": "t", "all_seed": str(self.seed)})]
