"""Intervals are about as wide as the spread of repeated measurements."""

import math
import statistics

import pytest
import torch

from framegan.metrics.estimate import STUDENT, Estimate
from framegan.metrics.frechet import frechet_distance
from framegan.metrics.kernel import kernel_distance
from framegan.metrics.subsets import subsets

REAL = torch.randn(4000, 8, generator=torch.Generator().manual_seed(99))


def frechet(fake):
    return frechet_distance(REAL, fake)


def kernel(fake):
    return kernel_distance(REAL[:500], fake)


@pytest.mark.parametrize("distance", [frechet, kernel])
def test_the_interval_is_that_of_other_seeds(distance):
    estimates = []
    for seed in range(40):
        fake = 1.3 * torch.randn(600, 8, generator=torch.Generator().manual_seed(seed)) + 0.5
        estimates.append(Estimate.of(distance(fake), [distance(fake[some]) for some in subsets(len(fake), least=10)]))
    spread = statistics.stdev(estimate.value for estimate in estimates)
    widths = [estimate.interval[1] - estimate.interval[0] for estimate in estimates]
    claimed = statistics.mean(widths) / 2 / STUDENT[-1]
    assert 0.7 * spread < claimed < 1.6 * spread


def test_an_interval_holds_what_it_has_to_and_nothing_that_can_not_be():
    low, high = Estimate.of(0.1, [0.3, 0.4, 0.5], also=[-0.2], within=(0, 1)).interval
    assert (low, high > 0.1) == (0, True)
    assert Estimate.of(0.95, [0.0, 1.0], within=(0, 1)).interval == (0, 1)
    assert Estimate.of(2.0, [1.0, 3.0], also=[1.5]).interval == pytest.approx((1.5 - 12.706, 2.0 + 12.706))


def test_fewer_samples_make_fewer_subsets_and_wider_intervals():
    assert [len(subsets(number, least=10)) for number in (100, 99, 20, 19)] == [10, 9, 2, 0]
    assert [len(subsets(number, least=2)) for number in (20, 5, 3)] == [10, 2, 0]
    of_two, of_ten = (Estimate.of(1.0, [0.9, 1.1] * number).interval[1] for number in (1, 5))
    assert of_two > of_ten
    alone = Estimate.of(1.0, [1.0])
    assert (alone.interval, alone.why_no_interval) == (None, "too few samples to divide")


@pytest.mark.parametrize("odd", [math.nan, math.inf])
def test_what_is_not_finite_has_no_interval(odd):
    for estimate in (Estimate.of(1.0, [1.0, odd, 2.0]), Estimate(1.0, (0.0, odd))):
        assert (estimate.value, estimate.interval, estimate.why_no_interval) == (1.0, None, "it isn't finite")
