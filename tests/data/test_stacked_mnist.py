"""Each sample is three digits, the same for the same seed and number, put together when asked for."""

import pytest
import torch
from small_files import write_mnist

from framegan.data.datamodule import DataModule
from framegan.data.published.idx import mnist
from framegan.data.published.stacked_mnist import StackedMNIST
from framegan.data.source import BatchSource, in_memory


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mnist")
    write_mnist(folder, "t10k", 40)
    return str(folder)


def test_what_a_source_offers(root):
    source = StackedMNIST(root, num_samples=100)
    assert isinstance(source, BatchSource)
    assert (len(source), source.shape, source.num_classes, source.split) == (100, (3, 32, 32), 1, "test")
    sample, label = source[99]
    assert (sample.dtype, sample.shape, label) == (torch.uint8, (3, 32, 32), 0)


def test_each_channel_is_a_digit(root):
    source = StackedMNIST(root, resolution=28, num_samples=20)
    pictures = mnist(root).samples[:, 0]
    for index in range(20):
        for channel, row in zip(source[index][0], source.rows[index], strict=True):
            assert torch.equal(channel, pictures[row])


def test_a_batch_is_its_samples(root):
    source = StackedMNIST(root, num_samples=50)
    samples, labels = source.batch([(7, 0), (3, 1), (7, 2)])
    assert torch.equal(samples, torch.stack([source[7][0], source[3][0], source[7][0]]))
    assert (labels.dtype, labels.tolist()) == (torch.int64, [0, 0, 0])


def test_every_sample_is_a_function_of_the_seed_and_its_number(root):
    some, more, other = StackedMNIST(root, num_samples=7), StackedMNIST(root), StackedMNIST(root, seed=1)
    assert len(more) == 128_000
    assert torch.equal(some.rows, more.rows[:7])
    assert not torch.equal(more.rows, other.rows)


def test_channels_are_independent_and_every_digit_is_drawn_alike(root):
    rows = StackedMNIST(root).rows
    together = torch.bincount(rows[:, 0] * 40 + rows[:, 1], minlength=1600)
    expected = 128_000 / 1600
    assert (together - expected).square().sum() / expected == pytest.approx(1599, rel=0.15)  # chi-squared


def test_in_memory_it_is_the_same(root):
    source = StackedMNIST(root, num_samples=30)
    tickets = [(index, 0) for index in range(30)]
    assert torch.equal(in_memory(source).samples, source.batch(tickets)[0])


def test_real_batches_come_from_a_datamodule(root):
    samples, labels = DataModule(StackedMNIST(root, num_samples=64), keep_on_device_mb=0).examples.real(16)
    assert samples.shape == (16, 3, 32, 32)
    assert -1 <= samples.min() < samples.max() <= 1
    assert labels.tolist() == [0] * 16
