"""The four-layer perceptron GAN that tutorials start from, for samples of any shape (Goodfellow et al. 2014)."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated

from pydantic import Field, PositiveInt
from torch import Tensor, nn


class Generator(nn.Module):
    """Latents through three hidden layers to a whole sample.

    Args:
        shape: shape of one sample, e.g. (C, H, W).
        widths: units of the hidden layers; none make a single layer.
    """

    def __init__(
        self,
        shape: Sequence[PositiveInt],
        latent_dim: PositiveInt = 100,
        widths: Sequence[PositiveInt] = (256, 512, 1024),
    ):
        super().__init__()
        self.shape = tuple(shape)
        self.latent_dim = latent_dim
        sizes = [latent_dim, *widths]
        layers: list[nn.Module] = []
        for size, next_size in pairwise(sizes):
            layers += [nn.Linear(size, next_size), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Linear(sizes[-1], math.prod(self.shape)), nn.Tanh())

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return (N, *shape) samples in [-1, 1] of (N, latent_dim) latents; labels are not used."""
        return self.layers(latents).unflatten(1, self.shape)  # (N, prod(shape)) -> (N, *shape)


class Discriminator(nn.Module):
    """A whole sample through three hidden layers to one logit.

    Args:
        shape: shape of one sample, e.g. (C, H, W).
        widths: units of the hidden layers; none make a single layer.
        dropout: share of each hidden layer's units that is dropped in training.
    """

    def __init__(
        self,
        shape: Sequence[PositiveInt],
        widths: Sequence[PositiveInt] = (1024, 512, 256),
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.3,
    ):
        super().__init__()
        sizes = [math.prod(shape), *widths]
        layers: list[nn.Module] = []
        for size, next_size in pairwise(sizes):
            layers += [nn.Linear(size, next_size), nn.LeakyReLU(0.2), nn.Dropout(dropout)]
        self.layers = nn.Sequential(*layers, nn.Linear(sizes[-1], 1))

    def forward(self, samples: Tensor, labels: Tensor | None = None) -> dict[str, Tensor]:
        """Return {"sample": (N, 1) logits} of (N, *shape) samples; labels are not used."""
        return {"sample": self.layers(samples.flatten(1))}  # (N, prod(shape)) -> (N, 1)
