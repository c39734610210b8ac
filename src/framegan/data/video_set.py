"""Sets of videos: what a set has to offer so that clips can be drawn from it, and the set that lies in one array.

Frames are uint8 (T, H, W, C): a set fits every frame to its resolution as it reads it. An image is a video of one
frame.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from framegan.data.resolution import frame_bytes, sides_of
from framegan.devices import put
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
    def resolution(self) -> int | tuple[int, int]:
        """Side of a square, or (height, width)."""

    def __len__(self) -> int: ...

    def name(self, index: int) -> str:
        """Return what messages call a video, such as its path below the root."""

    def label(self, index: int) -> int:
        """Return a video's class, in [0, num_classes)."""

    def num_frames(self, index: int) -> int: ...

    def frame_times(self, index: int) -> np.ndarray | None:
        """Return when each frame is shown, ascending seconds (num_frames,) float64; None: the set doesn't know."""

    def read(self, index: int, frames: Sequence[int]) -> np.ndarray:
        """Return the frames of these numbers, strictly ascending: uint8 (T, H, W, channels).

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
        """Return the size in bytes of what a video is read from, and a number that is another once that has changed.

        Of one file it is the modification time in ns.
        """


class DecodedVideos(ABC):
    """Videos that need no decoding, so that a batch of clips is read at once; all but the frames is as the source says.

    Args:
        source: the same videos, undecoded.
        errors: why a video could not be decoded, by index; it has no frames that count.
    """

    source: Videos
    errors: dict[int, str]

    def __post_init__(self) -> None:
        self.num_classes, self.split = self.source.num_classes, self.source.split
        self.channels, self.resolution = self.source.channels, self.source.resolution

    @abstractmethod
    def clips(self, videos: Sequence[int], frames: Sequence[np.ndarray]) -> Tensor:
        """Return frames of videos without errors, the numbers (T,) of each: uint8 (N, T, H, W, C), a copy."""

    def __len__(self) -> int:
        return len(self.source)

    def name(self, index: int) -> str:
        return self.source.name(index)

    @cached_property
    def labels(self) -> list[int]:
        return [self.source.label(index) for index in range(len(self))]

    @property
    def groups(self) -> Sequence[Any] | None:
        return getattr(self.source, "groups", None)

    def label(self, index: int) -> int:
        return self.labels[index]

    def num_frames(self, index: int) -> int:
        return self.source.num_frames(index)

    def frame_times(self, index: int) -> np.ndarray | None:
        return self.source.frame_times(index)

    def read(self, index: int, frames: Sequence[int]) -> np.ndarray:
        if index in self.errors:
            raise ValueError(self.errors[index])
        return self.clips([index], [np.asarray(frames)])[0].numpy(force=True)


@dataclass(eq=False)
class PackedVideos(DecodedVideos):
    """Videos whose frames lie end to end in one array, in memory or on a device.

    Args:
        frames: uint8 (F, H, W, C), the frames of all videos.
        starts: int64 (V + 1,), where each video begins; the last one is F.
    """

    source: Videos
    frames: Tensor
    starts: np.ndarray
    errors: dict[int, str]

    def clips(self, videos: Sequence[int], frames: Sequence[np.ndarray]) -> Tensor:
        positions = torch.from_numpy(np.stack(frames) + self.starts[np.asarray(videos)][:, None])
        chosen = self.frames.index_select(0, put(positions.flatten(), self.frames.device))  # indexing takes nine times
        return chosen.view(*positions.shape, *self.frames.shape[1:])

    def to(self, device: torch.device) -> "PackedVideos":
        """Return the same videos on a device."""
        return replace(self, frames=self.frames.to(device))


def size_in_bytes(videos: Videos) -> int:
    """Return how much room the frames of all videos take."""
    num_frames = sum(videos.num_frames(index) for index in range(len(videos)))
    return num_frames * frame_bytes(videos)


def pack(videos: Videos) -> PackedVideos:
    """Read all frames of all videos into memory."""
    counts = [videos.num_frames(index) for index in range(len(videos))]
    starts = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
    frames = torch.empty((int(starts[-1]), *sides_of(videos.resolution), videos.channels), dtype=torch.uint8)

    def read(index: int) -> None:
        frames[starts[index] : starts[index + 1]] = torch.from_numpy(videos.read(index, range(counts[index])))

    _, errors = try_all(read, range(len(videos)), "reading")
    return PackedVideos(videos, frames, starts, errors)
