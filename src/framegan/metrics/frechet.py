"""The Fréchet distance between two Gaussians (Dowson & Landau 1982), the formula of FID (Heusel et al. 2017) and FVD.

Everything is float64. The distance of finite sets is biased upwards, by about 1/N: compare only what has the same N.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Self

import numpy as np
import torch
from torch import Tensor

from framegan import noise
from framegan.metrics.features import Array, both_checked
from framegan.metrics.subsets import divisions

ROWS = 512
"""How many features are held in float64 at a time."""
COLUMNS = 512
"""How many columns of a product of features are taken at a time: fewer waste less, and are slower each."""
MANY_FEATURES = 512
"""Features from which on a distance takes seconds."""
NUM_SIZES = 15
"""Numbers of samples from which a distance is extrapolated."""
Correction = Literal[0, 1]
"""The covariance is divided by N - correction. Published tools differ: 1 in most, 0 in StyleGAN-V and cd-fvd."""


@dataclass(eq=False)
class Moments:
    """What a Fréchet distance needs to know of a set of features.

    Args:
        num_samples: N.
        mean: float64 (D,).
        scatter: float64 (D, D), the sum of the outer products of the features less their mean.
    """

    num_samples: int
    mean: Tensor
    scatter: Tensor

    @classmethod
    def of(cls, features: Tensor) -> Self:
        """Return the moments of features (N, D)."""
        mean = torch.stack([rows.double().sum(0) for rows in features.split(ROWS)]).sum(0) / len(features)
        upper = mean.new_zeros(len(mean), len(mean))  # above and on the diagonal: little more than half of the work
        for part in features.split(ROWS):
            rows = part.double() - mean
            for start in range(0, len(mean), COLUMNS):
                upper[start : start + COLUMNS, start:].addmm_(rows[:, start : start + COLUMNS].T, rows[:, start:])
        moments = cls(len(features), mean, upper.triu() + upper.triu(1).T)
        if len(features) <= len(mean):  # it is known, without the eigenvectors, which take seconds
            moments.scatter_root = (features.double() - mean).T
        return moments

    def merged(self, other: "Moments") -> "Moments":
        """Return the moments of both sets together (Chan et al. 1979)."""
        total = self.num_samples + other.num_samples
        step = other.mean - self.mean
        between = torch.outer(step, step) * (self.num_samples * other.num_samples / total)
        mean = self.mean + step * (other.num_samples / total)
        return Moments(total, mean, self.scatter + other.scatter + between)

    def without(self, part: "Moments") -> "Moments":
        """Return the moments of this set less a part of it: what `merged` with the part makes this set."""
        return self.merged(Moments(-part.num_samples, part.mean, -part.scatter))

    def covariance(self, correction: Correction = 1) -> Tensor:
        """Return the covariance (D, D)."""
        return self.scatter / (self.num_samples - correction)

    @cached_property
    def scatter_root(self) -> Tensor:
        """A matrix R (D, N) with R R^T = scatter, for N of at least the rank: the smaller, the sooner it is used."""
        rounding = len(self.scatter) * torch.finfo(self.scatter.dtype).eps
        factor, failed = torch.linalg.cholesky_ex(self.scatter)
        if not failed and (factor.diagonal().square() > rounding * self.scatter.diagonal()).all():
            return factor  # of full rank: sooner than eigenvectors, and exact for small variances
        values, vectors = torch.linalg.eigh(self.scatter)
        kept = values > values.max() * rounding
        return vectors[:, kept] * values[kept].sqrt()


def frechet_distance(real: Array, fake: Array, correction: Correction = 1) -> float:
    """Return |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)) of the means and covariances of features (N, D) and (M, D).

    Of Inception's features it is FID (Heusel et al. 2017, Equation 6), of I3D's FVD. At least 0, lower is better; it is
    biased upwards by about 1/N.

    Args:
        correction: the covariances are divided by N - correction.

    Raises:
        ValueError: the features aren't (N, D) and (M, D) of finite numbers, with N and M at least 2.
    """
    ours, theirs = both_checked(real, fake)
    return gaussian_distance(Moments.of(ours), Moments.of(theirs), correction)


def gaussian_distance(real: Moments, fake: Moments, correction: Correction = 1) -> float:
    """Return the distance of features of which the moments are known.

    With S1 = R R^T, the eigenvalues of S1 S2 are those of the symmetric R^T S2 R. Leaving out the null spaces of both
    makes that exact for sets of fewer samples than dimensions, where a square root of S1 S2 is not.
    """
    covariances = real.covariance(correction), fake.covariance(correction)
    root = real.scatter_root / (real.num_samples - correction) ** 0.5
    product = root.T @ covariances[1] @ root
    rank = min(real.num_samples, fake.num_samples) - 1  # at most; the other eigenvalues are rounding, with large roots
    cross = torch.linalg.eigvalsh((product + product.T) / 2)[-rank:].clamp(min=0).sqrt().sum()
    total = covariances[0].trace() + covariances[1].trace()
    distance = float((real.mean - fake.mean).square().sum() + total - 2 * cross)
    rounding = 1e-6 * float(total)
    return 0.0 if -rounding < distance < 0 else distance


def extrapolated_distance(real: Moments, fake: Tensor, correction: Correction = 1) -> float:
    """Return the distance that ever more fake samples would tend to (FID-infinity: Chong & Forsyth 2020, Section 4).

    Distances to random subsets of N/10 to N fake samples are fitted by a line in 1/N, whose value at 0 is returned.
    What the finite number of real samples adds stays in it.

    Args:
        fake: features (N, D).
    """
    sizes = np.linspace(max(2, len(fake) // 10), len(fake), NUM_SIZES).astype(int)
    distances = []
    for counter, size in enumerate(sizes.tolist()):
        order = noise.generator(0, noise.SUBSETS, counter).permutation(len(fake))[:size]
        distances.append(gaussian_distance(real, Moments.of(fake[torch.from_numpy(order)]), correction))
    _, at_infinity = np.polyfit(1 / sizes, distances, deg=1)
    return float(at_infinity)


def distances_by_chance(real: Tensor, fake: Tensor, both: Moments, correction: Correction = 1) -> list[float]:
    """Return distances between what features (N, D) and (M, D) are divided into at random; see `subsets.divisions`.

    There are 10, or 3 of many features, where each takes long and they hardly differ.

    Args:
        both: the moments of the two together.
    """
    few = min(len(real), len(fake))
    distances = []
    for order in divisions(len(real) + len(fake), 3 if real.shape[1] > MANY_FEATURES else 10):
        is_real, rows = order[:few] < len(real), order[:few]
        some = Moments.of(torch.cat([real[rows[is_real]], fake[rows[~is_real] - len(real)]]))
        distances.append(gaussian_distance(some, both.without(some), correction))
    return distances
