"""The Fréchet distance against closed forms: every value below can be worked out by hand."""

import pytest
import torch

from framegan.metrics.frechet import (
    Moments,
    distances_by_chance,
    extrapolated_distance,
    frechet_distance,
    gaussian_distance,
)

D = 16


@pytest.fixture
def random():
    return torch.Generator().manual_seed(0)


def of_roots(ours, theirs):
    """Return the distance of commuting covariances with these eigenvalues and of equal means."""
    return float((ours.sqrt() - theirs.sqrt()).square().sum())


def gaussian(mean, covariance) -> Moments:
    """Return moments with exactly this mean and covariance."""
    return Moments(1001, mean.double(), covariance.double() * 1000)


def normal(random, *shape):
    return torch.randn(*shape, generator=random, dtype=torch.float64)


def test_another_mean(random):
    factor, shift = normal(random, D, D), normal(random, D)
    covariance = factor @ factor.T
    value = gaussian_distance(gaussian(torch.zeros(D), covariance), gaussian(shift, covariance))
    assert value == pytest.approx(float(shift.square().sum()), rel=1e-10)


def test_another_scale(random):
    factor, mean = normal(random, D, D), normal(random, D)
    covariance = factor @ factor.T
    value = gaussian_distance(gaussian(mean, covariance), gaussian(mean, 0.49 * covariance))
    assert value == pytest.approx(0.3**2 * float(covariance.trace()), rel=1e-10)


def test_commuting_covariances(random):
    rotation = torch.linalg.qr(normal(random, D, D)).Q
    ours, theirs = normal(random, D).square(), normal(random, D).square()
    real, fake = (gaussian(torch.zeros(D), rotation @ torch.diag(v) @ rotation.T) for v in (ours, theirs))
    assert gaussian_distance(real, fake) == pytest.approx(of_roots(ours, theirs), rel=1e-10)


def test_small_variances_are_not_lost(random):
    rotation = torch.linalg.qr(normal(random, 256, 256)).Q
    ours = torch.logspace(0, -12, 256, dtype=torch.float64)
    theirs = ours * normal(random, 256).square()
    real, fake = (gaussian(torch.zeros(256), rotation @ torch.diag(v) @ rotation.T) for v in (ours, theirs))
    assert gaussian_distance(real, fake) == pytest.approx(of_roots(ours, theirs), rel=1e-11)


def by_singular_values(real, fake, correction):
    """Return the distance without a square root: tr (S1 S2)^(1/2) is the sum of the singular values of C1 C2^T."""
    ours, theirs = ((x - x.mean(0)) / (len(x) - correction) ** 0.5 for x in (real, fake))
    cross = torch.linalg.svdvals(ours @ theirs.T).sum()
    means = (real.mean(0) - fake.mean(0)).square().sum()
    return float(means + ours.square().sum() + theirs.square().sum() - 2 * cross)


@pytest.mark.parametrize("correction", [0, 1])
@pytest.mark.parametrize(("num_real", "num_fake"), [(200, 190), (200, 6), (6, 200), (12, 7), (7, 12)])
def test_any_numbers_of_samples(num_real, num_fake, correction, random):
    real, fake = normal(random, num_real, D), (normal(random, num_fake, D) + 0.2).relu()
    expected = by_singular_values(real, fake, correction)
    assert frechet_distance(real, fake, correction=correction) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("num_dependent", [1, 3])
def test_features_that_follow_from_others(num_dependent, random):
    for _ in range(20):  # rounding makes a Cholesky factor of half of them
        real, fake = normal(random, 100, D).relu(), normal(random, 90, D).relu()
        for x in (real, fake):
            x[:, -num_dependent:] = x[:, :num_dependent] + x[:, num_dependent : 2 * num_dependent]
        assert frechet_distance(real, fake) == pytest.approx(by_singular_values(real, fake, 1), rel=1e-12)


@pytest.mark.parametrize("num_samples", [200, 5])
def test_the_same_samples_shifted(random, num_samples):
    features = normal(random, num_samples, D)
    assert frechet_distance(features, features + 1.5) == pytest.approx(D * 1.5**2, rel=1e-9)


