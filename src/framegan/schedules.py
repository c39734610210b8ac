"""Schedules: samples seen -> the factor in [0, 1] that multiplies a learning rate, a penalty, or Adam's 1 - beta2."""

import math
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field, NonNegativeInt, PositiveInt
from torch import Tensor


class Constant:
    """The learning rate as given, after a linear warm-up from 0.

    Args:
        warmup_samples: length of the warm-up, in samples. 0 = none.
    """

    def __init__(self, warmup_samples: NonNegativeInt = 0):
        self.warmup_samples = warmup_samples

    def __call__(self, samples_seen: int) -> float:
        warmup = min(1.0, (samples_seen + 1) / self.warmup_samples) if self.warmup_samples else 1.0
        return warmup * self.decay(samples_seen)

    def decay(self, samples_seen: int) -> float:
        """Return the factor without the warm-up."""
        return 1.0


class Linear(Constant):
    """Constant until `start_samples`, then a straight line down to `last` at `total_samples`."""

    def __init__(
        self,
        total_samples: PositiveInt,
        start_samples: NonNegativeInt = 0,
        warmup_samples: NonNegativeInt = 0,
        last: Annotated[float, Field(ge=0, le=1)] = 0.0,
    ):
        super().__init__(warmup_samples)
        if start_samples >= total_samples:
            raise ValueError(f"schedule: start_samples={start_samples} must be below total_samples={total_samples}")
        self.total_samples = total_samples
        self.start_samples = start_samples
        self.last = last

    def progress(self, samples_seen: int) -> float:
        """Return how far the decay has come, from 0 to 1."""
        progress = (samples_seen - self.start_samples) / (self.total_samples - self.start_samples)
        return min(max(progress, 0.0), 1.0)

    def decay(self, samples_seen: int) -> float:
        return 1 - (1 - self.last) * self.progress(samples_seen)


class Cosine(Linear):
    """Like `Linear`, along half a cosine (Loshchilov & Hutter 2017, Equation 5, one cycle)."""

    def decay(self, samples_seen: int) -> float:
        return self.last + (1 - self.last) * (1 + math.cos(math.pi * self.progress(samples_seen))) / 2


def set_rates(groups: Sequence[dict[str, Any]], rate: float, beta2: float | None) -> None:
    """Set what is due in the parameter groups of an optimizer.

    Args:
        groups: each with what was configured as "initial_lr" and "initial_betas"; a rate that is
            a tensor stays one, and "scheduled_lr" is the number.
        rate: factor of the learning rate.
        beta2: factor of 1 - beta2 (Huang et al. 2024). None = the betas stay.
    """
    for group in groups:
        due = group["initial_lr"] * rate
        if not isinstance(group["lr"], Tensor):
            group["lr"] = due
        elif group.get("scheduled_lr") != due:
            group["lr"].fill_(due)
        group["scheduled_lr"] = due
        if beta2 is not None:
            first, second = group["initial_betas"]
            group["betas"] = first, 1 - (1 - second) * beta2
