"""Edits of when frames are shown."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from framegan.edits import graph
from framegan.edits.outline import Filter, Filtered, Frames, Outline, Timed, by_planes, written
from framegan.edits.values import Colour, Seconds, Stretch, for_ffmpeg, is_grey
from framegan.video_files import Shown

FramesPerSecond = Annotated[float, Field(ge=0.01, le=1000, allow_inf_nan=False)]
MARGIN = 4
"""Frames after the last one that FFmpeg's motion interpolation gets, or it would end before it."""
SHORT = Fraction(1, 8)
"""Seconds; a frame that is shown for longer can be cut."""


def exactly(number: float) -> Fraction:
    """Return a number as it was typed: 29.97, and not the double next to it; 23.976 and the like as films have them."""
    of_films = Fraction(round(number * 1.001) * 1000, 1001)
    return of_films if abs(float(of_films) - number) < 5e-4 and number % 1 else Fraction(str(number))


@dataclass(frozen=True)
class Speed(Timed):
    """Play this many times as fast, with the same frames."""

    example: ClassVar[str] = "speed=0.5"
    factor: Annotated[float, Field(ge=0.001, le=1000, allow_inf_nan=False)]

    def after(self, before: Outline) -> Outline:
        before.require_time("speed")
        factor = Fraction(str(self.factor))
        return before.timed(before.num_frames, before.end / factor, before.rate * factor, before.tick / factor)

    def frames(self, frames: Frames, before: Outline) -> Frames:
        factor = Fraction(str(self.factor))
        for start, duration, pixels in frames:
            yield Shown(start / factor, duration / factor, pixels)


@dataclass(frozen=True)
class Reverse(Timed):
    """Play backwards."""

    example: ClassVar[str] = "reverse"

    def after(self, before: Outline) -> Outline:
        before.require_time("reverse")
        before.require_memory("reverse", "take a part of them first, such as trim=0-60")
        return before

    def frames(self, frames: Frames, before: Outline) -> Frames:
        held = list(frames)
        end = held[-1].start + held[-1].duration if held else Fraction()
        while held:
            start, duration, pixels = held.pop()
            yield Shown(end - start - duration, duration, pixels)


@dataclass(frozen=True)
class Trim(Timed):
    """Keep what is shown from FIRST to LAST, in seconds; of short frames, as wholes, those of which most is."""

    example: ClassVar[str] = "trim=0.25-1"
    stretch: Stretch

    def after(self, before: Outline) -> Outline:
        before.require_time("trim")
        first, last = self._of(before)
        if first >= before.end:
            raise ValueError(f"trim begins at {float(first):g} s, but it ends at {float(before.end):g} s; choose less")
        mean = before.end / before.num_frames
        step = mean if mean <= max(before.tick, SHORT) else before.tick
        begin = min(math.ceil(first / step - Fraction(1, 2)), math.ceil(before.end / step) - 1)
        end = max(1, math.ceil(last / step - Fraction(1, 2)) - begin) * step
        return before.timed(max(1, math.ceil(end / mean - Fraction(1, 2))), end, before.rate, before.tick)

    def frames(self, frames: Frames, before: Outline) -> Frames:
        first, last = self._of(before)
        end, begin, held, shown = self.after(before).end, None, None, None
        for shown in frames:
            near = max(before.tick, min(shown.duration, SHORT)) / 2
            until = shown.start + shown.duration
            if until - first < near:
                continue
            if begin is None:
                begin = shown.start if first - shown.start <= near else first
            start = max(Fraction(), shown.start - begin)
            if held is not None:
                if shown.start >= last or end - start < near:
                    break
                yield held
            held = Shown(start, until - begin - start, shown.pixels)
        if held is None and shown is not None:  # so that something is left
            held = shown._replace(start=Fraction())
        if held is not None:
            yield held._replace(duration=end - held.start)

    def _of(self, before: Outline) -> tuple[Fraction, Fraction]:
        first, last = self.stretch
        end = before.end if last is None else min(before.end, Fraction(str(last)))
        return Fraction(str(first)), end


@dataclass(frozen=True)
class Rate(Timed):
    """Show this many frames a second: frames are repeated or left out, and it lasts as long."""

    example: ClassVar[str] = "rate=12"
    keeps_pace: ClassVar[bool] = True
    frames_per_second: FramesPerSecond

    def after(self, before: Outline) -> Outline:
        before.require_time("rate")
        return _evenly(before, self.frames_per_second)

    def frames(self, frames: Frames, before: Outline) -> Frames:
        rate, number, shown = exactly(self.frames_per_second), 0, None
        for shown in frames:
            while Fraction(number) / rate < shown.start + shown.duration - 1 / (2 * rate):
                yield Shown(number / rate, 1 / rate, shown.pixels)
                number += 1
        if number == 0 and shown is not None:
            yield Shown(Fraction(), 1 / rate, shown.pixels)


