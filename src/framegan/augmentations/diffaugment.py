"""DiffAugment: brightness, saturation, contrast, shift and cutout, always applied (Zhao et al. 2020, Section 3.2)."""

from collections.abc import Sequence
from typing import Annotated, Literal, get_args

import torch
from pydantic import Field
from torch import Tensor

from framegan.augmentations.augmentation import Augmentation, per_frame, warped, without_alpha

SHIFT = 1 / 8
"""The farthest shift, as a share of the side."""
Transform = Literal["colour", "shift", "cutout"]
CUTOUT = 1 / 2
"""The side of the square that is cut out, as a share of the picture's."""


class DiffAugment(Augmentation):
    """A fixed set of transforms of every sample.

    Args:
        transforms: which; see the module.
    """

    num_random = 7

    def __init__(self, transforms: Annotated[Sequence[Transform], Field(min_length=1)] = get_args(Transform)):
        super().__init__()
        self.transforms = tuple(transforms)

    def transformed(self, frames: Tensor, random: Tensor) -> Tensor:
        if "colour" in self.transforms:
            frames = _coloured(frames, random)
        if "shift" in self.transforms:
            frames = _shifted(frames, random[:, 3:5])
        if "cutout" in self.transforms:
            frames = _cut_out(frames, random[:, 5:7])
        return frames


def _coloured(frames: Tensor, random: Tensor) -> Tensor:
    """Change brightness by at most .5, saturation by up to 2 times, and contrast by .5 to 1.5 times."""
    brightness, saturation, contrast = (per_frame(random[:, place]) for place in range(3))
    colours, alpha = without_alpha(frames)
    colours = colours + brightness - 0.5
    grey = colours.mean(2, keepdim=True)
    colours = grey + (colours - grey) * saturation * 2
    mean = colours.mean((1, 2, 3, 4), keepdim=True)
    return torch.cat([mean + (colours - mean) * (contrast + 0.5), alpha], dim=2)


def _shifted(frames: Tensor, random: Tensor) -> Tensor:
    """Shift by whole pixels along both sides; 0, the middle of the range, comes in."""
    matrices = torch.eye(3, dtype=frames.dtype, device=frames.device).repeat(len(frames), 1, 1)
    for axis, side in enumerate((frames.shape[-1], frames.shape[-2])):
        farthest = round(side * SHIFT)
        matrices[:, axis, 2] = (random[:, axis] * (2 * farthest + 1)).floor() - farthest
    return warped(frames, matrices, "zeros")


def _cut_out(frames: Tensor, random: Tensor) -> Tensor:
    """Set a rectangle of half the sides, anywhere and partly outside, to 0."""
    inside = frames.new_ones(len(frames), 1, 1, 1, 1, dtype=torch.bool)
    for dim, part in ((-1, random[:, 0]), (-2, random[:, 1])):
        side = frames.shape[dim]
        length = int(side * CUTOUT + 0.5)
        first = (part * (side + 1 - length % 2)).floor() - length // 2  # (N,)
        places = torch.arange(side, device=frames.device) - first.unsqueeze(1)  # (N, side)
        within = (places >= 0) & (places < length)
        inside = inside & within.view(-1, 1, 1, *((1, side) if dim == -1 else (side, 1)))
    return frames.masked_fill(inside, 0.0)
