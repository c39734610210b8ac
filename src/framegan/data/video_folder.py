"""Video files, decoded when their frames are asked for, and the folder of such files."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import PositiveInt

from framegan.data.bad_files import BadFiles, OnError, Share
from framegan.data.contents import file_inventory
from framegan.data.files import check_root, chosen_folder, data_files
from framegan.data.frame_fit import Fit
from framegan.data.image_file import Filter, Resize
from framegan.data.labels import emptied, labels_of
from framegan.data.say import say
from framegan.data.source import Inventory
from framegan.data.video_file import read
from framegan.data.video_index import index

EXTENSIONS = (
    ".3g2", ".3gp", ".asf", ".avi", ".divx", ".dv", ".f4v", ".flv", ".gif", ".h264", ".hevc", ".m1v", ".m2t", ".m2ts",
    ".m2v", ".m4v", ".mkv", ".mov", ".mp4", ".mpe", ".mpeg", ".mpg", ".mts", ".ogm", ".ogv", ".qt", ".ts", ".vob",
    ".webm", ".wmv", ".xvid",
)  # fmt: skip
"""Endings of what FFmpeg reads as one whole file; no lists of other files (.m3u8, .mpd, .asx)."""


class VideoFiles:
    """A list of video files; see `framegan.data.videos.FileVideos`.

    Every file is decoded once, ever, so that what can't be read is known before training.

    Args:
        files: paths relative to root.
        labels: the class of each file.
        on_error: what to do with files that can't be read: raise, or skip (leave them out and say so).
        max_bad_fraction: raise all the same if more than this share of the files is left out.

    Raises:
        ValueError: there are no files, or bad ones; the message names them.
    """

    def __init__(
        self,
        root: Path,
        files: Sequence[str],
        labels: Sequence[int],
        classes: Sequence[str],
        split: str,
        fit: Fit,
        on_error: OnError = "raise",
        max_bad_fraction: Share = 0.01,
    ):
        self.root = root.absolute()
        self.classes = list(classes)
        self.num_classes = len(classes)
        self.split = split
        self.fit = fit
        self.channels = fit.channels
        self.resolution = fit.resolution
        entries, problems = index(root, files)
        for file, entry in entries.items():
            try:
                fit.scaled(entry.info.width, entry.info.height, entry.info.pixel_aspect)
            except ValueError as error:
                problems[file] = str(error)
        BadFiles(len(files), f"files in {root}", on_error, max_bad_fraction).add(problems)
        good = [(file, label) for file, label in zip(files, labels, strict=True) if file not in problems]
        self.files = [file for file, _ in good]
        self.labels = [label for _, label in good]
        if gone := emptied(classes, labels, self.labels):
            say(f"skipped  {gone}: none of its videos can be read")
        self.entries = [entries[file] for file in self.files]

    @property
    def recipe(self) -> dict[str, Any]:
        return asdict(self.fit)

    def __len__(self) -> int:
        return len(self.files)

    def name(self, index: int) -> str:
        return self.files[index]

    def label(self, index: int) -> int:
        return self.labels[index]

    def stamp(self, index: int) -> tuple[int, int]:
        return self.entries[index].stamp

    def num_frames(self, index: int) -> int:
        return len(self.entries[index].info.pts)

    def frame_times(self, index: int) -> np.ndarray | None:
        return self.entries[index].info.times

    def inventory(self) -> Inventory:
        items = {file: [self.root / file] for file in self.files}
        return file_inventory(self.root, items, self.labels, self.classes, self.recipe)

    def read(self, index: int, frames: Sequence[int]) -> np.ndarray:
        return read(self.root / self.files[index], self.entries[index].info, frames, self.fit)


class VideoFolder(VideoFiles):
    """The videos anywhere below a folder, in the order of their paths.

    Args:
        channels: 1 grey, 3 colour.
        resize: crop the middle of the picture to a square, pad it with black, or stretch it.
        filter: of the scaling; all are antialiased.
        pixel_aspect: whether to widen or narrow pictures whose pixels aren't square.
        rotate: whether to turn pictures upright as their file says.
        split: a folder below root to read instead of root, such as train.
        labels: "folder": the folders right below are the classes; None: there are none; or the path of a csv or json.
        on_error: what to do with files that can't be read: raise, or skip (leave them out and say so).
        max_bad_fraction: raise all the same if more than this share of the files is left out.

    Raises:
        ValueError: there are no videos, or bad ones; the message names them.
    """

    def __init__(
        self,
        root: str,
        resolution: PositiveInt,
        channels: Literal[1, 3] = 3,
        resize: Resize = "crop",
        filter: Filter = "area",
        pixel_aspect: bool = True,
        rotate: bool = True,
        split: str | None = None,
        labels: str | None = "folder",
        on_error: OnError = "raise",
        max_bad_fraction: Share = 0.01,
    ):
        folder = chosen_folder(root, split)
        files = data_files(folder, EXTENSIONS, "videos", labels)
        check_root(folder, split, files, labels)
        numbers, classes = labels_of(files, folder, labels)
        above = Path(root).expanduser()
        super().__init__(
            above,
            [(folder.relative_to(above) / file).as_posix() for file in files],
            numbers,
            classes,
            split if split not in (None, "auto") else "all",
            Fit(resolution, channels, resize, filter, pixel_aspect, rotate),
            on_error,
            max_bad_fraction,
        )
