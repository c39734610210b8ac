"""Our distances are those of the packages that published numbers come from, on the same features."""

import contextlib
import io

import numpy as np
import pytest
import torch
from oracles import oracle
from torchmetrics.image.fid import _compute_fid
from torchmetrics.image.kid import poly_mmd

from framegan.metrics.frechet import Moments, frechet_distance
from framegan.metrics.inception_score import inception_scores
from framegan.metrics.kernel import kernel_distance, subset_distances
from framegan.metrics.neighbours import density_coverage, precision_recall

D = 64


def features(num_samples, seed, offset=0.0):
    """Return float64 features that float32 holds as well: some packages round to it."""
    random = torch.Generator().manual_seed(seed)
    mixing = torch.randn(D, D, generator=random) * 0.3
    return (torch.randn(num_samples, D, generator=random) @ mixing + offset).relu().double()


SETS = {
    "many": (features(1200, seed=0), features(1100, seed=1, offset=0.05)),
    "rank_deficient": (features(50, seed=2), features(40, seed=3, offset=0.05)),
}
REAL, FAKE = SETS["many"]


def statistics(x):
    return x.numpy().mean(0), np.cov(x.numpy(), rowvar=False)


def of_torch_fidelity(real, fake):
    module = oracle("torch_fidelity.metric_fid")
    ours, theirs = map(module.fid_features_to_statistics, (real, fake))
    return module.fid_statistics_to_metric(ours, theirs, verbose=False)["frechet_inception_distance"]


def of_pytorch_fid(real, fake):
    return oracle("pytorch_fid.fid_score").calculate_frechet_distance(*statistics(real), *statistics(fake))


def of_clean_fid(real, fake):
    return oracle("cleanfid.fid").frechet_distance(*statistics(real), *statistics(fake))


def of_torchmetrics(real, fake):
    return float(_compute_fid(*map(torch.from_numpy, (*statistics(real), *statistics(fake)))))


def of_videogpt(real, fake):
    return float(oracle("cdfvd.third_party.i3d.utils").frechet_distance(real, fake))


def of_stylegan_v(real, fake):
    module = oracle("cdfvd.utils.metric_utils")
    ours, theirs = (module.FeatureStats(capture_mean_cov=True) for _ in range(2))
    ours.append(real.numpy())
    theirs.append(fake.numpy())
    tool = oracle("cdfvd.fvd").cdfvd
    return float(tool.compute_fvd_from_stats(object.__new__(tool), theirs, ours))


FRECHET = {
    "torch-fidelity": (of_torch_fidelity, 1),
    "pytorch-fid": (of_pytorch_fid, 1),
    "clean-fid": (of_clean_fid, 1),
    "torchmetrics": (of_torchmetrics, 1),
    "videogpt": (of_videogpt, 1),
    "stylegan-v": (of_stylegan_v, 0),
}


@pytest.mark.parametrize("package", FRECHET)
def test_frechet_distance(package):
    theirs, correction = FRECHET[package]
    ours = frechet_distance(*SETS["many"], correction)
    assert theirs(*SETS["many"]) == pytest.approx(ours, rel=1e-10)


@pytest.mark.parametrize("package", FRECHET)
def test_frechet_distance_of_fewer_samples_than_features(package):
    """Theirs are off by the root of the rounding of a singular product; ours is not (tests/metrics/test_frechet.py)."""
    theirs, correction = FRECHET[package]
    ours = frechet_distance(*SETS["rank_deficient"], correction)
    assert theirs(*SETS["rank_deficient"]) == pytest.approx(ours, rel=1e-6)


def test_moments_are_those_of_numpy():
    mean, covariance = statistics(REAL)
    moments = Moments.of(REAL)
    np.testing.assert_allclose(moments.mean, mean, rtol=1e-13)
    np.testing.assert_allclose(moments.covariance(), covariance, rtol=1e-11, atol=1e-13)
    biased = np.cov(REAL.numpy(), rowvar=False, ddof=0)
    np.testing.assert_allclose(moments.covariance(correction=0), biased, rtol=1e-11, atol=1e-13)


