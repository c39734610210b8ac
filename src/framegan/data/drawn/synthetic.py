"""Flowers drawn from a formula, for tests: no files, any number of classes, the same for the same seed."""

import math
from typing import Literal

import torch
from pydantic import PositiveInt
from torch import Tensor

from framegan.configurable import configurable
from framegan.data.resolution import Resolution, sides_of
from framegan.data.source import TensorSource
from framegan.noise import Seed

DEPTH = 0.35
"""How far a flower's outline swings around its mean radius, relative to that."""


@configurable
def synthetic(
    num_samples: PositiveInt = 512,
    resolution: Resolution = 32,
    channels: Literal[1, 3] = 3,
    num_classes: PositiveInt = 4,
    seed: Seed = 0,
) -> TensorSource:
    """Return bright flowers on black, (channels, H, W), of random place, size, turn and colour.

    Args:
        num_classes: class 0 is a disc, class k > 0 a flower of k + 1 petals; they take turns.

    Raises:
        ValueError: there are more classes than samples.
    """
    if num_classes > num_samples:
        raise ValueError(
            f"data.num_classes got {num_classes}; it should be at most the number of samples, {num_samples}: set it or "
            "data.datamodule.source.num_samples"
        )
    random = torch.Generator().manual_seed(seed)
    labels = torch.arange(num_samples) % num_classes
    colours = torch.rand(num_samples, channels, 1, 1, generator=random) * 155 + 100
    classes = ["disc", *(f"{number + 1} petals" for number in range(1, num_classes))]
    cover = _flowers(labels, sides_of(resolution), random).unsqueeze(1)
    return TensorSource((colours * cover).round().to(torch.uint8), labels, num_classes, classes=classes)


def _flowers(labels: Tensor, sides: tuple[int, int], random: torch.Generator) -> Tensor:
    """Return how much of each pixel one flower covers: (N, H, W) in [0, 1]; the shorter side spans [-1, 1]."""
    across, down, size, turn = torch.rand(4, len(labels), 1, 1, generator=random)
    short = min(sides)
    high, wide = (side / short for side in sides)
    y, x = ((torch.arange(side) + 0.5) * 2 / short - side / short for side in sides)
    x, y = x + wide * (across - 0.5) / 2, y.view(-1, 1) + high * (down - 0.5) / 2
    petals = ((labels + 1) * (labels > 0)).view(-1, 1, 1)
    swing = DEPTH * torch.cos(petals * torch.atan2(y, x) + 2 * math.pi * turn) * (petals > 0)
    outline = (0.3 + 0.2 * size) * (1 + swing)
    return ((outline - torch.hypot(x, y)) * short / 2 + 0.5).clamp(0, 1)
