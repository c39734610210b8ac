"""What a Fréchet distance and the moments it needs cost, beside scipy and torchmetrics: python benchmarks/distances.py

The same features, 2048 wide with a decaying spectrum, go through every route in turn, so that the ratios hold when the
machine's speed drifts: from covariances to the distance, then from batches of features to moments. The error is against
singular values of the samples themselves, which needs no square root of a matrix. CPU seconds and seconds of the clock.
"""

import argparse
import time
import warnings
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import scipy.linalg
import torch
from step_time import median_with_interval
from threadpoolctl import threadpool_limits
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance, _compute_fid

from framegan.metrics.accumulate import FeatureBank
from framegan.metrics.frechet import Moments, gaussian_distance

D = 2048
GATHERED = 4096
"""How many samples are brought batch by batch."""

Measured = dict[str, list[tuple[float, float]]]
"""CPU seconds and seconds of the clock, round by round."""


def features(num_samples: int, seed: int) -> Tensor:
    """Return features (N, D) without negative values whose variances decay, as those of a network."""
    random = torch.Generator().manual_seed(seed)
    directions = torch.linalg.qr(torch.randn(D, D, generator=torch.Generator().manual_seed(0))).Q
    scales = 5 * torch.arange(1, D + 1) ** -0.5
    return (torch.randn(num_samples, D, generator=random) * scales @ directions + 0.02 * seed).relu()


def exact_distance(real: Tensor, fake: Tensor) -> float:
    """Return the distance of two sets: where C^T C = S, tr (S1 S2)^(1/2) is the sum of singular values of C1 C2^T."""
    means = [x.double().mean(0) for x in (real, fake)]
    ours, theirs = (
        torch.linalg.qr((x - mean) / (len(x) - 1) ** 0.5, mode="r").R
        for x, mean in zip((real, fake), means, strict=True)
    )
    cross = torch.linalg.svdvals(ours @ theirs.T).sum()
    return float((means[0] - means[1]).square().sum() + ours.square().sum() + theirs.square().sum() - 2 * cross)


def distance_by_scipy(mean1: np.ndarray, cov1: np.ndarray, mean2: np.ndarray, cov2: np.ndarray) -> float:
    """Return the distance as pytorch-fid, clean-fid and StyleGAN compute it."""
    root = scipy.linalg.sqrtm(cov1 @ cov2)
    if not np.isfinite(root).all():
        offset = 1e-6 * np.eye(len(cov1))
        root = scipy.linalg.sqrtm((cov1 + offset) @ (cov2 + offset))
    return float(np.sum((mean1 - mean2) ** 2) + cov1.trace() + cov2.trace() - 2 * root.real.trace())


def in_turn(routes: dict[str, Callable[[], object]], num_rounds: int) -> Measured:
    """Return the times of every route; each round goes through them the other way round than the last."""
    measured: Measured = {name: [] for name in routes}
    for number in range(num_rounds):
        for name in list(routes)[:: (-1) ** number]:
            cpu, clock = time.process_time(), time.perf_counter()
            routes[name]()
            measured[name].append((time.process_time() - cpu, time.perf_counter() - clock))
    return measured


def show(measured: Measured, per: int, unit: str, errors: dict[str, float] | None = None) -> None:
    """Print a table; ratios are to the first row's time in the same round."""
    first = np.array(next(iter(measured.values())))
    for name, rounds in measured.items():
        cpu, clock = np.median(rounds, axis=0) * {"s": 1, "us": 1e6}[unit] / per
        ratios = [median_with_interval(column.tolist()) for column in (np.array(rounds) / first).T]
        columns = [f"{ratio:5.2f} ({low:.2f} to {high:.2f})".ljust(21) for ratio, low, high in ratios]
        error = f" error {errors[name]:8.1e}" if errors else ""
        print(f"  {name:<28}{cpu:8.2f} {unit} CPU, x{columns[0]} {clock:8.2f} {unit}, x{columns[1]}{error}", flush=True)


def compare_distances(num_samples: int, num_rounds: int) -> None:
    """Measure the ways from covariances to a distance."""
    sets = features(num_samples, seed=1), features(num_samples, seed=2)
    exact = exact_distance(*sets)
    real, fake = map(Moments.of, sets)
    moments = real.mean, real.covariance(), fake.mean, fake.covariance()
    arrays = [tensor.numpy() for tensor in moments]
    values: dict[str, float] = {}
    routes = {
        "ours": lambda: values.update({"ours": gaussian_distance(replace(real), fake)}),
        "ours, real root kept": lambda: values.update({"ours, real root kept": gaussian_distance(real, fake)}),
        "torchmetrics": lambda: values.update(torchmetrics=float(_compute_fid(*moments))),
        "scipy.linalg.sqrtm": lambda: values.update({"scipy.linalg.sqrtm": distance_by_scipy(*arrays)}),
    }
    gaussian_distance(real, fake)
    measured = in_turn(routes, num_rounds)
    print(f"a distance of {num_samples} and {num_samples} samples: {exact:.6f}")
    show(measured, 1, "s", {name: value - exact for name, value in values.items()})


class Nothing(nn.Module):
    """A network that returns what it gets."""

    num_features = D

    def forward(self, batch: Tensor) -> Tensor:
        return batch


def compare_gathering(batch: int, num_rounds: int) -> None:
    """Measure the ways from batches to moments; ours are ready for a distance, torchmetrics' lack the covariance."""
    batches = list(zip(features(GATHERED, seed=1).split(batch), torch.arange(GATHERED).split(batch), strict=True))
    empty = {
        "FeatureBank, Moments.of": [FeatureBank(D) for _ in range(num_rounds)],
        "torchmetrics": [FrechetInceptionDistance(Nothing()) for _ in range(num_rounds)],
    }

    def by_bank() -> None:
        metric = empty["FeatureBank, Moments.of"].pop()
        for some, numbers in batches:
            metric.update(some, numbers)
        Moments.of(metric.compute())

    def by_torchmetrics() -> None:
        metric = empty["torchmetrics"].pop()
        for some, _ in batches:
            metric.update(some, real=True)

    print(f"moments of {GATHERED} samples, {batch} at a time; of one sample")
    show(in_turn(dict(zip(empty, (by_bank, by_torchmetrics), strict=True)), num_rounds), GATHERED, "us")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--distances", type=int, default=3, help="rounds; scipy takes 10 s to 50 s in each")
    parser.add_argument("--gatherings", type=int, default=5, help="rounds")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(options.threads)
    with threadpool_limits(options.threads):
        for size in (8, 32, 128, 512):
            compare_gathering(size, options.gatherings)
        for number in (10_000, 1_000):
            compare_distances(number, options.distances)
