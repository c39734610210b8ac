"""Intervals are about as wide as the spread of repeated measurements."""

import statistics

import pytest
import torch

from framegan.metrics.estimate import STUDENT, from_subsets
from framegan.metrics.frechet import Moments, frechet_distance
from framegan.metrics.kernel import kernel_distance

REAL = torch.randn(4000, 8, generator=torch.Generator().manual_seed(99))
MOMENTS = Moments.of(REAL)


def frechet(fake):
    return frechet_distance(MOMENTS, Moments.of(fake))


def kernel(fake):
    return kernel_distance(REAL[:500], fake)


@pytest.mark.parametrize("distance", [frechet, kernel])
def test_the_interval_is_that_of_other_seeds(distance):
    estimates = []
    for seed in range(40):
        fake = 1.3 * torch.randn(600, 8, generator=torch.Generator().manual_seed(seed)) + 0.5
        estimates.append(from_subsets(lambda some, fake=fake: distance(fake[some]), len(fake)))
    spread = statistics.stdev(estimate.value for estimate in estimates)
    widths = [estimate.interval[1] - estimate.interval[0] for estimate in estimates]
    claimed = statistics.mean(widths) / 2 / STUDENT
    assert 0.7 * spread < claimed < 1.6 * spread


def test_a_few_samples_have_no_interval():
    assert from_subsets(lambda some: 1.0, 99) == (1.0, None)
