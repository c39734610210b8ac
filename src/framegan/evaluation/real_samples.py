"""The samples of a data set as metrics see them; see `framegan.metrics.sample_set`."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from framegan.data.held_out import held_out, keep_apart
from framegan.data.source import Inventory, Source, class_counts_of, classes_of, counted, read, told_plainly
from framegan.data.videos.clips import Clips
from framegan.spread import chosen

FIT = ("resize", "filter", "scaled_decode", "pixel_aspect", "rotate", "frame_length", "layout", "clips")
"""What the inventory of data says of how its samples are made, besides their shape."""


def origin_of(fingerprint: str | None, split: str, inventory: Inventory | None) -> dict[str, Any]:
    """Return how records call the samples of a source."""
    fit = {name: value for name, value in (inventory or {}).items() if name in FIT}
    return {"data": fingerprint, "split": split, "fit": fit}


class RealSamples:
    """The samples of a source, in its order and without augmentation.

    Args:
        source: gives the source when its samples are needed, which they are not where their features were kept.
        fingerprint: of the source; see `framegan.data.fingerprint`.
        origin: how records call it.
        shape: of a sample. None = as the source says.
        device: where features of them are computed, unless they are compared with fake samples elsewhere.
        draw: which of them are measured where not all are; see `framegan.spread.chosen`.
        class_counts: samples of each class. None = as the source says, of which else every sample is read.
        held_out: share that training has left out. None = they aren't those of the training.
        trained_on: what of those to be judged the weights were trained on before, such as "3 of 5 samples"; it may take
            a while.
    """

    def __init__(
        self,
        source: Callable[[], Source],
        fingerprint: str | None,
        origin: dict[str, Any],
        shape: tuple[int, ...] | None = None,
        device: str = "cpu",
        draw: int = 0,
        class_counts: Sequence[int] | None = None,
        held_out: float | None = None,
        trained_on: Callable[[], str] = str,
    ):
        self._source = source
        self.fingerprint = fingerprint
        self.origin = origin
        self._shape = shape
        self.device = torch.device(device)
        self.draw = draw
        self._class_counts = class_counts
        self.held_out, self.trained_on = held_out, trained_on

    @cached_property
    def source(self) -> Source:
        source = self._source()
        if self.held_out:
            keep_apart(source, self.held_out)
        return source

    @property
    def shape(self) -> tuple[int, ...]:
        return self._shape or tuple(self.source.shape)

    @property
    def num_samples(self) -> int:
        return len(self.source)

    @property
    def num_classes(self) -> int:
        return self.source.num_classes

    @property
    def classes(self) -> list[str]:
        return classes_of(self.source) if self.num_classes > 1 else []

    @property
    def class_counts(self) -> list[int]:
        told = self._class_counts or class_counts_of(self.source)
        return list(told or counted([int(self.source[k][1]) for k in range(len(self.source))], self.num_classes))

    @property
    def held_out_numbers(self) -> Sequence[int] | None:
        """The numbers of the samples that training has left out; None where these aren't those of the training."""
        return None if self.held_out is None else held_out(self.source, self.held_out).tolist()

    def chosen(self, num_wanted: int) -> list[int]:
        return chosen(num_wanted, self.num_samples, self.draw)

    def cut(self, num_frames: int, frame_stride: int) -> "RealSamples":
        if len(self.shape) == 3:
            raise ValueError(f"clips of {num_frames} frames are to be compared, and these data are images")
        channels, length, *size = self.shape

        def source() -> Source:
            if isinstance(self.source, Clips):
                return self.source.cut(num_frames, frame_stride)
            if (num_frames, frame_stride) == (length, 1):
                return self.source
            raise ValueError(
                f"clips of {num_frames} frames at frame_stride={frame_stride} are to be compared, and the data's "
                f"source has clips of {length} frames, which are compared as they are; set num_frames={length} and "
                "frame_stride=1 below metrics.NAME"
            )

        first = "first-" if (num_frames - 1) * frame_stride < length - 1 else ""
        name = None if self.fingerprint is None else f"{self.fingerprint}-{first}{num_frames}x{frame_stride}"
        return RealSamples(source, name, self.origin, (channels, num_frames, *size), str(self.device), self.draw)

    def batch(self, numbers: Sequence[int]) -> tuple[Tensor, Tensor]:
        with told_plainly():
            pixels, labels = read(self.source, [(number, 0) for number in numbers])
        is_image_of_clips = len(self.shape) == 4 and pixels.ndim == 4
        return pixels.unsqueeze(2) if is_image_of_clips else pixels, labels
