"""Kernel distances against sums by hand."""

import statistics

import pytest
import torch

from framegan.metrics.kernel import (
    CUBIC,
    JEDI,
    Polynomial,
    jedi_distance,
    kernel_distance,
    lowered_by_shared,
    subset_distances,
)

REAL = torch.tensor([[1, 2], [0, 1], [3, 1], [2, 2]])
FAKE = torch.tensor([[1, 0], [2, 1], [0, 3]])


def by_hand(real, fake, kernel: Polynomial, unbiased: bool) -> float:
    def k(x, y):
        return (sum(a * b for a, b in zip(x, y, strict=True)) / len(x) + kernel.offset) ** kernel.degree

    def within(points):
        pairs = [(i, j) for i in range(len(points)) for j in range(len(points)) if i != j or not unbiased]
        return sum(k(points[i], points[j]) for i, j in pairs) / len(pairs)

    between = sum(k(x, y) for x in real for y in fake) / (len(real) * len(fake))
    return within(real) + within(fake) - 2 * between


@pytest.mark.parametrize("unbiased", [True, False])
@pytest.mark.parametrize("kernel", [CUBIC, JEDI])
def test_equals_the_sums_written_out(kernel, unbiased):
    expected = by_hand(REAL.tolist(), FAKE.tolist(), kernel, unbiased)
    assert kernel_distance(REAL, FAKE, kernel, unbiased=unbiased) == pytest.approx(expected, rel=1e-13)


def test_many_rows_are_summed_in_pieces(monkeypatch):
    random = torch.Generator().manual_seed(0)
    real, fake = torch.randn(50, 8, generator=random), torch.randn(41, 8, generator=random)
    whole = kernel_distance(real, fake)
    monkeypatch.setattr("framegan.metrics.kernel.ROWS", 7)
    assert kernel_distance(real, fake) == pytest.approx(whole, rel=1e-12)


def test_the_example_of_jedi():
    """Two small matrices for which the published code prints 270.7 (it gives its cubic value wrong)."""
    real = torch.arange(1, 10).view(3, 3)
    fake = torch.tensor([[7, 6, 5], [4, 3, 2], [1, 1, 8], [0, 2, 5]])
    assert jedi_distance(real, fake) == pytest.approx(100 * 270.7222, rel=1e-6)
    assert kernel_distance(real, fake, CUBIC, unbiased=False) == pytest.approx(23088.083, rel=1e-7)


def test_unbiased_around_zero():
    random = torch.Generator().manual_seed(0)
    values = [
        kernel_distance(torch.randn(100, 8, generator=random), torch.randn(100, 8, generator=random)) for _ in range(50)
    ]
    assert min(values) < 0 < max(values)
    assert abs(statistics.mean(values)) < 3 * statistics.stdev(values) / 50**0.5


def test_subsets_are_drawn_from_both_sides_without_touching_the_global_generator():
    random = torch.Generator().manual_seed(0)
    real, fake = torch.randn(300, 8, generator=random), torch.randn(200, 8, generator=random) + 0.5
    before = torch.get_rng_state()
    values = subset_distances(real, fake, num_subsets=20, subset_size=150)
    assert torch.equal(torch.get_rng_state(), before)
    assert values == subset_distances(real, fake, num_subsets=20, subset_size=150)
    assert len(set(values)) == 20
    spread = statistics.stdev(values)
    assert abs(statistics.mean(values) - kernel_distance(real, fake)) < spread


def test_subsets_of_all_are_the_whole():
    real, fake = REAL[:3].float(), FAKE.float()
    assert subset_distances(real, fake, 2) == pytest.approx([kernel_distance(real, fake)]), "one is enough"


def test_samples_that_are_in_both_sets_lower_the_distance_by_as_much_as_is_said():
    features = torch.randn(80, 6, generator=torch.Generator().manual_seed(0))
    itself = kernel_distance(features, features.flip(0))
    assert itself < 0
    assert itself + lowered_by_shared(features, features.flip(0)) == pytest.approx(0, abs=1e-12)
    assert lowered_by_shared(features[:40], features[40:]) == 0
    nearly = features + 1e-6
    assert lowered_by_shared(features, nearly) == pytest.approx(-itself, rel=0.1)