def kernel_of_torch_fidelity(real, fake):
    return oracle("torch_fidelity.metric_kid").kernel_mmd(real.numpy(), fake.numpy(), verbose=False)


def kernel_of_clean_fid(real, fake):
    fid = oracle("cleanfid.fid")
    return fid.kernel_distance(real.numpy(), fake.numpy(), num_subsets=1, max_subset_size=len(real))


def kernel_of_torchmetrics(real, fake):
    return float(poly_mmd(real, fake))


@pytest.mark.parametrize("theirs", [kernel_of_torch_fidelity, kernel_of_clean_fid, kernel_of_torchmetrics])
def test_kernel_distance(theirs):
    real = REAL[: len(FAKE)]
    ours = kernel_distance(real, FAKE)
    assert theirs(real, FAKE) == pytest.approx(ours, rel=1e-12)
    assert theirs(real.float(), FAKE.float()) == pytest.approx(ours, rel=1e-5)


def test_kernel_distance_of_subsets_is_that_of_other_draws():
    module = oracle("torch_fidelity.metric_kid")
    theirs = module.kid_features_to_metric(FAKE, REAL, kid_subsets=50, kid_subset_size=500, verbose=False)
    ours = subset_distances(REAL, FAKE, num_subsets=50, subset_size=500)
    mean, deviation = theirs["kernel_inception_distance_mean"], theirs["kernel_inception_distance_std"]
    assert abs(np.mean(ours) - mean) < 4 * deviation * (2 / 50) ** 0.5
    assert np.std(ours) == pytest.approx(deviation, rel=0.5)


@pytest.mark.parametrize("case", SETS)
def test_precision_and_recall_of_torch_fidelity(case):
    real, fake = SETS[case]
    theirs = oracle("torch_fidelity.metric_prc").prc_features_to_metric(fake, real, verbose=False)
    precision, recall = precision_recall(real, fake)
    assert round(theirs["precision"] * len(fake)) == precision * len(fake)
    assert round(theirs["recall"] * len(real)) == recall * len(real)


@pytest.mark.parametrize("case", SETS)
def test_all_four_of_prdc(case):
    real, fake = SETS[case]
    with contextlib.redirect_stdout(io.StringIO()):
        theirs = oracle("prdc").compute_prdc(real.numpy(), fake.numpy(), nearest_k=5)
    ours = precision_recall(real, fake, k=5) + density_coverage(real, fake)  # a random sample lies on no surface
    for name, value in zip(("precision", "recall", "density", "coverage"), ours, strict=True):
        assert theirs[name] == pytest.approx(value, rel=1e-12), name


@pytest.mark.parametrize("num_samples", [1000, 1003])
def test_inception_score(num_samples):
    logits = 2 * torch.randn(num_samples, 10, generator=torch.Generator().manual_seed(0))
    theirs = oracle("torch_fidelity.metric_isc").isc_features_to_metric(logits, splits=10, shuffle=False)
    ours = inception_scores(logits)
    assert np.mean(ours) == pytest.approx(theirs["inception_score_mean"], rel=1e-12)
    assert np.std(ours) == pytest.approx(theirs["inception_score_std"], rel=1e-10)


def test_the_published_example_of_prdc():
    """10,000 standard normals in 1,000 dimensions; over seeds density has a standard deviation of 0.025."""
    oracle("prdc")
    random = torch.Generator().manual_seed(0)
    real, fake = (torch.randn(10_000, 1000, generator=random) for _ in range(2))
    assert precision_recall(real, fake, k=5) == pytest.approx((0.477, 0.471), abs=0.03)
    density, coverage = density_coverage(real, fake)
    assert density == pytest.approx(1.06, abs=3 * 0.025)
    assert coverage == pytest.approx(0.974, abs=0.03)
