"""One video file, decoded with PyAV: what it holds, and any of its frames, just as decoding from its start gives them.

Seeking alone is not exact: on ordinary files 12 to 100 of 100 seeks land behind the frame that was asked for, or on
pictures that can't be decoded from there. So frames are identified by their times, a seek that landed badly is tried
again further back, and files whose times can't be trusted are decoded from their start.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import av
import numpy as np
from av.container import InputContainer
from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from pydantic import Field, InstanceOf, PositiveInt

from framegan.data.videos import frame_times
from framegan.data.videos.display_matrix import UPRIGHT, of_matrix
from framegan.data.videos.frame_fit import Fit
from framegan.data.videos.mp4_claims import overclaim
from framegan.data.videos.truncation import missing_end
from framegan.data.videos.video_stream import DAMAGE, UNMARKED, DamagedError, awaited, from_start, opened, reasons

SECONDS_BACK = (0, 1, 4, 16)
"""How far before the first frame a seek aims, one attempt after the other."""

MAX_PIXEL_ASPECT = 100
"""How many times as wide as high, or as high as wide, a pixel may be."""


@dataclass(frozen=True)
class VideoInfo:
    """What a file holds.

    Args:
        pts: when each frame is shown, ascending int64 (T,), in units of time_base; the frames' numbers if unknown.
        time_base: seconds; 0 where the file doesn't say.
        width: of the frames as they are stored, like height.
        orientation: how to turn and mirror the frames, see `framegan.data.videos.display_matrix`.
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
    codec: str

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
        if reason := missing_end(path) or overclaim(path):
            raise ValueError(reason)
    try:
        return _probe(path)
    except DamagedError as damage:
        with opened(path) as (_, stream):
            if not UNMARKED.get(stream.codec_context.name):
                raise
        try:
            return _probe(path, filtered=True)
        except DamagedError:
            raise damage from None


@dataclass(frozen=True)
class _Announced:
    """What a container says of a packet, in ticks."""

    pts: int | None
    dts: int | None
    duration: int | None
    is_keyframe: bool


def _probe(path: Path, filtered: bool = False) -> VideoInfo:
    packets: list[_Announced] = []

    def announce(packet: Any) -> None:
        packets.append(_Announced(packet.pts, packet.dts, packet.duration, packet.is_keyframe))

    with opened(path) as (container, stream):
        shown: list[int | None] = []
        for frame in from_start(container, stream, announce, strict=True, filtered=filtered):
            if not shown:
                orientation = _orientation(frame)
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
        linear = not _agree(shown, packets)
        if filtered and (linear or _has_gap(packets)):  # what was taken out may have been a picture
            raise DamagedError("cut off or damaged: a frame is missing")
        pts, time_base = _times(container, stream, shown, packets, linear, rate)
        return VideoInfo(
            pts=pts,
            time_base=time_base,
            width=frame.width,
            height=frame.height,
            orientation=orientation,
            pixel_aspect=float(aspect),
            linear=linear,
            codec=stream.codec_context.name,
        )


def _has_gap(packets: list[_Announced]) -> bool:
    steps = np.diff(sorted(packet.pts or 0 for packet in packets))
    return bool(len(steps)) and steps.max() > 1.5 * np.median(steps)


def _orientation(frame: VideoFrame) -> int:
    side_data: Any = frame.side_data
    matrix = side_data.get(Type.DISPLAYMATRIX)
    return of_matrix(bytes(matrix)) if matrix is not None else UPRIGHT


def _agree(shown: list[int | None], packets: list[_Announced]) -> bool:
    """Say whether frames can be told by their times: all have one, and the one that the container gives them."""
    announced = [packet.pts for packet in packets]
    times = [time for time in shown if time is not None]
    known = sorted(time for time in announced if time is not None and time >= times[0]) if times else []
    can_seek = any(packet.is_keyframe for packet in packets)
    return can_seek and len(times) == len(shown) and None not in announced and times == sorted(set(times)) == known


def _times(
    container: InputContainer,
    stream: VideoStream,
    shown: list[int | None],
    packets: list[_Announced],
    linear: bool,
    rate: float,
) -> tuple[np.ndarray, float]:
    """Return when each frame is shown, and in which unit: `pts` and `time_base` of `VideoInfo`.

    Args:
        rate: that FFmpeg guesses from the first picture and the header.
    """
    time_base = float(stream.time_base or 0)
    if not linear:
        pts = np.array(shown)
    else:
        counted = frame_times.counted(len(shown), [(packet.dts, packet.duration) for packet in packets])
        if counted is None:
            return np.arange(len(shown)), 0.0
        pts = counted
    if container.format.name == "avi":
        time_base = frame_times.tick(pts, time_base, rate)
    return pts, time_base


def read(path: Path, info: VideoInfo, frames: Sequence[int], fit: Fit) -> np.ndarray:
    """Return the frames of these numbers, strictly ascending: uint8 (T, resolution, resolution, channels).

    Raises:
        ValueError: they can't be decoded; the message gives the reason without the path.
    """
    clip = np.empty((len(frames), fit.resolution, fit.resolution, fit.channels), np.uint8)
    if info.time_base and not info.linear:
        with opened(path) as (container, stream):
            times = info.pts[list(frames)].tolist()
            for seconds in SECONDS_BACK:
                if not _seek(container, stream, times[0], seconds / info.time_base):
                    break
                if _fill_by_time(clip, container, stream, times, info, fit):
                    return clip
    with opened(path) as (container, stream):
        found = number = 0
        for frame in from_start(container, stream):
            if number == frames[found]:
                clip[found] = fit(frame, info.pixel_aspect, info.orientation)
                found += 1
                if found == len(frames):
                    return clip
            number += 1
        raise ValueError(f"it ends after {number} frames; has it been changed?")


def _seek(container: InputContainer, stream: VideoStream, time: int, back: float) -> bool:
    try:
        container.seek(time - round(back), stream=stream)
    except (av.FFmpegError, OverflowError):  # some containers refuse times before their first frame
        return False
    return True


def _fill_by_time(
    clip: np.ndarray, container: InputContainer, stream: VideoStream, times: list[int], info: VideoInfo, fit: Fit
) -> bool:
    """Decode from where the container stands; return False where some frames can't be told or trusted from there."""
    found = 0
    try:
        for frame in awaited(container, stream, set(times)):
            if frame.pts is None or frame.pts > times[found] or frame.is_corrupt:
                return False
            if frame.pts == times[found]:
                clip[found] = fit(frame, info.pixel_aspect, info.orientation)
                found += 1
                if found == len(times):
                    return True
    except (DamagedError, *DAMAGE):
        pass
    return False
