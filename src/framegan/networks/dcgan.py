"""DCGAN: strided convolutions, batch normalisation and no pooling (Radford et al. 2016).

Every layer doubles or halves the sides, between a base of 4 to 7 pixels and the full image: 32 and 64 start from a
base of 4, 28 from a base of 7 (7, 14, 28), so that no resolution is cropped or padded.
"""

import math
from bisect import bisect
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from pydantic import NonNegativeInt, PositiveInt
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm as add_spectral_norm

from framegan.networks.conditioning import ClassCritic, ClassGenerator, Conditional, Conditioning, of_classes
from framegan.networks.style_layers import linear

Normalization = Literal["batch", "group", "none"]


def base_and_doublings(shape: Sequence[int]) -> tuple[tuple[int, int], int]:
    """Return the base (H, W) whose shorter side is 4 to 7, and how often it doubles to reach (C, H, W).

    Raises:
        ValueError: no such base exists.
    """
    if len(shape) != 3:
        raise ValueError(f"this model makes images (C, H, W); got shape={list(shape)}. Choose another model for clips.")
    _, height, width = shape
    doublings = max(0, min(height, width).bit_length() - 3)
    base = height >> doublings, width >> doublings
    if min(base) < 4 or (base[0] << doublings, base[1] << doublings) != (height, width):
        raise ValueError(
            f"{height}x{width} pixels can't be made: each side must be a base of 4 to 7 pixels doubled some times, "
            f"{'such as 28, 32 or 64' if height == width else 'the longer one a base of 4 or more doubled as often'}. "
            f"Set data.resolution={' or '.join(_nearest(height, width))}"
        )
    return base, doublings


def _nearest(height: int, width: int) -> list[str]:
    """Return the one or two nearest resolutions that can be made, as they are set."""
    short, long = sorted((height, width))
    possible = sorted(number << times for number in range(4, 8) for times in range(16))
    place = bisect(possible, short)
    found = {}
    for side in possible[max(0, place - 1) : place + 1]:
        step = 1 << (side.bit_length() - 3)
        other = side if short == long else max(side, round(long / step) * step)
        sides = (side, other) if height < width else (other, side)
        found[str(side) if side == other else f"[{sides[0]},{sides[1]}]"] = max(abs(side - short), abs(other - long))
    return sorted(found, key=found.__getitem__)[: 1 if short in possible and height != width else 2]


def normalization_layer(normalization: Normalization, channels: int, *, is_3d: bool = False) -> nn.Module:
    """Return the layer that normalises (N, channels, [T,] H, W) features."""
    match normalization:
        case "batch":
            return nn.BatchNorm3d(channels) if is_3d else nn.BatchNorm2d(channels)
        case "group":
            return nn.GroupNorm(math.gcd(8, channels), channels)
        case "none":
            return nn.Identity()


