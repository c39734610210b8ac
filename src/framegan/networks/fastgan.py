"""FastGAN's networks for few pictures (Liu et al. 2021): skip-layer excitation, and a critic that also reconstructs.

In the generator small maps decide which channels of much larger ones matter. The critic's features have to hold what
the picture shows: decoders make it of them, and the difference is added to its loss. Here both decoders make all of the
picture, of two sizes of features (the authors crop the second), judged by the absolute difference, for the perceptual
one needs weights trained elsewhere; and no noise is added to the generator's maps.
"""

from collections.abc import Sequence

import torch
from pydantic import NonNegativeFloat, NonNegativeInt, PositiveInt
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from framegan.networks.conditioning import ClassCritic, ClassGenerator, Conditional, Conditioning, of_classes
from framegan.networks.dcgan import base_and_doublings

WIDTHS = (16, 8, 4, 2, 2, 1, 0.5, 0.25)
"""Channels at the base and at each further size, as multiples of `width`."""
SKIPPED = 4
"""Doublings from a map to the one that it excites; fewer where the picture is small."""


def channels_of(width: int, doublings: int) -> list[int]:
    """Return the channels of each size, from the base to the image."""
    return [max(4, int(width * WIDTHS[min(level, len(WIDTHS) - 1)])) for level in range(doublings + 1)]


def normed(layer: nn.Conv2d | nn.ConvTranspose2d, dim: int = 0) -> nn.Module:
    """Return a layer with weights of N(0, 0.02^2), which are divided by their largest singular value.

    Args:
        dim: of the weights: that of the outputs.
    """
    nn.init.normal_(layer.weight, 0.0, 0.02)
    return spectral_norm(layer, dim=dim)


def up(inputs: int, outputs: int) -> nn.Sequential:
    """Return the layers that double (N, inputs, H, W) to (N, outputs, 2 H, 2 W)."""
    convolution = normed(nn.Conv2d(inputs, 2 * outputs, 3, padding=1, bias=False))
    return nn.Sequential(nn.Upsample(scale_factor=2), convolution, nn.BatchNorm2d(2 * outputs), nn.GLU(1))


class Excitation(nn.Module):
    """Scales the channels of a large map by what a small one shows (Section 3.1, Equation 1)."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.layers = nn.Sequential(
            nn.AdaptiveAvgPool2d(4),
            normed(nn.Conv2d(inputs, outputs, 4, bias=False)),
            nn.LeakyReLU(0.1),
            normed(nn.Conv2d(outputs, outputs, 1, bias=False)),
            nn.Sigmoid(),
        )

    def forward(self, small: Tensor, large: Tensor) -> Tensor:
        """Return (N, outputs, H, W), as the large map is, of that and the (N, inputs, h, w) small one."""
        return large * self.layers(small)  # (N, outputs, 1, 1)


class Generator(ClassGenerator):
    """Latents to a base map, doubled up to the image.

    Args:
        shape: (C, H, W) of one image.
        width: channels after five doublings of the base map, which has 16 times as many; still larger maps have fewer.
        num_classes: classes of the data; this and what follows as in `framegan.networks.conditioning.ClassGenerator`.
    """

    def __init__(
        self,
        shape: Sequence[PositiveInt],
        latent_dim: PositiveInt = 256,
        width: PositiveInt = 64,
        num_classes: NonNegativeInt = 0,
        conditional: Conditional = False,
        class_dim: PositiveInt = 32,
    ):
        super().__init__(shape, latent_dim, num_classes, conditional, class_dim)
        base, doublings = base_and_doublings(shape)
        if not doublings:
            size = f"{shape[1]}x{shape[2]}"
            raise ValueError(f"fastgan can't make {size} pixels: a side has 8 or more; set data.resolution higher")
        widths = channels_of(width, doublings)
        first = nn.ConvTranspose2d(self.num_inputs, 2 * widths[0], base, bias=False)
        self.first = nn.Sequential(normed(first, dim=1), nn.BatchNorm2d(2 * widths[0]), nn.GLU(1))
        self.ups = nn.ModuleList(up(*widths[level : level + 2]) for level in range(doublings))
        self.skipped = min(SKIPPED, max(2, doublings - 1))
        large = range(self.skipped, doublings + 1)
        self.excitations = nn.ModuleList(Excitation(widths[level - self.skipped], widths[level]) for level in large)
        self.last = normed(nn.Conv2d(widths[-1], shape[0], 3, padding=1))

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return (N, C, H, W) images in [-1, 1] of (N, latent_dim) latents and (N,) labels."""
        maps = [self.first(self.given(latents, labels)[:, :, None, None])]  # (N, 16 width, *base)
        for level, layers in enumerate(self.ups, 1):
            features = layers(maps[-1])  # both sides doubled
            if level >= self.skipped:
                features = self.excitations[level - self.skipped](maps[level - self.skipped], features)
            maps.append(features)
        return self.last(maps[-1]).tanh()  # (N, C, H, W)


