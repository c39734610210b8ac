"""What is known of pictures before the first of them is read, and what an edit is: a change of that, and of them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np

from framegan.data.images.image_file import MAX_PIXELS
from framegan.video_files import Shown

Frames = Iterator[Shown]
"""Of pixels that have three channels, or four with alpha, whatever `Outline.channels` says."""
LARGEST_SIDE = 16_383
"""Pixels; no .webp has more."""
LARGEST_TICK = 2**31 - 1
"""Of the numerator and the denominator of FFmpeg's times."""
MICROSECOND = Fraction(1, 1_000_000)
HELD_BYTES = 1 << 30
"""Of frames that an edit or a file needs all at once."""


@dataclass(frozen=True)
class Outline:
    """Of one picture, or of pictures that follow each other.

    Args:
        channels: 1 grey, 2 grey with alpha, 3 RGB, 4 RGB with alpha.
        end: seconds, when the last one ends.
        rate: frames a second, on the whole.
        tick: seconds, of which all times are multiples; where there is none, they are rounded to it.
        still: it is a picture, which has no time.
    """

    width: int
    height: int
    channels: int
    num_frames: int
    end: Fraction
    rate: Fraction
    tick: Fraction
    still: bool = False

    @property
    def size(self) -> str:
        return f"{self.width}x{self.height}"

    @property
    def has_alpha(self) -> bool:
        return self.channels in (2, 4)

    def in_colour(self) -> "Outline":
        return replace(self, channels=max(3, self.channels + 2)) if self.channels < 3 else self

    def resized(self, width: int, height: int) -> "Outline":
        """Return it with another size.

        Raises:
            ValueError: that is none, or too large.
        """
        if min(width, height) < 1 or max(width, height) > LARGEST_SIDE:
            raise ValueError(
                f"pictures of {self.size} would become {width}x{height}; a side has 1 to {LARGEST_SIDE:,} pixels"
            )
        if width * height > MAX_PIXELS:
            raise ValueError(
                f"pictures of {self.size} would become {width}x{height}; a picture has at most {MAX_PIXELS:,} pixels"
            )
        return replace(self, width=width, height=height)

    def timed(self, num_frames: int, end: Fraction, rate: Fraction, tick: Fraction) -> "Outline":
        """Return it with other times; a tick that FFmpeg can't count becomes a microsecond."""
        fits = max(tick.numerator, tick.denominator) <= LARGEST_TICK
        return replace(self, num_frames=num_frames, end=end, rate=rate, tick=tick if fits else MICROSECOND)

    def require_time(self, name: str) -> None:
        """Raise ValueError where it is a picture; an edit of this name needs a clip."""
        if self.still:
            raise ValueError(f"{name} needs a clip, and this is a picture; leave it out")

    def require_memory(self, what: str, remedy: str) -> None:
        """Raise ValueError where all frames at once are too many."""
        size = self.num_frames * self.width * self.height * (4 if self.has_alpha else 3)
        if size > HELD_BYTES:
            raise ValueError(
                f"{what} holds all frames in memory: {self.num_frames:,} of {self.size} take {size / 2**30:.1f} GiB, "
                f"more than {HELD_BYTES / 2**30:g} GiB; {remedy}"
            )


@dataclass(frozen=True)
class Filter:
    """A filter of FFmpeg.

    Args:
        name: as FFmpeg calls it.
        options: of the filter, each by itself: no text is read as a description of filters.
        beside: a picture for its second input, uint8 (H, W, 4). None = it has one input.
    """

    name: str
    options: dict[str, str] = field(default_factory=dict)
    beside: np.ndarray | None = None


@dataclass(frozen=True)
class Edit:
    """One edit; its first field is what stands behind NAME=, the others are set by NAME.FIELD=.

    Attributes:
        example: words of a command line, for people and for tests.
        changes_timing: whether frames are shown at other times afterwards, or others are.
        keeps_pace: what happens at a time still does, so that sound stays beside it.
    """

    example: ClassVar[str] = ""
    changes_timing: ClassVar[bool] = False
    keeps_pace: ClassVar[bool] = False

    def after(self, before: Outline) -> Outline:
        """Return what pictures are like afterwards.

        Raises:
            ValueError: these can't be edited so.
        """
        return before


class Filtered(Edit):
    """An edit of every frame by filters, which return as many.

    Attributes:
        leaves_alpha: these filters know no alpha, and don't move pixels: it stays as it is.
    """

    leaves_alpha: ClassVar[bool] = False

    def filters(self, before: Outline) -> list[Filter]:
        raise NotImplementedError


class Streamed(Edit):
    """An edit that takes frames as they come, and yields them edited."""

    def frames(self, frames: Frames, before: Outline) -> Frames:
        raise NotImplementedError


class Timed(Streamed):
    """An edit of when frames are shown."""

    changes_timing = True


class Measured(Edit):
    """An edit of every frame by what all of them have in common, which is found first: they are read twice."""

    def found(self, frames: Frames, before: Outline) -> Any:
        """Return what `frames` needs to know of all frames."""
        raise NotImplementedError

    def frames(self, frames: Frames, found: Any) -> Frames:
        raise NotImplementedError


class Joining(Edit):
    """An edit that makes one of several."""

    changes_timing = True

    def joined(self, before: Sequence[Outline]) -> Outline:
        raise NotImplementedError

    def frames(self, several: Sequence[Callable[[], Frames]], before: Sequence[Outline]) -> Frames:
        raise NotImplementedError


def by_planes(before: Outline, filters: Sequence[Filter], *, mixes: bool) -> list[Filter]:
    """Return filters that get red, green, blue and alpha one by one.

    Args:
        mixes: they mix neighbours, so that colours count as much as they are seen.
    """
    if not before.has_alpha:
        return [Filter("format", {"pix_fmts": "gbrp"}), *filters]
    planes = Filter("format", {"pix_fmts": "gbrap"})
    if not mixes:
        return [planes, *filters]
    inplace = {"inplace": "1"}
    return [planes, Filter("premultiply", inplace), *filters, Filter("unpremultiply", inplace)]


def written(value: Any) -> str:
    """Return a number as FFmpeg reads it."""
    return f"{float(value):.9f}"
