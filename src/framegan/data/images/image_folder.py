"""A folder of images, with the folders right below it, or a list, as classes; files are decoded when asked for."""

import math
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from framegan import noise
from framegan.data.bad_files import NAMED_PROBLEMS, BadFiles, OnError, Share
from framegan.data.contents import file_inventory, groups_of_contents
from framegan.data.files import files_of_split
from framegan.data.images.image_file import EXTENSIONS, Channels, Resize, is_grey
from framegan.data.images.image_files import ImageFiles
from framegan.data.images.kept import AT_ONCE, KeptImages
from framegan.data.labels import Classes, emptied, labelled
from framegan.data.resolution import Resolution, sides_of, simplest
from framegan.data.source import Inventory, TensorSource
from framegan.files.at_once import try_all
from framegan.files.live import track
from framegan.processes.ranks import say
from framegan.quoting import printable


class ImageFolder(ImageFiles):
    """The images anywhere below a folder, in the order of their paths, uint8 (C, H, W).

    The header of every file is read at once, so that what isn't an image is known before training. What turns out
    later not to be decodable is named, and replaced by another image: the same one in every epoch, run and process.
    Where there are many, and all of them were read into memory before, neither is done again; see `kept`.

    Args:
        resolution: side of a square, or (height, width).
        channels: 1 grey, 3 colour, 2 and 4 the same with alpha; None = 1 if every image is grey, otherwise 3.
        resize: crop the middle of the image to the shape of the resolution, pad it with black, or stretch it.
        scaled_decode: decode JPEG at a half, a quarter or an eighth of its sides where that still has twice the pixels
            needed: much faster, and other by a little; see `image_file.decode_reduced`.
        split: a folder below root to read instead of root, such as train.
        labels: "folder": the folders right below are the classes; None: there are none; or the path of a csv or json.
        classes: which of these are read, in the order of their numbers; None: all, in the order of their names.
        on_error: what to do with images that can't be read: raise, or skip (leave them out and say so).
        max_bad_fraction: raise all the same if more than this share of the images is left out.
        seed: key of what takes the place of an image that can't be decoded.
        cache: auto: keep them decoded beside the data, where they are many and go into memory; none: don't.

    Raises:
        ValueError: there are no images, or files that can't be read; the message names them.
    """

    def __init__(
        self,
        root: str,
        resolution: Resolution,
        channels: Channels | None = None,
        resize: Resize = "crop",
        scaled_decode: bool = False,
        split: str | None = None,
        labels: str | None = "folder",
        classes: Classes | None = None,
        on_error: OnError = "raise",
        max_bad_fraction: Share = 0.01,
        seed: noise.Seed = 0,
        cache: Literal["auto", "none"] = "auto",
    ):
        self.root = Path(root).expanduser()
        self.folder, files = files_of_split(root, split, EXTENSIONS, "images", labels)
        files, (numbers, self.classes) = labelled(files, self.folder, labels, classes)
        self.split = split if split not in (None, "auto") else "all"
        self.seed = seed
        self.bad = BadFiles(len(files), f"files in {self.folder}", on_error, max_bad_fraction)
        """Those that this process came across."""
        self.resolution = simplest(resolution)
        self.resize, self.scaled_decode = resize, scaled_decode
        way = {"channels": channels, "resize": resize, "classes": classes, "labels": labels, **self._decoded_as}
        sides = sides_of(self.resolution)
        self.kept = KeptImages.of(self.root, self.folder, files, sides, way) if cache == "auto" else None
        """Where decoded ones are kept; None: they aren't."""
        if self.kept is not None and (pixels := self.kept.find()) is not None:
            say(f"cache    {self.kept.folder}")
            self.files = list(files)
            self.channels = pixels.shape[1]
        else:
            grey, problems = try_all(lambda file: is_grey(self.folder / file), files, "reading headers")
            self.bad.add(problems)
            self.files = list(grey)
            self.channels = channels or (1 if all(grey.values()) else 3)
        whole = set(self.files)
        self.labels = [number for file, number in zip(files, numbers, strict=True) if file in whole]
        if gone := emptied(self.classes, numbers, self.labels):
            say(f"skipped  {gone}: none of its images can be read")

    @cached_property
    def groups(self) -> list[int] | None:
        """All files of the same contents are held out, or none."""
        return groups_of_contents(self.root, self._items)

    def inventory(self) -> Inventory:
        recipe = {"resolution": self.resolution, "channels": self.channels, "resize": self.resize}
        recipe |= self._decoded_as
        return file_inventory(self.root, self._items, self.labels, self.classes, recipe)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        if self._mapped is not None:
            return torch.from_numpy(self._mapped[index].copy()), self.labels[index]
        return super().__getitem__(index)

    def in_memory(self) -> TensorSource:
        """Return the same images, decoded; all that can't be are named at once."""
        if self.kept is not None and (pixels := self.kept.load()) is not None:
            return self._in_memory(torch.from_numpy(pixels), torch.tensor(self.labels))
        read = super().in_memory()
        if self.kept is not None and not self.bad.found:
            self.kept.write(read.samples.numpy())
        return read

    def build_kept(self) -> None:
        """Decode all images and keep them, a few at a time in memory.

        Raises:
            ValueError: some can't be decoded.
            OSError: they can't be written.
        """
        assert self.kept is not None
        rows = max(1, AT_ONCE // math.prod(self.shape))
        samples = torch.empty((min(rows, len(self)), *self.shape), dtype=torch.uint8)

        def pixels() -> Iterator[np.ndarray]:
            for first in track(range(0, len(self), rows), "decoding", -(-len(self) // rows)):
                numbers = range(first, min(first + rows, len(self)))
                if problems := self._decode_into(samples, numbers):
                    raise ValueError(self.whole_alone(problems))
                yield samples[: len(numbers)].numpy()

        self.kept.build(self.channels, pixels())

    def whole_alone(self, problems: Mapping[str, str]) -> str:
        """Return why nothing is kept of a folder in which these can't be read."""
        named = [f"\n  {printable(file)}: {reason}" for file, reason in [*problems.items()][:NAMED_PROBLEMS]]
        more = f"\n  and {len(problems) - NAMED_PROBLEMS} more" if len(problems) > NAMED_PROBLEMS else ""
        said = f"{len(problems)} of the images in {self.folder} can't be read, and all are kept or none"
        return f"{said}; fix or remove them:{''.join(named)}{more}"

    @cached_property
    def _mapped(self) -> np.ndarray | None:
        """What is kept, on the disk; a pickled memory map would be a copy of it, so each process maps it itself."""
        return None if self.kept is None else self.kept.mapped()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_mapped"}

    @property
    def _items(self) -> dict[str, list[Path]]:
        paths = [self.folder / file for file in self.files]
        return {path.relative_to(self.root).as_posix(): [path] for path in paths}

    def _file(self, index: int) -> Path:
        return self.folder / self.files[index]

    def _num_bytes(self) -> int:
        return sum((self.folder / file).stat().st_size for file in self.files)