class Down(nn.Module):
    """Halves the sides along two ways, whose mean is taken: convolutions, and pooling."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.main = nn.Sequential(
            normed(nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False)),
            nn.BatchNorm2d(outputs),
            nn.LeakyReLU(0.2),
            normed(nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)),
            nn.BatchNorm2d(outputs),
            nn.LeakyReLU(0.2),
        )
        self.direct = nn.Sequential(
            nn.AvgPool2d(2),
            normed(nn.Conv2d(inputs, outputs, 1, bias=False)),
            nn.BatchNorm2d(outputs),
            nn.LeakyReLU(0.2),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return (N, outputs, H / 2, W / 2) of (N, inputs, H, W)."""
        return (self.main(features) + self.direct(features)) / 2


class Discriminator(ClassCritic):
    """An image halved down to twice its base map, and a logit for each place of a 4 x 4 window on that.

    Args:
        shape: (C, H, W) of one image.
        width: as in the generator: each size has as many channels as there.
        reconstruction_weight: of the reconstructions' absolute difference in the loss of real samples.
        num_classes: classes of the data; this and what follows as in `framegan.networks.conditioning.ClassCritic`.
    """

    def __init__(
        self,
        shape: Sequence[PositiveInt],
        width: PositiveInt = 64,
        reconstruction_weight: NonNegativeFloat = 1.0,
        num_classes: NonNegativeInt = 0,
        conditional: Conditional = False,
        conditioning: Conditioning = "projection",
        class_dim: PositiveInt = 32,
    ):
        super().__init__(num_classes, conditional, conditioning, class_dim)
        _, doublings = base_and_doublings(shape)
        widths = channels_of(width, max(2, doublings))[:0:-1]
        first = normed(nn.Conv2d(shape[0] + self.given.channels, widths[0], 3, padding=1, bias=False))
        self.first = nn.Sequential(first, nn.LeakyReLU(0.2))
        self.downs = nn.ModuleList(Down(*widths[level : level + 2]) for level in range(len(widths) - 1))
        self.last = of_classes(normed(nn.Conv2d(widths[-1], self.num_outputs, 4, bias=False)), first=1)
        self.reconstruction_weight = reconstruction_weight
        self.decoders = nn.ModuleList(_decoder(widths, shape[0], halvings) for halvings in self._decoded())

    def _decoded(self) -> list[int]:
        """Return how often the features were halved that the decoders start from: the last ones, and those before."""
        most = len(self.downs)
        return [most, most - 1][: most if self.reconstruction_weight else 0]

    def forward(self, samples: Tensor, labels: Tensor | None = None) -> dict[str, Tensor]:
        """Return {"sample": (N, K) logits, "penalty": (N, 1)} of (N, C, H, W) images and (N,) labels."""
        maps = [self.first(self.given(samples, labels))]  # (N, width, H, W)
        for down in self.downs:
            maps.append(down(maps[-1]))
        logits = self.logits(self.last(maps[-1]).flatten(2), labels)
        errors = [
            (decoder(maps[halvings]) - samples).abs().flatten(1).mean(1, keepdim=True)
            for decoder, halvings in zip(self.decoders, self._decoded(), strict=True)
        ]  # each (N, 1)
        return logits | ({"penalty": self.reconstruction_weight * torch.stack(errors).sum(0)} if errors else {})


def _decoder(widths: Sequence[int], channels: int, halvings: int) -> nn.Module:
    """Return the layers from features that were halved so often to the picture they are of."""
    ups = [up(widths[level], widths[level - 1]) for level in range(halvings, 0, -1)]
    last = normed(nn.Conv2d(widths[0], channels, 3, padding=1, bias=False))
    return nn.Sequential(*ups, last, nn.Tanh())
