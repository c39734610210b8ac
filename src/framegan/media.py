"""Pixels and files of pixels: the only module that knows uint8.

Samples are float32 in [-1, 1], images (N, C, H, W) or clips (N, C, T, H, W); pixels are uint8 in [0, 255], an image
(H, W, C) or a video (T, H, W, C), C = 1 or 3, or 2 or 4 with alpha.
"""

import io
import math
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import IO

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from framegan.files import atomic

MARGIN = 2
"""White pixels between neighbours and around the whole, where samples are shown side by side."""
GIVEN = (255, 140, 0)
"""The margin of frames that were given, where others are shown beside them: orange, as grey data never are."""
FRAMES_PER_SECOND = 8.0
"""At which clips are shown whose data don't know their times."""
RATES = {".mp4": (0.01, 1000.0), ".gif": (0.01, 50.0), ".webp": (0.01, 90.0)}
"""Frames a second that a file can hold and is shown at: a GIF counts hundredths of a second, and browsers show
frames of 10 ms or less for 100 ms."""


def to_samples(pixels: Tensor) -> Tensor:
    """Return uint8 pixels as float32 samples: 0 -> -1, 255 -> 1; any shape."""
    return pixels.to(torch.float32).div_(127.5).sub_(1)


def to_pixels(samples: Tensor) -> Tensor:
    """Return samples as uint8 pixels, rounded to the nearest and clamped; the inverse of `to_samples`."""
    return samples.float().add(1).mul(127.5).round_().clamp_(0, 255).to(torch.uint8)


def to_frames(samples: Tensor) -> np.ndarray:
    """Return (N, C, [T,] H, W) samples as uint8 pixels with their channels last, (N, [T,] H, W, C)."""
    return to_pixels(samples).movedim(1, -1).cpu().numpy()


def grid(samples: Tensor, columns: int | None = None, given_frames: int = 0) -> np.ndarray:
    """Return samples side by side: an image (H', W', C) of images, a video (T, H', W', C) of clips; see `tiled`."""
    return tiled(to_frames(samples), columns, given_frames)


