"""Whole batches of a source, as tickets ask for them."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from functools import lru_cache
from typing import cast

import numpy as np
import torch
from torch.utils.data import Dataset, get_worker_info

from framegan import noise
from framegan.data.source import Source, read, told_plainly
from framegan.data.stream import Ticket
from framegan.data.train_loader import Batch, Failure, relayed
from framegan.data.transforms import Transforms
from framegan.devices import put

KEPT_EPOCHS = 2


@dataclass(eq=False)
class TicketDataset(Dataset[Batch | Failure]):
    """Whole batches of a source: tickets -> uint8 (N, *shape) samples and int64 (N,) labels.

    Args:
        flip: mirror each sample left to right with probability 1/2, drawn for each epoch.
        transforms: what else is done to each. None = nothing.
    """

    source: Source
    _: KW_ONLY
    flip: bool
    seed: int
    transforms: Transforms | None = None

    def __getitems__(self, tickets: Sequence[Ticket]) -> Batch | Failure:
        return self.batch(tickets) if get_worker_info() is None else relayed(lambda: self.batch(tickets))

    def batch(self, tickets: Sequence[Ticket]) -> Batch:
        """Return the samples of these tickets and their labels.

        Raises:
            UnreadableDataError: the source doesn't give them.
        """
        with told_plainly():
            samples, labels = read(self.source, tickets)
            shape = (len(tickets), *self.source.shape)
            got = samples.dtype, tuple(samples.shape), labels.dtype, tuple(labels.shape)
            if got != (torch.uint8, shape, torch.int64, (len(tickets),)):
                raise ValueError(
                    f"the data gave a batch of {got[0]} {got[1]} with labels {got[2]} {got[3]}; it should be "
                    f"torch.uint8 {shape} with labels torch.int64 {(len(tickets),)}"
                )
        if self.flip:
            coins = torch.tensor(_coins_of(tickets, self.seed, len(self.source)))
            mirrored = put(coins, samples.device).view(-1, *[1] * (samples.ndim - 1))
            samples = torch.where(mirrored, samples.flip(-1), samples)
        return samples if self.transforms is None else self.transforms(samples, tickets), labels


def _coins_of(tickets: Sequence[Ticket], seed: int, num_samples: int) -> list[bool]:
    """Return which of these samples are mirrored.

    Most batches touch one epoch or two, of which all coins are kept; where classes have epochs of their own, many.
    """
    if len({epoch for _, epoch in tickets}) <= KEPT_EPOCHS:
        return [bool(_coins(seed, epoch, num_samples)[index]) for index, epoch in tickets]
    return [_coin(seed, epoch, index) for index, epoch in tickets]


@lru_cache(maxsize=KEPT_EPOCHS)
def _coins(seed: int, epoch: int, num_samples: int) -> np.ndarray:
    return noise.generator(seed, noise.FLIP, epoch).random(num_samples) < 0.5


def _coin(seed: int, epoch: int, index: int) -> bool:
    """Return the coin of this index among `_coins`, of which Philox draws four at a time."""
    random = noise.generator(seed, noise.FLIP, epoch)
    cast(np.random.Philox, random.bit_generator).advance(index // 4)
    return bool(random.random(index % 4 + 1)[-1] < 0.5)
