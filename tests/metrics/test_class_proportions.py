"""A generator that is told the class is asked for the classes as often as they are in the data."""

import pytest
import torch
from torch import nn

from framegan import noise
from framegan.data.source import TensorSource
from framegan.evaluation.fake_samples import FakeSamples
from framegan.evaluation.real_samples import RealSamples
from framegan.metrics.comparison import Comparison
from framegan.metrics.random_conv import RandomConv
from framegan.metrics.scores import Frechet

LEVELS = torch.tensor([-0.6, 0.6])


class Perfect(nn.Module):
    """Makes dark pictures of class 0 and bright ones of class 1, as the data are."""

    shape, latent_dim, num_classes = (1, 8, 8), 64, 2

    def __init__(self):
        super().__init__()
        self.register_parameter("weight", nn.Parameter(torch.zeros(1)))

    def forward(self, latents, labels=None):
        return 0.1 * latents.view(-1, 1, 8, 8) + LEVELS[labels].view(-1, 1, 1, 1)


def data(counts):
    labels = torch.repeat_interleave(torch.arange(2), torch.tensor(counts))
    noises = torch.randn(len(labels), 1, 8, 8, generator=torch.Generator().manual_seed(1))
    samples = 0.1 * noises + LEVELS[labels].view(-1, 1, 1, 1)
    pixels = ((samples + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return TensorSource(pixels, labels, num_classes=2)


def measured(source, class_counts):
    real = RealSamples(lambda: source, None, {})
    fake = FakeSamples(Perfect(), {}, class_counts=class_counts)
    (record,) = Comparison(RandomConv(), {"frechet": Frechet()}, 400, 400)(real, fake)
    return record


@pytest.mark.parametrize("counts", [[540, 60], [60, 540], [300, 300]])
def test_one_that_is_perfect_in_each_class_is_perfect(counts):
    source = data(counts)
    record = measured(source, RealSamples(lambda: source, None, {}).class_counts)
    assert record.interval[0] == 0
    assert record.fake["class_counts"] == counts


def test_all_classes_alike_are_not_the_data():
    record = measured(data([540, 60]), None)
    assert record.interval[0] > 0
    assert record.fake["class_counts"] == "all alike"


def test_a_class_is_a_function_of_its_seed_and_as_frequent_as_it_should_be():
    drawn = [noise.category_of_seed(seed, 3, [10, 0, 90]) for seed in range(1000)]
    assert drawn[500:] == [noise.category_of_seed(seed, 3, [10, 0, 90]) for seed in range(500, 1000)]
    assert 70 <= drawn.count(0) <= 130
    assert drawn.count(1) == 0
    alike = [noise.category_of_seed(seed, 3) for seed in range(100)]
    assert alike == [noise.category_of_seed(seed, 3, [7, 7, 7]) for seed in range(100)], "as without counts"
    assert {noise.category_of_seed(seed, 3, [5, 5]) for seed in range(100)} == {0, 1}


def test_the_data_may_not_have_more_classes():
    with pytest.raises(ValueError, match="makes 2 classes and the data have 3"):
        FakeSamples(Perfect(), {}, class_counts=[1, 2, 3])
