"""Images in files, decoded when they are asked for: what a folder of them and tar files have in common."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property

import torch
from torch import Tensor

from framegan import noise
from framegan.data.bad_files import BadFiles
from framegan.data.images.file import File
from framegan.data.images.image_file import Channels, Fit, Resize, decode, decode_reduced
from framegan.data.resolution import sides_of
from framegan.data.source import TensorSource, counted
from framegan.files.at_once import try_all
from framegan.quoting import printable

SOON_DECODED = 100 << 20
"""Bytes of files that are all decoded, in some seconds, as soon as one of them can't be, to name the others too."""
SMALL = 1 << 14
"""Bytes of a file that is decoded sooner than threads take turns: one thread takes half of the time that six take."""
FAILURES_IN_A_ROW = 20
"""How many other images are tried in place of one that can't be decoded."""


class ImageFiles(ABC):
    """Images uint8 (C, H, W), one of each file. Whoever inherits sets what follows.

    Args:
        files: what each is called.
        labels: the class of each.
        classes: their names, in the order of their numbers.
        split: what is read of all.
        bad: those that can't be decoded, which this process came across.
        seed: key of what takes the place of one.
        resolution: side of a square, or (height, width).
        resize: crop the middle of an image to the shape of the resolution, pad it with black, or stretch it.
        scaled_decode: see `image_file.decode_reduced`.
    """

    files: Sequence[str]
    labels: list[int]
    classes: list[str]
    split: str
    bad: BadFiles
    seed: noise.Seed
    resolution: int | tuple[int, int]
    channels: Channels
    resize: Resize
    scaled_decode: bool

    @abstractmethod
    def _file(self, index: int) -> File: ...

    @abstractmethod
    def _num_bytes(self) -> int:
        """Return how many bytes all files have."""

    @property
    def shape(self) -> tuple[int, ...]:
        return self.channels, *sides_of(self.resolution)

    @property
    def num_classes(self) -> int:
        return len(self.classes)

    def class_counts(self) -> list[int]:
        return counted(self.labels, self.num_classes)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        for attempt in range(FAILURES_IN_A_ROW):
            chosen = index
            if attempt > 0:
                random = noise.generator(self.seed, noise.IMAGES, 0, index, attempt)
                chosen = self.bad.other(index, len(self), random)
            try:
                return self._pixels(chosen).contiguous(), self.labels[chosen]
            except ValueError as error:
                self.bad.add(self._all_bad() or {self.files[chosen]: str(error)})
        row = f"{FAILURES_IN_A_ROW} images in a row can't be decoded"
        raise ValueError(f"{row}, the first one {printable(self.files[index])}; remove those named")

    def in_memory(self) -> TensorSource:
        """Return the same images, decoded; all that can't be are named at once."""
        samples = torch.empty((len(self), *self.shape), dtype=torch.uint8)
        labels = torch.tensor(self.labels)
        problems = self._decode_into(samples, range(len(self)))
        self.bad.add(problems)
        for index in (index for index, file in enumerate(self.files) if file in problems):
            samples[index], labels[index] = self[index]
        return self._in_memory(samples, labels)

    def _decode_into(self, samples: Tensor, numbers: range) -> dict[str, str]:
        """Decode the images of these numbers, one row after the other; return why some can't be, by file."""

        def into_row(index: int) -> None:
            samples[index - numbers.start] = self._pixels(index)

        _, problems = try_all(into_row, numbers, "reading", 1 if self._are_small else None)
        return {self.files[index]: reason for index, reason in problems.items()}

    def _in_memory(self, samples: Tensor, labels: Tensor) -> TensorSource:
        return TensorSource(samples, labels, self.num_classes, self.split, self.classes)

    def _pixels(self, index: int) -> Tensor:
        file = self._file(index)
        pixels = decode_reduced(file, self._fit) if self.scaled_decode else self._fit(decode(file, self.channels))
        return torch.from_numpy(pixels.transpose(2, 0, 1))

    @property
    def _decoded_as(self) -> dict[str, bool]:
        """What else decides the pixels, where it isn't as it always was."""
        return {"scaled_decode": True} if self.scaled_decode else {}

    @cached_property
    def _fit(self) -> Fit:
        return Fit(self.resolution, self.channels, self.resize, "lanczos")

    @cached_property
    def _are_small(self) -> bool:
        return self._num_bytes() < SMALL * len(self)

    def _all_bad(self) -> dict[str, str]:
        """Decode all images where that is soon done and a bad one ends the run; return what can't be decoded."""
        if self.bad.on_error == "skip" or self._num_bytes() > SOON_DECODED:
            return {}
        _, problems = try_all(lambda index: self._pixels(index).shape, range(len(self)), "decoding")
        return {self.files[index]: reason for index, reason in problems.items()}