def tiled(pixels: np.ndarray | Sequence[np.ndarray], columns: int | None = None, given_frames: int = 0) -> np.ndarray:
    """Return N images or videos of one size, uint8 ([T,] H, W, C) each, side by side, row by row.

    Args:
        columns: how many in a row. None = as square as possible.
        given_frames: how many of the first frames of videos, or columns of images, get a margin in colour.
    """
    if not len(pixels):
        raise ValueError("there is nothing to show side by side; give at least one image or clip")
    if given_frames:
        pixels = [in_colour(one) for one in pixels]
    height, width, channels = pixels[0].shape[-3:]
    columns = columns or math.ceil(math.sqrt(len(pixels)))
    rows = math.ceil(len(pixels) / columns)
    size = rows * (height + MARGIN) + MARGIN, columns * (width + MARGIN) + MARGIN
    canvas = np.full((*pixels[0].shape[:-3], *size, channels), 255, dtype=np.uint8)
    if given_frames:
        is_video = canvas.ndim == 4
        place = np.s_[:given_frames] if is_video else np.s_[:, : given_frames * (width + MARGIN) + MARGIN // 2]
        canvas[place][..., :3] = GIVEN
    for index, one in enumerate(pixels):
        top = index // columns * (height + MARGIN) + MARGIN
        left = index % columns * (width + MARGIN) + MARGIN
        canvas[..., top : top + height, left : left + width, :] = one
    return canvas


def strips(clips: Tensor, given_frames: int = 0) -> np.ndarray:
    """Return (N, C, T, H, W) clips as one image (H', W', C): a row for each clip, a column for each frame."""
    return grid(clips.transpose(1, 2).flatten(0, 1), clips.shape[2], given_frames)


def in_colour(pixels: np.ndarray) -> np.ndarray:
    """Return uint8 pixels (..., C) that have three channels at least, and a fourth one where there was alpha."""
    grey, *alpha = np.split(pixels, pixels.shape[-1], axis=-1) if pixels.shape[-1] < 3 else [pixels]
    return pixels if pixels.shape[-1] > 2 else np.concatenate([grey, grey, grey, *alpha], axis=-1)


def enlarged(pixels: np.ndarray, side: int = 480) -> np.ndarray:
    """Return an image or a video with every pixel repeated until its longer side is about this long, for the eye."""
    factor = max(1, side // max(pixels.shape[-3:-1]))
    return pixels.repeat(factor, axis=-3).repeat(factor, axis=-2)


def picture(image: np.ndarray) -> Image.Image:
    """Return an (H, W, C) uint8 image for Pillow.

    1 channel is grey, 3 are RGB, 2 and 4 the same with alpha; of more the first three are shown.
    """
    shown = image[..., 0] if image.shape[2] == 1 else image if image.shape[2] <= 4 else image[..., :3]
    return Image.fromarray(np.ascontiguousarray(shown))


def write_png(path: Path, image: np.ndarray) -> None:
    """Write an (H, W, C) uint8 image as `picture` shows it, whole or not at all."""
    with atomic.new_file(path, synced=False) as part:
        picture(image).save(part, format="PNG")


def write_npy(path: Path, pixels: np.ndarray) -> None:
    """Write uint8 pixels of any shape, whole or not at all."""
    with atomic.new_file(path, synced=False) as part:
        _write_npy(part, pixels)


def write_video(path: Path, frames: np.ndarray, frames_per_second: float) -> None:
    """Write a (T, H, W, C) uint8 video, whole or not at all, in the format that the file's ending names.

    .mp4 is H.264 (4:2:0, or 4:4:4 where a side is odd, which few browsers play), .gif has a palette of 256 colours,
    .webp and .npy lose nothing. 1 channel is grey, 3 are RGB; of more the first three are shown, of two the first one.
    Only .npy keeps them all.

    Raises:
        ValueError: the ending is another one, or such a file can't hold the rate.
    """
    writers = {".mp4": _write_mp4, ".gif": _write_gif, ".webp": _write_webp, ".npy": _write_npy}
    if path.suffix not in writers:
        raise ValueError(f"{path} can't be written; the name of a video ends in one of: {', '.join(writers)}")
    check_rate(path.suffix, frames_per_second)
    with atomic.new_file(path, synced=False) as part:
        writers[path.suffix](part, frames, frames_per_second)


def check_rate(ending: str, frames_per_second: float) -> None:
    """Raise ValueError where a video with this ending can't be shown at this rate; other files can at any."""
    slowest, fastest = RATES.get(ending, (frames_per_second, frames_per_second))
    if not slowest <= frames_per_second <= fastest:
        others = [other for other, (low, high) in RATES.items() if low <= frames_per_second <= high]
        nearest = fastest if frames_per_second > fastest else slowest
        raise ValueError(
            f"a {ending} shows {slowest:g} to {fastest:g} frames a second, got {frames_per_second:g}; set "
            f"frames_per_second={nearest:g}{f' or choose {others[0]}' if others else ''}"
        )


def _write_npy(path: Path, frames: np.ndarray, frames_per_second: float = 0.0) -> None:
    with path.open("wb") as file:
        np.save(file, frames)


def _write_webp(path: Path, frames: np.ndarray, frames_per_second: float) -> None:
    first, *rest = (Image.fromarray(frame) for frame in _rgb(frames))
    durations = _durations(len(frames), frames_per_second, ticks_per_second=1000)
    options = {"lossless": True, "quality": 0, "method": 0}
    first.save(path, format="WEBP", save_all=True, append_images=rest, duration=durations, loop=0, **options)


def _write_mp4(path: Path, frames: np.ndarray, frames_per_second: float) -> None:
    import av

    height, width = frames.shape[1:3]
    with av.open(path, "w", format="mp4", options={"movflags": "faststart"}) as container:
        stream = container.add_stream(
            "libx264",
            rate=Fraction(frames_per_second).limit_denominator(1001),
            width=width,
            height=height,
            pix_fmt="yuv444p" if height % 2 or width % 2 else "yuv420p",
            options={"crf": "12", "preset": "veryfast"},
        )
        stream.codec_context.thread_count = 1
        for frame in _rgb(frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))


def gif(frames: np.ndarray, frames_per_second: float) -> bytes:
    """Return a (T, H, W, C) uint8 video as the contents of a GIF, such as a notebook shows."""
    file = io.BytesIO()
    _write_gif(file, frames, frames_per_second)
    return file.getvalue()


def _write_gif(path: Path | IO[bytes], frames: np.ndarray, frames_per_second: float) -> None:
    import av

    height, width = frames.shape[1:3]
    durations = _durations(len(frames), frames_per_second, ticks_per_second=100)
    ticks = np.cumsum([0, *durations])
    graph = av.filter.Graph()
    source = graph.add_buffer(width=width, height=height, format=av.VideoFormat("rgb24"), time_base=Fraction(1, 100))
    split, palette, use = graph.add("split"), graph.add("palettegen"), graph.add("paletteuse")
    source.link_to(split)
    split.link_to(palette, 0, 0)
    split.link_to(use, 1, 0)
    palette.link_to(use, 0, 1)
    use.link_to(graph.add("buffersink"))
    graph.configure()
    options = {"loop": "0", "final_delay": str(durations[-1])}  # the others last until the next one begins
    with av.open(path, "w", format="gif", options=options) as container:
        stream = container.add_stream("gif", width=width, height=height, pix_fmt="pal8", time_base=Fraction(1, 100))
        for tick, pixels in zip(ticks.tolist(), _rgb(frames), strict=False):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = tick, Fraction(1, 100)
            graph.push(frame)
        graph.push(None)
        for _ in frames:
            coloured = graph.pull()
            assert isinstance(coloured, av.VideoFrame)
            container.mux(stream.encode(coloured))
        container.mux(stream.encode(None))


def _durations(num_frames: int, frames_per_second: float, ticks_per_second: int) -> list[int]:
    """Return how many ticks each frame is shown, so that none drifts from its time by more than half a tick."""
    times = np.round(np.arange(num_frames + 1) * ticks_per_second / frames_per_second)
    return np.diff(times).astype(int).tolist()


def _rgb(frames: np.ndarray) -> np.ndarray:
    frames = frames[..., :3] if frames.shape[-1] > 2 else frames[..., :1]
    return np.ascontiguousarray(np.broadcast_to(frames, (*frames.shape[:-1], 3)))
