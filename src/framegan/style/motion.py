"""Where each pixel was in the frame before: blocks are compared, first in small pictures, then around what was found.

Frames are float32 (1, C, H, W). A motion is whole pixels (2, H, W), down and right, from a pixel to where it was.
"""

from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor

from framegan.style.painting import pyramid

SIZES, REACH = 3, 3
"""How many sizes are looked at, and pixels of each to every side: 21 at the size of the frame."""
BLOCK = 7
STILL_IS_LIKELIER, FAR = 2e-3, 3
"""What is added to the difference of two places, as a share of that of black and white, for each pixel between them, up
to this many: where every place looks alike, none is said to have moved."""


def motion(before: Tensor, now: Tensor) -> Tensor:
    """Return where the pixels of a frame were in another one of the same size, (2, H, W)."""
    smaller = list(zip(pyramid(before, SIZES), pyramid(now, SIZES), strict=True))
    found = None
    for past, present in reversed(smaller):
        height, width = present.shape[2:]
        if found is None:
            start = torch.zeros(2, height, width, dtype=torch.long, device=now.device)
        else:
            start = 2 * found.repeat_interleave(2, 1).repeat_interleave(2, 2)[:, :height, :width]
        found = _refined(past, present, start)
    assert found is not None
    return found


def _refined(before: Tensor, now: Tensor, start: Tensor) -> Tensor:
    """Return the motion that fits best: none, one near a start, or that of the block beside."""
    best = torch.zeros_like(start)
    least = _cost(before, now, best)
    for down, right in product(range(-REACH, REACH + 1), repeat=2):
        tried = start + torch.tensor([down, right], device=start.device).view(2, 1, 1)
        best, least = _better(before, now, tried, best, least)
    for neighbour in ((BLOCK, 0), (-BLOCK, 0), (0, BLOCK), (0, -BLOCK)):
        best, least = _better(before, now, best.roll(neighbour, (1, 2)), best, least)
    return best


def _better(before: Tensor, now: Tensor, tried: Tensor, best: Tensor, least: Tensor) -> tuple[Tensor, Tensor]:
    """Return the motion that costs less at each pixel, and what it costs."""
    cost = _cost(before, now, tried)
    return torch.where(cost < least, tried, best), torch.minimum(cost, least)


def _cost(before: Tensor, now: Tensor, tried: Tensor) -> Tensor:
    differs = averaged((carried(before, tried) - now).abs().mean(1, keepdim=True), BLOCK)[0, 0]
    return differs + STILL_IS_LIKELIER * tried.abs().sum(0).clamp_max(FAR)


def carried(before: Tensor, motion: Tensor) -> Tensor:
    """Return a frame moved along: each pixel is that of the frame before where it was, at the border the last one."""
    height, width = before.shape[2:]
    rows = (torch.arange(height, device=before.device).unsqueeze(1) + motion[0]).clamp(0, height - 1)
    columns = (torch.arange(width, device=before.device) + motion[1]).clamp(0, width - 1)
    return before[:, :, rows, columns]


def averaged(values: Tensor, side: int) -> Tensor:
    """Return the mean around each place, of squares with an odd side."""
    return F.avg_pool2d(values, side, stride=1, padding=side // 2, count_include_pad=False)
