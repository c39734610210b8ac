"""The four-layer perceptron GAN that tutorials start from, for samples of any shape (Goodfellow et al. 2014)."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated

from pydantic import Field, NonNegativeInt, PositiveInt
from torch import Tensor, nn

from framegan.networks.conditioning import ClassCritic, ClassGenerator, Conditional, Conditioning, of_classes
from framegan.networks.drawing import Dropout, through


class Generator(ClassGenerator):
    """Latents through three hidden layers to a whole sample.

    Args:
        shape: shape of one sample, e.g. (C, H, W).
        widths: units of the hidden layers; none make a single layer.
        num_classes: classes of the data; this and what follows as in `framegan.networks.conditioning.ClassGenerator`.
    """

    def __init__(
        self,
        shape: Sequence[PositiveInt],
        latent_dim: PositiveInt = 100,
        widths: Sequence[PositiveInt] = (256, 512, 1024),
        num_classes: NonNegativeInt = 0,
        conditional: Conditional = False,
        class_dim: PositiveInt = 32,
    ):
        super().__init__(shape, latent_dim, num_classes, conditional, class_dim)
        sizes = [self.num_inputs, *widths]
        layers: list[nn.Module] = []
        for size, next_size in pairwise(sizes):
            layers += [nn.Linear(size, next_size), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Linear(sizes[-1], math.prod(self.shape)), nn.Tanh())

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return (N, *shape) samples in [-1, 1] of (N, latent_dim) latents and (N,) labels."""
        return self.layers(self.given(latents, labels)).unflatten(1, self.shape)  # (N, prod(shape)) -> (N, *shape)


class Discriminator(ClassCritic):
    """A whole sample through three hidden layers to one logit.

    Args:
        shape: shape of one sample, e.g. (C, H, W).
        widths: units of the hidden layers; none make a single layer.
        dropout: share of each hidden layer's units that is dropped in training.
        num_classes: classes of the data; this and what follows as in `framegan.networks.conditioning.ClassCritic`.
    """

    def __init__(
        self,
        shape: Sequence[PositiveInt],
        widths: Sequence[PositiveInt] = (1024, 512, 256),
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.3,
        num_classes: NonNegativeInt = 0,
        conditional: Conditional = False,
        conditioning: Conditioning = "concatenation",
        class_dim: PositiveInt = 32,
    ):
        super().__init__(num_classes, conditional, conditioning, class_dim)
        sizes = [math.prod(shape) + self.given.channels, *widths]
        layers: list[nn.Module] = []
        for size, next_size in pairwise(sizes):
            layers += [nn.Linear(size, next_size), nn.LeakyReLU(0.2), Dropout(dropout)]
        self.layers = nn.Sequential(*layers, of_classes(nn.Linear(sizes[-1], self.num_outputs), first=1))

    def forward(self, samples: Tensor, labels: Tensor | None = None, keys: Tensor | None = None) -> dict[str, Tensor]:
        """Return {"sample": (N, 1) logits} of (N, *shape) samples and (N,) labels; dropout is by the (N,) keys."""
        outputs = through(self.layers, self.given(samples.flatten(1), labels), keys)  # (N, num_outputs)
        return self.logits(outputs.unsqueeze(2), labels)
