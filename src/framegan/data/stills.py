"""Videos that are kept as still images: what a set of strips and a set of folders of frames have in common."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image

from framegan.data.at_once import try_all
from framegan.data.bad_files import BadFiles, OnError
from framegan.data.contents import file_inventory
from framegan.data.image_file import Filter, Resize, to_square
from framegan.data.labels import emptied, labels_of
from framegan.data.say import say
from framegan.data.source import Inventory


@dataclass(frozen=True)
class Entry:
    """What is known of a video before it is decoded.

    Args:
        stamp: size in bytes and time of the last change in ns of what it is read from.
    """

    stamp: tuple[int, int]
    num_frames: int


@dataclass(frozen=True)
class Fit:
    """Fits images in the colours asked for to a square."""

    resolution: int
    channels: Literal[1, 3]
    resize: Resize
    filter: Filter

    def __call__(self, image: Image.Image) -> np.ndarray:
        """Return an image as uint8 (resolution, resolution, channels)."""
        return to_square(image, self.resolution, self.resize, self.filter)


class Stills(ABC):
    """Videos below a folder; see `framegan.data.videos.FileVideos`.

    Every one is looked at, though not decoded, so that most of what can't be read is known before training.

    Args:
        root: what names begin at.
        folder: root, or the folder in it that is read.
        paths: the videos, relative to the folder.
    """

    def __init__(
        self,
        root: str,
        folder: Path,
        paths: Sequence[str],
        split: str | None,
        labels: str | None,
        fit: Fit,
        on_error: OnError,
        max_bad_fraction: float,
    ):
        self.root = Path(root).expanduser().absolute()
        self.folder = folder.absolute()
        self.split = split if split not in (None, "auto") else "all"
        self.fit = fit
        self.channels = fit.channels
        self.resolution = fit.resolution
        numbers, self.classes = labels_of(paths, folder, labels)
        self.num_classes = len(self.classes)
        entries, problems = try_all(self.look, paths, "reading headers")
        BadFiles(len(paths), f"files in {folder}", on_error, max_bad_fraction).add(problems)
        self.paths = [path for path in paths if path in entries]
        self.labels = [number for path, number in zip(paths, numbers, strict=True) if path in entries]
        if gone := emptied(self.classes, numbers, self.labels):
            say(f"skipped  {gone}: none of its videos can be read")
        self.entries = [entries[path] for path in self.paths]

    @abstractmethod
    def look(self, path: str) -> Entry:
        """Look at a video without decoding it.

        Raises:
            ValueError, OSError: it can't be read; without the path.
        """

    @abstractmethod
    def read(self, index: int, frames: Sequence[int]) -> np.ndarray: ...

    @property
    def recipe(self) -> dict[str, Any]:
        return asdict(self.fit)

    def __len__(self) -> int:
        return len(self.paths)

    def name(self, index: int) -> str:
        return (self.folder / self.paths[index]).relative_to(self.root).as_posix()

    def label(self, index: int) -> int:
        return self.labels[index]

    def stamp(self, index: int) -> tuple[int, int]:
        return self.entries[index].stamp

    def num_frames(self, index: int) -> int:
        return self.entries[index].num_frames

    def files(self, path: str) -> list[Path]:
        """Return the files of a video."""
        return [self.folder / path]

    def inventory(self) -> Inventory:
        items = {self.name(index): self.files(path) for index, path in enumerate(self.paths)}
        return file_inventory(self.root, items, self.labels, self.classes, self.recipe)

    def frame_times(self, index: int) -> np.ndarray | None:
        return None
