"""The frames that clips begin with where nobody gives any: of a few clips of the data, kept with the weights.

A sample is then a function of its seed alone, wherever it is made and whether the data are at hand or not.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from framegan.media import to_pixels, to_samples

OF_ANY = -1
"""The class of a beginning that is grey."""
MOST = 256
LEAST = 16
BYTES = 1 << 20
"""As many beginnings are kept as fit into this, within those limits."""


class Beginnings(nn.Module):
    """The first frames of clips of the data; none until `fill`, when all are grey.

    Args:
        shape: (C, T, H, W) of one clip.
        given_frames: how many of its frames are given.
        num_classes: of which one each is kept, at least. 0 = classes don't matter.
    """

    pixels: Tensor
    labels: Tensor

    def __init__(self, shape: Sequence[int], given_frames: int, num_classes: int = 0):
        super().__init__()
        channels, _, *size = shape
        kept = channels, given_frames, *size
        number = max(num_classes, min(MOST, max(LEAST, BYTES // math.prod(kept))))
        self.register_buffer("pixels", torch.full((number, *kept), 128, dtype=torch.uint8))
        self.register_buffer("labels", torch.full((number,), OF_ANY))

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def num_different(self) -> int:
        """How many of them there are; those of few clips are kept over and over."""
        return len(self.pixels.flatten(1).unique(dim=0))

    @property
    def classes(self) -> set[int]:
        """Those of the clips that are kept; none until `fill`."""
        return set(self.labels.tolist()) - {OF_ANY}

    def fill(self, clips: Tensor, labels: Tensor) -> None:
        """Keep the beginnings of (N, C, T, H, W) clips in [-1, 1] of (N,) labels, over and over where they are few."""
        rows = torch.arange(len(self)) % len(clips)
        self.pixels.copy_(to_pixels(clips[rows, :, : self.pixels.shape[2]]))
        self.labels.copy_(labels[rows])

    def numbers_of(self, keys: Tensor) -> Tensor:
        """Return a whole number of each key, (N,), that rounding on another device doesn't change."""
        return keys.float().contiguous().view(torch.int32).long()

    def forward(self, keys: Tensor, labels: Tensor | None) -> Tensor:
        """Return the beginning that each of (N,) standard normal keys stands for, (N, C, given_frames, H, W).

        Args:
            labels: (N,) `classes` to choose from. None = all.
        """
        fits = torch.ones(len(keys), len(self), dtype=torch.bool, device=keys.device)
        if labels is not None:
            fits = (self.labels == labels.unsqueeze(1)) | (self.labels == OF_ANY)  # (N, M)
        place = self.numbers_of(keys) % fits.sum(1)  # (N,) among those that fit
        row = (fits.cumsum(1) > place.unsqueeze(1)).int().argmax(1)
        return to_samples(self.pixels[row]).to(keys)
