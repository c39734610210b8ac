"""Files that are edited: a video, a picture or an animation of pictures, an array; read frame by frame."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np
from av.sidedata.sidedata import Type

from framegan import video_formats
from framegan.data.images import image_file
from framegan.data.images.image_file import EXTENSIONS as PICTURES
from framegan.data.videos import frame_fit
from framegan.data.videos.decode import MAX_PIXEL_ASPECT
from framegan.data.videos.npy import mapped
from framegan.data.videos.structure import fault
from framegan.data.videos.video_folder import EXTENSIONS as VIDEOS
from framegan.data.videos.video_stream import StrictDecoder, from_start, opened, reasons
from framegan.edits import source_colours, video_times
from framegan.edits.animation import animation
from framegan.edits.outline import LARGEST_SIDE, Frames, Outline
from framegan.edits.plan import Source
from framegan.video_files import Shown, Sound

EARLIEST = 0.1
"""Seconds of sound before the first frame that are kept: a codec begins with as little."""
ANIMATED = (".gif", ".webp", ".png", ".apng")
RATE = Fraction(video_formats.FRAMES_PER_SECOND)


def source_of(path: Path) -> Source:
    """Return the pictures of a file. Its header is read, of a video the times of all frames too.

    Raises:
        ValueError: there is no such file, or it can't be read.
    """
    if not path.is_file():
        raise ValueError(f"there is no file {path}; name a video, a picture or a .npy")
    with _named(path):
        source = _source(path)

    def frames() -> Frames:
        with _named(path):
            yield from source.frames()

    return replace(source, frames=frames)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Say which file can't be read, at its start or on the way."""
    try:
        yield
    except (ValueError, OSError) as error:
        raise ValueError(f"{path} can't be read: {error}") from error


def _source(path: Path) -> Source:
    ending = path.suffix.lower()
    if ending == ".npy":
        return _of_array(path)
    if ending in PICTURES:
        return _of_pictures(path)
    if ending in VIDEOS:
        return _of_video(path)
    raise ValueError(f"files end in .npy, {', '.join(sorted({*VIDEOS, *PICTURES}))}")


def _of_array(path: Path) -> Source:
    array = mapped(path)
    if array.dtype != np.uint8 or array.ndim not in (3, 4) or not 1 <= array.shape[-1] <= 4 or 0 in array.shape:
        raise ValueError(f"it holds {array.dtype} {array.shape}; it should be uint8 (T, H, W, C) or (H, W, C)")
    return of_frames(array if array.ndim == 4 else array[None], RATE, still=array.ndim == 3)


def of_frames(frames: np.ndarray, rate: Fraction, *, still: bool) -> Source:
    """Return uint8 (T, H, W, C) frames, C from 1 to 4, evenly shown, as what is edited."""
    number, height, width, channels = frames.shape
    outline = Outline(width, height, channels, number, number / rate, rate, 1 / rate, still)

    def shown() -> Frames:
        for place, pixels in enumerate(frames):
            yield Shown(place / rate, 1 / rate, np.asarray(pixels))

    return Source(outline, shown)


def _of_pictures(path: Path) -> Source:
    if path.suffix.lower() in ANIMATED and (found := animation(path)):
        return Source(found.outline, found.frames)
    with_alpha = image_file.ask(path, lambda image: image.has_transparency_data)
    channels: Any = (1 if image_file.is_grey(path) else 3) + with_alpha
    width, height = image_file.size_of(path)
    outline = Outline(width, height, channels, 1, 1 / RATE, RATE, 1 / RATE, still=True)

    def shown() -> Frames:
        pixels = np.asarray(source_colours.picture(path, channels)).reshape(height, width, channels)
        yield Shown(Fraction(), 1 / RATE, pixels)

    return Source(outline, shown)


def _of_video(path: Path) -> Source:
    with reasons():
        if reason := fault(path):
            raise ValueError(reason)
    with opened(path) as (container, stream):
        first = next(from_start(container, stream, StrictDecoder(stream, filtered=False)), None)
        if first is None:
            raise ValueError("it has no frame that can be decoded")
        side_data: Any = first.side_data
        matrix = side_data.get(Type.DISPLAYMATRIX)
        turned = frame_fit.UPRIGHT if matrix is None else frame_fit.orientation_of(bytes(matrix))
        aspect = float(stream.sample_aspect_ratio or 1)
        if not 1 / MAX_PIXEL_ASPECT <= aspect <= MAX_PIXEL_ASPECT or first.width * aspect > LARGEST_SIDE:
            raise ValueError(f"its {first.width}x{first.height} pixels are {aspect:g} times as wide as high")
        rate = Fraction(stream.average_rate or stream.guessed_rate or RATE)
        tick = Fraction(stream.time_base or 1 / rate)
        channels: Literal[1, 3] = 1 if first.format.name.startswith("gray") else 3
        width, height = max(1, round(first.width * aspect)), first.height
        is_avi = container.format.name == "avi"
    times = video_times.times_of(path, first.pts, rate, tick)
    if frame_fit.STEPS[turned - 1][0]:
        width, height = height, width
    fit = frame_fit.Fit((height, width), channels, "stretch", "bicubic")
    mean = times.number / times.end
    outline = Outline(width, height, channels, times.number, times.end, mean, 1 / rate if times.begin is None else tick)

    def shown() -> Frames:
        with opened(path) as (container, stream):
            decoder = StrictDecoder(stream, filtered=False)
            frames = from_start(container, stream, decoder)
            with_times = video_times.in_order(frames, are_decoding_times=is_avi)
            for start, duration, frame in video_times.timed(with_times, outline):
                decoder.pts.clear()  # it keeps the times of all frames, and nobody asks for them here
                decoder.clock.clear()
                yield Shown(start, duration, fit(frame, aspect, turned))

    return Source(outline, shown, times.begin or Fraction())


def sound_codec(path: Path) -> str | None:
    """Return the codec of the first sound track of a video; None where the file has none."""
    if path.suffix.lower() not in VIDEOS or path.suffix.lower() in PICTURES:
        return None
    with opened(path) as (container, _):
        return container.streams.audio[0].codec_context.name if container.streams.audio else None


@contextmanager
def sound(path: Path, begin: Fraction) -> Iterator[Sound]:
    """Yield the first sound track of a video.

    Args:
        begin: seconds, when its first frame is shown.
    """
    with opened(path) as (container, _):
        stream = container.streams.audio[0]
        yield Sound(stream, _packets(container.demux(stream), begin))


def _packets(packets: Iterable[Any], begin: Fraction) -> Iterator[Any]:
    """Yield packets, those with a time and data, by the time since the first frame."""
    for packet in packets:
        if packet.size and packet.pts is not None and packet.dts is not None:
            shift = round(begin / packet.time_base)
            packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
            if packet.pts * packet.time_base > -EARLIEST:
                yield packet
