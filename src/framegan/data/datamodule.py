"""From a source to batches on the device: uint8 in the loader, float32 in [-1, 1] for the networks."""

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from lightning.pytorch import LightningDataModule
from pydantic import NonNegativeInt, PositiveInt

from framegan import noise
from framegan.data.examples import Examples
from framegan.data.fingerprint import digest_of, inventory_of, is_steady
from framegan.data.held_out import Share, check_held_out, held_out, keep_apart
from framegan.data.identities import identities_of
from framegan.data.source import (
    BatchSource,
    Inventory,
    Source,
    TensorSource,
    check,
    class_counts_of,
    classes_of,
    in_memory,
    labels_of,
    told_plainly,
)
from framegan.data.stream import BalancedStream, TicketStream
from framegan.data.ticket_dataset import TicketDataset
from framegan.data.train_loader import Batch, TrainLoader, leave_signals_to_run
from framegan.data.transforms import Transform, Transforms
from framegan.data.videos.clips import Clips
from framegan.media import to_samples
from framegan.quoting import first_names

NAMED_CLASSES = 5


class DataModule(LightningDataModule):
    """Endless training batches of one source.

    Args:
        source: where the samples come from.
        shape: what the configuration says a sample's shape is; None in a place, or altogether, = as the source says.
        num_classes: likewise.
        batch_size: samples per device and step.
        num_workers: processes that read; sources in memory need none.
        flip: mirror left to right at random.
        transforms: what else is done to each training sample; see `framegan.data.transforms`. None = nothing.
        balance_classes: train on every class equally often, however many samples it has.
        held_out: share of the samples that training leaves out; see `framegan.data.held_out`.
        given_frames: of each clip, which a model that predicts continues. 0 = none.
        keep_on_device_mb: the largest data set in MB that is read once and kept on the training device. 0 = none. A
            source with `batch` and without `in_memory`, or that gives others when it is asked again, never is.
        seed: key of the order and of the augmentation.
    """

    def __init__(
        self,
        source: Source,
        shape: Sequence[PositiveInt | None] | None = None,
        num_classes: NonNegativeInt | None = None,
        batch_size: PositiveInt = 64,
        num_workers: NonNegativeInt = 0,
        flip: bool = False,
        transforms: Transform | Sequence[Transform] | None = None,
        balance_classes: bool = False,
        held_out: Share = 0.0,
        given_frames: NonNegativeInt = 0,
        keep_on_device_mb: NonNegativeInt = 1024,
        seed: noise.Seed = 0,
    ):
        super().__init__()
        check(source)
        self.source = source
        self.shape = tuple(source.shape)
        """Shape of one sample: (C, H, W) of an image, (C, T, H, W) of a clip."""
        self.num_classes, self.classes = source.num_classes, classes_of(source)
        """The names of the classes, in the order of their numbers."""
        self.split = source.split
        """The split that is really read."""
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.flip = flip
        self.transforms = Transforms(transforms, seed) if transforms else None
        if self.transforms is not None:
            self.transforms.check(source[0][0])
        self.balance_classes, self.held_out = balance_classes, held_out
        keep_apart(source, held_out)
        check_held_out(source, held_out)
        self.keep_on_device_mb = keep_on_device_mb
        self.seed = seed
        self.loader: TrainLoader | None = None
        self.trained_on_before = ""
        """What of the samples held out the weights were trained on before, such as "3 of 5 samples"."""
        self.start = 0
        """Position in the stream at which training begins; a resumed run sets it to its samples_seen."""
        expected = [have if want is None else want for want, have in zip(shape or self.shape, self.shape, strict=False)]
        if len(shape or self.shape) != len(self.shape) or tuple(expected) != self.shape:
            raise ValueError(f"data.shape={list(shape or ())}, but the samples are {list(self.shape)}; set it to null")
        if given_frames:
            self._check_given(given_frames)
        if balance_classes:
            self._check_classes_known()
        if num_classes not in (None, self.num_classes):
            raise ValueError(f"data.num_classes={num_classes}, but the data have {self.num_classes}; set it to null")
        if len(set(self.classes)) != self.num_classes:
            raise ValueError(f"the source's num_classes is {self.num_classes}, and its classes are {self.classes}")
        if balance_classes:
            self._check_classes_trained_on()

    @property
    def class_counts(self) -> list[int] | None:
        """How many samples each class has; None where the source doesn't say and is not read as a whole."""
        return class_counts_of(self.source)

    @cached_property
    def frames_per_second(self) -> float | None:
        """At which clips play as fast as what they show. None = images, or the data don't know."""
        rate = getattr(self.source, "frames_per_second", None) if len(self.shape) == 4 else None
        return None if rate is None else round(rate, 3)

    @cached_property
    def trained_on(self) -> np.ndarray | None:
        """The numbers of the samples that training draws from, where some are held out."""
        left_out = held_out(self.source, self.held_out)
        return np.delete(np.arange(len(self.source)), left_out) if len(left_out) else None

    @cached_property
    def inventory(self) -> Inventory | None:
        """What decides the samples; see `framegan.data.source.Source`."""
        return inventory_of(self.source)

    @cached_property
    def identities(self) -> np.ndarray | None:
        """What tells samples apart, uint32 (N,); see `framegan.data.identities`."""
        return identities_of(self.source, self.inventory)

    @cached_property
    def fingerprint(self) -> str | None:
        """What identifies these data; None where nothing does."""
        return digest_of(self.inventory)

    def state_dict(self) -> dict[str, Any]:
        """Return what checkpoints keep of the data."""
        return {"classes": self.classes, "fingerprint": self.fingerprint}

    def setup(self, stage: str) -> None:
        assert self.trainer is not None
        self.check_batch_fits(self.trainer.world_size)
        if self.is_small:
            _ = self.identities  # by files; in memory nothing tells of these
            with told_plainly():
                self.source = in_memory(self.source, with_groups=self.held_out > 0)

    def on_exception(self, exception: BaseException) -> None:
        if self.loader is not None:
            self.loader.end_workers()

    def check_batch_fits(self, num_ranks: int) -> None:
        """Raise ValueError where the data set is smaller than one global batch."""
        num_samples = len(self.source) if self.trained_on is None else len(self.trained_on)
        if num_samples < self.batch_size * num_ranks:
            needed, fitting = self.batch_size * num_ranks, num_samples // num_ranks
            left = "" if self.trained_on is None else " to train on"
            remedies = [f"data.batch_size to at most {fitting}"] if fitting else []
            if isinstance(self.source, Clips) and num_samples:
                remedies.append(
                    f"data.clips_per_video to at least {-(-needed * self.source.draws.clips_per_video // num_samples)}"
                )
            raise ValueError(
                f"the data set has {num_samples} samples{left}, fewer than one batch: "
                f"data.batch_size={self.batch_size} on {num_ranks} device(s) takes {needed}. "
                f"Set {', or '.join(remedies or ['fewer devices'])}."
            )

    def train_dataloader(self) -> TrainLoader:
        assert self.trainer is not None
        device = self.trainer.strategy.root_device
        on_device = self.is_small and self.transforms is None
        if on_device:
            assert isinstance(self.source, TensorSource | Clips)
            self.source = self.source.to(device)
        place = {"start": self.start, "rank": self.trainer.global_rank, "num_ranks": self.trainer.world_size}
        options: dict[str, Any] = {"seed": self.seed, "numbers": self.trained_on, **place}
        if self.balance_classes:
            labels = torch.as_tensor(labels_of(self.source)).numpy(force=True)
            those = labels if self.trained_on is None else labels[self.trained_on]
            stream: TicketStream = BalancedStream(those, self.batch_size, **options)
        else:
            num_samples = len(self.source) if self.trained_on is None else len(self.trained_on)
            stream = TicketStream(num_samples, self.batch_size, **options)
        self.loader = TrainLoader(
            TicketDataset(self.source, flip=self.flip, seed=self.seed, transforms=self.transforms),
            batch_sampler=stream,
            num_workers=0 if on_device else self.num_workers,
            worker_init_fn=leave_signals_to_run,
            pin_memory=not on_device and device.type == "cuda",
            collate_fn=_as_it_is,
        )
        return self.loader

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        pixels, labels = batch
        return to_samples(pixels), labels

    @property
    def examples(self) -> Examples:
        """What stands for these data."""
        left_out = held_out(self.source, self.held_out)
        return Examples(self.source, self.trained_on, left_out, balance_classes=self.balance_classes)

    def _check_given(self, given_frames: int) -> None:
        said = f"data.given_frames={given_frames}, but the samples are"
        if len(self.shape) == 3:
            raise ValueError(f"{said} images; set it to 0, or choose data of clips with data.num_frames above it")
        if given_frames >= self.shape[1]:
            fewer = f"set it below, such as {self.shape[1] // 2}, or data.num_frames higher"
            raise ValueError(f"{said} clips of {self.shape[1]} frames, and none would be left to predict; {fewer}")

    def _check_classes_known(self) -> None:
        said = f"data.balance_classes=true, but {type(self.source).__name__}"
        if self.num_classes == 1:
            raise ValueError(f"{said} has one class; set it to false")
        if labels_of(self.source) is None:
            raise ValueError(f"{said} doesn't list the labels of its samples; give it `labels`, or set it to false")

    def _check_classes_trained_on(self) -> None:
        if self.trained_on is None:
            return
        labels = torch.as_tensor(labels_of(self.source)).numpy(force=True)
        if len(gone := np.setdiff1d(labels, labels[self.trained_on])):
            names = first_names((self.classes[number] for number in gone), NAMED_CLASSES)
            said = (
                f"data.balance_classes=true, but data.held_out={self.held_out} leaves out all samples of class {names}"
            )
            remedies = "set data.held_out lower, give it more samples, or set data.balance_classes=false"
            raise ValueError(f"{said}; {remedies}")

    @cached_property
    def is_small(self) -> bool:
        """Whether the data are kept in memory, on the training device: not if they are drawn anew in every epoch."""
        size = getattr(self.source, "size_in_memory", len(self.source) * math.prod(self.shape))
        return size <= self.keep_on_device_mb * 2**20 and self._is_the_same_in_every_epoch

    @property
    def _is_the_same_in_every_epoch(self) -> bool:
        if isinstance(self.source, TensorSource) or hasattr(self.source, "in_memory"):
            return True
        with told_plainly():
            return not isinstance(self.source, BatchSource) and is_steady(self.source)


def _as_it_is(batch: Any) -> Any:
    return batch