@dataclass(frozen=True)
class Interpolate(Timed):
    """Show this many frames a second: what is between two frames is made, and it lasts as long.

    Args:
        way: motion: things move; blend: one frame fades into the next.
    """

    example: ClassVar[str] = "interpolate=24"
    keeps_pace: ClassVar[bool] = True
    frames_per_second: FramesPerSecond
    way: Literal["motion", "blend"] = "motion"

    def after(self, before: Outline) -> Outline:
        before.require_time("interpolate")
        if self.way == "motion" and min(before.width, before.height) < 32:
            raise ValueError(
                f"interpolate looks for motion in squares of 16 pixels, and these pictures are {before.size}; "
                "scale them to sides of at least 32 first, or set interpolate.way=blend"
            )
        graph.require("interpolate", "minterpolate")
        return _evenly(before, self.frames_per_second)

    def frames(self, frames: Frames, before: Outline) -> Frames:
        rate = exactly(self.frames_per_second)
        mode = {"mi_mode": "mci", "mc_mode": "aobmc", "vsbmc": "1"} if self.way == "motion" else {"mi_mode": "blend"}
        fps = f"{rate.numerator}/{rate.denominator}"
        between = Filter("minterpolate", {"fps": fps, **mode, "scd": "none"})
        chain = [Filter("format", {"pix_fmts": "yuv444p"}), between]
        if before.has_alpha:
            in_yuv, back = (Filter("format", {"pix_fmts": planes}) for planes in ("yuva444p", "gbrap"))
            chain = by_planes(before, [in_yuv, between, back], mixes=True)
        ends: list[Fraction] = []
        made = graph.pulled(_with_margin(frames, ends, 1 / rate), before, chain)
        number, last = 0, None

        def is_over() -> bool:
            return bool(number and ends and Fraction(number) / rate >= ends[0] - 1 / (2 * rate))

        for last in made:
            if is_over():
                break
            yield Shown(number / rate, 1 / rate, last)
            number += 1
        while last is not None and not is_over():
            yield Shown(number / rate, 1 / rate, last)
            number += 1


def _with_margin(frames: Frames, ends: list[Fraction], step: Fraction) -> Iterator[Shown]:
    """Yield the frames and the last one a few times more, by steps of these seconds at least; note when it ends."""
    shown = None
    for shown in frames:
        yield shown
    if shown is not None:
        ends.append(shown.start + shown.duration)
        for number in range(1, MARGIN + 1):
            yield shown._replace(start=shown.start + number * max(step, shown.duration))


def _evenly(before: Outline, frames_per_second: float) -> Outline:
    rate = exactly(frames_per_second)
    number = max(1, math.ceil(before.end * rate - Fraction(1, 2)))
    return before.timed(number, number / rate, rate, 1 / rate)


@dataclass(frozen=True)
class FadeIn(Filtered):
    """Begin in a colour and clear within this many seconds."""

    example: ClassVar[str] = "fade_in=0.5"
    leaves_alpha: ClassVar[bool] = True
    seconds: Seconds
    colour: Colour = "black"

    def after(self, before: Outline) -> Outline:
        return _fading(before, "fade_in", self.seconds, self.colour)

    def filters(self, before: Outline) -> list[Filter]:
        return [_fade("in", 0, self.seconds, self.colour)]


@dataclass(frozen=True)
class FadeOut(Filtered):
    """Fade to a colour within the last seconds, this many."""

    example: ClassVar[str] = "fade_out=0.5"
    leaves_alpha: ClassVar[bool] = True
    seconds: Seconds
    colour: Colour = "black"

    def after(self, before: Outline) -> Outline:
        return _fading(before, "fade_out", self.seconds, self.colour)

    def filters(self, before: Outline) -> list[Filter]:
        return [_fade("out", float(before.end) - self.seconds, self.seconds, self.colour)]


def _fading(before: Outline, name: str, seconds: float, colour: str) -> Outline:
    before.require_time(name)
    if seconds > before.end:
        raise ValueError(f"{name}={seconds:g} is longer than the clip, which lasts {float(before.end):g} s; set less")
    return before if is_grey(colour) else before.in_colour()


def _fade(way: str, start: float, seconds: float, colour: str) -> Filter:
    return Filter("fade", {"t": way, "st": written(start), "d": written(seconds), "c": for_ffmpeg(colour)})
