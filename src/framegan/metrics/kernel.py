"""Kernel distances of two sets of features: the squared maximum mean discrepancy (Gretton et al. 2012), in float64.

With the cubic kernel it is KID (Binkowski et al. 2018), and KVD on features of clips. The unbiased one doesn't depend
on the number of samples, and is negative as often as positive where both sets have the same distribution.
"""

from collections import Counter
from dataclasses import dataclass

import torch
from torch import Tensor

from framegan import noise

ROWS = 2048
"""How many rows of a Gram matrix are held at a time."""
SAME = 1e-3
"""Of the features' standard deviation: features that round to the same multiples of it are of the same sample."""


@dataclass(frozen=True)
class Polynomial:
    """The kernel k(x, y) = (x.y / D + offset)^degree."""

    degree: int
    offset: float

    def sums(self, x: Tensor, y: Tensor) -> tuple[float, float]:
        """Return the sums of k(x_i, y_j) over all pairs, and over the pairs with i = j."""
        total = diagonal = 0.0
        for start in range(0, len(x), ROWS):
            gram = (x[start : start + ROWS] @ y.T / x.shape[1] + self.offset) ** self.degree
            total += float(gram.sum())
            diagonal += float(gram.diagonal(offset=start).sum()) if start < len(y) else 0.0
        return total, diagonal


CUBIC = Polynomial(degree=3, offset=1.0)
"""The kernel of KID (Binkowski et al. 2018, Section 4)."""
JEDI = Polynomial(degree=2, offset=0.0)
"""The kernel of JEDi (Luo et al. 2025), whose distance is biased and given times 100: `jedi_distance`."""


def kernel_distance(real: Tensor, fake: Tensor, kernel: Polynomial = CUBIC, *, unbiased: bool = True) -> float:
    """Return the squared maximum mean discrepancy of features (N, D) and (M, D) (Gretton et al. 2012, Equation 3).

    Args:
        unbiased: leave out the pairs of a sample with itself.

    Raises:
        ValueError: there are fewer than two samples on a side.
    """
    if min(len(real), len(fake)) < 2:
        raise ValueError(f"a kernel distance needs at least 2 samples on either side, got {len(real)} and {len(fake)}")
    real, fake = real.double(), fake.double()
    within = 0.0
    for x in (real, fake):
        total, diagonal = kernel.sums(x, x)
        within += (total - diagonal) / (len(x) * (len(x) - 1)) if unbiased else total / len(x) ** 2
    between, _ = kernel.sums(real, fake)
    return within - 2 * between / (len(real) * len(fake))


def jedi_distance(real: Tensor, fake: Tensor) -> float:
    """Return the distance of JEDi (Luo et al. 2025), on whatever features: biased, times 100."""
    return 100 * max(0.0, kernel_distance(real, fake, JEDI, unbiased=False))


def subset_distances(
    real: Tensor, fake: Tensor, num_subsets: int = 100, subset_size: int = 1000, seed: int = 0
) -> list[float]:
    """Return the unbiased cubic distances of random subsets, whose mean is the published KID.

    Args:
        subset_size: samples of either side, drawn without replacement; all of them where there are fewer.
    """
    size = min(subset_size, len(real), len(fake))
    distances = []
    for counter in range(num_subsets):
        random = noise.generator(seed, noise.SUBSETS, counter)
        ours, theirs = (torch.from_numpy(random.permutation(len(x))[:size]) for x in (real, fake))
        distances.append(kernel_distance(real[ours], fake[theirs]))
    return distances


def lowered_by_shared(real: Tensor, fake: Tensor, kernel: Polynomial = CUBIC) -> float:
    """Return by how much the unbiased distance is too small because samples are in both sets, as copies are.

    That it leaves out the pairs of a sample with itself within a set makes it unbiased for sets of different samples.
    With the same sample in both, its pair with itself has to be left out between them as well.
    """
    scale = SAME * float(fake.double().std()) or 1.0
    of_real, of_fake = (_names(x, scale) for x in (real, fake))
    shared = Counter(of_real) & Counter(of_fake)
    place = {key: number for number, key in enumerate(of_real)}
    rows = real[[place[key] for key in shared.elements()]].double()
    if not len(rows):
        return 0.0
    total, _ = kernel.sums(real.double(), fake.double())
    with_themselves = float(((rows.square().sum(1) / real.shape[1] + kernel.offset) ** kernel.degree).sum())
    pairs = len(real) * len(fake)
    others = (total - with_themselves) / (pairs - len(rows)) if pairs > len(rows) else 0.0
    return 2 * (total / pairs - others)


def _names(features: Tensor, scale: float) -> list[int]:
    """Return a number for each row, the same for rows that round to the same multiples of a scale."""
    return [
        hash(row.tobytes())
        for rows in features.split(ROWS)
        for row in ((rows.double() / scale).round() + 0.0).cpu().numpy()
    ]


def kernel_distances_without_difference(
    real: Tensor, fake: Tensor, kernel: Polynomial = CUBIC, number: int = 10, seed: int = 0
) -> list[float]:
    """Return unbiased distances between what both sets are divided into at random, each as large as before.

    See `framegan.metrics.frechet.distances_without_difference`.
    """
    both, distances = torch.cat([real, fake]), []
    for counter in range(number):
        order = torch.from_numpy(noise.generator(seed, noise.DIVISIONS, counter).permutation(len(both)))
        distances.append(kernel_distance(both[order[: len(real)]], both[order[len(real) :]], kernel))
    return distances
