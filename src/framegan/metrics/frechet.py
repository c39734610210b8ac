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

ROWS = 512
"""How many features are held in float64 at a time."""
COLUMNS = 512
"""How many columns of a product of features are taken at a time: fewer waste less, and are slower each."""
MANY_FEATURES = 512
"""Features from which on a distance takes seconds."""
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
        scatter = mean.new_zeros(len(mean), len(mean))
        for rows in features.split(ROWS):
            add_products(scatter, rows.double() - mean)
        return cls(len(features), mean, mirrored(scatter))

    def merged(self, other: "Moments") -> "Moments":
        """Return the moments of both sets together (Chan et al. 1979)."""
        total = self.num_samples + other.num_samples
        if not total:
            return self
        step = other.mean - self.mean
        between = torch.outer(step, step) * (self.num_samples * other.num_samples / total)
        mean = self.mean + step * (other.num_samples / total)
        return Moments(total, mean, self.scatter + other.scatter + between)

    def without(self, part: "Moments") -> "Moments":
        """Return the moments of this set less a part of it: what `merged` with the part makes this set."""
        rest = self.num_samples - part.num_samples
        mean = self.mean + (self.mean - part.mean) * (part.num_samples / rest)
        step = part.mean - mean
        between = torch.outer(step, step) * (rest * part.num_samples / self.num_samples)
        return Moments(rest, mean, self.scatter - part.scatter - between)

    def covariance(self, correction: Correction = 1) -> Tensor:
        """Return the covariance (D, D).

        Raises:
            ValueError: there are fewer than two samples.
        """
        if self.num_samples < 2:
            raise ValueError(f"a Fréchet distance needs at least 2 samples on either side, got {self.num_samples}")
        return self.scatter / (self.num_samples - correction)

    @cached_property
    def scatter_root(self) -> Tensor:
        """A matrix R (D, rank) with R R^T = scatter; directions without any variance are left out."""
        rounding = len(self.scatter) * torch.finfo(self.scatter.dtype).eps
        factor, failed = torch.linalg.cholesky_ex(self.scatter)
        if not failed and (factor.diagonal().square() > rounding * self.scatter.diagonal()).all():
            return factor  # of full rank: sooner than eigenvectors, and exact for small variances
        values, vectors = torch.linalg.eigh(self.scatter)
        kept = values > values.max() * rounding
        return vectors[:, kept] * values[kept].sqrt()


def add_products(upper: Tensor, rows: Tensor) -> None:
    """Add rows^T rows to a matrix (D, D) in place, above and on its diagonal: little more than half of the work."""
    for start in range(0, len(upper), COLUMNS):
        upper[start : start + COLUMNS, start:].addmm_(rows[:, start : start + COLUMNS].T, rows[:, start:])


def mirrored(upper: Tensor) -> Tensor:
    """Return the symmetric matrix that is this one above and on the diagonal."""
    return upper.triu() + upper.triu(1).T


def frechet_distance(real: Moments | Tensor, fake: Moments | Tensor, correction: Correction = 1) -> float:
    """Return |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)) (Heusel et al. 2017, Equation 6), of features (N, D).

    With S1 = R R^T, the eigenvalues of S1 S2 are those of the symmetric R^T S2 R. Leaving out the null spaces of both
    makes that exact for sets of fewer samples than dimensions, where a square root of S1 S2 is not.
    """
    real, fake = (side if isinstance(side, Moments) else Moments.of(side) for side in (real, fake))
    covariances = real.covariance(correction), fake.covariance(correction)
    root = real.scatter_root / (real.num_samples - correction) ** 0.5
    product = root.T @ covariances[1] @ root
    rank = min(real.num_samples, fake.num_samples) - 1  # at most; the other eigenvalues are rounding, with large roots
    cross = torch.linalg.eigvalsh((product + product.T) / 2)[-rank:].clamp(min=0).sqrt().sum()
    total = covariances[0].trace() + covariances[1].trace()
    distance = float((real.mean - fake.mean).square().sum() + total - 2 * cross)
    rounding = 1e-6 * float(total)
    return 0.0 if -rounding < distance < 0 else distance


def extrapolated_distance(
    real: Moments, fake: Tensor, correction: Correction = 1, num_sizes: int = 15, seed: int = 0
) -> float:
    """Return the distance that ever more fake samples would tend to (FID-infinity: Chong & Forsyth 2020, Section 4).

    Distances to subsets of growing size are fitted by a line in 1/N, whose value at 0 is returned. What the finite
    number of real samples adds stays in it.

    Args:
        fake: features (N, D).
        num_sizes: sizes from N/10 to N.
        seed: of the subsets.
    """
    sizes = np.linspace(max(2, len(fake) // 10), len(fake), num_sizes).astype(int)
    distances = []
    for counter, size in enumerate(sizes.tolist()):
        order = noise.generator(seed, noise.SUBSETS, counter).permutation(len(fake))[:size]
        distances.append(frechet_distance(real, Moments.of(fake[torch.from_numpy(order)]), correction))
    _, at_infinity = np.polyfit(1 / sizes, distances, deg=1)
    return float(at_infinity)


def distances_without_difference(
    real: Tensor, fake: Tensor, correction: Correction = 1, number: int | None = None, seed: int = 0
) -> list[float]:
    """Return distances between what both sets are divided into at random, each as large as before.

    Where both are draws of one distribution, the distance between them is one more of these, for any distribution and
    any numbers of samples (a permutation test: Fisher 1935). That is what few samples alone add to a distance.

    Args:
        real: features (N, D).
        fake: features (M, D).
        number: of divisions. None = 10, or 3 of many features, where each takes long and they hardly differ.
        seed: of the divisions.
    """
    few, whole = min(len(real), len(fake)), Moments.of(real).merged(Moments.of(fake))
    distances = []
    number = number or (3 if real.shape[1] > MANY_FEATURES else 10)
    for counter in range(number):
        order = torch.from_numpy(noise.generator(seed, noise.DIVISIONS, counter).permutation(len(real) + len(fake)))
        is_real, rows = order[:few] < len(real), order[:few]
        some = Moments.of(torch.cat([real[rows[is_real]], fake[rows[~is_real] - len(real)]]))
        distances.append(frechet_distance(whole.without(some), some, correction))
    return distances
