"""How near frames are to the true ones, pixel by pixel: PSNR, and SSIM (Wang et al. 2004). Higher is nearer.

Frames are uint8 (N, C, H, W) in [0, 255], of which the last of 2 or 4 channels is alpha: they are laid over white.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from framegan.metrics.embedding import laid_over

RANGE = 255.0
ROUNDING = 1 / 12
"""The mean squared error of rounding to whole levels: frames count as this far apart at least, which is 58.9 dB."""
WINDOW, SIGMA, K1, K2 = 11, 1.5, 0.01, 0.03
"""The published window, a Gaussian, and constants (Wang et al. 2004, Section III-B)."""


def psnr(frames: Tensor, true: Tensor) -> Tensor:
    """Return the peak signal-to-noise ratio of each frame in dB, (N,)."""
    difference = laid_over(frames).double() - laid_over(true).double()
    error = difference.square().flatten(1).mean(1).clamp(min=ROUNDING)
    return 10 * (RANGE**2 / error).log10()


def ssim(frames: Tensor, true: Tensor) -> Tensor:
    """Return the structural similarity of each frame, (N,) up to 1: the mean over its channels and windows.

    Windows lie within the frame. One of fewer than 11 pixels has the largest odd window that fits.
    """
    first, second = laid_over(frames).double(), laid_over(true).double()
    size = window_of(first.shape[-2:])
    weights = torch.exp(-((torch.arange(size, dtype=torch.float64) - size // 2) ** 2) / (2 * SIGMA**2))
    window = (weights / weights.sum()).to(first.device)

    def mean(values: Tensor) -> Tensor:
        rows = F.conv2d(values.flatten(0, 1).unsqueeze(1), window.view(1, 1, -1, 1))
        return F.conv2d(rows, window.view(1, 1, 1, -1)).view(*values.shape[:2], -1)  # (N, C, windows)

    means = mean(first), mean(second)
    variances = mean(first * first) - means[0] ** 2, mean(second * second) - means[1] ** 2
    covariance = mean(first * second) - means[0] * means[1]
    light, contrast = (K1 * RANGE) ** 2, (K2 * RANGE) ** 2
    likeness = (2 * means[0] * means[1] + light) * (2 * covariance + contrast)
    likeness /= (means[0] ** 2 + means[1] ** 2 + light) * (variances[0] + variances[1] + contrast)
    return likeness.flatten(1).mean(1)


def window_of(size: tuple[int, ...]) -> int:
    """Return the side of the window of SSIM for frames of a height and width."""
    return min(WINDOW, 2 * math.ceil(min(size) / 2) - 1)
