"""Colours moved onto those of another picture by sliced optimal transport.

Along any line, optimal transport is a matter of sorting. Pitié et al. 2007, "Automated colour grading using colour
distribution transfer", and Rabin et al. 2011, "Wasserstein barycenter and its application to texture mixing", sort
along three random lines at right angles again and again. Colours are float32 (N, 3), from 0 to 1.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from framegan import noise

STEPS = 24
SIDE = 33
"""Colours on a side of a table."""
WIDTHS = ((1.0, 1.0), (1e-3, 3.0), (1e-6, 9.0))
"""Of the Gaussians that fill a table, in its colours, and what each counts: where no colour is near, far ones count."""


def transported(source: Tensor, target: Tensor, steps: int = STEPS) -> Tensor:
    """Return source colours (N, 3) moved so that they are spread as the target ones (M, 3).

    Along the three lines of the last step they are exactly so: sorted, they are the quantiles of the target.
    """
    quantile = torch.arange(len(source), device=source.device) * len(target) // len(source)
    for step in range(steps):
        drawn = noise.normal((3, 3), seed=0, stream=noise.LIKENESS, counter=step)
        lines = torch.linalg.qr(drawn).Q.to(source)
        wanted = (target @ lines).sort(dim=0).values[quantile]
        along = source @ lines
        source = torch.empty_like(along).scatter_(0, along.argsort(dim=0, stable=True), wanted) @ lines.T
    return source


@dataclass(frozen=True)
class Table:
    """A smooth map of colours, (N, 3) -> (N, 3): how far each one moves.

    It is the mean of what neighbouring colours do, so that noise isn't stretched into grain, and a colour becomes the
    same one wherever and whenever it is seen.

    Args:
        moves: (3, SIDE, SIDE, SIDE) by blue, green and red.
    """

    moves: Tensor

    @classmethod
    def between(cls, source: Tensor, target: Tensor) -> "Table":
        """Return the map of colours that are spread as source ones (N, 3) onto target ones (M, 3)."""
        moved = transported(source, target) - source
        nearest = (source * (SIDE - 1)).round().long()
        place = nearest @ torch.tensor([1, SIDE, SIDE**2], device=source.device)
        sums = torch.zeros(4, SIDE**3, device=source.device)
        sums.index_add_(1, place, torch.cat([moved, torch.ones_like(moved[:, :1])], dim=1).T)
        cube = sums.view(4, 1, SIDE, SIDE, SIDE)
        filled = sum((share * _blurred(cube, width) for share, width in WIDTHS), torch.zeros_like(cube))
        return cls((filled[:3] / (filled[3:] + 1e-12)).squeeze(1))

    def __call__(self, colours: Tensor) -> Tensor:
        places = colours.view(1, 1, 1, -1, 3) * 2 - 1
        moved = F.grid_sample(self.moves.unsqueeze(0), places, align_corners=True, padding_mode="border")
        return colours + moved.view(3, -1).T


def _blurred(cube: Tensor, width: float) -> Tensor:
    """Return (N, 1, SIDE, SIDE, SIDE) filtered by a Gaussian with this standard deviation."""
    reach = int(3 * width)
    bell = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, device=cube.device) / width) ** 2)
    for axis in range(3):
        shape = [1, 1, 1, 1, 1]
        shape[2 + axis] = len(bell)
        padding = [0, 0, 0]
        padding[axis] = reach
        cube = F.conv3d(cube, (bell / bell.sum()).view(shape), padding=padding)
    return cube
