"""Pixels and files of pixels: the only module that knows uint8.

Samples are float32 in [-1, 1], (N, C, H, W); pixels are uint8 in [0, 255], an image (H, W, C).
"""

import math
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor


def to_samples(pixels: Tensor) -> Tensor:
    """Return uint8 pixels as float32 samples: 0 -> -1, 255 -> 1; any shape."""
    return pixels.to(torch.float32).div_(127.5).sub_(1)


def to_pixels(samples: Tensor) -> Tensor:
    """Return samples as uint8 pixels, rounded to the nearest and clamped; the inverse of `to_samples`."""
    return samples.float().add(1).mul(127.5).round_().clamp_(0, 255).to(torch.uint8)


def grid(samples: Tensor, columns: int | None = None, margin: int = 2) -> np.ndarray:
    """Return (N, C, H, W) samples side by side as one (H', W', C) uint8 image, row by row.

    Args:
        columns: samples in a row. None = as square as possible.
        margin: white pixels between neighbours and around the whole.
    """
    pixels = to_pixels(samples).permute(0, 2, 3, 1).cpu().numpy()
    num_samples, height, width, channels = pixels.shape
    columns = columns or math.ceil(math.sqrt(num_samples))
    rows = math.ceil(num_samples / columns)
    canvas = np.full(
        (rows * (height + margin) + margin, columns * (width + margin) + margin, channels), 255, dtype=np.uint8
    )
    for index, image in enumerate(pixels):
        top = index // columns * (height + margin) + margin
        left = index % columns * (width + margin) + margin
        canvas[top : top + height, left : left + width] = image
    return canvas


def write_png(path: Path, image: np.ndarray) -> None:
    """Write an (H, W, C) uint8 image with 1 or 3 channels, whole or not at all."""
    partial = path.with_name(path.name + ".part")
    Image.fromarray(image.squeeze(2) if image.shape[2] == 1 else image).save(partial, format="PNG")
    partial.replace(path)
