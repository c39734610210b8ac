"""Stacked MNIST (Metz et al. 2017, Section 3.3.1): three digits in one image, 1,000 modes to be hit or missed."""

from collections.abc import Sequence

import torch
from pydantic import PositiveInt
from torch import Tensor

from framegan import noise
from framegan.data.labels import NO_CLASSES
from framegan.data.published.idx import mnist
from framegan.data.resolution import Resolution, sides_of
from framegan.data.source import Inventory, Split, TensorSource
from framegan.data.stream import Ticket


class StackedMNIST:
    """Images of three digits of MNIST drawn at random, one in each channel; see `framegan.data.source.BatchSource`.

    A sample is put together when it is asked for. There are no labels: one class, as in any data without.

    Args:
        root: a folder with the IDX files; see `framegan.data.published.idx.mnist`.
        num_samples: Lin et al. 2018 (PacGAN) train on 128,000.
        seed: sample k is a function of (seed, k), whatever num_samples is.
    """

    num_classes = 1
    classes = (NO_CLASSES,)

    def __init__(
        self,
        root: str,
        split: Split = "auto",
        resolution: Resolution = 32,
        num_samples: PositiveInt = 128_000,
        seed: noise.Seed = 0,
    ):
        self.digits = mnist(root, split, resolution)
        self.split = self.digits.split
        self.shape = (3, *sides_of(resolution))
        self.seed = seed
        random = noise.generator(seed, noise.STACKS)
        self.rows = torch.from_numpy(random.integers(len(self.digits), size=(num_samples, 3)))
        """Which digits a sample is made of: the first one is red."""

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.batch([(index, 0)])[0][0], 0

    def batch(self, tickets: Sequence[Ticket]) -> tuple[Tensor, Tensor]:
        rows = self.rows[[index for index, _ in tickets]]  # (N, 3)
        return self.digits.samples[rows].squeeze(-3), torch.zeros(len(tickets), dtype=torch.int64)

    def in_memory(self) -> TensorSource:
        samples, labels = self.batch([(index, 0) for index in range(len(self))])
        return TensorSource(samples, labels, self.num_classes, self.split, self.classes)

    def inventory(self) -> Inventory:
        return {"drawn": "stacks of three", "seed": self.seed, "digits": self.digits.inventory()}
