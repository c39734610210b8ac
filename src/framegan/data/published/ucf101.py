"""UCF101, 13,320 short videos of 101 human actions (Soomro et al., 2012), with its three official splits.

A group of videos shares people and place. The official lists never divide one between training and test, and that is
checked here.
"""

import re
from pathlib import Path
from typing import Literal

from framegan.data.bad_files import OnError, Share
from framegan.data.files import root_of
from framegan.data.images.image_file import Filter, Resize
from framegan.data.labels import Classes, of_classes
from framegan.data.resolution import Resolution
from framegan.data.videos.frame_fit import Fit
from framegan.data.videos.video_folder import VideoFiles

Split = Literal["train1", "train2", "train3", "test1", "test2", "test3", "all"]

VIDEOS, LISTS = "UCF-101", ("ucfTrainTestlist", ".", "../ucfTrainTestlist")
"""Folders below root: of the videos, or root itself; of the lists, the first that is there."""
VIDEO = re.compile(r"(?!\.\.?/)([^/]+)/[^/]*_(g\d+)_c\d+(?:\.\w+)?")
"""Class and group of a video."""


class UCF101(VideoFiles):
    """The videos of one official split, in the order of their paths; "all" is training and test of the first.

    Args:
        root: holds UCF-101, the folder with a folder for each class, and ucfTrainTestlist, that with the lists.
        channels: 1 grey, 3 colour.
        classes: see `framegan.data.videos.video_folder.VideoFolder`.

    Raises:
        ValueError: a list or a video is missing or damaged, or the lists divide a group; the message names it.
    """

    def __init__(
        self,
        root: str,
        resolution: Resolution,
        split: Split = "train1",
        channels: Literal[1, 3] = 3,
        resize: Resize = "crop",
        filter: Filter = "area",
        pixel_aspect: bool = True,
        rotate: bool = True,
        classes: Classes | None = None,
        on_error: OnError = "raise",
        max_bad_fraction: Share = 0.01,
    ):
        above = root_of(root)
        folder = above / VIDEOS if (above / VIDEOS).is_dir() else above
        lists = next((above / name for name in LISTS if (above / name / "classInd.txt").is_file()), None)
        if lists is None:
            raise ValueError(
                f"classInd.txt is neither in {above} nor in {above / LISTS[0]}; unpack "
                "UCF101TrainTestSplits-RecognitionTask.zip from https://www.crcv.ucf.edu/data/UCF101.php there"
            )
        names = _classes(lists)
        files = sorted(_listed(lists, split))
        numbers = {name: number for number, name in enumerate(names)}
        for file in files:
            if (name := file.partition("/")[0]) not in numbers:
                raise ValueError(f"{lists / 'classInd.txt'} has no class {name!r}, the folder of {file}")
        labels = [numbers[file.partition("/")[0]] for file in files]
        files, of_files = of_classes(files, (labels, names), classes)
        fit = Fit(resolution, channels, resize, filter, pixel_aspect, rotate)
        super().__init__(above, folder, files, of_files, split, fit, on_error, max_bad_fraction)

    @property
    def groups(self) -> list[str]:
        """The class and the group of each video."""
        return [" ".join(_group(name.removeprefix(f"{VIDEOS}/"))) for name in self.names]


def _classes(lists: Path) -> list[str]:
    """Return the names of the classes; their file numbers them from 1."""
    rows = _rows(lists / "classInd.txt")
    names = {row[0]: row[-1] for row in rows if len(row) == 2}
    if names.keys() != {str(number + 1) for number in range(len(rows))}:
        raise ValueError(f"{lists / 'classInd.txt'} has to hold lines like '1 ApplyEyeMakeup', numbered without gaps")
    return [names[str(number + 1)] for number in range(len(rows))]


def _listed(lists: Path, split: Split) -> list[str]:
    number = split[-1] if split != "all" else "1"
    parts = {part: [row[0] for row in _rows(lists / f"{part}list0{number}.txt")] for part in ("train", "test")}
    divided = {_group(file) for file in parts["train"]} & {_group(file) for file in parts["test"]}
    if divided:
        raise ValueError(
            f"the lists 0{number} in {lists} divide {len(divided)} groups between training and test, such as "
            f"{' '.join(min(divided))}; use the official ones"
        )
    return parts["train"] + parts["test"] if split == "all" else parts[split[:-1]]


def _group(file: str) -> tuple[str, ...]:
    """Return the class and the group that a video belongs to."""
    match = VIDEO.fullmatch(file)
    if not match:
        raise ValueError(f"{file} is listed, but names no group of a class: expected class/v_class_gNN_cNN.avi")
    return match.groups()


def _rows(path: Path) -> list[list[str]]:
    try:
        return [line.split() for line in path.read_text().splitlines() if line.strip()]
    except OSError as error:
        raise ValueError(f"{path} can't be read: {error.strerror}; it is one of the official lists of UCF101") from None
