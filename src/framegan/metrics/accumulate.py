"""Features gathered batch by batch on any number of processes, as `torchmetrics` metrics.

Every sample has a number, and that alone decides where it counts: results are the same for one process and for many,
for uneven shares and for none. Neither `to(torch.bfloat16)` nor autocast changes the precision of what is kept, and
nothing of it gets into a checkpoint.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torchmetrics import Metric

from framegan.metrics.embedding import moving_alone
from framegan.metrics.frechet import Moments, add_products, mirrored

ROWS = 512
"""How many features are gathered before they are multiplied: a product of few rows is all memory traffic."""


class Accumulator(Metric):
    """What the two below share: numbers, and states that move between devices but never change their type.

    Args:
        num_features: D.
        num_samples: samples with this number and above are padding, and dropped. None = there is none.
    """

    full_state_update = False
    numbers: list[Tensor] | Tensor

    def __init__(self, num_features: int, num_samples: int | None = None, **options: Any):
        super().__init__(**options)
        self.num_features = num_features
        self.num_samples = num_samples
        self.add_state("numbers", default=[], dist_reduce_fx="cat")

    def reset(self) -> None:
        """Start with no rows: a process that never gets any has something of the right shape to send."""
        super().reset()
        self.numbers = [torch.empty(0, dtype=torch.int64, device=self.device)]

    def wanted(self, features: Tensor, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """Return the rows that aren't padding, after a look at their shapes."""
        if features.shape != (len(numbers), self.num_features):
            expected = (len(numbers), self.num_features)
            raise ValueError(f"features have to be {expected}, one row for each number; got {tuple(features.shape)}")
        numbers = numbers.to(features.device)
        if self.num_samples is None:
            return features.detach(), numbers
        return features.detach()[numbers < self.num_samples], numbers[numbers < self.num_samples]

    def _apply(self, fn: Callable[[Tensor], Tensor], exclude_state: Any = "") -> nn.Module:
        return super()._apply(moving_alone(fn), exclude_state)


class FeatureBank(Accumulator):
    """Keeps float32 features; `compute` returns them (N, D) in the order of their numbers, each number once."""

    features: list[Tensor] | Tensor

    def __init__(self, num_features: int, num_samples: int | None = None, **options: Any):
        super().__init__(num_features, num_samples, **options)
        self.add_state("features", default=[], dist_reduce_fx="cat")
        self.reset()

    def reset(self) -> None:
        super().reset()
        self.features = [torch.empty(0, self.num_features, device=self.device)]

    def update(self, features: Tensor, numbers: Tensor) -> None:
        """Add features (N, D) of the samples with these numbers (N,)."""
        features, numbers = self.wanted(features, numbers)
        assert isinstance(self.features, list)
        assert isinstance(self.numbers, list)
        self.features.append(features.float())
        self.numbers.append(numbers)

    def compute(self) -> Tensor:
        features, numbers = _joined(self.features), _joined(self.numbers)
        if bool((numbers[1:] > numbers[:-1]).all()):
            return features
        numbers, order = numbers.sort(stable=True)
        is_first = torch.ones_like(numbers, dtype=torch.bool)
        is_first[1:] = numbers[1:] != numbers[:-1]
        return features[order[is_first]]


class FeatureMoments(Accumulator):
    """Keeps the float64 moments of features alone, for sets that are too large to keep.

    Raises:
        ValueError: on `compute`, two processes have counted the same sample.
    """

    count: Tensor
    mean: Tensor
    scatter: Tensor

    def __init__(self, num_features: int, num_samples: int | None = None, **options: Any):
        super().__init__(num_features, num_samples, **options)
        mean, scatter = torch.zeros(num_features).double(), torch.zeros(num_features, num_features).double()
        self.add_state("count", default=torch.tensor(0), dist_reduce_fx=None)
        self.add_state("mean", default=mean, dist_reduce_fx=None)
        self.add_state("scatter", default=scatter, dist_reduce_fx=None)
        self.reset()

    def reset(self) -> None:
        super().reset()
        self.seen: set[int] = set()
        self.pending: list[Tensor] = []

    def update(self, features: Tensor, numbers: Tensor) -> None:
        """Add features (N, D) of the samples with these numbers (N,); those that were there before are left out."""
        features, numbers = self.wanted(features, numbers)
        is_new = [not (number in self.seen or self.seen.add(number)) for number in numbers.tolist()]  # type: ignore[func-returns-value]
        chosen = torch.tensor(is_new, dtype=torch.bool, device=features.device)
        assert isinstance(self.numbers, list)
        self.numbers.append(numbers[chosen])
        self.pending.append(features[chosen])
        if sum(map(len, self.pending)) >= ROWS:
            self._work_off()

    def sync(self, *args: Any, **kwargs: Any) -> None:
        self._work_off()
        super().sync(*args, **kwargs)

    def compute(self) -> Moments:
        self._work_off()
        numbers = _joined(self.numbers)
        if len(numbers.unique()) < len(numbers):
            raise ValueError("two processes have counted the same sample: each has to measure samples of its own")
        if self.count.ndim == 0:
            return Moments(int(self.count), self.mean, mirrored(self.scatter))
        whole, *others = map(Moments, self.count.tolist(), self.mean, map(mirrored, self.scatter))
        for other in others:
            whole = whole.merged(other)
        return whole

    def _work_off(self) -> None:
        """Merge the features that wait into the moments, in place (Chan et al. 1979); below the diagonal is nothing."""
        rows = torch.cat(self.pending).double() if self.pending else torch.empty(0)
        self.pending = []
        if not len(rows):
            return
        count, total = int(self.count), int(self.count) + len(rows)
        mean = rows.mean(0)
        step = mean - self.mean
        rows -= mean
        add_products(self.scatter, rows)
        self.scatter.addr_(step, step, alpha=count * len(rows) / total)
        self.mean += step * (len(rows) / total)
        self.count += len(rows)


def _joined(parts: list[Tensor] | Tensor) -> Tensor:
    return torch.cat(parts) if isinstance(parts, list) else parts
