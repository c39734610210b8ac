"""Kernel distances of two sets of features: the squared maximum mean discrepancy (Gretton et al. 2012), in float64.

With the cubic kernel it is KID (Binkowski et al. 2018), and KVD on features of clips. The unbiased one doesn't depend
on the number of samples, and is negative as often as positive where both sets have the same distribution.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from framegan import noise

ROWS = 2048
"""How many rows of a Gram matrix are held at a time."""


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
    return 100 * kernel_distance(real, fake, JEDI, unbiased=False)


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
