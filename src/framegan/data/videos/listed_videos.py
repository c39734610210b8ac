"""Videos that are each read from files of their own: what video files, strips and folders of frames have in common."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from framegan.data.bad_files import BadFiles, OnError, Share
from framegan.data.contents import file_inventory, groups_of_contents
from framegan.data.images import image_file
from framegan.data.labels import emptied
from framegan.data.source import Inventory
from framegan.data.videos import frame_fit, video_index
from framegan.processes.ranks import say


@dataclass(frozen=True)
class Entry:
    """What is known of a video that is kept as images; see `framegan.data.video_set.FileVideos.stamp`."""

    stamp: tuple[int, int]
    num_frames: int


Known = Entry | video_index.Entry


class ListedVideos(ABC):
    """Videos below a folder; see `framegan.data.video_set.FileVideos`.

    Every one is looked at beforehand, so that what can't be read is known before training.

    Args:
        root: what names begin at.
        folder: root, or the folder in it that is read.
        paths: the videos, relative to the folder.
        labels: the class of each, and the names of the classes.
        on_error: see `framegan.data.videos.video_folder.VideoFolder`, like max_bad_fraction.

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
        self.split = "all" if split in (None, "auto") else split
        self.fit = fit
        self.channels, self.resolution = fit.channels, fit.resolution
        numbers, self.classes = labels
        self.num_classes = len(self.classes)
        names = [(folder.absolute() / path).relative_to(self.root).as_posix() for path in paths]
        entries, problems = self.look_at_all(names)
        BadFiles(len(names), f"files in {Path(root).expanduser()}", on_error, max_bad_fraction).add(problems)
        self.names = [name for name in names if name not in problems]
        """The paths of the videos, relative to root."""
        self.labels = [number for name, number in zip(names, numbers, strict=True) if name not in problems]
        if gone := emptied(self.classes, numbers, self.labels):
            say(f"skipped  {gone}: none of its videos can be read")
        self.entries = [entries[name] for name in self.names]

    @abstractmethod
    def look_at_all(self, names: Sequence[str]) -> tuple[Mapping[str, Known], Mapping[str, str]]:
        """Return what is known of the videos, and why others can't be read."""

    @property
    def recipe(self) -> dict[str, Any]:
        return asdict(self.fit)

    def __len__(self) -> int:
        return len(self.names)

    def name(self, index: int) -> str:
        return self.names[index]

    def label(self, index: int) -> int:
        return self.labels[index]

    def stamp(self, index: int) -> tuple[int, int]:
        return self.entries[index].stamp

    def num_frames(self, index: int) -> int:
        return self.entries[index].num_frames

    def frame_times(self, index: int) -> np.ndarray | None:
        return None

    def files(self, path: Path) -> list[Path]:
        """Return the files of the video that lies there."""
        return [path]

    @cached_property
    def groups(self) -> Sequence[str | int] | None:
        """All videos of the same contents are held out, or none."""
        return groups_of_contents(self.root, self._items)

    @property
    def _items(self) -> dict[str, list[Path]]:
        return {name: self.files(self.root / name) for name in self.names}

    def inventory(self) -> Inventory:
        return file_inventory(self.root, self._items, self.labels, self.classes, self.recipe)
