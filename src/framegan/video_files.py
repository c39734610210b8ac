"""Files of videos: uint8 frames (H, W, C) one after the other, each encoded as it comes.

C is that of `framegan.media`: 1 channel is grey, 3 are RGB, 2 and 4 the same with alpha, which .webp and .apng keep and
others lay over white; of more the first three are shown. Only .npy keeps them all.
"""

import io
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from PIL import Image

from framegan import apng, media, notes
from framegan.files import atomic
from framegan.video_formats import AS_EVER, ENDINGS, RATES, Encoding, check, check_rate, stream_of

WITH_ALPHA = (".webp", ".apng")
BT601 = 6
"""How RGB becomes YUV, by FFmpeg's number; players that aren't told take large videos for BT.709."""
MOST_PARTS = 1_000_000
"""Of the denominator of a rate, so that FFmpeg can count it."""


class Shown(NamedTuple):
    """A frame (H, W, C) and when it is shown, in seconds."""

    start: Fraction
    duration: Fraction
    pixels: np.ndarray


@dataclass(frozen=True)
class Sound:
    """A sound track that is written beside frames as it is.

    Args:
        stream: of PyAV, which it comes from.
        packets: of it, in order, with their times beside the frames.
    """

    stream: Any
    packets: Iterator[Any]


@dataclass(frozen=True)
class Timing:
    """How times are counted.

    Args:
        rate: frames a second, on the whole.
        tick: seconds; times are rounded to it.
    """

    rate: Fraction
    tick: Fraction


def write(
    path: Path, frames: Iterable[np.ndarray], frames_per_second: float, encoding: Encoding = AS_EVER, note: str = ""
) -> None:
    """Write a video, whole or not at all, in the format that the file's ending names; frames are taken as they come.

    .mp4 and .webm are encoded, .gif has a palette of 256 colours; .webp, .apng and .npy lose nothing. The frames of a
    .gif, .webp or .npy are in memory together.

    Args:
        frames: (T, H, W, C), or one (H, W, C) after the other.
        note: what the file says of itself, but for .npy; see `framegan.notes`.

    Raises:
        ValueError: the ending is another one, or such a file can't hold the rate, or be encoded so.
    """
    check_rate(path.suffix, frames_per_second)
    rate = Fraction(frames_per_second).limit_denominator(1001) or Fraction(1, 1001)  # of .npy, which has no times
    evenly = (Shown(number / rate, 1 / rate, pixels) for number, pixels in enumerate(frames))
    write_shown(path, evenly, frames_per_second, Timing(rate, 1 / rate), encoding, note)


def write_shown(
    path: Path,
    frames: Iterable[Shown],
    frames_per_second: float,
    timing: Timing,
    encoding: Encoding = AS_EVER,
    note: str = "",
    sound: Sound | None = None,
) -> None:
    """Write a video whose frames have times of their own; see `write`. A .npy keeps no times.

    Args:
        sound: of .mp4 and .webm.
    """
    ending, waiting = path.suffix, iter(frames)
    if ending not in ENDINGS:
        raise ValueError(f"{path} can't be written; the name of a video ends in one of: {', '.join(ENDINGS)}")
    first = next(waiting, None)
    if first is None:
        raise ValueError(f"{path} can't be written: a video has one frame at least")
    size, alpha = first.pixels.shape[:2], ending in WITH_ALPHA and first.pixels.shape[-1] in (2, 4)
    check(ending, frames_per_second, encoding, size)
    frames = chain([first], waiting)
    with atomic.new_file(path, synced=False) as part:
        if ending == ".npy":
            with part.open("wb") as file:
                np.save(file, np.stack([pixels for _, _, pixels in frames]))
        elif ending == ".webp":
            _write_webp(part, frames, note, alpha=alpha)
        elif ending == ".gif":
            _write_gif(part, frames, size)
            notes.append_to_gif(part, note)
        else:
            kind = stream_of(ending, encoding, size, alpha=alpha)
            last = _write_stream(part, frames, timing, size, note, sound, **kind)
            if ending == ".apng":
                apng.set_last_delay(part, last)
                notes.insert_into_png(part, note)


def _write_stream(
    path: Path,
    frames: Iterable[Shown],
    timing: Timing,
    size: tuple[int, int],
    note: str,
    sound: Sound | None,
    *,
    format: str,
    encoder: str,
    pixel_format: str,
    options: dict[str, str],
) -> Fraction:
    """Write frames, and return how many seconds the last one is shown."""
    import av

    no_random_ids = {"fflags": "+bitexact"}  # else a .webm's tracks have random numbers
    of_format = {"mp4": {"movflags": "faststart"}, "apng": {"plays": "0"}, "webm": no_random_ids}
    os.environ.setdefault("SVT_LOG", "1")  # else the encoder of AV1 tells of itself
    with av.open(path, "w", format=format, options=of_format.get(format, {})) as container:
        if note:
            container.metadata["comment"] = note
        height, width = size
        stream = container.add_stream(
            encoder,
            rate=timing.rate.limit_denominator(MOST_PARTS),
            width=width,
            height=height,
            pix_fmt=pixel_format,
            options=options,
        )
        assert isinstance(stream, av.VideoStream)
        stream.codec_context.time_base = timing.tick
        stream.codec_context.thread_count = 1
        if pixel_format.startswith("yuv"):
            stream.codec_context.colorspace = BT601
        if encoder == "libvpx-vp9":
            stream.bit_rate = 0  # else crf is but a limit
        if encoder == "libx265":
            stream.codec_context.codec_tag = "hvc1"  # the one that Apple's players take
        return _mux(container, stream, frames, timing.tick, _Track(container, sound) if sound else None)


