"""The samples that stand for a data set: to be shown, compared with, begun with."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from itertools import zip_longest

import numpy as np
import torch

from framegan.data.source import Source, labels_of
from framegan.data.stream import Ticket
from framegan.data.ticket_dataset import TicketDataset
from framegan.data.train_loader import Batch
from framegan.data.videos.clips import Clips
from framegan.media import to_samples
from framegan.spread import spread


@dataclass
class Examples:
    """Gives samples (N, *shape) in [-1, 1] as they are, neither mirrored nor transformed, with their labels (N,).

    Args:
        trained_on: the numbers of the samples that training draws from. None = all.
        left_out: those that it leaves out.
        balance_classes: whether it draws every class equally often.
    """

    source: Source
    trained_on: np.ndarray | None
    left_out: np.ndarray
    _: KW_ONLY
    balance_classes: bool = False

    def real(self, num_samples: int) -> Batch:
        """Return at most `num_samples` samples of the classes as often as training sees them: (N, *shape) in [-1, 1].

        They are spread evenly over the data, class by class, with their labels; or as they come where the source
        doesn't know its `labels`. Where classes are balanced they come in turn.
        """
        if self.balance_classes:
            return self._batch([(number, 0) for number in self._of_every_class(num_samples, np.empty(0))])
        labels = labels_of(self.source)
        order = range(len(self.source)) if labels is None else torch.as_tensor(labels).argsort(stable=True).tolist()
        tickets = [(order[place], 0) for place in spread(num_samples, len(order))]
        return self._batch(tickets)

    def rows(self, classes: Sequence[int], columns: int) -> Batch | None:
        """Return as many samples of each class, class by class, those of one with fewer again and again.

        None where a class has none, or the source doesn't know its `labels`.
        """
        if (labels := labels_of(self.source)) is None:
            return None
        numbers = torch.as_tensor(labels).numpy(force=True)
        of_class = [np.flatnonzero(numbers == number) for number in classes]
        if not all(map(len, of_class)):
            return None
        rows = [np.resize(some[spread(columns, len(some))], columns) for some in of_class]
        return self._batch([(number, 0) for number in np.concatenate(rows).tolist()])

    def trained(self, num_samples: int) -> Batch:
        """Return at most `num_samples` of the samples that training sees, evenly spread over these."""
        numbers = range(len(self.source)) if self.trained_on is None else self.trained_on
        return self._batch([(int(numbers[place]), 0) for place in spread(num_samples, len(numbers))])

    def unseen(self, num_samples: int, *, of_every_class: bool = False) -> Batch:
        """Return at most `num_samples` samples that are held out from training, or as `real` where none are.

        Of few videos several clips are drawn.

        Args:
            of_every_class: as many of each as possible, and of one of which none is held out such as training has.
        """
        numbers = self.left_out
        if of_every_class:
            chosen = self._of_every_class(num_samples, numbers)
        elif not len(numbers):
            return self.real(num_samples)
        else:
            chosen = [int(numbers[place]) for place in spread(num_samples, len(numbers))]
        epochs = -(-num_samples // len(chosen)) if isinstance(self.source, Clips) else 1
        return self._batch([(number, epoch) for epoch in range(epochs) for number in chosen][:num_samples])

    def _of_every_class(self, num_samples: int, left_out: np.ndarray) -> list[int]:
        labels = labels_of(self.source)
        if labels is None:
            labels = [int(self.source[index][1]) for index in range(len(self.source))]
        numbers = torch.as_tensor(labels).numpy(force=True)
        of_class = [np.flatnonzero(numbers == number) for number in range(self.source.num_classes)]
        unseen = [np.intersect1d(some, left_out) for some in of_class]
        rows = [few if len(few) else every for few, every in zip(unseen, of_class, strict=True) if len(every)]
        chosen = [some[spread(-(-num_samples // len(rows)), len(some))].tolist() for some in rows]
        in_turn = [number for several in zip_longest(*chosen) for number in several if number is not None]
        return in_turn[:num_samples]

    def _batch(self, tickets: Sequence[Ticket]) -> Batch:
        pixels, labels = TicketDataset(self.source, flip=False, seed=0).batch(tickets)
        return to_samples(pixels), labels
