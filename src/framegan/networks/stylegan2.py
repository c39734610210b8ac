"""StyleGAN2's networks (Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN").

A mapping network makes a style of latents; the style modulates every convolution. Images of all sizes are added up, and
the critic is residual. All that is random comes from the latents: in training, a second style and where it takes over
(mixing, Karras et al. 2019, Section 3.1), and always the noise that is added to every map.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated

import torch
from pydantic import Field, NonNegativeInt, PositiveInt
from torch import Tensor, nn

from framegan.networks.conditioning import ClassCritic, ClassInput, Conditional, Conditioning, classes_used, of_classes
from framegan.networks.dcgan import base_and_doublings
from framegan.networks.r3gan import doubled, widths_of
from framegan.networks.style_layers import (
    EqualizedConvolution,
    EqualizedLinear,
    Halving,
    ModulatedConvolution,
    StyledLayer,
    activation,
)

MAPPING_RATE = 0.01
"""The mapping network's learning rate beside the others' (Karras et al. 2019, Section C)."""
MEAN_WEIGHT = 0.005
"""How far the mean style moves with each batch."""


class Mapping(nn.Module):
    """Normalized latents, and an embedding of the class, to a style.

    Args:
        depth: layers.
        num_classes: 0 = it takes no labels.
    """

    def __init__(self, style_dim: int, depth: int, num_classes: int):
        super().__init__()
        self.given = ClassInput(num_classes, style_dim)
        sizes = [style_dim + self.given.channels, *[style_dim] * depth]
        self.layers = nn.ModuleList(EqualizedLinear(*pair, rate=MAPPING_RATE) for pair in pairwise(sizes))

    def forward(self, latents: Tensor, labels: Tensor | None) -> Tensor:
        """Return (N, style_dim) of as many latents and (N,) labels."""
        features = latents * latents.square().mean(1, keepdim=True).add(1e-8).rsqrt()
        features = self.given(features, labels)
        for layer in self.layers:
            features = activation(layer(features))
        return features


class Generator(nn.Module):
    """A learned base map, doubled up to the image by convolutions that the style modulates.

    Args:
        shape: (C, H, W) of one image.
        style_dim: size of a style, and of the latents that it is made of.
        mapping_depth: layers from one to the other.
        width: channels at the size of the image; each smaller size has twice as many, up to `widest`.
        mixing: share of the samples that are made of two styles in training.
        num_classes: classes of the data.
        conditional: take the class beside the latents.
        noisy: add noise to every map.
        given_dim: channels beside the base map that `images` is given.

    Attributes:
        class_part: the part of the latents whose seed says of which class a sample is.
        styles: (N, L, style_dim), a style for each of L layers, of the last forward in training.
        mean_style: (style_dim,), a running average.
    """

    class_part = "style"
    mean_style: Tensor

    def __init__(
        self,
        shape: Sequence[PositiveInt],
        style_dim: PositiveInt = 512,
        mapping_depth: PositiveInt = 8,
        width: PositiveInt = 32,
        widest: PositiveInt = 512,
        mixing: Annotated[float, Field(ge=0, le=1)] = 0.9,
        num_classes: NonNegativeInt = 0,
        conditional: Conditional = False,
        noisy: bool = True,
        given_dim: NonNegativeInt = 0,
    ):
        super().__init__()
        base, doublings = base_and_doublings(shape)
        self.shape, self.style_dim, self.mixing = tuple(shape), style_dim, mixing
        self.num_classes = classes_used(num_classes, conditional)
        self.sides = [(base[0] << (n + 1) // 2, base[1] << (n + 1) // 2) for n in range(2 * doublings + 1)]  # by layer
        self.latent_dim = sum(self.latent_parts().values())
        self.styles: Tensor | None = None
        self.register_buffer("mean_style", torch.zeros(style_dim))
        widths = widths_of(width, widest, doublings)[::-1]
        channels = [each for each in widths for _ in range(2)]
        channels[0] += given_dim
        self.mapping = Mapping(style_dim, mapping_depth, self.num_classes)
        self.base = nn.Parameter(torch.randn(widths[0], *base))
        self.layers = nn.ModuleList(
            StyledLayer(*pair, style_dim, doubles=number % 2 == 1, noisy=noisy)
            for number, pair in enumerate(pairwise(channels))
        )
        to_images = [ModulatedConvolution(each, shape[0], style_dim, 1, demodulates=False) for each in widths]
        self.to_images = nn.ModuleList(to_images)
        for layer in to_images:  # the sum of them all begins with the scale of one
            nn.init.normal_(layer.weight, std=len(widths) ** -0.5)
        self.offsets = nn.Parameter(torch.zeros(len(widths), shape[0], 1, 1))

    def latent_parts(self, num_frames: int | None = None) -> dict[str, int]:
        """Return the sizes of the parts of the latents; the last one is for training alone."""
        pixels = sum(height * width for height, width in self.sides)
        return {"style": self.style_dim, "noise": pixels, "_mixing": self.style_dim + 1}

    def forward(self, latents: Tensor, labels: Tensor | None = None, truncation: float | None = None) -> Tensor:
        """Return (N, C, H, W) images, about [-1, 1], of (N, latent_dim) latents and (N,) labels.

        Args:
            truncation: how far from the mean style they are, beside how far they would be; 1 and None: as trained.
        """
        style, noise, mixing = latents.split(list(self.latent_parts().values()), dim=1)
        styles = self._mixed(self.style(style, labels), mixing, labels)  # (N, L, style_dim)
        if truncation is not None:
            styles = self.mean_style.lerp(styles, truncation)
        if self.training and torch.is_grad_enabled() and not styles.requires_grad:  # the mapping is frozen
            styles = styles.detach().requires_grad_()
        self.styles = styles if self.training else None
        return self.images(styles, noise)

    def images_of_styles(self, styles: Tensor, latents: Tensor) -> Tensor:
        """Return (N, C, H, W) images of (N, style_dim) styles, with the noise in (N, latent_dim) latents."""
        _, noise, _ = latents.split(list(self.latent_parts().values()), dim=1)
        return self.images(styles.unsqueeze(1).expand(-1, len(self.layers) + 1, -1), noise)

    def images(self, styles: Tensor, noise: Tensor | None = None, given: Tensor | None = None) -> Tensor:
        """Return (N, C, H, W) images of (N, L, style_dim) styles.

        Args:
            noise: (N, size of that part of the latents), if it is noisy.
            given: (N, given_dim), beside the base map at each of its places.
        """
        sizes = [height * width for height, width in self.sides]
        maps: Sequence[Tensor | None] = [None] * len(sizes) if noise is None else noise.split(sizes, dim=1)
        features, image = self.base.expand(styles.shape[0], -1, -1, -1), torch.zeros(())
        if given is not None:
            features = torch.cat([features, given[:, :, None, None].expand(-1, -1, *self.base.shape[1:])], dim=1)
        for number, (layer, side, pixels) in enumerate(zip(self.layers, self.sides, maps, strict=True)):
            features = layer(features, styles[:, number], None if pixels is None else pixels.unflatten(1, (1, *side)))
            if number % 2 == 0:  # the last one of this size
                size = number // 2
                added = self.to_images[size](features, styles[:, number + 1]) + self.offsets[size]  # (N, C, *side)
                image = added if size == 0 else doubled(image) + added
        return image

    def style(self, latents: Tensor, labels: Tensor | None) -> Tensor:
        """Return the (N, style_dim) styles of as many latents; in training, their mean is averaged."""
        style = self.mapping(latents, labels)
        if self.training:
            with torch.no_grad():
                self.mean_style.lerp_(style.mean(0).to(self.mean_style), MEAN_WEIGHT)
        return style

    def _mixed(self, style: Tensor, mixing: Tensor, labels: Tensor | None) -> Tensor:
        """Return a style for each layer, (N, L, style_dim); in training, some samples go on with a second one.

        Args:
            mixing: (N, style_dim + 1): the second one's latents, and a normal number that says where it takes over.
        """
        num_styles = len(self.layers) + 1
        if not self.training or self.mixing == 0:
            return style.unsqueeze(1).expand(-1, num_styles, -1)
        second = self.mapping(mixing[:, :-1], labels)
        uniform = torch.special.ndtr(mixing[:, -1])
        first_of_second = 1 + (uniform / self.mixing * (num_styles - 1)).floor()  # from 1; beyond the last: nowhere
        goes_on = torch.arange(num_styles, device=style.device) >= first_of_second.unsqueeze(1)  # (N, L)
        return torch.where(goes_on.unsqueeze(2), second.unsqueeze(1), style.unsqueeze(1))


class Discriminator(ClassCritic):
    """An image halved down to its base map by residual blocks, and one logit of that.

    Beside the last features it sees how much they differ among a few samples (Karras et al. 2018, Section 3). Those are
    neighbours in the batch, so that a batch split over ranks or in pieces is judged as the whole one, where each part
    is a multiple of `group_size`.

    Args:
        shape: (C, H, W) of one image.
        width: channels at the size of the image; each smaller size has twice as many, up to `widest`.
        group_size: how many samples are compared; a few less where they don't come out even.
        num_classes: classes of the data; this and what follows as in `framegan.networks.conditioning.ClassCritic`.
    """

    def __init__(
        self,
        shape: Sequence[PositiveInt],
        width: PositiveInt = 32,
        widest: PositiveInt = 512,
        group_size: PositiveInt = 4,
        num_classes: NonNegativeInt = 0,
        conditional: Conditional = False,
        conditioning: Conditioning = "projection",
        class_dim: PositiveInt = 32,
    ):
        super().__init__(num_classes, conditional, conditioning, class_dim)
        (height, side), doublings = base_and_doublings(shape)
        widths = widths_of(width, widest, doublings)
        self.group_size = group_size
        self.first = EqualizedConvolution(shape[0] + self.given.channels, widths[0], 1)
        self.blocks = nn.ModuleList(Halving(*pair) for pair in pairwise(widths))
        self.base = EqualizedConvolution(widths[-1] + 1, widths[-1], 3)
        self.dense = EqualizedLinear(widths[-1] * height * side, widths[-1])
        self.last = of_classes(EqualizedLinear(widths[-1], self.num_outputs), first=1)

    def forward(self, samples: Tensor, labels: Tensor | None = None) -> dict[str, Tensor]:
        """Return {"sample": (N, 1) logits} of (N, C, H, W) images and (N,) labels."""
        features = activation(self.first(self.given(samples, labels)))  # (N, width, H, W)
        for block in self.blocks:
            features = block(features)
        groups = features.tensor_split(math.ceil(len(features) / self.group_size))
        deviations = torch.cat([deviation(group) for group in groups])  # (N, 1, *base)
        features = activation(self.base(torch.cat([features, deviations], dim=1)))
        features = activation(self.dense(features.flatten(1)))  # (N, widest)
        return self.logits(self.last(features).unsqueeze(2), labels)


def deviation(features: Tensor) -> Tensor:
    """Return the mean standard deviation over the batch of (N, C, H, W) features, everywhere in (N, 1, H, W)."""
    mean = features.var(0, unbiased=False).add(1e-8).sqrt().mean()
    return mean.expand(len(features), 1, *features.shape[2:])
