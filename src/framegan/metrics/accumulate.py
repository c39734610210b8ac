"""Features gathered batch by batch on any number of processes, as a `torchmetrics` metric."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from framegan.metrics.embedding import moving_alone


class FeatureBank(Metric):
    """Keeps float32 features; `compute` returns them (N, D) in the order of their numbers, each number once.

    Every sample has a number, and that alone decides its place: the result is the same for one process and for many,
    for uneven shares and for none. Neither `to(torch.bfloat16)` nor autocast changes the precision of what is kept, and
    nothing of it gets into a checkpoint.

    Args:
        num_features: D.
    """

    full_state_update = False
    features: list[Tensor]
    numbers: list[Tensor]

    def __init__(self, num_features: int):
        super().__init__()
        self.num_features = num_features
        self.add_state("features", default=[], dist_reduce_fx="cat")
        self.add_state("numbers", default=[], dist_reduce_fx="cat")
        self.reset()

    def reset(self) -> None:
        """Start with no rows: a process that never gets any has something of the right shape to send."""
        super().reset()
        self.features = [torch.empty(0, self.num_features, device=self.device)]
        self.numbers = [torch.empty(0, dtype=torch.int64, device=self.device)]

    def update(self, features: Tensor, numbers: Tensor) -> None:
        """Add features (N, D) of the samples with these numbers (N,)."""
        expected = (len(numbers), self.num_features)
        if features.shape != expected:
            raise ValueError(f"features have to be {expected}, one row for each number; got {tuple(features.shape)}")
        self.features.append(features.detach().float())
        self.numbers.append(numbers.to(features.device))

    def compute(self) -> Tensor:
        features, numbers = dim_zero_cat(self.features), dim_zero_cat(self.numbers)
        if bool((numbers[1:] > numbers[:-1]).all()):
            return features
        numbers, order = numbers.sort(stable=True)
        is_first = torch.ones_like(numbers, dtype=torch.bool)
        is_first[1:] = numbers[1:] != numbers[:-1]
        return features[order[is_first]]

    def _apply(self, fn: Callable[[Tensor], Tensor], exclude_state: Any = "") -> nn.Module:
        return super()._apply(moving_alone(fn), exclude_state)
