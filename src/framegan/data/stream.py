"""The stream of training samples: epochs' permutations end to end, a function of the seed and the position alone.

Position p of the stream is sample p mod n of epoch p div n. A global batch is the next stretch of the stream, of which
each rank takes its own part: batches are always full, every sample comes once per epoch, whatever the number of ranks,
and a run resumes where it stopped by naming its position, which is `samples_seen`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from torch.utils.data import Sampler

from framegan import noise

Ticket = tuple[int, int]
"""(index, epoch): what a data set needs to know to return a sample with the randomness of that epoch."""


@dataclass(eq=False)
class TicketStream(Sampler[list[Ticket]]):
    """An endless sampler of batches of tickets for one rank; every epoch is permuted.

    Args:
        num_samples: how many samples come.
        batch_size: tickets for this rank per batch.
        start: position of the first global batch in the stream.
        numbers: of these samples in the data set, (num_samples,). None = all of it.
    """

    num_samples: int
    batch_size: int
    _: KW_ONLY
    seed: int
    start: int = 0
    rank: int = 0
    num_ranks: int = 1
    numbers: np.ndarray | None = None

    def __iter__(self) -> Iterator[list[Ticket]]:
        first = self.start + self.rank * self.batch_size
        while True:
            yield [self.ticket(position) for position in range(first, first + self.batch_size)]
            first += self.batch_size * self.num_ranks

    def ticket(self, position: int) -> Ticket:
        """Return what is at a position of the stream."""
        epoch, place = divmod(position, self.num_samples)
        number = int(permutation(self.seed, epoch, self.num_samples)[place])
        return number if self.numbers is None else int(self.numbers[number]), epoch


class BalancedStream(TicketStream):
    """A stream in which all classes that have samples come equally often.

    In every turn, which is as long as there are classes, each comes once, in an order of this turn. Every class has
    epochs of its own, in which each of its samples comes once.

    Args:
        labels: the class of each sample that comes, (N,).
    """

    def __init__(self, labels: Sequence[int] | np.ndarray, batch_size: int, **options: Any):
        super().__init__(len(labels), batch_size, **options)
        there, classes = np.arange(len(labels)) if self.numbers is None else self.numbers, np.asarray(labels)
        self.members = [there[classes == number] for number in np.unique(classes)]
        self.orders: dict[int, tuple[int, np.ndarray]] = {}
        """Of each class the epoch that was last asked for, and its members in the order of this epoch."""

    def ticket(self, position: int) -> Ticket:
        turn, place = divmod(position, len(self.members))
        number = int(_order_of_turn(self.seed, turn, len(self.members))[place])
        epoch, place = divmod(turn, len(self.members[number]))
        if self.orders.get(number, (-1,))[0] != epoch:
            random = noise.generator(self.seed, noise.BALANCE, epoch, 1 + number)
            self.orders[number] = epoch, random.permutation(self.members[number])
        return int(self.orders[number][1][place]), epoch


@lru_cache(maxsize=2)
def _order_of_turn(seed: int, turn: int, num_classes: int) -> np.ndarray:
    return noise.generator(seed, noise.BALANCE, turn).permutation(num_classes)


@lru_cache(maxsize=2)
def permutation(seed: int, epoch: int, num_samples: int) -> np.ndarray:
    """Return the order of an epoch; batches touch at most two epochs as a rule."""
    return noise.generator(seed, noise.PERMUTATION, epoch).permutation(num_samples)
