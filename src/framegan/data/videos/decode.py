"""One video file, decoded with PyAV: what it holds, and any of its frames, just as decoding from its start gives them.

Seeking alone is not exact: on ordinary files 12 to 100 of 100 seeks land behind the frame that was asked for, or on
pictures that can't be decoded from there. So frames are identified by their times, a seek that landed badly is tried
again further back, and files whose times can't be trusted are decoded from their start.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import av
import numpy as np
from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame
from pydantic import Field, InstanceOf, PositiveInt

from framegan.data.resolution import sides_of
from framegan.data.videos.frame_fit import UPRIGHT, Fit, orientation_of
from framegan.data.videos.structure import fault
from framegan.data.videos.video_stream import DAMAGE, DamagedError, StrictDecoder, awaited, from_start, opened, reasons

SECONDS_BACK = (0, 1, 4, 16)
"""How far before the first frame a seek aims, one attempt after the other."""

MAX_PIXEL_ASPECT = 100
"""How many times as wide as high, or as high as wide, a pixel may be."""

TOO_FAST = 3
"""How many times the rate that the pictures themselves name is not believed in the one number that an AVI has."""


@dataclass(frozen=True)
class VideoInfo:
    """What a file holds.

    Args:
        pts: when each frame is shown, ascending int64 (T,), in units of time_base; the frames' numbers if unknown.
        time_base: seconds; 0 where the file doesn't say.
        width: of the frames as they are stored, like height.
        orientation: how to turn and mirror the frames, see `framegan.data.videos.frame_fit`.
        pixel_aspect: width / height of a pixel.
        linear: the times don't tell the frames apart, so that those are found by counting from the start.
    """

    pts: InstanceOf[np.ndarray]
    time_base: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    width: PositiveInt
    height: PositiveInt
    orientation: Annotated[int, Field(ge=1, le=8)]
    pixel_aspect: Annotated[float, Field(ge=1 / MAX_PIXEL_ASPECT, le=MAX_PIXEL_ASPECT)]
    linear: bool

    @property
    def times(self) -> np.ndarray | None:
        """When each frame is shown, seconds (T,) float64, where the file says so."""
        return self.pts * self.time_base if self.time_base else None


def probe(path: Path) -> VideoInfo:
    """Return what a file holds; all of it is decoded, so that any damage which a decoder sees is met here.

    Decoders of H.264, HEVC and MPEG see most wrong bits. Those of VP9, WMV and GIF see few: nothing in them can be
    checked. Missing pictures that others refer to are met in H.264, HEVC and AV1, unless their numbers happen to fit.

    Raises:
        ValueError: it is no video, or not a whole one; the message gives the reason without the path.
    """
    with reasons():
        if not path.is_file():
            raise ValueError("there is no such file")
        if reason := fault(path):
            raise ValueError(reason)
    try:
        return _probe(path)
    except DamagedError:
        with suppress(DamagedError):
            return _probe(path, filtered=True)
        raise


def _probe(path: Path, filtered: bool = False) -> VideoInfo:
    with opened(path) as (container, stream):
        decoder = StrictDecoder(stream, filtered=filtered)
        shown: list[int | None] = []
        for frame in from_start(container, stream, decoder):
            if not shown:
                side_data: Any = frame.side_data
                matrix = side_data.get(Type.DISPLAYMATRIX)
                orientation = orientation_of(bytes(matrix)) if matrix is not None else UPRIGHT
                rate = float(stream.guessed_rate or 0)  # later ones of a joined file may have another
            shown.append(frame.pts)
        if not shown:
            raise ValueError("it has no frame that can be decoded")
        aspect = stream.sample_aspect_ratio or Fraction(1)
        if not 1 / MAX_PIXEL_ASPECT <= float(aspect) <= MAX_PIXEL_ASPECT:
            raise ValueError(
                f"its pixel aspect is {aspect.numerator}:{aspect.denominator}, beyond {MAX_PIXEL_ASPECT}:1; write it "
                "with square pixels: ffmpeg -i FILE -vf setsar=1 NEW"
            )
        linear = not (decoder.has_keyframes and _agree(shown, decoder.pts))
        if filtered and (linear or _has_gap(decoder.pts)):  # what was taken out may have been a picture
            raise DamagedError("cut off or damaged: a frame is missing")
        pts = counted(len(shown), decoder.clock) if linear else np.array(shown)
        time_base = float(stream.time_base or 0)
        if pts is None:
            pts, time_base = np.arange(len(shown)), 0.0
        if container.format.name == "avi":
            time_base = _tick(pts, time_base, rate)
        return VideoInfo(pts, time_base, frame.width, frame.height, orientation, float(aspect), linear)


def _has_gap(announced: list[int | None]) -> bool:
    steps = np.diff(sorted(time or 0 for time in announced))
    return bool(len(steps)) and steps.max() > 1.5 * np.median(steps)


def _agree(shown: list[int | None], announced: list[int | None]) -> bool:
    """Say whether frames can be told by their times: all have one, and the one that the container gives them."""
    times = [time for time in shown if time is not None]
    known = sorted(time for time in announced if time is not None and time >= times[0]) if times else []
    return len(times) == len(shown) and None not in announced and times == sorted(set(times)) == known


def counted(num_frames: int, packets: Sequence[tuple[int | None, int | None]]) -> np.ndarray | None:
    """Return when each frame is shown, ascending int64 (T,) in ticks from the first one; None: it isn't known.

    A container whose times don't identify frames gives each packet the time of its decoding, or how long it lasts, or
    just one rate for all. Frames are shown as fast as they are decoded, whatever their order. Where files were joined,
    times begin again: the frames are then the usual step apart.

    Args:
        packets: when each is to be decoded, and how long it lasts, in ticks, where the container says so.
    """
    known = {number: time for number, (time, _) in enumerate(packets) if time is not None}
    if len(known) > 1:
        first = next(iter(known.values()))
        ticks = np.interp(range(len(packets)), list(known), [float(time - first) for time in known.values()])
    else:
        ticks = np.cumsum([0.0, *(duration or 0 for _, duration in packets[:-1])])
    steps = np.diff(ticks)
    if num_frames > 1 and not (steps > 0).any():
        return None
    if len(steps):
        steps = np.where(steps > 0, steps, np.median(steps[steps > 0]))
    ticks = np.cumsum([0.0, *steps])
    if num_frames < len(ticks) < 1.5 * num_frames:  # the first packets gave no frame
        ticks = ticks[len(ticks) - num_frames :]
        ticks = ticks - ticks[0]
    if len(ticks) != num_frames:  # two fields of a frame, or two frames, in one packet
        ticks = np.interp(np.linspace(0, len(ticks) - 1, num_frames), range(len(ticks)), ticks)
    times = ticks.round().astype(np.int64)
    return times if (np.diff(times) > 0).all() else None


def _tick(pts: np.ndarray, time_base: float, rate: float) -> float:
    """Return the seconds of a tick in an AVI file: time_base, unless that makes it faster than can be.

    Many a header names the ticks of a clock in place of the rate, which FFmpeg guesses from the pictures too (0: none).
    """
    step = float(np.median(np.diff(pts))) if len(pts) > 1 else 1.0
    return 1 / (rate * step) if time_base and rate and time_base * rate * step * TOO_FAST < 1 else time_base


def read(path: Path, info: VideoInfo, frames: Sequence[int], fit: Fit) -> np.ndarray:
    """Return the frames of these numbers, strictly ascending: uint8 (T, height, width, channels).

    Raises:
        ValueError: they can't be decoded; the message gives the reason without the path.
    """
    clip = np.empty((len(frames), *sides_of(fit.resolution), fit.channels), np.uint8)
    if info.time_base and not info.linear:
        times = info.pts[list(frames)].tolist()
        with opened(path) as (container, stream):
            for seconds in SECONDS_BACK:
                try:
                    container.seek(times[0] - round(seconds / info.time_base), stream=stream)
                except (av.FFmpegError, OverflowError):  # some containers refuse times before their first frame
                    break
                timed = ((frame.pts, frame) for frame in awaited(container, stream, set(times)))
                with suppress(DamagedError, *DAMAGE):
                    if _fill(clip, timed, times, info, fit):
                        return clip
    with opened(path) as (container, stream):
        if _fill(clip, enumerate(from_start(container, stream)), frames, info, fit):
            return clip
    raise ValueError(f"it no longer has {frames[-1] + 1} frames; has it been changed?")


def _fill(
    clip: np.ndarray, found: Iterable[tuple[int | None, VideoFrame]], wanted: Sequence[int], info: VideoInfo, fit: Fit
) -> bool:
    """Fit those frames that are wanted, by ascending numbers or times; False where some can't be told or trusted."""
    place = 0
    for key, frame in found:
        if key is None or key > wanted[place] or frame.is_corrupt:
            return False
        if key == wanted[place]:
            clip[place] = fit(frame, info.pixel_aspect, info.orientation)
            place += 1
            if place == len(wanted):
                return True
    return False
