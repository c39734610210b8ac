"""A measured value with the interval in which another draw of as many samples would lie."""

import math
import statistics
from collections.abc import Callable
from typing import NamedTuple

NUM_SUBSETS = 10
STUDENT = 2.2622
"""The 97.5 % quantile of Student's t distribution with NUM_SUBSETS - 1 degrees of freedom."""


class Estimate(NamedTuple):
    """A value and its 95 % interval."""

    value: float
    low: float
    high: float


def from_values(value: float, values: list[float]) -> Estimate:
    """Return the interval that the values of NUM_SUBSETS disjoint subsets give.

    The standard error is their standard deviation over the root of their number. Their mean doesn't enter: distances of
    small sets are biased, which is also why a bootstrap, whose sets repeat samples, is of no use here. The interval is
    too wide rather than too narrow where the value is mostly bias.
    """
    assert len(values) == NUM_SUBSETS
    half = STUDENT * statistics.stdev(values) / math.sqrt(NUM_SUBSETS)
    return Estimate(value, value - half, value + half)


def from_subsets(value: float, of_subset: Callable[[slice], float], num_samples: int) -> Estimate | None:
    """Return the interval of a value that a function gives for the whole; None for too few samples to divide.

    Args:
        of_subset: the value of the samples that a slice picks.
    """
    if num_samples < 10 * NUM_SUBSETS:
        return None
    return from_values(value, [of_subset(slice(first, None, NUM_SUBSETS)) for first in range(NUM_SUBSETS)])
