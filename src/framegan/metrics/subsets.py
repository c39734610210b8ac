"""Parts of the samples of both sides: how a measure varies from part to part says how far it may be off.

Features are (N, D); `real` and `fake` may differ in N.
"""

from collections.abc import Callable, Iterator
from typing import TypeVar

import torch
from torch import Tensor

from framegan import noise

NUM_SUBSETS = 10

Value = TypeVar("Value")


def subsets(num_samples: int, least: int) -> list[slice]:
    """Return the slices that pick ten disjoint subsets, or fewer of `least` samples; none rather than a single one."""
    number = min(NUM_SUBSETS, num_samples // least)
    return [slice(first, None, number) for first in range(number)] if number > 1 else []


def of_subsets(measure: Callable[[Tensor, Tensor], Value], real: Tensor, fake: Tensor, least: int) -> list[Value]:
    """Return a measure of disjoint subsets of both sides.

    Each is compared with the next one of the other side: where both hold the same samples, these are others.
    """
    chosen = subsets(min(len(real), len(fake)), least)
    return [measure(real[some], fake[other]) for some, other in zip(chosen, [*chosen[1:], *chosen[:1]], strict=True)]


def without_subsets(measure: Callable[[Tensor, Tensor], Value], real: Tensor, fake: Tensor, least: int) -> list[Value]:
    """Return a measure of both sides without one disjoint subset after the other."""

    def others(side: Tensor, some: slice) -> Tensor:
        kept = torch.ones(len(side), dtype=torch.bool, device=side.device)
        kept[some] = False
        return side[kept]

    return [measure(others(real, some), others(fake, some)) for some in subsets(min(len(real), len(fake)), least)]


def divisions(num_samples: int, number: int) -> Iterator[Tensor]:
    """Yield orders of the samples of both sides, which divide them at random into sides as large as before.

    Where both are draws of one distribution, the distance between them is one more of those between such sides, for any
    distribution and any numbers of samples (a permutation test: Fisher 1935). That is what few samples alone add to it.
    """
    for counter in range(number):
        yield torch.from_numpy(noise.generator(0, noise.DIVISIONS, counter).permutation(num_samples))
