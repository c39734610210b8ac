"""Edits that make one clip of several."""

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import ClassVar, Literal

import numpy as np

from framegan.edits import graph
from framegan.edits.outline import Filter, Frames, Joining, Outline, written
from framegan.edits.values import Seconds
from framegan.video_files import Shown

Transition = Literal[
    "fade", "fadeblack", "fadewhite", "dissolve", "pixelize", "radial", "circleopen", "circleclose", "wipeleft",
    "wiperight", "wipeup", "wipedown", "slideleft", "slideright", "slideup", "slidedown",
]  # fmt: skip
"""Of FFmpeg's xfade."""


@dataclass(frozen=True)
class Concatenate(Joining):
    """Show several clips one after the other."""

    example: ClassVar[str] = "concatenate"

    def joined(self, before: Sequence[Outline]) -> Outline:
        _require_one_size(before, "concatenate")
        return _one_after_the_other(before, Fraction())

    def frames(self, several: Sequence[Callable[[], Frames]], before: Sequence[Outline]) -> Frames:
        begin = end = Fraction()
        for frames in several:
            begin = end
            for start, duration, pixels in frames():
                end = begin + start + duration
                yield Shown(begin + start, duration, pixels)


@dataclass(frozen=True)
class Crossfade(Joining):
    """Show several clips one after the other; each fades into the next during this many seconds.

    Args:
        transition: how one becomes the next.
    """

    example: ClassVar[str] = "crossfade=0.5 crossfade.transition=wipeleft"
    seconds: Seconds
    transition: Transition = "fade"

    def joined(self, before: Sequence[Outline]) -> Outline:
        _require_one_size(before, "crossfade")
        graph.require("crossfade", "xfade")
        seconds = self._whole(before[0])
        for number, one in enumerate(before):
            one.require_time("crossfade")
            needed = seconds * (2 if 0 < number < len(before) - 1 else 1)
            if one.end < needed:
                raise ValueError(
                    f"crossfade={self.seconds:g} needs {float(needed):g} s of clip {number + 1}, which lasts "
                    f"{float(one.end):g} s; set less"
                )
            held = replace(one, num_frames=math.ceil(2 * seconds * one.num_frames / one.end))  # with those of the next
            held.require_memory("crossfade", "set less")
        return _one_after_the_other(before, seconds)

    def frames(self, several: Sequence[Callable[[], Frames]], before: Sequence[Outline]) -> Frames:
        seconds = self._whole(before[0])
        made = several[0]()
        for number, frames in enumerate(several[1:]):
            made = self._pair(made, frames(), seconds, before[number])
        return made

    def _whole(self, first: Outline) -> Fraction:
        """Return how long it takes: a whole number of the first clip's frames."""
        return max(1, round(Fraction(str(self.seconds)) * first.rate)) / first.rate

    def _pair(self, first: Frames, second: Frames, seconds: Fraction, before: Outline) -> Frames:
        held: deque[Shown] = deque()
        end = Fraction()
        for shown in first:
            held.append(shown)
            end = shown.start + shown.duration
            while held[0].start + held[0].duration <= end - seconds:
                yield held.popleft()
        begin = max(Fraction(), end - seconds)
        length = end - begin
        if held[0].start < begin:  # its first part is shown by itself
            whole = held.popleft()
            yield whole._replace(duration=begin - whole.start)
            held.appendleft(Shown(begin, whole.start + whole.duration - begin, whole.pixels))
        fading = (shown._replace(start=shown.start - begin) for shown in held)
        both = _at_the_same_time([fading, second])
        pairs: list[tuple[Shown, np.ndarray]] = []
        start = until = Fraction()
        for start, duration, (one, other) in both:
            until = start + duration
            if start < length:
                pairs.append((Shown(start, min(until, length) - start, one), other))
            if until >= length:
                break
        for shown in self._blended(pairs, seconds, before):
            yield shown._replace(start=begin + shown.start)
        if until > length:
            start = max(start, length)
            yield Shown(begin + start, until - start, other)
        for start, duration, (_, other) in both:
            yield Shown(begin + start, duration, other)

    def _blended(self, pairs: Sequence[tuple[Shown, np.ndarray]], seconds: Fraction, before: Outline) -> Frames:
        options = {"transition": self.transition, "duration": written(seconds), "offset": "0"}
        pixels = graph.of_pairs(pairs, before, Filter("xfade", options))
        for (shown, _), made in zip(pairs, pixels, strict=True):
            yield shown._replace(pixels=made)


