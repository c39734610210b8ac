"""One video file, decoded with PyAV: what it holds, and any of its frames, just as decoding from its start gives them.

Seeking alone is not exact: on ordinary files 12 to 100 of 100 seeks land behind the frame that was asked for, or on
pictures that can't be decoded from there. So frames are told by their times, a seek that landed badly is tried again
further back, and files whose times can't be trusted are decoded from their start.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import av
import numpy as np
from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from pydantic import Field, InstanceOf, PositiveInt

from framegan.data.file_ending import missing_end
from framegan.data.frame_fit import Fit
from framegan.data.image_file import MAX_PIXELS, OVER_LIMIT
from framegan.data.sample_tables import overclaim

FORMATS = "mov,avi,matroska,mpegts,mpeg,mpegvideo,flv,gif,h264,hevc,m4v"
"""What a file may hold, whatever its name; others, such as playlists, would open further files."""

SECONDS_BACK = (0, 1, 4, 16)
"""How far before the first frame a seek aims, one attempt after the other."""

MAX_PIXEL_ASPECT = 100
"""How many times as wide as high, or as high as wide, a pixel may be."""


@dataclass(frozen=True)
class VideoInfo:
    """What a file holds.

    Args:
        pts: when each frame is shown, ascending int64 (T,), in units of time_base; the frames' numbers if linear.
        time_base: seconds; 0 where the file doesn't say.
        width: of the frames as they are stored, like height.
        rotation: degrees to turn the frames counterclockwise: 0, 90, 180 or 270.
        pixel_aspect: width / height of a pixel.
        linear: the times can't be trusted, so that frames are found by counting from the start.
    """

    pts: InstanceOf[np.ndarray]
    time_base: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    width: PositiveInt
    height: PositiveInt
    rotation: Annotated[int, Field(ge=0, lt=360, multiple_of=90)]
    pixel_aspect: Annotated[float, Field(ge=1 / MAX_PIXEL_ASPECT, le=MAX_PIXEL_ASPECT)]
    linear: bool
    codec: str

    @property
    def times(self) -> np.ndarray | None:
        """When each frame is shown, seconds (T,) float64, where the file says so."""
        return self.pts * self.time_base if self.time_base else None


def probe(path: Path) -> VideoInfo:
    """Return what a file holds; all of it is decoded, so that any damage which a decoder sees is met here.

    Decoders of H.264, HEVC and MPEG see most wrong bits. Those of VP9 and GIF see few: nothing in them can be checked.

    Raises:
        ValueError: it is no video, or not a whole one; the message gives the reason without the path.
    """
    with _reasons():
        if not path.is_file():
            raise ValueError("there is no such file")
        if reason := missing_end(path) or overclaim(path):
            raise ValueError(reason)
    with _opened(path) as (container, stream):
        announced: list[int | None] = []
        shown = []
        for frame in _from_start(container, stream, announced):
            shown.append(frame.pts)
        if not shown:
            raise ValueError("it has no frame that can be decoded")
        linear = not _agree(shown, announced)
        rate = float(stream.average_rate or 0)
        aspect = stream.sample_aspect_ratio or Fraction(1)
        if not 1 / MAX_PIXEL_ASPECT <= float(aspect) <= MAX_PIXEL_ASPECT:
            raise ValueError(
                f"its pixel aspect is {aspect.numerator}:{aspect.denominator}, beyond {MAX_PIXEL_ASPECT}:1; write it "
                "with square pixels: ffmpeg -i FILE -vf setsar=1 NEW"
            )
        return VideoInfo(
            pts=np.arange(len(shown)) if linear else np.array(shown),
            time_base=float(stream.time_base or 0) if not linear else 1 / rate if rate else 0.0,
            width=frame.width,
            height=frame.height,
            rotation=round(frame.rotation / 90) * 90 % 360,
            pixel_aspect=float(aspect),
            linear=linear,
            codec=stream.codec_context.name,
        )


def read(path: Path, info: VideoInfo, frames: Sequence[int], fit: Fit) -> np.ndarray:
    """Return the frames of these numbers, strictly ascending: uint8 (T, resolution, resolution, channels).

    Raises:
        ValueError: they can't be decoded; the message gives the reason without the path.
    """
    clip = np.empty((len(frames), fit.resolution, fit.resolution, fit.channels), np.uint8)
    if info.time_base and not info.linear:
        with _opened(path) as (container, stream):
            times = info.pts[list(frames)].tolist()
            for seconds in SECONDS_BACK:
                if not _seek(container, stream, times[0], seconds / info.time_base):
                    break
                if _fill_by_time(clip, container, stream, times, info, fit):
                    return clip
    with _opened(path) as (container, stream):
        found = 0
        for number, frame in enumerate(_from_start(container, stream)):
            if number == frames[found]:
                clip[found] = fit(frame, info.pixel_aspect, info.rotation)
                found += 1
                if found == len(frames):
                    return clip
        raise ValueError(f"it ends after {number + 1} frames; has it been changed?")


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
        for frame in _awaited(container, stream, set(times)):
            if frame.pts is None or frame.pts > times[found] or frame.is_corrupt:
                return False
            if frame.pts == times[found]:
                clip[found] = fit(frame, info.pixel_aspect, info.rotation)
                found += 1
                if found == len(times):
                    return True
    except av.error.InvalidDataError:
        pass
    return False


def _awaited(container: InputContainer, stream: VideoStream, times: set[int]) -> Iterator[VideoFrame]:
    """Yield the frames shown at these times, among others, decoding as little as gives every bit of them.

    What isn't asked for and no other frame refers to is skipped unread; and once the last packet that was asked for is
    in the decoder, it is told to hand out what it holds, for no later packet can change those frames.
    """
    begun = False
    for packet in container.demux(stream):
        stream.codec_context.skip_frame = "DEFAULT" if packet.pts in times or packet.pts is None else "NONREF"
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            if begun:
                raise
            continue  # what comes before the first frame that can be decoded from here
        begun = begun or bool(frames)
        yield from frames
        times.discard(packet.pts)
        if not times:
            yield from stream.decode(None)
            return


def _from_start(
    container: InputContainer, stream: VideoStream, announced: list[int | None] | None = None
) -> Iterator[VideoFrame]:
    """Yield all frames, and stop at damage.

    A file that was cut out of a longer one without encoding it anew may begin with pictures that are shown before its
    first keyframe and refer to others that are gone: those are left out.

    Args:
        announced: takes the times at which the container says that frames are shown.
    """
    stream.codec_context.options = {**stream.codec_context.options, "err_detect": "explode"}
    number = 0
    first = opening = None  # times of the first keyframe, and of the frame that has to come first
    leading = False
    for packet in container.demux(stream):
        if announced is not None and packet.size and not packet.is_discard:
            announced.append(packet.pts)
        if first is None and packet.is_keyframe:
            first, opening = packet.pts, None if packet.is_discard else packet.pts
        leading = leading or _before(packet.pts, first)
        try:
            frames, damaged = packet.decode(), packet.is_corrupt
        except av.error.InvalidDataError:
            frames, damaged = [], number > 0 or not leading
        if damaged:
            raise ValueError(f"cut off or damaged after {number} frames")
        for frame in frames:
            if frame.is_corrupt and _before(frame.pts, first):
                continue
            if frame.is_corrupt or (number == 0 and _before(opening, frame.pts)):
                raise ValueError(f"cut off or damaged after {number} frames")
            yield frame
            number += 1


def _before(time: int | None, other: int | None) -> bool:
    return time is not None and other is not None and time < other


def _agree(shown: list[int | None], announced: list[int | None]) -> bool:
    """Say whether frames can be told by their times: all have one, and the one that the container gives them."""
    times = [time for time in shown if time is not None]
    known = sorted(time for time in announced if time is not None and time >= times[0]) if times else []
    return len(times) == len(shown) and None not in announced and times == sorted(set(times)) == known


@contextmanager
def _opened(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a file and its first video; whatever goes wrong in the block becomes a ValueError."""
    limit = {"max_pixels": str(MAX_PIXELS)}
    options = {"protocol_whitelist": "file", "format_whitelist": FORMATS, **limit}
    with _reasons(), av.open(str(path.absolute()), options=options, metadata_errors="replace") as container:
        streams = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
        if not streams:
            raise ValueError("no video in it")
        if streams[0].codec_context is None:
            raise ValueError("FFmpeg has no decoder for it")
        streams[0].codec_context.thread_count = 1
        streams[0].codec_context.options = limit
        if streams[0].width * streams[0].height > MAX_PIXELS:
            raise ValueError(f"{streams[0].width}x{streams[0].height} a frame, {OVER_LIMIT}")
        yield container, streams[0]


@contextmanager
def _reasons() -> Iterator[None]:
    """Give every error of a file as a ValueError that says why, without the path."""
    try:
        yield
    except av.error.InvalidDataError:
        raise ValueError("not a video that can be read, or damaged or cut off at its start") from None
    except av.error.ArgumentError:
        raise ValueError(f"not a video of a kind that is read, or one whose frames have {OVER_LIMIT}") from None
    except (EOFError, IndexError):
        raise ValueError("cut off at its start or its index") from None
    except (av.FFmpegError, OSError) as error:
        raise ValueError(error.strerror or type(error).__name__) from None


def _sorted(times: list[int | None]) -> list[int] | None:
    known = [time for time in times if time is not None]
    return sorted(known) if len(known) == len(times) else None
