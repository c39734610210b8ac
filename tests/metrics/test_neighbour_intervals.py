"""The intervals of neighbour measures are about as wide as the spread over other draws of both sides."""

import statistics

import pytest
import torch

from framegan.metrics.estimate import STUDENT
from framegan.metrics.scores import DensityCoverage, Features, PrecisionRecall

NUM_SAMPLES, D = 600, 8


def draw(seed, shift, scale):
    """Return the estimates for a draw of both sides."""
    random = torch.Generator().manual_seed(seed)
    real = torch.randn(NUM_SAMPLES, D, generator=random)
    fake = scale * torch.randn(NUM_SAMPLES, D, generator=random) + shift
    features = Features(real)
    return PrecisionRecall()(features, fake, embedding=None) | DensityCoverage()(features, fake, embedding=None)


@pytest.mark.parametrize(("shift", "scale"), [(0, 1), (0.3, 0.8)])
def test_the_interval_is_that_of_other_draws(shift, scale):
    draws = [draw(seed, shift, scale) for seed in range(30)]
    for name in ("precision", "recall", "density", "coverage"):
        estimates = [values[name] for values in draws]
        spread = statistics.stdev(estimate.value for estimate in estimates)
        claimed = statistics.mean(high - low for low, high in (e.interval for e in estimates)) / 2 / STUDENT[-1]
        assert 0.7 * spread < claimed < 2 * spread, name