@dataclass(frozen=True)
class Stack(Joining):
    """Show several at the same time, beside or above each other; what ends first keeps its last frame."""

    example: ClassVar[str] = "stack=beside"
    way: Literal["beside", "above"] = "beside"

    def joined(self, before: Sequence[Outline]) -> Outline:
        side = "height" if self.way == "beside" else "width"
        if len({getattr(one, side) for one in before}) > 1:
            sizes = ", ".join(one.size for one in before)
            raise ValueError(
                f"stack={self.way} needs pictures of one {side}, got {sizes}; scale, crop or pad them first"
            )
        across, down = [one.width for one in before], [one.height for one in before]
        size = (sum(across), down[0]) if self.way == "beside" else (across[0], sum(down))
        whole = replace(_of_all(before), still=all(one.still for one in before)).resized(*size)
        longest = max(before, key=lambda one: one.end)
        number = max(one.num_frames for one in before)
        return whole.timed(number, longest.end, max(one.rate for one in before), _tick(before))

    def frames(self, several: Sequence[Callable[[], Frames]], before: Sequence[Outline]) -> Frames:
        axis = 1 if self.way == "beside" else 0
        for start, duration, all_pixels in _at_the_same_time([frames() for frames in several]):
            yield Shown(start, duration, np.concatenate(all_pixels, axis=axis))


def _at_the_same_time(several: Sequence[Frames]) -> Iterator[tuple[Fraction, Fraction, list[np.ndarray]]]:
    """Yield what each shows, whenever one of them shows another frame."""
    current = [next(frames) for frames in several]
    behind = [next(frames, None) for frames in several]
    now = Fraction()
    while True:
        coming = [shown.start for shown in behind if shown is not None]
        end = min(coming, default=max(shown.start + shown.duration for shown in current))
        yield now, end - now, [shown.pixels for shown in current]
        if not coming:
            return
        now = end
        for place, shown in enumerate(behind):
            if shown is not None and shown.start == now:
                current[place], behind[place] = shown, next(several[place], None)


def _one_after_the_other(before: Sequence[Outline], shared: Fraction) -> Outline:
    end = sum((one.end for one in before), Fraction()) - shared * (len(before) - 1)
    number = sum(one.num_frames for one in before)
    if len({one.rate for one in before}) == 1:  # else frames change at the times of both
        number -= round(shared * before[0].rate) * (len(before) - 1)
    return replace(_of_all(before), still=False).timed(number, end, max(one.rate for one in before), _tick(before))


def _of_all(before: Sequence[Outline]) -> Outline:
    """Return the first one with colour and alpha where any has them."""
    colour, alpha = any(one.channels > 2 for one in before), any(one.has_alpha for one in before)
    return replace(before[0], channels=(3 if colour else 1) + alpha)


def _tick(before: Sequence[Outline]) -> Fraction:
    """Return the largest time of which the ticks of all, and when they end, are multiples."""
    times = [time for one in before for time in (one.tick, one.end)]
    denominator = math.lcm(*(time.denominator for time in times))
    return Fraction(math.gcd(*(int(time * denominator) for time in times)), denominator)


def _require_one_size(before: Sequence[Outline], name: str) -> None:
    for one in before[1:]:
        if one.size != before[0].size:
            raise ValueError(
                f"{name} needs pictures of one size, got {before[0].size} and {one.size}; set scale={before[0].size} "
                f"before {name}"
            )
