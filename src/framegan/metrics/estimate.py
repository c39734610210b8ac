"""A measured value with the interval in which the truth lies, where there is one."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
"""The 97.5 % quantiles of Student's t distribution with 1, 2, ..., 9 degrees of freedom: of 2, 3, ..., 10 values."""

Better = Literal["lower", "higher"]
JudgedAs = Literal["distance", "unbiased distance", "share"]


@dataclass(frozen=True)
class Estimate:
    """A value, its 95 % interval, and how to read it.

    Args:
        interval: None where there is none; one whose ends aren't finite is none.
        better: which direction is better.
        judged_as: how `framegan.collapse` looks for signs of collapse in its curve: as a distance, which has grown, an
            unbiased one, which may be near 0 in the best of runs, or a share, which has fallen. None = not at all.
        why_no_interval: what to say in place of the interval.
    """

    value: float
    interval: tuple[float, float] | None
    better: Better = "lower"
    judged_as: JudgedAs | None = None
    why_no_interval: str | None = None

    def __post_init__(self) -> None:
        if self.interval is not None and not all(map(math.isfinite, self.interval)):
            object.__setattr__(self, "interval", None)
            object.__setattr__(self, "why_no_interval", "it isn't finite")

    @classmethod
    def of(
        cls,
        value: float,
        values: Sequence[float],
        better: Better = "lower",
        judged_as: JudgedAs | None = None,
        *,
        left_out: bool = False,
        also: Sequence[float] = (),
        within: tuple[float, float] = (-math.inf, math.inf),
    ) -> Self:
        """Return a value with the interval that the values of disjoint subsets, at most ten, give.

        The standard error is their standard deviation over the root of their number. Their mean doesn't enter:
        distances of small sets are biased, which is also why a bootstrap, whose sets repeat samples, is of no use here.
        The interval is too wide rather than too narrow where the value is mostly bias.

        Args:
            left_out: the values are those of all samples but one subset each, for scores that don't average over
                samples (the jackknife: Efron & Stein 1981); ten times the work.
            also: what the interval has to hold besides the value, such as the value less its largest bias.
            within: the values that the score can have.
        """
        number = len(values)
        if number < 2:
            return cls(value, None, better, judged_as, "too few samples to divide")
        if not all(map(math.isfinite, values)):
            return cls(value, None, better, judged_as, "it isn't finite")
        error = statistics.stdev(values) / math.sqrt(number) * (number - 1 if left_out else 1)
        half = STUDENT[number - 2] * error
        lowest, highest = within
        interval = max(lowest, min([value, *also]) - half), min(highest, max([value, *also]) + half)
        return cls(value, interval, better, judged_as)


def upper_limit(values: Sequence[float]) -> float:
    """Return what one more of some values doesn't exceed, 97.5 %: Student's prediction limit (Whitmore 1986)."""
    number = len(values)
    return statistics.mean(values) + STUDENT[number - 2] * statistics.stdev(values) * math.sqrt(1 + 1 / number)
