"""Sources that need no files, and the resizing that all sources in memory share."""

import sys

import pytest
import torch

from framegan.data import source as module
from framegan.data.drawn.synthetic import synthetic
from framegan.data.published.digits import digits
from framegan.data.source import resize


def test_resize_keeps_what_fits_already():
    samples = torch.zeros(2, 3, 8, 8, dtype=torch.uint8)
    assert resize(samples, 8) is samples


@pytest.mark.parametrize("resolution", [1, 5, 8, 20])
def test_resize_keeps_constants_at_the_ends_of_the_range(resolution):
    for value in (0, 77, 255):
        samples = torch.full((2, 1, 12, 9), value, dtype=torch.uint8)
        assert torch.equal(resize(samples, resolution), torch.full((2, 1, resolution, resolution), value).byte())


def test_resize_does_not_depend_on_its_chunks(monkeypatch):
    samples = torch.randint(0, 256, (7, 3, 10, 10), dtype=torch.uint8)
    whole = resize(samples, 6)
    monkeypatch.setattr(module, "VALUES_AT_ONCE", 700)
    assert torch.equal(resize(samples, 6), whole)


def test_shrinking_averages_a_checkerboard():
    board = (torch.arange(32).view(-1, 1) + torch.arange(32)) % 2 * 255
    small = resize(board.byte().view(1, 1, 32, 32), 8)
    assert (small.int() - 128).abs().max() <= 8


@pytest.mark.parametrize("resolution", [8, 28, 32])
def test_digits(resolution):
    source = digits(resolution)
    assert len(source) == 1797
    assert source.shape == (1, resolution, resolution)
    assert source.samples.dtype == torch.uint8
    assert sorted(source.labels.unique().tolist()) == list(range(source.num_classes))
    assert source.samples.float().mean(0)[0, :, 0].max() < 20  # black at the left edge
    assert source.samples.max() == 255
    assert source.split == "all"


def test_some_digits_are_numbered_in_the_order_asked_for(capsys):
    of_all, some = digits(8), digits(8, classes=[7, "3"])
    assert (some.classes, some.num_classes, some.class_counts()) == (["7", "3"], 2, [179, 183])
    assert capsys.readouterr().out.startswith("left out 8 classes, not in data.classes: 1 (182), 5 (182), ")
    for number, name in enumerate((7, 3)):
        assert torch.equal(some.samples[some.labels == number], of_all.samples[of_all.labels == name])
    assert some.inventory() != digits(8, classes=[3, 7]).inventory() != of_all.inventory()


def test_digits_without_scikit_learn_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ImportError, match=r'pip install "framegan\[digits\]"'):
        digits()


@pytest.mark.parametrize(("resolution", "channels", "num_classes"), [(32, 3, 4), (7, 1, 1), (16, 3, 10), (1, 1, 2)])
def test_synthetic(resolution, channels, num_classes):
    source = synthetic(50, resolution, channels, num_classes)
    assert source.shape == (channels, resolution, resolution)
    assert source.samples.dtype == torch.uint8
    assert len(source) == 50
    assert sorted(source.labels.unique().tolist()) == list(range(num_classes))
    assert source.num_classes == num_classes


def test_synthetic_is_a_function_of_its_seed():
    assert torch.equal(synthetic(seed=1).samples, synthetic(seed=1).samples)
    assert not torch.equal(synthetic(seed=1).samples, synthetic(seed=2).samples)


def test_synthetic_flowers_are_bright_on_black():
    flat = synthetic().samples.amax(1).flatten(1)
    assert flat.amax(1).min() >= 100
    assert (flat == 0).float().mean(1).min() > 0.3


def test_no_more_classes_than_samples():
    assert synthetic(3, 8, num_classes=3).labels.tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="data.num_classes got 1000000000000; it should be at most .*, 512: set it or"):
        synthetic(num_classes=10**12)
