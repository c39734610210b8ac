"""Colours as l-alpha-beta, in which brightness and two contrasts hardly depend on each other (Ruderman et al. 1998).

Reinhard et al. 2001, "Color transfer between images": colours get the mean and the standard deviation of others in
each of the three. Colours are float32 (N, 3), red, green and blue from 0 to 1.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

CONES = torch.tensor([[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]])
"""From red, green and blue to the three kinds of cones of an eye (Equation 4)."""
AXES = torch.tensor([[1.0, 1, 1], [1, 1, -2], [1, -1, 0]]) / torch.tensor([3.0, 6, 2]).sqrt().unsqueeze(1)
"""From logarithms of these to l, alpha and beta (Equation 6)."""
BLACK = 1 / 255
"""Added to colours, since black has no logarithm."""
MOST = 4.0
"""Times that deviations grow at most: what hardly differs is noise, which is better left small."""


def to_lab(colours: Tensor) -> Tensor:
    """Return l, alpha and beta of colours, (N, 3) -> (N, 3)."""
    cones = (colours + BLACK) / (1 + BLACK) @ CONES.T.to(colours)
    return cones.log10() @ AXES.T.to(colours)


def from_lab(lab: Tensor) -> Tensor:
    """Return the colours that have these l, alpha and beta; some are beyond 0 and 1."""
    cones = 10 ** (lab @ AXES.to(lab))  # its rows are orthonormal
    return (cones @ CONES.inverse().T.to(lab)) * (1 + BLACK) - BLACK


@dataclass(frozen=True)
class Reinhard:
    """A map of colours: (N, 3) -> (N, 3), not limited to 0 and 1.

    Args:
        mean: of l, alpha and beta before, (3,).
        scale: of what they differ from it, (3,).
        wanted: their mean afterwards, (3,).
    """

    mean: Tensor
    scale: Tensor
    wanted: Tensor

    @classmethod
    def between(cls, source: Tensor, target: Tensor) -> "Reinhard":
        """Return the map that gives source colours (N, 3) the means and deviations of target ones (M, 3)."""
        (deviation, mean), (spread, wanted) = (
            torch.std_mean(to_lab(colours), dim=0, correction=0) for colours in (source, target)
        )
        return cls(mean, (spread / deviation.clamp_min(1e-6)).clamp_max(MOST), wanted)

    def __call__(self, colours: Tensor) -> Tensor:
        return from_lab((to_lab(colours) - self.mean) * self.scale + self.wanted)