def initialize(module: nn.Module) -> None:
    """Draw weights from N(0, 0.02^2), gains from N(1, 0.02^2), and set biases to 0 (Radford et al. 2016, Section 4)."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d | nn.GroupNorm):
        nn.init.normal_(module.weight, 1.0, 0.02)
    bias = getattr(module, "bias", None)
    if isinstance(bias, nn.Parameter):
        nn.init.zeros_(bias)


class SelfModulation(nn.Module):
    """A normalisation, then a gain and an offset that are linear in the latents (Chen et al. 2019, Equation 2).

    Args:
        code_dim: size of what the generator is given: the latents and the class's embedding.
    """

    def __init__(self, normalization: nn.Module, code_dim: int, channels: int):
        super().__init__()
        self.normalization = normalization
        self.from_code = nn.Linear(code_dim, 2 * channels)
        nn.init.normal_(self.from_code.weight, 0.0, 0.02)
        nn.init.zeros_(self.from_code.bias)

    def forward(self, features: Tensor, code: Tensor) -> Tensor:
        """Return (N, channels, H, W) features, modulated by (N, code_dim)."""
        of_code = linear(code, self.from_code.weight, self.from_code.bias)  # (N, 2 * channels)
        gain, offset = of_code[:, :, None, None].chunk(2, dim=1)  # (N, channels, 1, 1) each
        return (1 + gain) * self.normalization(features) + offset


class Generator(ClassGenerator):
    """Latents to a base map, doubled up to the image.

    Args:
        shape: (C, H, W) of one image.
        width: channels before the last layer; each layer nearer to the base has twice as many.
        self_modulation: let the latents set the gain and offset of every normalisation too; see `SelfModulation`.
        num_classes: classes of the data; this and what follows as in `framegan.networks.conditioning.ClassGenerator`.
    """

    def __init__(
        self,
        shape: Sequence[PositiveInt],
        latent_dim: PositiveInt = 100,
        width: PositiveInt = 64,
        normalization: Normalization = "batch",
        num_classes: NonNegativeInt = 0,
        conditional: Conditional = False,
        class_dim: PositiveInt = 32,
        self_modulation: bool = False,
    ):
        super().__init__(shape, latent_dim, num_classes, conditional, class_dim)

        def normalized(channels: int) -> nn.Module:
            layer = normalization_layer(normalization, channels)
            return SelfModulation(layer, self.num_inputs, channels) if self_modulation else layer

        base, doublings = base_and_doublings(shape)
        biased = normalization == "none"
        widths = [width << level for level in reversed(range(doublings))] or [width]
        first = nn.ConvTranspose2d(self.num_inputs, widths[0], base, bias=biased)  # (N, wide, *base)
        layers: list[nn.Module] = [first, normalized(widths[0]), nn.ReLU(inplace=True)]
        for wide, narrow in pairwise(widths):
            layers += [nn.ConvTranspose2d(wide, narrow, 4, stride=2, padding=1, bias=biased)]  # both sides doubled
            layers += [normalized(narrow), nn.ReLU(inplace=True)]
        if doublings:
            layers.append(nn.ConvTranspose2d(width, shape[0], 4, stride=2, padding=1))  # (N, C, H, W)
        else:
            layers.append(nn.Conv2d(width, shape[0], 3, padding=1))  # (N, C, H, W)
        self.layers = nn.Sequential(*layers, nn.Tanh())
        self.apply(initialize)

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return (N, C, H, W) images in [-1, 1] of (N, latent_dim) latents and (N,) labels."""
        code = self.given(latents, labels)  # (N, num_inputs)
        features = code[:, :, None, None]  # (N, num_inputs, 1, 1)
        for layer in self.layers:
            features = layer(features, code) if isinstance(layer, SelfModulation) else layer(features)
        return features  # (N, C, H, W)


class Discriminator(ClassCritic):
    """An image halved down to its base map, then to one logit.

    Args:
        shape: (C, H, W) of one image.
        width: channels after the first layer; each layer nearer to the base has twice as many.
        spectral_norm: divide every weight by its largest singular value (Miyato et al. 2018).
        num_classes: classes of the data; this and what follows as in `framegan.networks.conditioning.ClassCritic`.
    """

    def __init__(
        self,
        shape: Sequence[PositiveInt],
        width: PositiveInt = 64,
        normalization: Normalization = "batch",
        spectral_norm: bool = False,
        num_classes: NonNegativeInt = 0,
        conditional: Conditional = False,
        conditioning: Conditioning = "projection",
        class_dim: PositiveInt = 32,
    ):
        super().__init__(num_classes, conditional, conditioning, class_dim)
        if len(shape) != 3:
            raise ValueError(
                f"this discriminator judges images (C, H, W); got shape={list(shape)}. Choose one of clips, such as "
                "model/discriminator=clip."
            )
        base, doublings = base_and_doublings(shape)
        channels = [shape[0] + self.given.channels, *(width << level for level in range(doublings))]
        layers: list[nn.Module] = []
        for narrow, wide in pairwise(channels):
            normalized = normalization if layers else "none"  # the first layer sees the image as it is
            layers += [nn.Conv2d(narrow, wide, 4, stride=2, padding=1, bias=normalized == "none")]  # both sides halved
            layers += [normalization_layer(normalized, wide), nn.LeakyReLU(0.2, inplace=True)]
        last = of_classes(nn.Conv2d(channels[-1], self.num_outputs, base), first=1)
        self.layers = nn.Sequential(*layers, last)  # (N, num_outputs, 1, 1)
        self.apply(initialize)
        if spectral_norm:
            for layer in self.layers:
                if isinstance(layer, nn.Conv2d):
                    add_spectral_norm(layer)

    def forward(self, samples: Tensor, labels: Tensor | None = None) -> dict[str, Tensor]:
        """Return {"sample": (N, 1) logits} of (N, C, H, W) images and (N,) labels."""
        return self.logits(self.layers(self.given(samples, labels)).flatten(2), labels)
