"""Measures by nearest neighbours: fidelity (precision, density), variety (recall, coverage), and what isn't copied.

A set of features is taken for the union of balls around its samples, each as large as the distance to the sample's k-th
neighbour in the same set. Distances have the precision of the features; their common mean is taken off first, which
changes no distance and keeps float32 from cancelling. All of them grow or shrink with the number of samples.
"""

import torch
from torch import Tensor

from framegan.metrics.features import Array, both_checked, full_precision

ROWS = 1024
"""How many rows of a matrix of distances are held at a time."""


def precision_recall(real: Array, fake: Array, k: int = 3) -> tuple[float, float]:
    """Return the shares of fake samples within the real set, and of real ones within the fake set, both in [0, 1].

    Improved precision and recall (Kynkäänniemi et al. 2019, Equation 1): the surface belongs to a ball. Higher is
    better.

    Args:
        k: a set is the union of balls, each as large as the distance to the k-th neighbour.

    Raises:
        ValueError: the features aren't (N, D) and (M, D) of finite numbers, with N and M above k.
    """
    real, fake = centred(*both_checked(real, fake, k))
    return _share_inside(fake, real, _radii(real, k)), _share_inside(real, fake, _radii(fake, k))


def density_coverage(real: Array, fake: Array, k: int = 5) -> tuple[float, float]:
    """Return in how many real balls, over k, a fake sample lies, and the share of real balls with a fake sample.

    Density and coverage (Naeem et al. 2020, Equations 3 and 4): the surface doesn't belong to a ball. Higher is better.
    Density is around 1 where both sets have the same distribution, and may exceed it; coverage is in [0, 1].

    Args:
        k: as in `precision_recall`.

    Raises:
        ValueError: the features aren't (N, D) and (M, D) of finite numbers, with N and M above k.
    """
    real, fake = centred(*both_checked(real, fake, k))
    hits, covered = 0, 0
    radii = _radii(real, k)
    for balls, radius in zip(real.split(ROWS), radii.split(ROWS), strict=True):
        inside = _distances(balls, fake) < radius.unsqueeze(1)
        hits += int(inside.sum())
        covered += int(inside.any(1).sum())
    return hits / (k * len(fake)), covered / len(real)


def authenticity(real: Array, fake: Array) -> float:
    """Return the share of fake samples that are no nearer to a real one than its own nearest neighbour is, in [0, 1].

    Alaa et al. 2022, Section 3.3: what is nearer may be a copy of it. Real samples that are in the set are 0, and those
    that aren't have a share of their own, with which to compare; it is above a half where the set is dense.

    Raises:
        ValueError: the features aren't (N, D) and (M, D) of finite numbers, with N and M at least 2.
    """
    real, fake = centred(*both_checked(real, fake))
    distances, numbers = nearest(real, fake, 1)
    return float((distances > _radii(real, 1)[numbers]).double().mean())


def nearest(real: Tensor, fake: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return the distances of fake samples (M, D) to their k nearest real ones (N, D), and which these are: (M, k)."""
    found = [_distances(some, real).topk(k, largest=False) for some in fake.split(ROWS)]
    return torch.cat([one.values for one in found]), torch.cat([one.indices for one in found])


def _distances(some: Tensor, others: Tensor) -> Tensor:
    """Return the distances of samples (N, D) to others (M, D): (N, M)."""
    with full_precision():
        return torch.cdist(some, others)


def _share_inside(points: Tensor, centres: Tensor, radii: Tensor) -> float:
    """Return the share of points within any ball."""
    inside = [(_distances(some, centres) <= radii).any(1).sum() for some in points.split(ROWS)]
    return int(torch.stack(inside).sum()) / len(points)


def _radii(features: Tensor, k: int) -> Tensor:
    """Return each sample's distance to its k-th neighbour: (N,)."""
    found = []
    for start in range(0, len(features), ROWS):
        distances = _distances(features[start : start + ROWS], features)
        distances.diagonal(offset=start).fill_(-1)  # a sample is not its own neighbour, however rounding goes
        found.append(distances.kthvalue(k + 1, dim=1).values)
    return torch.cat(found)


def centred(real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """Return both sets less the mean of the real one, which changes no distance."""
    mean = real.double().mean(0)
    return (real - mean).to(real.dtype), (fake - mean).to(fake.dtype)
