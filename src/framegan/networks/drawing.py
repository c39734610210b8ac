"""Layers that draw in training, each sample by its key: any number of processes draws what one would."""

import torch
from torch import Tensor, nn

from framegan import noise

LEVELS = 2**16
"""How many values a drawn number has."""


class Drawing(nn.Module):
    """A layer that changes features at random in training; what it does is `drawn`."""

    is_off = False

    def forward(self, features: Tensor, keys: Tensor | None = None, part: int = 0) -> Tensor:
        """Return as many (N, ...) features.

        Args:
            keys: (N,) in [0, 1), as `framegan.noise.uniform_of_keys` takes them; None = drawn by PyTorch.
            part: layers of different parts draw independently.
        """
        if not self.training or self.is_off:
            return features
        numbers = noise.coarse_of_keys(keys_for(features, keys), features[0].numel(), part)
        return self.drawn(features, numbers.view_as(features))

    def drawn(self, features: Tensor, numbers: Tensor) -> Tensor:
        """Return the features, changed by as many numbers as `framegan.noise.coarse_of_keys` draws."""
        raise NotImplementedError


class Dropout(Drawing):
    """Drops a share of the features and scales up the others (Srivastava et al. 2014)."""

    def __init__(self, share: float):
        super().__init__()
        self.dropped = min(round(share * LEVELS), LEVELS - 1)
        self.is_off = self.dropped == 0

    def drawn(self, features: Tensor, numbers: Tensor) -> Tensor:
        return features * (numbers >= self.dropped - LEVELS // 2) * (LEVELS / (LEVELS - self.dropped))


class Noise(Drawing):
    """Adds N(0, sigma^2) (Tulyakov et al. 2018; Saito et al. 2017)."""

    def __init__(self, sigma: float):
        super().__init__()
        self.sigma = sigma

    def drawn(self, features: Tensor, numbers: Tensor) -> Tensor:
        uniform = (numbers.float() + (LEVELS / 2 + 0.5)) / LEVELS
        return features + self.sigma * noise.normal_of_uniform(uniform).to(features)


def keys_for(samples: Tensor, keys: Tensor | None) -> Tensor:
    """Return the (N,) keys of (N, ...) samples; None = new ones, drawn by PyTorch."""
    return torch.rand(len(samples), device=samples.device) if keys is None else keys


def through(layers: nn.Sequential, features: Tensor, keys: Tensor | None) -> Tensor:
    """Return what layers make of (N, ...) features, with the (N,) keys for those that draw."""
    for part, layer in enumerate(layers):
        features = layer(features, keys, part) if isinstance(layer, Drawing) else layer(features)
    return features
