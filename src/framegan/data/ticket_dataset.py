"""Whole batches of a source, as tickets ask for them."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from functools import lru_cache

import numpy as np
import torch
from torch.utils.data import Dataset, get_worker_info

from framegan import noise
from framegan.data.source import Source, read, told_plainly
from framegan.data.stream import Ticket
from framegan.data.train_loader import Batch, Failure, relayed
from framegan.data.transforms import Transforms
from framegan.devices import put


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
            coins = [bool(_coins(self.seed, epoch, len(self.source))[index]) for index, epoch in tickets]
            mirrored = put(torch.tensor(coins), samples.device).view(-1, *[1] * (samples.ndim - 1))
            samples = torch.where(mirrored, samples.flip(-1), samples)
        return samples if self.transforms is None else self.transforms(samples, tickets), labels


@lru_cache(maxsize=16)
def _coins(seed: int, epoch: int, num_samples: int) -> np.ndarray:
    """Return which samples an epoch mirrors; batches touch two epochs, or as many as classes have of their own."""
    return noise.generator(seed, noise.FLIP, epoch).random(num_samples) < 0.5
