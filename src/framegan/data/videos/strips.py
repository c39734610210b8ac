"""Videos as strips: one image a video, its frames side by side along the longer side.

The layout of MoCoGAN's data (Tulyakov et al. 2018): class/video.png. The content of a file decides what it holds, not
its ending.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image
from pydantic import PositiveInt

from framegan.data.bad_files import OnError, Share
from framegan.data.files import files_of_split
from framegan.data.images.image_file import EXTENSIONS, Filter, Fit, Resize, decode, size_of
from framegan.data.labels import Classes, labelled
from framegan.data.resolution import Resolution, simplest
from framegan.data.videos.listed_videos import Entry, ListedVideos
from framegan.files.at_once import try_all
from framegan.processes.ranks import say


class Strips(ListedVideos):
    """The strips anywhere below a folder, in the order of their paths.

    The frames of an image that is wider than high go from left to right, of others from top to bottom. A strip is
    decoded as a whole for any of its frames, so that the limit for one image holds (89 million pixels: 21,845
    frames of 64x64): longer videos are better kept in another way.

    The other arguments are those of `framegan.data.videos.video_folder.VideoFolder`.

    Args:
        frame_length: pixels of a frame along the strip; None: frames are square, and so is the resolution.

    Raises:
        ValueError: there are no strips, or bad ones; the message names them.
    """

    fit: Fit

    def __init__(
        self,
        root: str,
        resolution: Resolution,
        channels: Literal[1, 3] = 3,
        resize: Resize = "crop",
        filter: Filter = "area",
        frame_length: PositiveInt | None = None,
        split: str | None = None,
        labels: str | None = "folder",
        classes: Classes | None = None,
        on_error: OnError = "raise",
        max_bad_fraction: Share = 0.01,
    ):
        if frame_length is None and not isinstance(simplest(resolution), int):
            raise ValueError(
                f"data.resolution={resolution} is not square, and data.frame_length isn't set; set it to the pixels of "
                "a frame along the strip"
            )
        self.frame_length = frame_length
        folder, files = files_of_split(root, split, EXTENSIONS, "strips", labels)
        fit = Fit(resolution, channels, resize, filter)
        files, numbers = labelled(files, folder, labels, classes)
        super().__init__(root, folder, files, numbers, split, fit, on_error, max_bad_fraction)
        lengths = [entry.num_frames for entry in self.entries]
        counted = " to ".join(map(str, dict.fromkeys([min(lengths), max(lengths)])))
        rule = "" if frame_length else ", taken to be square; set data.frame_length where they aren't"
        say(f"strips   of {counted} frames each{rule}")

    @property
    def recipe(self) -> dict[str, Any]:
        return {**super().recipe, "frame_length": self.frame_length}

    def look_at_all(self, names: Sequence[str]) -> tuple[dict[str, Entry], dict[str, str]]:
        return try_all(lambda name: self._look(self.root / name), names, "reading headers")

    def _look(self, path: Path) -> Entry:
        status = path.stat()
        return Entry((status.st_size, status.st_mtime_ns), number_in(size_of(path), self.frame_length))

    def read(self, index: int, frames: Sequence[int]) -> np.ndarray:
        strip = decode(self.root / self.names[index], self.fit.channels)
        if number_in(strip.size, self.frame_length) != self.num_frames(index):
            raise ValueError("it has changed since the run began")
        return read_frames(strip, frames, self.frame_length, self.fit)


def number_in(size: tuple[int, int], frame_length: int | None) -> int:
    """Return how many frames a strip of this width and height has.

    Raises:
        ValueError: it is no whole number, or a square with several doesn't say whether they are side by side.
    """
    longer, length = max(size), frame_length or min(size)
    if longer % length:
        raise ValueError(
            f"{size[0]}x{size[1]} pixels are no whole number of frames of {length}; set data.frame_length, or "
            "data=frame_folder where every image is one frame"
        )
    if size[0] == size[1] > length:
        raise ValueError(
            f"{size[0]}x{size[1]} pixels don't say whether frames of {length} are side by side or one below the other; "
            "cut the strips into files and set data=frame_folder"
        )
    return longer // length


def read_frames(strip: Image.Image, frames: Sequence[int], frame_length: int | None, fit: Fit) -> np.ndarray:
    """Return frames of a strip by their numbers, fitted, uint8 (T, H, W, C)."""
    (width, height), length = strip.size, frame_length or min(strip.size)
    if width > height:
        boxes = [(frame * length, 0, (frame + 1) * length, height) for frame in frames]
    else:
        boxes = [(0, frame * length, width, (frame + 1) * length) for frame in frames]
    return np.stack([fit(strip.crop(box)) for box in boxes])
