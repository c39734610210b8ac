"""R3GAN's networks (Huang et al. 2024, Sections 4 and C): residual, without normalisation, and the same both ways.

A stage at each size has blocks of three convolutions, 1 x 1, grouped 3 x 3 and 1 x 1, wide inside. They begin as the
identity: the last one's weights are 0, the others' scaled by the number of blocks (Zhang et al. 2019, Fixup). Between
stages features are resampled bilinearly, and the number of channels changes in a 1 x 1 convolution.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from pydantic import NonNegativeInt, PositiveInt
from torch import Tensor, nn

from framegan.networks.conditioning import ClassCritic, ClassGenerator, Conditional, Conditioning, of_classes
from framegan.networks.dcgan import base_and_doublings

SLOPE = 0.2
GAIN = math.sqrt(2 / (1 + SLOPE**2))
"""What keeps the variance through a leaky ReLU (He et al. 2015, Equation 15)."""


def doubled(features: Tensor) -> Tensor:
    """Return (..., 2 H, 2 W) of (..., H, W), bilinearly; deterministic on every device, unlike PyTorch's own."""
    for dim in (-1, -2):
        size = features.shape[dim]
        before = torch.cat([features.narrow(dim, 0, 1), features.narrow(dim, 0, size - 1)], dim)
        after = torch.cat([features.narrow(dim, 1, size - 1), features.narrow(dim, size - 1, 1)], dim)
        between = [features.lerp(neighbour, 0.25) for neighbour in (before, after)]
        features = torch.stack(between, dim).flatten(dim - 1, dim)
    return features


class Block(nn.Module):
    """x + convolve(act(convolve(act(convolve(x))))), which begins as x.

    Args:
        expansion: how much wider it is inside.
        group_size: channels of each group of the 3 x 3 convolution.
        num_blocks: of the whole network.
    """

    def __init__(self, channels: int, expansion: int, group_size: int, num_blocks: int):
        super().__init__()
        inside = channels * expansion
        self.layers = nn.Sequential(
            nn.Conv2d(channels, inside, 1),
            nn.LeakyReLU(SLOPE, inplace=True),
            nn.Conv2d(inside, inside, 3, padding=1, groups=inside // math.gcd(inside, group_size)),
            nn.LeakyReLU(SLOPE, inplace=True),
            nn.Conv2d(inside, channels, 1),
        )
        for place, scale in ((0, num_blocks**-0.25), (2, num_blocks**-0.25), (4, 0.0)):
            initialize(self.layers[place], GAIN * scale)

    def forward(self, features: Tensor) -> Tensor:
        """Return (N, channels, H, W) of as many."""
        return features + self.layers(features)


def initialize(layer: nn.Module, gain: float = 1.0) -> nn.Module:
    """Draw a layer's weights from N(0, gain^2 / fan_in), set its biases to 0, and return it."""
    assert isinstance(layer, nn.Conv2d | nn.Linear)
    nn.init.normal_(layer.weight, std=gain / math.sqrt(layer.weight[0].numel()))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def widths_of(width: int, widest: int, doublings: int) -> list[int]:
    """Return the channels of each stage, from the image to the base."""
    return [min(width << level, max(width, widest)) for level in range(doublings + 1)]


def stages_of(
    widths: Sequence[int], blocks: int, expansion: int, group_size: int
) -> tuple[nn.ModuleList, nn.ModuleList]:
    """Return the blocks of each stage, and what changes the number of channels from each to the next."""
    options = (expansion, group_size, blocks * len(widths))
    stages = nn.ModuleList(nn.Sequential(*(Block(width, *options) for _ in range(blocks))) for width in widths)
    return stages, nn.ModuleList(_change(*pair) for pair in pairwise(widths))


class Generator(ClassGenerator):
    """A learned base map, scaled by the latents channel by channel, doubled up to the image.

    Args:
        shape: (C, H, W) of one image.
        width: channels at the size of the image; each smaller stage has twice as many, up to `widest`.
        blocks: of each stage.
        num_classes: classes of the data; this and what follows as in `framegan.networks.conditioning.ClassGenerator`.
    """

    def __init__(
        self,
        shape: Sequence[PositiveInt],
        latent_dim: PositiveInt = 64,
        width: PositiveInt = 32,
        widest: PositiveInt = 256,
        blocks: PositiveInt = 2,
        expansion: PositiveInt = 2,
        group_size: PositiveInt = 16,
        num_classes: NonNegativeInt = 0,
        conditional: Conditional = False,
        class_dim: PositiveInt = 32,
    ):
        super().__init__(shape, latent_dim, num_classes, conditional, class_dim)
        base, doublings = base_and_doublings(shape)
        widths = widths_of(width, widest, doublings)[::-1]
        self.base = nn.Parameter(torch.randn(widths[0], *base))
        self.first = initialize(nn.Linear(self.num_inputs, widths[0], bias=False))
        self.stages, self.changes = stages_of(widths, blocks, expansion, group_size)
        self.last = initialize(nn.Conv2d(widths[-1], shape[0], 1))

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return (N, C, H, W) images, about [-1, 1], of (N, latent_dim) latents and (N,) labels."""
        scales = self.first(self.given(latents, labels))  # (N, widest)
        features = self.stages[0](self.base * scales[:, :, None, None])  # (N, widest, *base)
        for change, stage in zip(self.changes, self.stages[1:], strict=True):
            features = stage(doubled(change(features)))  # a 1 x 1 kernel and resampling may change places
        return self.last(features)  # (N, C, H, W)


class Discriminator(ClassCritic):
    """An image halved down to its base map, weighed channel by channel, and one logit of that.

    The arguments not listed are those of the generator.

    Args:
        num_classes: classes of the data; this and what follows as in `framegan.networks.conditioning.ClassCritic`.
    """

    def __init__(
        self,
        shape: Sequence[PositiveInt],
        width: PositiveInt = 32,
        widest: PositiveInt = 256,
        blocks: PositiveInt = 2,
        expansion: PositiveInt = 2,
        group_size: PositiveInt = 16,
        num_classes: NonNegativeInt = 0,
        conditional: Conditional = False,
        conditioning: Conditioning = "projection",
        class_dim: PositiveInt = 32,
    ):
        super().__init__(num_classes, conditional, conditioning, class_dim)
        base, doublings = base_and_doublings(shape)
        widths = widths_of(width, widest, doublings)
        self.first = initialize(nn.Conv2d(shape[0] + self.given.channels, widths[0], 1))
        self.stages, self.changes = stages_of(widths, blocks, expansion, group_size)
        self.base = initialize(nn.Conv2d(widths[-1], widths[-1], base, groups=widths[-1], bias=False))
        self.last = of_classes(initialize(nn.Linear(widths[-1], self.num_outputs)), first=1)

    def forward(self, samples: Tensor, labels: Tensor | None = None) -> dict[str, Tensor]:
        """Return {"sample": (N, 1) logits} of (N, C, H, W) images and (N,) labels."""
        features = self.stages[0](self.first(self.given(samples, labels)))  # (N, width, H, W)
        for change, stage in zip(self.changes, self.stages[1:], strict=True):
            features = stage(change(F.avg_pool2d(features, 2)))
        pooled = self.base(features).flatten(1)  # (N, widest)
        return self.logits(self.last(pooled).unsqueeze(2), labels)


def _change(inputs: int, outputs: int) -> nn.Module:
    """Return the layer that changes the number of channels."""
    return nn.Identity() if inputs == outputs else initialize(nn.Conv2d(inputs, outputs, 1, bias=False))
