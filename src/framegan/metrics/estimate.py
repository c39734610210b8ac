"""A measured value with the interval in which another draw of as many samples would lie."""

import math
import statistics
from collections.abc import Callable
from typing import NamedTuple, Self

NUM_SUBSETS = 10
STUDENT = 2.2622
"""The 97.5 % quantile of Student's t distribution with NUM_SUBSETS - 1 degrees of freedom."""


class Estimate(NamedTuple):
    """A value and its 95 % interval, where there is one."""

    value: float
    interval: tuple[float, float] | None

    @classmethod
    def of(cls, value: float, values: list[float]) -> Self:
        """Return a value with the interval that the values of disjoint subsets give.

        The standard error is their standard deviation over the root of their number. Their mean doesn't enter:
        distances of small sets are biased, which is also why a bootstrap, whose sets repeat samples, is of no use here.
        The interval is too wide rather than too narrow where the value is mostly bias.
        """
        if len(values) != NUM_SUBSETS:
            return cls(value, None)
        half = STUDENT * statistics.stdev(values) / math.sqrt(NUM_SUBSETS)
        return cls(value, (value - half, value + half))

    @classmethod
    def without(cls, value: float, values: list[float]) -> Self:
        """Return a value with the interval that the values of all samples but one subset each give.

        The jackknife (Efron & Stein 1981), for scores that don't average over samples; ten times the work.
        """
        if len(values) != NUM_SUBSETS:
            return cls(value, None)
        half = STUDENT * statistics.pstdev(values) * math.sqrt(NUM_SUBSETS - 1)
        return cls(value, (value - half, value + half))


def subsets(num_samples: int) -> list[slice]:
    """Return the slices that pick disjoint subsets; none where there are too few samples to divide."""
    if num_samples < 10 * NUM_SUBSETS:
        return []
    return [slice(first, None, NUM_SUBSETS) for first in range(NUM_SUBSETS)]


def from_subsets(of_some: Callable[[slice], float], num_samples: int) -> Estimate:
    """Return a value of all samples with its interval.

    Args:
        of_some: the value of the samples that a slice picks.
    """
    return Estimate.of(of_some(slice(None)), [of_some(some) for some in subsets(num_samples)])
