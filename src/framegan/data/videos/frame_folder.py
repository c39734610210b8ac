"""Videos as folders of frames: every folder that directly holds images is a video."""

import hashlib
import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import numpy as np

from framegan.data.bad_files import OnError, Share
from framegan.data.files import check_root, chosen_folder, data_files
from framegan.data.images.image_file import EXTENSIONS, Filter, Fit, Resize, decode, size_of
from framegan.data.labels import Classes, labelled
from framegan.data.resolution import Resolution
from framegan.data.videos.frame_order import in_order
from framegan.data.videos.listed_videos import Entry, ListedVideos
from framegan.files import strict_json
from framegan.files.at_once import try_all


class FrameFolder(ListedVideos):
    """The folders of frames anywhere below a folder, in the order of their paths.

    The frames are in the order of their names, in which numbers count as numbers: frame_2 comes before frame_10, -1
    before 0 and 0.5 before 1.25; see `frame_order`. Of each video the header of the first frame is read
    beforehand, and that no frame is empty.

    The other arguments are those of `framegan.data.videos.video_folder.VideoFolder`.

    Args:
        labels: "folder": the class of class/video is its first folder, videos right in root share one; None: there
            are no classes; or the path of a csv or json, in which the videos are folders.

    Raises:
        ValueError: there are no frames, or bad ones; the message names the videos.
    """

    fit: Fit

    def __init__(
        self,
        root: str,
        resolution: Resolution,
        channels: Literal[1, 3] = 3,
        resize: Resize = "crop",
        filter: Filter = "area",
        split: str | None = None,
        labels: str | None = "folder",
        classes: Classes | None = None,
        on_error: OnError = "raise",
        max_bad_fraction: Share = 0.01,
    ):
        folder = chosen_folder(root, split)
        frames = defaultdict(list)
        for file in map(PurePosixPath, data_files(folder, EXTENSIONS, "frames", labels)):
            frames[str(file.parent)].append(file.name)
        if "." in frames:
            raise ValueError(
                f"{folder} itself holds images, such as {frames['.'][0]}; put the frames of each video into a folder "
                "of its own, or set data=strips where each image is a whole video"
            )
        check_root(folder, split, list(frames), labels)
        self.frames = {folder.absolute() / video: in_order(names) for video, names in frames.items()}
        videos, fit = list(frames), Fit(resolution, channels, resize, filter)
        videos, numbers = labelled(videos, folder, labels, classes)
        super().__init__(root, folder, videos, numbers, split, fit, on_error, max_bad_fraction)

    def look_at_all(self, names: Sequence[str]) -> tuple[dict[str, Entry], dict[str, str]]:
        return try_all(lambda name: self._look(self.files(self.root / name)), names, "reading headers")

    def _look(self, files: Sequence[Path]) -> Entry:
        stamps = [file.stat() for file in files]
        if empty := [file.name for file, status in zip(files, stamps, strict=True) if status.st_size == 0]:
            raise ValueError(f"{empty[0]}: empty file")
        _named(files[0], size_of)
        return Entry((sum(status.st_size for status in stamps), _state(files, stamps)), len(files))

    def files(self, path: Path) -> list[Path]:
        return [path / name for name in self.frames[path]]

    def read(self, index: int, frames: Sequence[int]) -> np.ndarray:
        path = self.root / self.names[index]
        files = [path / self.frames[path][frame] for frame in frames]
        return np.stack([_named(file, lambda file: self.fit(decode(file, self.fit.channels))) for file in files])


def _state(files: Sequence[Path], stamps: Sequence[os.stat_result]) -> int:
    """Return a number that is another when frames are renamed, which changes neither a size nor a time of one."""
    each = [[file.name, status.st_size, status.st_mtime_ns] for file, status in zip(files, stamps, strict=True)]
    return int(hashlib.sha256(strict_json.dumps(each).encode()).hexdigest()[:15], 16)


def _named(file: Path, function: Callable[[Path], Any]) -> Any:
    """Return what a function returns for a file; where it can't, the reason begins with its name."""
    try:
        return function(file)
    except ValueError as error:
        raise ValueError(f"{file.name}: {error}") from None