@pytest.mark.parametrize("num_samples", [200, 5])
def test_identical_sets_are_not_apart_nor_below_zero(random, num_samples):
    features = normal(random, num_samples, D).relu()
    assert 0 <= frechet_distance(features, features) < 1e-9


def test_symmetric_and_the_same_after_a_rotation_and_square_in_the_scale(random):
    real, fake = normal(random, 300, D).relu(), 2 * normal(random, 250, D) + 0.3
    rotation = torch.linalg.qr(normal(random, D, D)).Q
    value = frechet_distance(real, fake)
    assert frechet_distance(fake, real) == pytest.approx(value, rel=1e-10)
    assert frechet_distance(real @ rotation, fake @ rotation) == pytest.approx(value, rel=1e-10)
    assert frechet_distance(3 * real, 3 * fake) == pytest.approx(9 * value, rel=1e-10)


def test_supports_that_have_nothing_in_common(random):
    real, fake = torch.zeros(50, D).double(), torch.zeros(60, D).double()
    real[:, :8], fake[:, 8:] = normal(random, 50, 8), normal(random, 60, 8)
    traces = sum(float(torch.cov(x.T).trace()) for x in (real, fake))
    means = float((real.mean(0) - fake.mean(0)).square().sum())
    assert frechet_distance(real, fake) == pytest.approx(traces + means, abs=1e-4)


@pytest.mark.parametrize("num_samples", [1024, 4096, 16384])
def test_the_bias_of_the_same_distribution_is_that_of_theory(num_samples, random):
    """To first order in 1/N the means add 2 D / N and the covariances D (D + 1) / (2 N)."""
    value = frechet_distance(normal(random, num_samples, 64), normal(random, num_samples, 64))
    assert num_samples * value == pytest.approx(64 * (64 + 5) / 2, rel=0.1)


def test_the_correction_is_that_of_the_covariance(random):
    real, fake = normal(random, 40, D), 1.5 * normal(random, 40, D)
    means = float((real.mean(0) - fake.mean(0)).square().sum())
    ours, theirs = frechet_distance(real, fake) - means, frechet_distance(real, fake, correction=0) - means
    assert theirs == pytest.approx(ours * 39 / 40, rel=1e-10)


def test_merged_moments_are_those_of_the_union(random):
    features = normal(random, 100, D) + 1e4  # an offset that sums of squares would not survive
    for cut in (1, 37, 99):
        merged = Moments.of(features[:cut]).merged(Moments.of(features[cut:]))
        assert merged.num_samples == 100
        assert torch.allclose(merged.mean, features.mean(0), rtol=1e-14)
        assert torch.allclose(merged.covariance(), torch.cov(features.T), rtol=1e-9, atol=1e-9)


def test_extrapolation_takes_off_most_of_the_bias(random):
    real, fake = normal(random, 20_000, 64), normal(random, 1_000, 64) + 0.25
    truth = 64 * 0.25**2
    biased = frechet_distance(real, fake)
    assert abs(extrapolated_distance(Moments.of(real), fake) - truth) < 0.25 * abs(biased - truth)


def test_a_set_less_a_part_is_what_the_part_was_added_to():
    features = torch.randn(60, 5, generator=torch.Generator().manual_seed(0)).double() + 3
    rest, part = Moments.of(features[:40]), Moments.of(features[40:])
    again = rest.merged(part).without(part)
    assert again.num_samples == 40
    torch.testing.assert_close(again.mean, rest.mean)
    torch.testing.assert_close(again.scatter, rest.scatter)


def by_chance(real, fake):
    return distances_by_chance(real, fake, Moments.of(real).merged(Moments.of(fake)))


@pytest.mark.parametrize(("num_real", "num_fake"), [(40, 40), (200, 15), (15, 200)])
def test_divisions_at_random_are_as_far_apart_as_two_draws(num_real, num_fake):
    random = torch.Generator().manual_seed(0)
    real, fake = (torch.randn(number, 30, generator=random) for number in (num_real, num_fake))
    distances = by_chance(real, fake)
    assert min(distances) * 0.9 < frechet_distance(real, fake) < max(distances) * 1.1
    moved = frechet_distance(real, fake + 3)
    assert moved > 2 * max(by_chance(real, fake + 3))
