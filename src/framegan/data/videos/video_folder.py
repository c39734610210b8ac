"""Video files, decoded when their frames are asked for, and the folder of such files."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from framegan.data.bad_files import OnError, Share
from framegan.data.files import files_of_split
from framegan.data.images.image_file import Filter, Resize
from framegan.data.labels import Classes, labelled
from framegan.data.resolution import Resolution
from framegan.data.source import Inventory
from framegan.data.videos.decode import read
from framegan.data.videos.frame_fit import Fit, is_large
from framegan.data.videos.listed_videos import ListedVideos
from framegan.data.videos.video_index import Entry, index

EXTENSIONS = (
    ".3g2", ".3gp", ".asf", ".avi", ".divx", ".dv", ".f4v", ".flv", ".gif", ".h264", ".hevc", ".m1v", ".m2t", ".m2ts",
    ".m2v", ".m4v", ".mkv", ".mov", ".mp4", ".mpe", ".mpeg", ".mpg", ".mts", ".ogm", ".ogv", ".qt", ".ts", ".vob",
    ".webm", ".wmv", ".xvid",
)  # fmt: skip
"""Endings of what FFmpeg reads as one whole file; no lists of other files (.m3u8, .mpd, .asx)."""


class VideoFiles(ListedVideos):
    """Video files, each of which is decoded once, ever."""

    fit: Fit
    entries: list[Entry]

    def look_at_all(self, names: Sequence[str]) -> tuple[dict[str, Entry], dict[str, str]]:
        entries, problems = index(self.root, names)
        for name, entry in entries.items():
            try:
                info = entry.info
                self.fit.scaled(info.width, info.height, info.pixel_aspect, info.orientation)
            except ValueError as error:
                problems[name] = str(error)
        return entries, problems

    def frame_times(self, index: int) -> np.ndarray | None:
        return self.entries[index].info.times

    def inventory(self) -> Inventory:
        """It tells runs of earlier versions, which took large videos for BT.601, that these have other colours."""
        is_any_large = any(is_large(entry.info.width, entry.info.height) for entry in self.entries)
        return {**super().inventory(), **({"matrix_of_large": "BT.709"} if is_any_large else {})}

    def read(self, index: int, frames: Sequence[int]) -> np.ndarray:
        return read(self.root / self.names[index], self.entries[index].info, frames, self.fit)


class VideoFolder(VideoFiles):
    """The videos anywhere below a folder, in the order of their paths.

    Args:
        resolution: side of a square, or (height, width).
        channels: 1 grey, 3 colour.
        resize: crop the middle of the picture to the shape of the resolution, pad it with black, or stretch it.
        filter: of the scaling; all are antialiased.
        pixel_aspect: whether to widen or narrow pictures whose pixels aren't square.
        rotate: whether to turn pictures upright as their file says.
        split: a folder below root to read instead of root, such as train.
        labels: "folder": the folders right below are the classes; None: there are none; or the path of a csv or json.
        classes: which of these are read, in the order of their numbers; None: all, in the order of their names.
        on_error: what to do with files that can't be read: raise, or skip (leave them out and say so).
        max_bad_fraction: raise all the same if more than this share of the files is left out.

    Raises:
        ValueError: there are no videos, or bad ones; the message names them.
    """

    def __init__(
        self,
        root: str,
        resolution: Resolution,
        channels: Literal[1, 3] = 3,
        resize: Resize = "crop",
        filter: Filter = "area",
        pixel_aspect: bool = True,
        rotate: bool = True,
        split: str | None = None,
        labels: str | None = "folder",
        classes: Classes | None = None,
        on_error: OnError = "raise",
        max_bad_fraction: Share = 0.01,
    ):
        folder, files = files_of_split(root, split, EXTENSIONS, "videos", labels)
        fit = Fit(resolution, channels, resize, filter, pixel_aspect, rotate)
        files, numbers = labelled(files, folder, labels, classes)
        super().__init__(root, folder, files, numbers, split, fit, on_error, max_bad_fraction)
