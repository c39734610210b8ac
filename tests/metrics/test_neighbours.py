"""Precision, recall, density and coverage where the answer is known."""

import pytest
import torch

from framegan.metrics.neighbours import authenticity, density_coverage, precision_recall
from framegan.metrics.random_conv import RandomConv


def cloud(num_samples=500, num_features=8, seed=0):
    return torch.randn(num_samples, num_features, generator=torch.Generator().manual_seed(seed))


def test_identical_sets():
    assert precision_recall(cloud(), cloud()) == (1, 1)
    density, coverage = density_coverage(cloud(), cloud())
    assert (density, coverage) == (1, 1)


def test_sets_far_apart():
    assert precision_recall(cloud(), cloud() + 100) == (0, 0)
    assert density_coverage(cloud(), cloud() + 100) == (0, 0)


def test_a_part_of_the_real_set_is_precise_and_recalls_little():
    real = torch.cat([cloud(), cloud() + 50])
    precision, recall = precision_recall(real, cloud(seed=1))
    assert precision > 0.8
    assert recall < 0.5
    assert precision_recall(cloud(seed=1), real) == (recall, precision)
    assert density_coverage(real, cloud(seed=1))[1] < 0.5


def test_a_common_offset_changes_nothing():
    real, fake = cloud(), cloud(400, seed=1)
    near, far = (precision_recall(real + c, fake + c) + density_coverage(real + c, fake + c) for c in (0, 256))
    assert near == pytest.approx(far, abs=0.01)


def test_line_of_points_by_hand():
    real = torch.tensor([[0.0], [1.0], [3.0], [6.0]])  # radii to the first neighbour: 1, 1, 2, 3
    fake = torch.tensor([[2.0], [20.0]])  # radii: 18, 18
    assert precision_recall(real, fake, k=1) == (0.5, 1)  # 2 lies on the surface of the ball around 1
    density, coverage = density_coverage(real, fake, k=1)
    assert (density, coverage) == (1 / 2, 1 / 4)  # the ball around 3 alone: surfaces don't count


def test_copies_are_not_authentic():
    real = torch.tensor([[0.0], [1.0], [3.0], [6.0]])  # as far from their neighbours as 1, 1, 2 and 3
    assert authenticity(real, torch.tensor([[0.5], [3.0], [-1.5], [4.9], [10.0]])) == 2 / 5
    assert authenticity(cloud(), cloud()) == 0
    assert authenticity(cloud(), cloud(seed=1)) > 0.4
    assert authenticity(cloud(), cloud() + 100) == 1


def test_pieces_make_no_difference(monkeypatch):
    whole = precision_recall(cloud(), cloud(seed=1)), density_coverage(cloud(), cloud(seed=1))
    monkeypatch.setattr("framegan.metrics.neighbours.ROWS", 64)
    assert (precision_recall(cloud(), cloud(seed=1)), density_coverage(cloud(), cloud(seed=1))) == whole


def test_too_few_samples():
    with pytest.raises(ValueError, match="real has 5 samples; this measure needs at least 6"):
        density_coverage(cloud(5), cloud())


@pytest.fixture
def as_it_was():
    before = torch.get_float32_matmul_precision()
    yield
    torch.set_float32_matmul_precision(before)


@pytest.mark.parametrize("precision", ["highest", "high", "medium"])
def test_distances_and_features_are_taken_in_full_precision(precision, monkeypatch, as_it_was):
    """Whatever precision products of matrices have elsewhere, and that one stays."""
    torch.set_float32_matmul_precision(precision)
    backends, cdist, seen = (torch.backends.cuda.matmul, torch.backends.mkldnn.matmul), torch.cdist, []

    def look():
        seen.extend(backend.fp32_precision for backend in backends)

    monkeypatch.setattr(torch, "cdist", lambda *given: look() or cdist(*given))
    features = torch.randn(20, 4)
    for measure in (precision_recall, density_coverage, authenticity):
        measure(features, features + 1)
    embedding = RandomConv(2)
    monkeypatch.setattr(embedding, "embed", lambda pixels: look() or pixels.flatten(1).float())
    embedding(torch.zeros(2, 3, 16, 16, dtype=torch.uint8))
    assert len(seen) > 8 and set(seen) == {"ieee"}
    assert torch.get_float32_matmul_precision() == precision
