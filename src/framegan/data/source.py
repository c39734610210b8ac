"""Sources of samples: what a data set has to offer, and the source that lies in memory."""

import hashlib
import math
import traceback
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from framegan import own_code
from framegan.data.labels import Classes, check_labels, of_classes
from framegan.data.resolution import sides_of
from framegan.data.stream import Ticket
from framegan.devices import put
from framegan.files.at_once import at_once
from framegan.rules import is_count, is_shape, kind_of, require, require_parts

Part = Literal["train", "test"]
Split = Literal["auto", "train", "test", "all"]
"""What to read of a published data set; see `parts_of`."""

VALUES_AT_ONCE = 1 << 24
"""How many float32 values `resize` works on at a time: 64 MB."""


class UnreadableDataError(ValueError):
    """Samples can't be read; the message says why, in the words of what was to give them."""


@contextmanager
def told_plainly() -> Iterator[None]:
    """Raise any error of reading samples as UnreadableDataError; sources may be anybody's."""
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
    if story := own_code.story(error, "the data can't be read"):
        return story
    if isinstance(error, ValueError | OSError) and said:
        return said
    *_, last = traceback.extract_tb(error.__traceback__)
    what = f"{type(error).__name__}: {said.partition(chr(10))[0]}".removesuffix(": ")
    return f"the data can't be read, {what} ({last.filename}, line {last.lineno}, in {last.name})"


Inventory = dict[str, Any]
"""Whatever decides the samples of a source, in plain values: settings by name, and under "files" of each file, by its
name, what identifies its contents and its class. Two sources with the same inventory have the same samples."""


class Source(Protocol):
    """A finite set of labelled samples.

    A source may have more, which is asked for where it is there:
        inventory(): its `Inventory`, so that it need not be read as a whole to be identified; None: it has none.
        classes: the names of its classes in the order of their numbers.
        labels: the class of each sample, so that training may draw all classes equally often.
        groups: what each sample belongs to, such as a person; all or none of a group are held out from training.
        class_counts(): how many samples each class has.
        in_memory(): the same source as a `TensorSource`, where it is better read otherwise than sample by sample.
        batch(tickets): see `BatchSource`. One without `in_memory` is taken to draw anew in every epoch.
    """

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


def check(source: Any) -> None:
    """Raise ValueError where something is no `Source`, by its first sample too."""
    said = f"the data's source is {kind_of(source)}"
    wanted = "num_classes split shape __len__ __getitem__"
    require_parts(source, wanted, "the data's source", "docs/own_parts.md says what a source has")
    num_classes, shape = source.num_classes, source.shape
    require(is_count(num_classes), f"{said} with num_classes={num_classes!r}", "it should be 1 or more (1: none)")
    require(is_shape(shape), f"{said} with shape={shape!r}", "it should be (C, H, W), or (C, T, H, W) of clips")
    with told_plainly():
        num_samples = len(source)
        item: Any = source[0] if num_samples else None
    require(num_samples > 0, f"{said} without samples", "give one that has some")
    is_pair = isinstance(item, tuple | list) and len(item) == 2
    require(is_pair, f"{said} whose samples are {kind_of(item)}", "each should be (uint8 tensor, its class)")
    sample, label = item
    fits = isinstance(sample, Tensor) and sample.dtype == torch.uint8 and tuple(sample.shape) == tuple(shape)
    said = f"{said} whose first sample is"
    require(fits, f"{said} {kind_of(sample)}", f"it should be uint8 of its shape {tuple(shape)}")
    is_class = int(label) == label and int(label) in range(num_classes)
    require(is_class, f"{said} of class {label}", f"it should be 0 to {num_classes - 1}")
    if isinstance(labels := labels_of(source), Tensor | np.ndarray | list | tuple):
        check_labels(labels, num_classes)


def read(source: Source, tickets: Sequence[Ticket]) -> tuple[Tensor, Tensor]:
    """Return the samples of these tickets, uint8 (N, *shape), and their classes, int64 (N,), from any source."""
    if isinstance(source, TensorSource):  # whose labels are known, and may be on a GPU
        return source.batch(tickets)
    if isinstance(source, BatchSource):
        samples, labels = source.batch(tickets)
    else:
        pairs = [source[index] for index, _ in tickets]
        samples, labels = torch.stack([sample for sample, _ in pairs]), torch.tensor([label for _, label in pairs])
    check_labels(labels, source.num_classes, [index for index, _ in tickets])
    return samples, labels


