"""The residual networks of WGAN-GP (Gulrajani et al. 2017, Appendix F) and SNGAN (Miyato et al. 2018, Appendix B.4).

A base map of 4 to 7 pixels a side is doubled up to the image, and the critic halves twice and then looks on, as both
papers do at 32 x 32. Larger images have more blocks of the same kind; above three, each nearer to the image is half as
wide.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import torch.nn.functional as F
from pydantic import NonNegativeInt, PositiveInt
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm as add_spectral_norm

from framegan.networks.conditioning import (
    ClassCritic,
    ClassNormalization,
    Conditional,
    Conditioning,
    classes_used,
    of_classes,
)
from framegan.networks.dcgan import base_and_doublings

CONSTANT = 3
"""Doublings over which the width stays the same."""


def initialize(module: nn.Module) -> None:
    """Draw weights uniformly, so that each layer keeps the variance (Glorot & Bengio 2010), and set biases to 0.

    Those of a block's 3 x 3 convolutions, which follow a ReLU, are the square root of 2 times larger.
    """
    if isinstance(module, nn.Conv2d | nn.Linear):
        is_in_block = isinstance(module, nn.Conv2d) and module.kernel_size == (3, 3)
        nn.init.xavier_uniform_(module.weight, 2**0.5 if is_in_block else 1.0)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


class UpBlock(nn.Module):
    """Doubles the sides: normalise, ReLU, upsample, convolve; normalise, ReLU, convolve; beside a 1 x 1 shortcut."""

    def __init__(self, inputs: int, outputs: int, num_classes: int):
        super().__init__()
        self.first_norm = ClassNormalization(inputs, num_classes)
        self.first = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.second_norm = ClassNormalization(outputs, num_classes)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1)

    def forward(self, features: Tensor, labels: Tensor | None) -> Tensor:
        """Return (N, outputs, 2 H, 2 W) of (N, inputs, H, W)."""
        hidden = F.relu(self.first_norm(features, labels))
        hidden = self.first(F.interpolate(hidden, scale_factor=2))  # (N, outputs, 2 H, 2 W)
        hidden = self.second(F.relu(self.second_norm(hidden, labels)))
        return hidden + F.interpolate(self.shortcut(features), scale_factor=2)  # a 1 x 1 kernel needs no larger map


class DownBlock(nn.Module):
    """ReLU, convolve, ReLU, convolve, halve; beside a shortcut, 1 x 1 where the shape changes.

    Args:
        is_first: of the critic, which sees the image as it is: no ReLU before it.
    """

    def __init__(self, inputs: int, outputs: int, *, halves: bool, is_first: bool = False):
        super().__init__()
        self.halves, self.is_first = halves, is_first
        self.first = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if halves or inputs != outputs else nn.Identity()

    def forward(self, features: Tensor) -> Tensor:
        """Return (N, outputs, H / 2, W / 2), or as large as it was, of (N, inputs, H, W)."""
        hidden = self.first(features if self.is_first else F.relu(features))
        hidden = self.second(F.relu(hidden))  # (N, outputs, H, W)
        if not self.halves:
            return hidden + self.shortcut(features)
        return F.avg_pool2d(hidden, 2) + self.shortcut(F.avg_pool2d(features, 2))  # linear: pooled first costs less


class Generator(nn.Module):
    """Latents to a base map, doubled up to the image.

    Args:
        shape: (C, H, W) of one image.
        width: channels of the first blocks.
        num_classes: classes of the data.
        conditional: normalise with the gain and offset of the class.
    """

    def __init__(
        self,
        shape: Sequence[PositiveInt],
        latent_dim: PositiveInt = 128,
        width: PositiveInt = 256,
        num_classes: NonNegativeInt = 0,
        conditional: Conditional = False,
    ):
        super().__init__()
        self.base, doublings = base_and_doublings(shape)
        self.shape = tuple(shape)
        self.latent_dim = latent_dim
        self.num_classes = classes_used(num_classes, conditional)
        widths = [width, *(max(1, width >> max(0, level - CONSTANT)) for level in range(1, doublings + 1))]
        self.first = nn.Linear(latent_dim, width * self.base[0] * self.base[1])
        blocks = [UpBlock(wide, narrow, self.num_classes) for wide, narrow in pairwise(widths)]
        self.blocks = nn.ModuleList(blocks)
        last = nn.Conv2d(widths[-1], shape[0], 3, padding=1)
        self.last = nn.Sequential(nn.BatchNorm2d(widths[-1]), nn.ReLU(), last, nn.Tanh())
        self.apply(initialize)
        nn.init.xavier_uniform_(last.weight)  # it is in no block

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return (N, C, H, W) images in [-1, 1] of (N, latent_dim) latents and (N,) labels."""
        features = self.first(latents).unflatten(1, (-1, *self.base))  # (N, width, *base)
        for block in self.blocks:
            features = block(features, labels)  # both sides doubled
        return self.last(features)  # (N, C, H, W)


class Discriminator(ClassCritic):
    """An image halved down to twice its base map, looked at twice more, and pooled to one logit.

    Args:
        shape: (C, H, W) of one image.
        width: channels of the last blocks.
        pooling: over the last map: "sum" (SNGAN) or "mean" (WGAN-GP).
        spectral_norm: divide every weight by its largest singular value (Miyato et al. 2018).
        num_classes: classes of the data; this and what follows as in `framegan.networks.conditioning.ClassCritic`.
    """

    def __init__(
        self,
        shape: Sequence[PositiveInt],
        width: PositiveInt = 128,
        pooling: Literal["sum", "mean"] = "sum",
        spectral_norm: bool = True,
        num_classes: NonNegativeInt = 0,
        conditional: Conditional = False,
        conditioning: Conditioning = "projection",
        class_dim: PositiveInt = 32,
    ):
        super().__init__(num_classes, conditional, conditioning, class_dim)
        _, doublings = base_and_doublings(shape)
        self.pooling = pooling
        halvings = max(1, doublings - 1)
        widths = [max(1, width >> max(0, halvings - CONSTANT + 1 - level)) for level in range(halvings)]
        pairs = list(pairwise([shape[0] + self.given.channels, *widths]))
        blocks = [DownBlock(*pair, halves=True, is_first=level == 0) for level, pair in enumerate(pairs)]
        blocks += [DownBlock(widths[-1], width, halves=False), DownBlock(width, width, halves=False)]
        self.blocks = nn.Sequential(*blocks)
        self.last = of_classes(nn.Linear(width, self.num_outputs), first=1)
        self.apply(initialize)
        if spectral_norm:
            for module in list(self.modules()):
                if isinstance(module, nn.Conv2d | nn.Linear):
                    add_spectral_norm(module)

    def forward(self, samples: Tensor, labels: Tensor | None = None) -> dict[str, Tensor]:
        """Return {"sample": (N, 1) logits} of (N, C, H, W) images and (N,) labels."""
        features = F.relu(self.blocks(self.given(samples, labels))).flatten(2)  # (N, width, H' * W')
        pooled = features.sum(2) if self.pooling == "sum" else features.mean(2)  # (N, width)
        return self.logits(self.last(pooled).unsqueeze(2), labels)
