"""Kernel distances of two sets of features: the squared maximum mean discrepancy (Gretton et al. 2012), in float64.

With the cubic kernel it is KID (Binkowski et al. 2018), and KVD on features of clips. The unbiased one doesn't depend
on the number of samples, and is negative as often as positive where both sets have the same distribution.
"""

from collections import Counter
from dataclasses import dataclass

import torch
from torch import Tensor

from framegan import noise
from framegan.metrics.features import Array, both_checked
from framegan.metrics.subsets import divisions

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


def kernel_distance(real: Array, fake: Array, kernel: Polynomial = CUBIC, *, unbiased: bool = True) -> float:
    """Return the squared maximum mean discrepancy of features (N, D) and (M, D) (Gretton et al. 2012, Equation 3).

    Of Inception's features it is KID (Binkowski et al. 2018, Section 4), which publications average over random subsets
    of 1,000. Lower is better; unbiased, it is negative as often as positive where both have the same distribution.

    Args:
        unbiased: leave out the pairs of a sample with itself.

    Raises:
        ValueError: the features aren't (N, D) and (M, D) of finite numbers, with N and M at least 2.
    """
    real, fake = (side.double() for side in both_checked(real, fake))
    within = 0.0
    for x in (real, fake):
        total, diagonal = kernel.sums(x, x)
        within += (total - diagonal) / (len(x) * (len(x) - 1)) if unbiased else total / len(x) ** 2
    between, _ = kernel.sums(real, fake)
    return within - 2 * between / (len(real) * len(fake))


def jedi_distance(real: Array, fake: Array) -> float:
    """Return 100 times the biased distance of k(x, y) = (x.y / D)^2, that of JEDi (Luo et al. 2025); lower is better.

    Raises:
        ValueError: the features aren't (N, D) and (M, D) of finite numbers, with N and M at least 2.
    """
    return 100 * max(0.0, kernel_distance(real, fake, JEDI, unbiased=False))


def subset_distances(real: Tensor, fake: Tensor, num_subsets: int = 100, subset_size: int = 1000) -> list[float]:
    """Return the unbiased cubic distances of random subsets, whose mean is the published KID.

    Args:
        subset_size: samples of either side, drawn without replacement; all of them, once, where there are no more.
    """
    size = min(subset_size, len(real), len(fake))
    is_all = size == len(real) == len(fake)
    distances = []
    for counter in range(1 if is_all else num_subsets):
        random = noise.generator(0, noise.SUBSETS, counter)
        ours, theirs = (torch.from_numpy(random.permutation(len(x))[:size]) for x in (real, fake))
        distances.append(kernel_distance(real[ours], fake[theirs]))
    return distances


def distances_by_chance(real: Tensor, fake: Tensor) -> list[float]:
    """Return unbiased cubic distances between what both sides are divided into at random; see `subsets.divisions`."""
    both, num_real = torch.cat([real, fake]), len(real)
    return [kernel_distance(both[order[:num_real]], both[order[num_real:]]) for order in divisions(len(both), 10)]


def lowered_by_shared(real: Tensor, fake: Tensor) -> float:
    """Return by how much the unbiased cubic distance is too small because samples are in both sets, as copies are.

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
    total, _ = CUBIC.sums(real.double(), fake.double())
    with_themselves = float(((rows.square().sum(1) / real.shape[1] + CUBIC.offset) ** CUBIC.degree).sum())
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
