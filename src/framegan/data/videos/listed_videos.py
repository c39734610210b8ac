"""Videos that are each read from files of their own: what video files, strips and folders of frames have in common."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from framegan.data.bad_files import BadFiles, OnError, Share
from framegan.data.contents import file_inventory
from framegan.data.images import image_file
from framegan.data.labels import emptied
from framegan.data.source import Inventory
from framegan.data.videos import frame_fit
from framegan.processes.ranks import say


class Known(Protocol):
    """What is known of a video before its frames are asked for.

    Attributes:
        stamp: size in bytes and time of the last change in ns of what it is read from.
    """

    @property
    def stamp(self) -> tuple[int, int]: ...

    @property
    def num_frames(self) -> int: ...


@dataclass(frozen=True)
class Entry:
    """What is known of a video that is kept as images."""

    stamp: tuple[int, int]
    num_frames: int


class ListedVideos(ABC):
    """Videos below a folder; see `framegan.data.videos.protocol.FileVideos`.

    Every one is looked at beforehand, so that what can't be read is known before training.

    Args:
        root: what names begin at.
        folder: root, or the folder in it that is read.
        paths: the videos, relative to the folder.
        labels: the class of each, and the names of the classes.
        on_error: what to do with videos that can't be read: raise, or skip (leave them out and say so).
        max_bad_fraction: raise all the same if more than this share of the videos is left out.

    Raises:
        ValueError: there are bad ones; the message names them.
    """

    fit: frame_fit.Fit | image_file.Fit
    entries: Sequence[Known]

    def __init__(
        self,
        root: str | Path,
        folder: Path,
        paths: Sequence[str],
        labels: tuple[list[int], list[str]],
        split: str | None,
        fit: frame_fit.Fit | image_file.Fit,
        on_error: OnError,
        max_bad_fraction: Share,
    ):
        self.root = Path(root).expanduser().absolute()
        self.folder = folder.absolute()
        self.split = split if split not in (None, "auto") else "all"
        self.fit = fit
        self.channels = fit.channels
        self.resolution = fit.resolution
        numbers, self.classes = labels
        self.num_classes = len(self.classes)
        entries, problems = self.look_at_all(paths)
        bad = BadFiles(len(paths), f"files in {Path(root).expanduser()}", on_error, max_bad_fraction)
        bad.add(problems, self.name_of)
        self.paths = [path for path in paths if path not in problems]
        self.labels = [number for path, number in zip(paths, numbers, strict=True) if path not in problems]
        if gone := emptied(self.classes, numbers, self.labels):
            say(f"skipped  {gone}: none of its videos can be read")
        self.entries = [entries[path] for path in self.paths]

    @abstractmethod
    def look_at_all(self, paths: Sequence[str]) -> tuple[Mapping[str, Known], Mapping[str, str]]:
        """Return what is known of the videos, and why others can't be read."""

    @abstractmethod
    def read(self, index: int, frames: Sequence[int]) -> np.ndarray: ...

    @property
    def recipe(self) -> dict[str, Any]:
        return asdict(self.fit)

    def __len__(self) -> int:
        return len(self.paths)

    def name(self, index: int) -> str:
        return self.name_of(self.paths[index])

    def name_of(self, path: str) -> str:
        return (self.folder / path).relative_to(self.root).as_posix()

    def label(self, index: int) -> int:
        return self.labels[index]

    def stamp(self, index: int) -> tuple[int, int]:
        return self.entries[index].stamp

    def num_frames(self, index: int) -> int:
        return self.entries[index].num_frames

    def frame_times(self, index: int) -> np.ndarray | None:
        return None

    def files(self, path: str) -> list[Path]:
        """Return the files of a video."""
        return [self.folder / path]

    def inventory(self) -> Inventory:
        items = {self.name_of(path): self.files(path) for path in self.paths}
        return file_inventory(self.root, items, self.labels, self.classes, self.recipe)
