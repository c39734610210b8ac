"""Videos whose frames were decoded before: they lie in shards on the disk, which are mapped into memory or unpacked.

Raw frames are uint8 (C, H, W), end to end: the colours apart, as the networks will want them, so that a clip is read
in its final order. JPEG files lie end to end too, and after them, as int64 (F + 1,), where each begins and the last one
ends.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from framegan.data.resolution import sides_of
from framegan.data.source import Inventory, classes_of, inventory_told_by
from framegan.data.video_set import DecodedVideos, Videos

Format = Literal["raw", "jpeg"]
Shape = tuple[int, int, int]


class RawFrames:
    """Raw frames in a file, mapped into memory; both kinds copy frames at positions (T,) to uint8 (C, T, H, W)."""

    def __init__(self, file: Path, shape: Shape):
        self.channels, *size = shape
        self.planes = np.asarray(np.memmap(file, np.uint8, "r")).reshape(-1, *size)

    def copy(self, positions: np.ndarray, out: np.ndarray) -> None:
        planes = positions * self.channels + np.arange(self.channels)[:, None]
        np.take(self.planes, planes, axis=0, out=out, mode="clip")  # every other mode copies once more


class JpegFrames:
    """JPEG frames in a file, mapped into memory."""

    def __init__(self, file: Path, shape: Shape):
        self.bytes = np.asarray(np.memmap(file, np.uint8, "r"))
        end = int(self.bytes[-8:].view(np.int64)[0])
        self.starts = self.bytes[end:].view(np.int64)

    def copy(self, positions: np.ndarray, out: np.ndarray) -> None:
        for place, position in enumerate(positions):
            data = self.bytes[self.starts[position] : self.starts[position + 1]].tobytes()
            image = Image.open(io.BytesIO(data), formats=("JPEG",))
            if image.size != out.shape[:1:-1]:
                raise ValueError(f"a frame of {image.width}x{image.height}")
            pixels = np.asarray(image)
            out[:, place] = pixels.transpose(2, 0, 1) if pixels.ndim == 3 else pixels


Frames = RawFrames | JpegFrames
FRAMES: dict[Format, type[Frames]] = {"raw": RawFrames, "jpeg": JpegFrames}


@dataclass(eq=False)
class CachedVideos(DecodedVideos):
    """Videos whose frames are read from shards; all else is as the source says, so that new labels need no decoding.

    Args:
        source: the same videos, undecoded.
        shards: the files of frames.
        places: int64 (V, 2), the shard of each video and the position of its first frame there.
        errors: why a video could not be decoded, by index; it has no frames there.
        quality: of JPEG, which changes the frames.

    A shard that is rewritten afterwards, of other videos it may be, isn't read.
    """

    source: Videos
    shards: Sequence[Path]
    places: np.ndarray
    format: Format
    errors: dict[int, str]
    quality: int | None = None
    open: dict[int, Frames] = field(default_factory=dict, init=False)
    """The shards that this process has read from. A pickled memory map would be a copy of the file: see below."""
    states: list[tuple[int, int]] = field(default_factory=list, init=False)
    """The size and the time of each shard as it was found."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.states = [_state(file) for file in self.shards]

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "open": {}}

    @property
    def classes(self) -> list[str]:
        return classes_of(self.source)

    def inventory(self) -> Inventory | None:
        """Return that of the source, whose frames these are but for JPEG."""
        told = inventory_told_by(self.source)
        return told if told is None or self.quality is None else {**told, "JPEG quality": self.quality}

    def clips(self, videos: Sequence[int], frames: Sequence[np.ndarray]) -> Tensor:
        """Return frames of readable videos, one row of numbers (T,) for each: uint8 (N, T, H, W, C).

        In memory they are (N, C, T, H, W): that view costs nothing.

        Raises:
            ValueError: a shard is damaged.
        """
        shape = self.channels, *sides_of(self.resolution)
        clips = np.empty((len(videos), self.channels, len(frames[0]), *shape[1:]), np.uint8)
        for video, numbers, clip in zip(videos, frames, clips, strict=True):
            shard, start = self.places[video].tolist()
            try:
                if shard not in self.open:
                    if _state(self.shards[shard]) != self.states[shard]:
                        raise ValueError("it was rewritten since then: start the run again, or resume it")
                    self.open[shard] = FRAMES[self.format](self.shards[shard], shape)
                self.open[shard].copy(start + numbers, clip)
            except (OSError, ValueError, IndexError, Image.DecompressionBombError) as error:
                remedy = "framegan prepare with these data and verify=true repairs it"
                raise ValueError(f"{self.shards[shard]} is damaged ({error}); {remedy}") from error
        return torch.from_numpy(clips).permute(0, 2, 3, 4, 1)


def _state(file: Path) -> tuple[int, int]:
    state = file.stat()
    return state.st_size, state.st_mtime_ns


def undecoded(videos: Videos) -> Videos:
    """Return videos as they are known from their files, wherever their frames are read."""
    return videos.source if isinstance(videos, CachedVideos) else videos