@dataclass
class TensorSource:
    """A source in memory: uint8 samples (N, *shape) and int64 labels (N,), on any device.

    Args:
        groups: what each sample belongs to; see `framegan.data.held_out.held_out`.
        identities: uint32 (N,) of what they were before they were resized; see `framegan.data.identities`. None = they
            are as they were.
    """

    samples: Tensor
    labels: Tensor
    num_classes: int
    split: str = "all"
    classes: Sequence[str] | None = None
    groups: Sequence[Any] | None = None
    identities: np.ndarray | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.samples.shape[1:])

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.samples[index], int(self.labels[index])

    def batch(self, tickets: Sequence[Ticket]) -> tuple[Tensor, Tensor]:
        where = put(torch.tensor([index for index, _ in tickets]), self.samples.device)
        return self.samples[where], self.labels[where]

    def inventory(self) -> Inventory:
        return {"samples": digest_of(self.samples), "labels": digest_of(self.labels), "classes": classes_of(self)}

    def class_counts(self) -> list[int]:
        return counted(self.labels, self.num_classes)

    def of_classes(self, classes: Classes | None) -> "TensorSource":
        """Return the samples of some classes; see `framegan.data.labels.of_classes`."""
        if classes is None:
            return self
        rows, (labels, names) = of_classes(range(len(self)), (self.labels.tolist(), classes_of(self)), classes)
        samples, numbers = self.samples[rows], torch.tensor(labels)
        groups = None if self.groups is None else [self.groups[row] for row in rows]
        identities = None if self.identities is None else self.identities[rows]
        known: dict[str, Any] = {"groups": groups, "identities": identities}
        return replace(self, samples=samples, labels=numbers, num_classes=len(names), classes=names, **known)

    def resized(self, resolution: int | tuple[int, int]) -> "TensorSource":
        """Return the same images at a resolution; see `resize`."""
        return self.fitted(resize(self.samples, resolution))

    def fitted(self, samples: Tensor) -> "TensorSource":
        """Return the same images in another size."""
        return replace(self, samples=samples, identities=self.identified())

    def identified(self) -> np.ndarray:
        """Return the identity of each sample, uint32 (N,)."""
        if self.identities is not None:
            return self.identities
        rows = np.ascontiguousarray(self.samples.numpy(force=True)).reshape(len(self), -1)
        return np.fromiter((zlib.crc32(row.data) for row in rows), np.uint32, len(rows))

    def to(self, device: torch.device) -> "TensorSource":
        """Return the same source on a device."""
        return replace(self, samples=self.samples.to(device), labels=self.labels.to(device))


def in_memory(source: Source, *, with_groups: bool = True) -> Source:
    """Return the same source with all that it reads from in memory; what can't be read stops here, by name.

    Args:
        with_groups: whether they are needed, for which files may have to be read.
    """
    if isinstance(source, TensorSource):
        return source
    groups = getattr(source, "groups", None) if with_groups else None
    if callable(read_all := getattr(source, "in_memory", None)):
        read = read_all()
        if isinstance(read, TensorSource):
            check_labels(read.labels, source.num_classes)
        return replace(read, groups=groups) if isinstance(read, TensorSource) and groups is not None else read
    samples = torch.empty((len(source), *source.shape), dtype=torch.uint8)
    labels: list[Any] = [0] * len(source)
    for index, (sample, label) in at_once(source.__getitem__, range(len(source)), "reading"):
        samples[index], labels[index] = sample, label
    check_labels(labels, source.num_classes)
    numbers = torch.tensor([int(label) for label in labels])
    return TensorSource(samples, numbers, source.num_classes, source.split, classes_of(source), groups)


def classes_of(source: Any) -> list[str]:
    """Return the names of a source's classes, or of a set of videos'; their numbers where they have none."""
    names = getattr(source, "classes", None)
    return [str(number) for number in range(source.num_classes)] if names is None else [str(name) for name in names]


def inventory_told_by(source: Any) -> Inventory | None:
    """Return the inventory that a source, or a set of videos, has of itself; None where it has none."""
    says = getattr(source, "inventory", None)
    return says() if says is not None else None


def labels_of(source: Source) -> Sequence[int] | Tensor | None:
    """Return the class of each sample; None where a source doesn't list its `labels`."""
    return getattr(source, "labels", None)


def class_counts_of(source: Source) -> list[int] | None:
    """Return how many samples each class of a source has; None where it doesn't say and has several."""
    says = getattr(source, "class_counts", None)
    if says is not None:
        return list(says())
    return [len(source)] if source.num_classes == 1 else None


def counted(labels: Tensor | Sequence[int], num_classes: int) -> list[int]:
    """Return how often each class occurs in labels (N,)."""
    return torch.bincount(torch.as_tensor(labels, dtype=torch.int64).cpu(), minlength=num_classes).tolist()


def digest_of(values: Tensor | np.ndarray) -> str:
    """Return 16 hexadecimal digits of all values of an array."""
    array = values.numpy(force=True) if isinstance(values, Tensor) else values
    content = hashlib.sha256(f"{array.dtype} {array.shape}".encode())
    content.update(np.ascontiguousarray(array).data)
    return content.hexdigest()[:16]


def resize(samples: Tensor, resolution: int | tuple[int, int]) -> Tensor:
    """Return uint8 (N, C, H, W) samples at a resolution, stretched: bicubic, antialiased, rounded and clamped."""
    num_samples, channels, height, width = samples.shape
    size = sides_of(resolution)
    if (height, width) == size:
        return samples
    resized = torch.empty((num_samples, channels, *size), dtype=torch.uint8)
    chunk = math.ceil(VALUES_AT_ONCE / (channels * max(height * width, math.prod(size))))
    for part, out in zip(samples.split(chunk), resized.split(chunk), strict=True):
        out.copy_(F.interpolate(part.float(), size, mode="bicubic", antialias=True).round_().clamp_(0, 255))
    return resized


def parts_of(split: Split, files: Mapping[Part, Collection[str]], here: Collection[str]) -> tuple[Split, list[Part]]:
    """Return the split that is really read, and its parts; "auto" is train, or test where only that is on the disk.

    Args:
        files: what each part is read from.
        here: which of them are on the disk.
    """
    if split == "all":
        return split, ["train", "test"]
    part: Part = split if split != "auto" else "test" if set(here) == set(files["test"]) else "train"
    return part, [part]
