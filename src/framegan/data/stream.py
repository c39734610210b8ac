"""The stream of training samples: epochs' permutations end to end, a function of the seed and the position alone.

Position p of the stream is sample p mod n of epoch p div n. A global batch is the next stretch of the stream, of which
each rank takes its own part: batches are always full, every sample comes once per epoch, whatever the number of ranks,
and a run resumes where it stopped by naming its position, which is `samples_seen`.
"""

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from functools import lru_cache

import numpy as np
from torch.utils.data import Sampler

from framegan import noise

Ticket = tuple[int, int]
"""(index, epoch): what a data set needs to know to return a sample with the randomness of that epoch."""


@dataclass(eq=False)
class TicketStream(Sampler[list[Ticket]]):
    """An endless sampler of batches of tickets for one rank; every epoch is permuted.

    Args:
        num_samples: size of the data set.
        batch_size: tickets for this rank per batch.
        start: position of the first global batch in the stream.
    """

    num_samples: int
    batch_size: int
    _: KW_ONLY
    seed: int
    start: int = 0
    rank: int = 0
    num_ranks: int = 1

    def __iter__(self) -> Iterator[list[Ticket]]:
        first = self.start + self.rank * self.batch_size
        while True:
            divided = (divmod(position, self.num_samples) for position in range(first, first + self.batch_size))
            yield [(int(permutation(self.seed, epoch, self.num_samples)[place]), epoch) for epoch, place in divided]
            first += self.batch_size * self.num_ranks


@lru_cache(maxsize=2)
def permutation(seed: int, epoch: int, num_samples: int) -> np.ndarray:
    """Return the order of an epoch; batches touch at most two epochs as a rule."""
    return noise.generator(seed, noise.PERMUTATION, epoch).permutation(num_samples)
