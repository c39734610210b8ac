"""Measures by nearest neighbours: fidelity (precision, density) and variety (recall, coverage) apart.

A set of features is taken for the union of balls around its samples, each as large as the distance to the sample's k-th
neighbour in the same set. Distances have the precision of the features; their common mean is taken off first, which
changes no distance and keeps float32 from cancelling. All four grow or shrink with the number of samples.
"""

import torch
from torch import Tensor

from framegan.metrics.features import Array, both_checked

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
    real, fake = _centred(*both_checked(real, fake, k))
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
    real, fake = _centred(*both_checked(real, fake, k))
    hits, covered = 0, 0
    radii = _radii(real, k)
    for balls, radius in zip(real.split(ROWS), radii.split(ROWS), strict=True):
        inside = torch.cdist(balls, fake) < radius.unsqueeze(1)
        hits += int(inside.sum())
        covered += int(inside.any(1).sum())
    return hits / (k * len(fake)), covered / len(real)


def _share_inside(points: Tensor, centres: Tensor, radii: Tensor) -> float:
    """Return the share of points within any ball."""
    inside = [(torch.cdist(some, centres) <= radii).any(1).sum() for some in points.split(ROWS)]
    return int(torch.stack(inside).sum()) / len(points)


def _radii(features: Tensor, k: int) -> Tensor:
    """Return each sample's distance to its k-th neighbour: (N,)."""
    found = []
    for start in range(0, len(features), ROWS):
        distances = torch.cdist(features[start : start + ROWS], features)
        distances.diagonal(offset=start).fill_(-1)  # a sample is not its own neighbour, however rounding goes
        found.append(distances.kthvalue(k + 1, dim=1).values)
    return torch.cat(found)


def _centred(real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """Return both sets less the mean of the real one."""
    mean = real.double().mean(0)
    return (real - mean).to(real.dtype), (fake - mean).to(fake.dtype)
