"""What a style is measured by: statistics of features that say nothing of where something is.

Features are lists of float32 (1, C, H, W), one for each layer. Each layer counts alike, as a share of the target.
"""

from collections.abc import Sequence
from typing import Literal, Protocol

import torch
from torch import Tensor

from framegan import noise

SMALLEST = 1e-6
"""Of a target's statistics, for pictures in which nothing differs."""
Name = Literal["gram", "sliced_wasserstein"]


class Statistics(Protocol):
    def __call__(self, features: Sequence[Tensor], step: int) -> Tensor:
        """Return how far the statistics of features are from the target's, a scalar from 0 on."""


def gram_matrix(features: Tensor) -> Tensor:
    """Return the means of products of channels, (1, C, H, W) -> (C, C)."""
    flat = features[0].flatten(1)
    return flat @ flat.T / flat.shape[1]


class Gram:
    """Products of any two channels (Gatys et al. 2016, "Image style transfer using convolutional neural networks").

    Args:
        target: features that have the style.
    """

    def __init__(self, target: Sequence[Tensor]):
        self.matrices = [gram_matrix(layer) for layer in target]

    def __call__(self, features: Sequence[Tensor], step: int) -> Tensor:
        return torch.stack(
            [
                (gram_matrix(layer) - wanted).square().sum() / wanted.square().sum().clamp_min(SMALLEST)
                for layer, wanted in zip(features, self.matrices, strict=True)
            ]
        ).mean()


class SlicedWasserstein:
    """The whole distribution, along random lines (Heitz et al. 2021, "A sliced Wasserstein loss for neural texture
    synthesis"): along each, sorted features are compared with sorted features of the target.

    Args:
        target: features that have the style.
        seed: of the lines, which are others in each step.
    """

    def __init__(self, target: Sequence[Tensor], seed: int):
        self.target = [layer[0].flatten(1) for layer in target]
        self.seed = seed

    def __call__(self, features: Sequence[Tensor], step: int) -> Tensor:
        return torch.stack(
            [
                self._of_layer(layer[0].flatten(1), wanted, step)
                for layer, wanted in zip(features, self.target, strict=True)
            ]
        ).mean()

    def _of_layer(self, features: Tensor, target: Tensor, step: int) -> Tensor:
        channels, places = features.shape
        drawn = noise.normal((channels, channels), seed=self.seed, stream=noise.LIKENESS, counter=step)
        lines = torch.linalg.qr(drawn).Q.to(features)  # at right angles, so that none is measured twice
        quantile = torch.arange(places, device=features.device) * target.shape[1] // places
        wanted = (lines @ target).sort(dim=1).values[:, quantile]
        spread = (wanted - wanted.mean(dim=1, keepdim=True)).square().sum().clamp_min(SMALLEST)
        return ((lines @ features).sort(dim=1).values - wanted).square().sum() / spread


def statistics(name: Name, target: Sequence[Tensor], seed: int) -> Statistics:
    """Return the statistics of this name, to be brought near those of a target."""
    return Gram(target) if name == "gram" else SlicedWasserstein(target, seed)
