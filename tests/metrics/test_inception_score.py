"""The inception score where it is known."""

import math

import pytest
import torch

from framegan.metrics.inception_score import inception_scores

CLASSES = torch.arange(1000) % 10


def test_clear_and_varied_samples_score_the_number_of_classes():
    logits = 200.0 * torch.nn.functional.one_hot(CLASSES, 10)
    assert inception_scores(logits) == pytest.approx([10] * 10)


@pytest.mark.parametrize("logits", [torch.zeros(1000, 10), 200.0 * torch.eye(10)[:1].expand(1000, 10)])
def test_unclear_or_equal_samples_score_one(logits):
    assert inception_scores(logits) == pytest.approx([1] * 10)


def test_between_them_by_hand():
    log = math.log
    first, second = 0.8 * log(0.8 / 0.6) + 0.2 * log(0.2 / 0.4), 0.4 * log(0.4 / 0.6) + 0.6 * log(0.6 / 0.4)
    logits = torch.tensor([[0.8, 0.2], [0.4, 0.6]], dtype=torch.float64).log()
    assert inception_scores(logits, 1) == pytest.approx([math.exp((first + second) / 2)])


def test_more_splits_than_samples():
    with pytest.raises(ValueError, match="logits has 9 samples; this measure needs at least 10"):
        inception_scores(torch.zeros(9, 3))
