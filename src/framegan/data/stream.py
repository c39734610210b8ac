"""The stream of training samples: epochs' permutations end to end, a function of the seed and the position alone.

Position p of the stream is sample p mod n of epoch p div n. A global batch is the next stretch of the stream, of which
each rank takes its own part: batches are always full, every sample comes once per epoch, whatever the number of ranks,
and a run resumes where it stopped by naming its position, which is `samples_seen`.
"""

from collections.abc import Iterator

import numpy as np
from torch.utils.data import Sampler

from framegan import noise

Ticket = tuple[int, int]
"""(index, epoch): what a data set needs to know to return a sample with the randomness of that epoch."""


class TicketStream(Sampler[list[Ticket]]):
    """An endless sampler of batches of tickets for one rank.

    Args:
        num_samples: size of the data set.
        batch_size: tickets for this rank per batch.
        start: position of the first global batch in the stream.
        shuffle: permute each epoch; otherwise every epoch is 0, 1, 2, ...
    """

    def __init__(
        self,
        num_samples: int,
        batch_size: int,
        *,
        seed: int,
        start: int = 0,
        rank: int = 0,
        num_ranks: int = 1,
        shuffle: bool = True,
    ):
        self.num_samples = num_samples
        self.batch_size = batch_size
        self.seed = seed
        self.start = start
        self.rank = rank
        self.num_ranks = num_ranks
        self.shuffle = shuffle

    def __iter__(self) -> Iterator[list[Ticket]]:
        orders: dict[int, np.ndarray] = {}
        first = self.start + self.rank * self.batch_size
        while True:
            epochs, places = np.divmod(np.arange(first, first + self.batch_size), self.num_samples)
            orders = {int(epoch): self._order(int(epoch), orders) for epoch in np.unique(epochs)}
            yield [
                (int(orders[epoch][place]), epoch)
                for epoch, place in zip(epochs.tolist(), places.tolist(), strict=True)
            ]
            first += self.batch_size * self.num_ranks

    def _order(self, epoch: int, known: dict[int, np.ndarray]) -> np.ndarray:
        if epoch in known:
            return known[epoch]
        if not self.shuffle:
            return np.arange(self.num_samples)
        return noise.generator(self.seed, noise.PERMUTATION, epoch).permutation(self.num_samples)
