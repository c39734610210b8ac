"""A picture painted in the style of another: its pixels are optimised, from a small size to its own.

What is shown is held by a term of the picture at half its size; the style by statistics of features at each size, which
is how strokes of several sizes come about.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from framegan.style import statistics
from framegan.style.features import Features
from framegan.style.statistics import Statistics

SMALLEST, MOST_SIZES = 16, 4
"""Pixels of the shorter side at the smallest size, and how many sizes there are at most."""
RATE = 0.015
"""Of learning, at the first step of each size; it falls to a tenth."""
STILL = 4.0
"""How much a change of what is kept counts."""
BINOMIAL = torch.tensor([1.0, 4, 6, 4, 1]) / 16


@dataclass(frozen=True)
class Kept:
    """What is known of a picture from the one before.

    Args:
        painted: as it would be if everything had stayed or moved along, (1, 3, H, W).
        share: from 0, nothing is known here, to 1, it is the same, (1, 1, H, W).
    """

    painted: Tensor
    share: Tensor


@dataclass(frozen=True)
class Painter:
    """Paints pictures in the style of one.

    Args:
        style: (1, 3, H, W) from 0 to 1; it is made smaller where it is larger than what is painted.
        steps: of each size.
        strength: of the style against what is shown, from 0 to 1.
    """

    style: Tensor
    features: Features
    statistics: statistics.Name
    steps: int
    strength: float
    seed: int = 0

    def paint(self, content: Tensor, kept: Kept | None = None) -> Tensor:
        """Return a picture (1, 3, H, W) painted, from 0 to 1."""
        sizes = _sizes(content)
        contents, styles = pyramid(content, sizes), pyramid(self._fitted(content), sizes)
        known = (
            None if kept is None else list(zip(pyramid(kept.painted, sizes), pyramid(kept.share, sizes), strict=True))
        )
        painted = contents[-1]
        for place in reversed(range(sizes)):
            painted = F.interpolate(painted, contents[place].shape[2:], mode="bicubic", align_corners=False).clamp(0, 1)
            held = None if known is None else Kept(*known[place])
            with torch.no_grad():
                wanted = statistics.statistics(self.statistics, self.features(styles[place]), self.seed)
            painted = self._optimised(painted, contents[place], wanted, held)
        return painted

    def _fitted(self, content: Tensor) -> Tensor:
        share = max(content.shape[2:]) / max(self.style.shape[2:])
        if share >= 1:
            return self.style
        size = [max(1, round(length * share)) for length in self.style.shape[2:]]
        return F.interpolate(self.style, size, mode="bilinear", antialias=True)

    def _optimised(self, start: Tensor, content: Tensor, wanted: Statistics, kept: Kept | None) -> Tensor:
        shown = halved(content)
        spread = shown.var(correction=0).clamp_min(1e-3)
        if kept is not None:
            start = start.lerp(kept.painted, kept.share)
        painted = start.clone().requires_grad_()
        optimizer = torch.optim.Adam([painted], lr=RATE)
        for step in range(self.steps):
            optimizer.param_groups[0]["lr"] = RATE * (1 - 0.9 * step / self.steps)
            loss = (1 - self.strength) * (halved(painted) - shown).square().mean() / spread
            loss = loss + self.strength * wanted(self.features(painted), step)
            if kept is not None:
                loss = loss + STILL * (kept.share * (painted - kept.painted).square()).mean() / spread
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                painted.clamp_(0, 1)
        return painted.detach()


def halved(pictures: Tensor) -> Tensor:
    """Return pictures (N, C, H, W) at half their size, filtered so that nothing flickers."""
    channels = pictures.shape[1]
    kernel = torch.outer(BINOMIAL, BINOMIAL).to(pictures).expand(channels, 1, 5, 5)
    return F.conv2d(F.pad(pictures, (2, 2, 2, 2), mode="replicate"), kernel, stride=2, groups=channels)


def pyramid(pictures: Tensor, sizes: int) -> Sequence[Tensor]:
    """Return pictures at their own size, at half of it, and so on."""
    found = [pictures]
    while len(found) < sizes:
        found.append(halved(found[-1]))
    return found


def _sizes(content: Tensor) -> int:
    side = min(content.shape[2:])
    return max(1, min(MOST_SIZES, (side // SMALLEST).bit_length()))
