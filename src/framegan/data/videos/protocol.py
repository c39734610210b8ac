"""Sets of videos: what a set has to offer so that clips can be drawn from it, and the set that lies in one array.

Frames are uint8 (T, H, W, C), H = W = resolution: a set fits every frame to one square size as it reads it. An image is
a video of one frame.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from framegan.files.at_once import try_all


class Videos(Protocol):
    """A finite set of labelled videos."""

    @property
    def num_classes(self) -> int: ...

    @property
    def split(self) -> str:
        """The split that is really read."""

    @property
    def channels(self) -> int: ...

    @property
    def resolution(self) -> int: ...

    def __len__(self) -> int: ...

    def name(self, index: int) -> str:
        """Return what messages call a video, such as its path below the root."""

    def label(self, index: int) -> int:
        """Return a video's class, in [0, num_classes)."""

    def num_frames(self, index: int) -> int: ...

    def frame_times(self, index: int) -> np.ndarray | None:
        """Return when each frame is shown, ascending seconds (num_frames,) float64; None: the set doesn't know."""

    def read(self, index: int, frames: Sequence[int]) -> np.ndarray:
        """Return the frames of these numbers, strictly ascending: uint8 (T, resolution, resolution, channels).

        Raises:
            ValueError: they can't be decoded; the message gives the reason without the video's name.
        """


@runtime_checkable
class FileVideos(Videos, Protocol):
    """Videos that are read from files, and can therefore be prepared once and for all."""

    root: Path

    @property
    def recipe(self) -> dict[str, Any]:
        """Every setting that decides what the pixels are, channels and resolution among them, JSON-serialisable; not
        the root nor the files."""

    def stamp(self, index: int) -> tuple[int, int]:
        """Return the size in bytes and the modification time in ns of what a video is read from."""


@runtime_checkable
class DecodedVideos(Videos, Protocol):
    """Videos that need no decoding, so that a batch of clips is read at once."""

    errors: dict[int, str]
    """Why a video could not be decoded, by index; it has no frames that count."""

    def clips(self, videos: Sequence[int], frames: Sequence[np.ndarray]) -> Tensor:
        """Return frames of videos without errors, the numbers (T,) of each: uint8 (N, T, H, W, C), a copy."""


@dataclass
class PackedVideos:
    """Videos whose frames lie end to end in one array: in memory, on a device or in a memory map.

    Args:
        frames: uint8 (F, H, W, C), the frames of all videos.
        starts: int64 (V + 1,), where each video begins; the last one is F.
        labels: int64 (V,).
        times: frame times by video, where they are known.
        errors: why a video could not be read, by index; it has no frames that count.
    """

    frames: Tensor
    starts: np.ndarray
    labels: np.ndarray
    names: Sequence[str]
    num_classes: int
    split: str = "all"
    times: Sequence[np.ndarray | None] | None = None
    errors: dict[int, str] = field(default_factory=dict)

    @property
    def channels(self) -> int:
        return self.frames.shape[3]

    @property
    def resolution(self) -> int:
        return self.frames.shape[1]

    def __len__(self) -> int:
        return len(self.labels)

    def name(self, index: int) -> str:
        return self.names[index]

    def label(self, index: int) -> int:
        return int(self.labels[index])

    def num_frames(self, index: int) -> int:
        return int(self.starts[index + 1] - self.starts[index])

    def frame_times(self, index: int) -> np.ndarray | None:
        return self.times[index] if self.times is not None else None

    def read(self, index: int, frames: Sequence[int]) -> np.ndarray:
        if index in self.errors:
            raise ValueError(self.errors[index])
        return self.clips([index], [np.asarray(frames)])[0].numpy(force=True)

    def clips(self, videos: Sequence[int], frames: Sequence[np.ndarray]) -> Tensor:
        """Return frames of videos, the numbers (T,) of each: uint8 (N, T, H, W, C), a copy."""
        positions = torch.from_numpy(np.stack(frames) + self.starts[np.asarray(videos)][:, None])
        chosen = self.frames.index_select(0, positions.flatten().to(self.frames.device))  # indexing takes nine times
        return chosen.view(*positions.shape, *self.frames.shape[1:])

    def to(self, device: torch.device) -> "PackedVideos":
        """Return the same videos on a device."""
        return PackedVideos(**{**vars(self), "frames": self.frames.to(device)})


def size_in_bytes(videos: Videos) -> int:
    """Return how much room the frames of all videos take."""
    num_frames = sum(videos.num_frames(index) for index in range(len(videos)))
    return num_frames * videos.resolution**2 * videos.channels


def pack(videos: Videos) -> PackedVideos:
    """Read all frames of all videos into memory."""
    counts = [videos.num_frames(index) for index in range(len(videos))]
    starts = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
    size = videos.resolution
    packed = PackedVideos(
        torch.empty((int(starts[-1]), size, size, videos.channels), dtype=torch.uint8),
        starts,
        np.array([videos.label(index) for index in range(len(videos))]),
        [videos.name(index) for index in range(len(videos))],
        videos.num_classes,
        videos.split,
        [videos.frame_times(index) for index in range(len(videos))],
    )

    def read(index: int) -> None:
        packed.frames[starts[index] : starts[index + 1]] = torch.from_numpy(videos.read(index, range(counts[index])))

    _, packed.errors = try_all(read, range(len(videos)), "reading")
    return packed
