"""A folder of images: the folders right below it are the classes; files are decoded when they are asked for."""

import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import torch
from PIL import Image
from pydantic import PositiveInt
from rich.console import Console
from rich.progress import track
from torch import Tensor

from framegan.data.files import chosen_folder, class_name, walk
from framegan.data.image_file import EXTENSIONS, Resize, is_grey, read

MANY_FILES = 5_000
"""From how many on reading their headers takes long enough for a progress bar."""
NAMED_PROBLEMS = 10


class ImageFolder:
    """The images anywhere below a folder, in the order of their paths, uint8 (C, resolution, resolution).

    The header of every file is read at once, so that what isn't an image is known before training.

    Args:
        channels: 1 grey, 3 colour; None = 1 if every image is grey, otherwise 3.
        resize: crop the middle of the image to a square, pad it with black, or stretch it.
        split: a folder below root to read instead of root, such as train.

    Raises:
        ValueError: there are no images, or files that can't be read; the message names them.
    """

    def __init__(
        self,
        root: str,
        resolution: PositiveInt,
        channels: Literal[1, 3] | None = None,
        resize: Resize = "crop",
        split: str | None = None,
    ):
        self.split = split if split not in (None, "auto") else "all"
        self.folder = chosen_folder(root, self.split)
        self.files = walk(self.folder, EXTENSIONS)
        if not self.files:
            raise ValueError(f"no images in {self.folder}; files that end in {', '.join(EXTENSIONS)} are read")
        all_grey = _check(self.folder, self.files)
        self.channels: Literal[1, 3] = channels or (1 if all_grey else 3)
        self.resolution = resolution
        self.resize = resize
        names = [class_name(file) for file in self.files]
        self.classes = sorted(set(names))
        self.num_classes = len(self.classes)
        numbers = {name: number for number, name in enumerate(self.classes)}
        self.labels = [numbers[name] for name in names]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.channels, self.resolution, self.resolution

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        path = self.folder / self.files[index]
        try:
            pixels = read(path, self.resolution, self.channels, self.resize)
        except ValueError as error:
            raise ValueError(f"{path} can't be decoded: {error}; mend it or remove it") from None
        return torch.from_numpy(pixels).permute(2, 0, 1).contiguous(), self.labels[index]


def _check(folder: Path, files: list[str]) -> bool:
    """Read all headers, several at a time for the sake of network disks; return whether every image is grey."""

    def look(file: str) -> bool | str:
        try:
            return is_grey(folder / file)
        except (ValueError, OSError) as error:
            return f"{file}: {error}"

    console = Console(stderr=True)
    quiet = len(files) < MANY_FILES or not console.is_terminal
    with warnings.catch_warnings(), ThreadPoolExecutor() as threads:
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # it is an error here
        found = threads.map(look, files)
        seen = list(track(found, "reading headers", len(files), console=console, transient=True, disable=quiet))
    problems = [answer for answer in seen if isinstance(answer, str)]
    if problems:
        shown = "".join(f"\n  {problem}" for problem in problems[:NAMED_PROBLEMS])
        more = len(problems) - NAMED_PROBLEMS
        rest = f"\n  and {more} more" if more > 0 else ""
        raise ValueError(
            f"{len(problems)} of {len(files)} files in {folder} can't be read; mend or remove them:{shown}{rest}"
        )
    return all(seen)
