"""Other numbers of pixels, by the kernels that pictures are scaled with: bicubic (Keys 1981, a = -0.5) and Lanczos.

Centres of pixels stay where they are. A smaller picture is antialiased: the kernel is as much wider as the picture
becomes smaller. Weights beyond a border are left out, and the others add up to 1, as Pillow does it.
"""

from typing import Literal

import torch
from torch import Tensor

from framegan.media import to_pixels, to_samples

Kernel = Literal["bicubic", "lanczos"]


def resized(samples: Tensor, height: int, width: int, kernel: Kernel = "bicubic") -> Tensor:
    """Return samples (..., H, W) as (..., height, width); values may come to lie beyond theirs."""
    device = torch.device("cpu") if samples.device.type == "mps" else samples.device  # that one has no float64
    down, across = (
        _weights(before, after, kernel, device).to(samples)
        for before, after in zip(samples.shape[-2:], (height, width), strict=True)
    )
    return down @ samples @ across.T


def reduced(samples: Tensor, scale: int) -> Tensor:
    """Return samples (..., H, W) in [-1, 1] as (..., H // scale, W // scale), bicubic, rounded to levels of 8 bits."""
    small = resized(samples, samples.shape[-2] // scale, samples.shape[-1] // scale)
    return to_samples(to_pixels(small)).to(samples)


def _weights(before: int, after: int, kernel: Kernel, device: torch.device) -> Tensor:
    """Return how much each pixel counts for each of the new ones, (after, before)."""
    ratio = before / after
    old, new = (torch.arange(size, dtype=torch.float64, device=device) + 0.5 for size in (before, after))
    distance = (old - new.unsqueeze(1) * ratio).abs() / max(1.0, ratio)
    weights = _bicubic(distance) if kernel == "bicubic" else _lanczos(distance)
    return weights / weights.sum(1, keepdim=True)


def _bicubic(distance: Tensor) -> Tensor:
    near = (1.5 * distance - 2.5) * distance.square() + 1
    far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
    return torch.where(distance < 1, near, torch.where(distance < 2, far, 0.0))


def _lanczos(distance: Tensor) -> Tensor:
    return torch.where(distance < 3, torch.sinc(distance) * torch.sinc(distance / 3), 0.0)
