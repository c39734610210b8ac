"""Sources of samples: what a data set has to offer, and the source that lies in memory."""

import math
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from torch import Tensor

from framegan.data.stream import Ticket

Split = Literal["auto", "train", "test", "all"]
"""What to read of a published data set; see `parts_of`."""

VALUES_AT_ONCE = 1 << 24
"""How many float32 values `resize` works on at a time: 64 MB."""


class UnreadableDataError(ValueError):
    """Samples can't be read; the message says why, in the words of what was to give them."""


@contextmanager
def told_plainly() -> Iterator[None]:
    """Raise whatever goes wrong while samples are read as UnreadableDataError; sources may be anybody's."""
    try:
        yield
    except (UnreadableDataError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise UnreadableDataError(_story(error)) from error


def _story(error: BaseException) -> str:
    said = str(error).strip()
    if isinstance(error, MemoryError):
        return "there isn't enough memory to read the data; set data.num_workers or data.batch_size lower"
    if isinstance(error, ValueError | OSError) and said:
        return said
    *_, last = traceback.extract_tb(error.__traceback__)
    what = f"{type(error).__name__}: {said.partition(chr(10))[0]}".removesuffix(": ")
    return f"the data can't be read, {what} ({last.filename}, line {last.lineno}, in {last.name})"


class Source(Protocol):
    """A finite set of labelled samples."""

    @property
    def num_classes(self) -> int: ...

    @property
    def split(self) -> str:
        """The split that is really read."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of every sample, e.g. (C, H, W)."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        """Return one uint8 sample of this shape and its class, in [0, num_classes)."""


@runtime_checkable
class BatchSource(Source, Protocol):
    """A source that reads whole batches, each sample with the randomness of its epoch."""

    def batch(self, tickets: Sequence[Ticket]) -> tuple[Tensor, Tensor]:
        """Return the samples of these tickets, uint8 (N, *shape), and their classes, int64 (N,)."""


def read(source: Source, tickets: Sequence[Ticket]) -> tuple[Tensor, Tensor]:
    """Return the samples of these tickets, uint8 (N, *shape), and their classes, int64 (N,), from any source."""
    if isinstance(source, BatchSource):
        return source.batch(tickets)
    samples, labels = zip(*(source[index] for index, _ in tickets), strict=True)
    return torch.stack(samples), torch.tensor(labels)


@dataclass
class TensorSource:
    """A source in memory: uint8 samples (N, *shape) and int64 labels (N,), on any device."""

    samples: Tensor
    labels: Tensor
    num_classes: int
    split: str = "all"

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.samples.shape[1:])

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.samples[index], int(self.labels[index])

    def batch(self, tickets: Sequence[Ticket]) -> tuple[Tensor, Tensor]:
        where = torch.tensor([index for index, _ in tickets], device=self.samples.device)
        return self.samples[where], self.labels[where]

    def to(self, device: torch.device) -> "TensorSource":
        """Return the same source on a device."""
        return TensorSource(self.samples.to(device), self.labels.to(device), self.num_classes, self.split)


def resize(samples: Tensor, resolution: int) -> Tensor:
    """Return uint8 (N, C, H, W) samples at (resolution, resolution): bicubic, antialiased, rounded and clamped."""
    num_samples, channels, height, width = samples.shape
    size = (resolution, resolution)
    if (height, width) == size:
        return samples
    resized = torch.empty((num_samples, channels, *size), dtype=torch.uint8)
    chunk = math.ceil(VALUES_AT_ONCE / (channels * max(height * width, resolution**2)))
    for part, out in zip(samples.split(chunk), resized.split(chunk), strict=True):
        out.copy_(F.interpolate(part.float(), size, mode="bicubic", antialias=True).round_().clamp_(0, 255))
    return resized


def parts_of(split: Split, *, only_test_is_here: bool) -> list[Literal["train", "test"]]:
    """Return the parts that a split is made of; "auto" is train, or test where nothing else lies on the disk."""
    if split == "all":
        return ["train", "test"]
    if split == "auto":
        return ["test" if only_test_is_here else "train"]
    return [split]