def _mux(container: Any, stream: Any, frames: Iterable[Shown], tick: Fraction, track: "_Track | None") -> Fraction:
    """Encode and write frames and sound, and return how many seconds the last frame is shown."""
    import av

    keep = stream.pix_fmt == "rgba"
    shown = held = None
    first_dts = 0

    def encoded() -> Iterator[Any]:
        nonlocal shown
        for shown in frames:
            if track:
                track.mux_until(shown.start)
            frame = av.VideoFrame.from_ndarray(_rgb(shown.pixels, alpha=keep), format="rgba" if keep else "rgb24")
            frame.pts, frame.time_base = round(shown.start / tick), tick
            frame.duration = round(shown.duration / tick)
            yield from stream.encode(frame)
        yield from stream.encode(None)

    for packet in encoded():
        if held is None:
            first_dts = packet.dts or 0
        else:
            container.mux(held)
        held = packet
    assert held is not None
    assert shown is not None
    until_end = round((shown.start + shown.duration) / held.time_base) - ((held.dts or 0) - first_dts)
    held.duration = max(1, until_end)  # else that of a mean frame
    container.mux(held)
    if track:
        track.mux_until(None)
    return shown.duration


class _Track:
    """A sound on its way into a container, never far ahead of the frames: FFmpeg holds what is."""

    def __init__(self, container: Any, sound: Sound):
        self.container, self.packets = container, sound.packets
        self.stream = container.add_stream_from_template(sound.stream)
        self.reached = Fraction(-1)

    def mux_until(self, end: Fraction | None) -> None:
        """Write the packets up to a time; None = all that are left."""
        while end is None or self.reached <= end:
            packet = next(self.packets, None)
            if packet is None:
                return
            self.reached = max(self.reached, packet.pts * packet.time_base)
            packet.stream = self.stream
            self.container.mux(packet)


def _write_webp(path: Path, frames: Iterable[Shown], note: str, *, alpha: bool) -> None:
    kept = list(frames)
    first, *rest = (Image.fromarray(_rgb(pixels, alpha=alpha)) for _, _, pixels in kept)
    durations = np.diff(_ticks(kept, 1000, ".webp")).tolist()
    options: dict[str, Any] = {"lossless": True, "quality": 0, "method": 0, "exif": notes.exif(note), "exact": alpha}
    first.save(path, format="WEBP", save_all=True, append_images=rest, duration=durations, loop=0, **options)


def gif(frames: np.ndarray, frames_per_second: float) -> bytes:
    """Return a (T, H, W, C) uint8 video as the contents of a GIF, such as a notebook shows."""
    file, rate = io.BytesIO(), Fraction(frames_per_second).limit_denominator(1001)
    evenly = (Shown(number / rate, 1 / rate, pixels) for number, pixels in enumerate(frames))
    _write_gif(file, evenly, frames.shape[1:3])
    return file.getvalue()


def _write_gif(path: Path | IO[bytes], frames: Iterable[Shown], size: tuple[int, int]) -> None:
    import av

    height, width = size
    kept = [shown._replace(pixels=_rgb(shown.pixels)) for shown in frames]
    ticks = _ticks(kept, 100, ".gif")
    graph = av.filter.Graph()
    source = graph.add_buffer(width=width, height=height, format=av.VideoFormat("rgb24"), time_base=Fraction(1, 100))
    split, palette, use = graph.add("split"), graph.add("palettegen"), graph.add("paletteuse")
    source.link_to(split)
    split.link_to(palette, 0, 0)
    split.link_to(use, 1, 0)
    palette.link_to(use, 0, 1)
    use.link_to(graph.add("buffersink"))
    graph.configure()
    options = {"loop": "0", "final_delay": str(ticks[-1] - ticks[-2])}  # the others last until the next one begins
    with av.open(path, "w", format="gif", options=options) as container:
        stream = container.add_stream("gif", width=width, height=height, pix_fmt="pal8", time_base=Fraction(1, 100))
        for tick, shown in zip(ticks, kept, strict=False):
            frame = av.VideoFrame.from_ndarray(shown.pixels, format="rgb24")
            frame.pts, frame.time_base = tick, Fraction(1, 100)
            graph.push(frame)
        graph.push(None)
        for _ in kept:
            coloured = graph.pull()
            assert isinstance(coloured, av.VideoFrame)
            container.mux(stream.encode(coloured))
        container.mux(stream.encode(None))


def _ticks(frames: list[Shown], ticks_per_second: int, ending: str) -> list[int]:
    """Return when each frame begins, and when the last one ends, so that none is half a tick from its time.

    Raises:
        ValueError: one would be shown for so short a time that browsers show it for longer.
    """
    times = [shown.start for shown in frames] + [frames[-1].start + frames[-1].duration]
    ticks = [round(time * ticks_per_second) for time in times]
    shortest, fastest = min(np.diff(ticks)), RATES[ending][1]
    if shortest < ticks_per_second // fastest:
        raise ValueError(
            f"a {ending} shows a frame for 1/{fastest:g} s or more, or browsers show it for longer; got "
            f"{shortest / ticks_per_second:g} s; set rate={fastest:g}"
        )
    return ticks


def _rgb(frame: np.ndarray, *, alpha: bool = False) -> np.ndarray:
    if alpha:
        return np.ascontiguousarray(media.in_colour(frame))
    seen = media.laid_over(frame, 255)
    shown = seen[..., :3] if seen.shape[-1] > 2 else seen[..., :1]
    return np.ascontiguousarray(np.broadcast_to(shown, (*frame.shape[:-1], 3)))
