"""Normalising flows of images: invertible layers, a multi-scale frame, and what a generator with a likelihood has.

A layer maps (N, C, H, W) features to others of as many values and returns the log-determinants of its Jacobian, (N,);
`inverse` undoes it. Every scale halves the sides by moving 2 x 2 pixels into channels; all but the last one give half
of their channels away as latents, which are standard normal (Dinh et al. 2017, Section 3.6).
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from framegan import noise
from framegan.networks.likelihoods import LEVEL, dequantized

LOG_TWO_PI = math.log(2 * math.pi)
LEAST_DEVIATION = LEVEL / 10
"""Of a channel as it begins: a third of that of the noise which spreads a value over its level."""


class Layer(nn.Module):
    """An invertible layer."""

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return features of as many values, and the log-determinants, (N,)."""
        raise NotImplementedError

    def inverse(self, features: Tensor) -> Tensor:
        """Return what `forward` maps to these features."""
        raise NotImplementedError


class Chain(Layer):
    """Layers one after the other."""

    def __init__(self, *layers: Layer):
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        total = features.new_zeros(len(features))
        for layer in self.layers:
            features, log_det = layer(features)
            total = total + log_det
        return features, total

    def inverse(self, features: Tensor) -> Tensor:
        layer: Any
        for layer in reversed(self.layers):
            features = layer.inverse(features)
        return features


class Scaling(Layer):
    """A gain and an offset of each channel (Kingma & Dhariwal 2018, Section 3.1): 1 and 0, until `begin`."""

    def __init__(self, channels: int):
        super().__init__()
        self.log_gain = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.offset = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        log_det = self.log_gain.sum() * features.shape[2] * features.shape[3]
        return features * self.log_gain.exp() + self.offset, log_det.expand(len(features))

    def inverse(self, features: Tensor) -> Tensor:
        return (features - self.offset) * (-self.log_gain).exp()

    def begin(self, features: Tensor) -> None:
        """Make each channel of features one of mean 0 and deviation 1, unless it has learned something or is frozen."""
        trains = self.log_gain.requires_grad and self.offset.requires_grad
        if trains and not (self.log_gain.any() or self.offset.any()):
            deviation, mean = torch.std_mean(features, dim=(0, 2, 3), correction=0, keepdim=True)
            self.log_gain.copy_(-deviation.clamp(min=LEAST_DEVIATION).log())
            self.offset.copy_(-mean * self.log_gain.exp())


class Mixing(Layer):
    """An invertible 1 x 1 convolution, P L (U + diag(s)), first a rotation (Kingma & Dhariwal 2018, Equation 10)."""

    order: Tensor
    signs: Tensor
    inverted: Tensor | None = None
    """The inverse of the matrix where it is fixed; see `fix`."""

    def __init__(self, channels: int):
        super().__init__()
        rotation = torch.linalg.qr(torch.randn(channels, channels))[0]
        permutation, lower, upper = torch.linalg.lu(rotation)
        self.lower, self.upper = nn.Parameter(lower.tril(-1)), nn.Parameter(upper.triu(1))
        self.log_scales = nn.Parameter(upper.diagonal().abs().log())
        self.register_buffer("order", permutation.argmax(1))  # row k of the product is row order[k] of the rest
        self.register_buffer("signs", upper.diagonal().sign().to(torch.int8))

    def weight(self) -> Tensor:
        """Return the matrix, (C, C)."""
        lower = self.lower.tril(-1) + torch.eye(len(self.lower), dtype=self.lower.dtype, device=self.lower.device)
        upper = self.upper.triu(1) + torch.diag(self.signs * self.log_scales.exp())
        return (lower @ upper)[self.order]

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        log_det = self.log_scales.sum() * features.shape[2] * features.shape[3]
        with torch.autocast(features.device.type, enabled=False):  # which would round all that the flow carries
            return F.conv2d(features, self.weight()[:, :, None, None]), log_det.expand(len(features))

    def inverse(self, features: Tensor) -> Tensor:
        with torch.autocast(features.device.type, enabled=False):
            inverse = torch.linalg.inv(self.weight().double()) if self.inverted is None else self.inverted
            return F.conv2d(features, inverse.to(features)[:, :, None, None])

    @torch.no_grad()
    def fix(self) -> None:
        """Invert the matrix now and never again: an exported program has no such operation."""
        self.inverted = torch.linalg.inv(self.weight().double()).to(self.lower)


class Coupling(Layer):
    """Some of the features scaled and moved as a network says that sees the others (Dinh et al. 2017, Eq. 7 and 8).

    Log-scales are bounded by a learned limit of each channel, so that the inverse is exact.

    Args:
        channels: C.
        network: features to as many scales and offsets: (N, C, H, W) masked ones to (N, 2 C, H, W), or one half of the
            channels, (N, C / 2, H, W), to (N, C, H, W).
        mask: (H, W), 1 where features stay as they are. None = a half of the channels stays.
        is_second: that is the second half.
    """

    mask: Tensor | None

    def __init__(self, channels: int, network: nn.Module, mask: Tensor | None = None, *, is_second: bool = False):
        super().__init__()
        self.network, self.is_second = network, is_second
        self.register_buffer("mask", mask)
        self.limit = nn.Parameter(torch.ones(channels if mask is not None else channels // 2, 1, 1))

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        log_scale, offset = self._said(features)
        return features * log_scale.exp() + offset, log_scale.flatten(1).sum(1)

    def inverse(self, features: Tensor) -> Tensor:
        log_scale, offset = self._said(features)  # of what stays, which is the same
        return (features - offset) * (-log_scale).exp()

    def _said(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return log-scales and offsets, (N, C, H, W), 0 where features stay."""
        if self.mask is not None:
            raw, offset = self.network(features * self.mask).to(features.dtype).chunk(2, dim=1)
            return self.limit * raw.tanh() * ~self.mask, offset * ~self.mask
        kept = features.chunk(2, dim=1)[self.is_second]
        raw, offset = self.network(kept).to(features.dtype).chunk(2, dim=1)
        pairs = ((torch.zeros_like(kept), said) for said in (self.limit * raw.tanh(), offset))
        log_scale, offset = (torch.cat(pair[::-1] if self.is_second else pair, dim=1) for pair in pairs)
        return log_scale, offset


def checkerboard(height: int, width: int, *, is_odd: bool) -> Tensor:
    """Return a (H, W) mask of every second pixel."""
    return (torch.arange(height).view(-1, 1) + torch.arange(width)) % 2 == int(is_odd)


class Flow(nn.Module):
    """A flow from images to latents, and back: the base of generators, which say what its layers are.

    Args:
        shape: (C, H, W) of an image, with even sides.
        scales: how often the sides are halved, at most; fewer where they come to be odd.
        layers: makes the layers of a scale of the (C, H, W) of its features, those before and those after the sides
            are halved.
        logit: share of the range that is left out, half at either end, before values are mapped to the line by a logit
            (Dinh et al. 2017, Section 4.1). 0 = they are taken as they are.
    """

    is_exact, is_8_bit, protocol = True, True, "8bit_uniform"

    def __init__(
        self,
        shape: Sequence[int],
        scales: int,
        layers: Callable[[tuple[int, int, int]], tuple[Layer, Layer]],
        logit: float = 0.0,
    ):
        super().__init__()
        if len(shape) != 3:
            raise ValueError(f"this model makes images (C, H, W); got shape={list(shape)}. Choose model=vae for clips.")
        channels, height, width = shape
        if height % 2 or width % 2:
            raise ValueError(f"{height}x{width} pixels can't be halved; set data.resolution to an even number")
        self.shape, self.latent_dim, self.logit = tuple(shape), math.prod(shape), logit
        self.before, self.after = nn.ModuleList(), nn.ModuleList()
        self.places: list[tuple[int, int, int]] = []
        """Of each scale the shape of the latents it gives away; of the last one of all that are left."""
        while True:
            before, after = layers((channels, height, width))
            self.before.append(before)
            self.after.append(after)
            channels, height, width = 4 * channels, height // 2, width // 2
            if len(self.before) == scales or height % 2 or width % 2:
                break
            channels //= 2
            self.places.append((channels, height, width))
        self.places.append((channels, height, width))

    def forward(self, latents: Tensor, labels: Tensor | None = None, truncation: float = 1.0) -> Tensor:
        """Return (N, *shape) images in [-1, 1] of (N, latent_dim) latents; labels are not used.

        Args:
            truncation: the temperature: what the latents are multiplied by.
        """
        sizes = [math.prod(place) for place in self.places]
        pieces = zip((latents * truncation).split(sizes, dim=1), self.places, strict=True)
        *given, features = (piece.view(-1, *place) for piece, place in pieces)
        layers: Any = list(zip(self.before, self.after, strict=True))
        for before, after in reversed(layers):
            features = before.inverse(F.pixel_shuffle(after.inverse(features), 2))
            if given:
                features = torch.cat([features, given.pop()], dim=1)
        if self.logit:
            features = (features.sigmoid() * 2 - 1) / (1 - self.logit) * (1 + LEVEL / 2)
        return features.clamp(-1, 1)

    @torch.no_grad()
    def begin(self, samples: Tensor) -> None:
        """Start from (N, *shape) samples: what each `Scaling` makes of them has mean 0 and deviation 1."""
        scalings = [layer for layer in self.modules() if isinstance(layer, Scaling)]
        hooks = [layer.register_forward_pre_hook(lambda layer, given: layer.begin(*given)) for layer in scalings]
        self.transformed(self.observed(samples, torch.arange(len(samples)) / len(samples)))
        for hook in hooks:
            hook.remove()

    def observed(self, samples: Tensor, keys: Tensor) -> Tensor:
        """Return samples dequantised by the noise of (N,) keys, (N, *shape)."""
        uniform = noise.uniform_of_keys(keys, samples[0].numel())
        return dequantized(samples, uniform.to(samples).view(samples.shape))

    def transformed(self, observed: Tensor) -> tuple[Tensor, Tensor]:
        """Return the latents (N, latent_dim) of (N, *shape) images, and the log-determinants (N,)."""
        features, total = observed, observed.new_zeros(len(observed))
        if self.logit:
            inside = (observed / (1 + LEVEL / 2) * (1 - self.logit) + 1) / 2  # in (0, 1)
            features = inside.logit()
            slope = math.log((1 - self.logit) / (2 + LEVEL))
            total = total + (slope - (inside * (1 - inside)).log()).flatten(1).sum(1)
        latents = []
        for scale, (before, after) in enumerate(zip(self.before, self.after, strict=True)):
            features, first = before(features)
            features, second = after(F.pixel_unshuffle(features, 2))
            total = total + first + second
            if scale < len(self.places) - 1:
                features, given = features.chunk(2, dim=1)
                latents.append(given.flatten(1))
        return torch.cat([*latents, features.flatten(1)], dim=1), total

    def loss(self, observed: Tensor, labels: Tensor, keys: Tensor) -> dict[str, Tensor]:
        """Return in nats, (N,), the loss."""
        return {"loss": -self.log_weights(observed, labels, keys)}

    def log_weights(self, observed: Tensor, labels: Tensor, keys: Tensor) -> Tensor:
        """Return the log-density of dequantised images as a bound of the log-probability of 8-bit ones, (N,)."""
        latents, log_det = self.transformed(observed)
        log_prior = -(latents.square() + LOG_TWO_PI).sum(1) / 2
        return log_prior + log_det + self.latent_dim * math.log(LEVEL)

    def encode(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the latents (N, latent_dim) of (N, *shape) images."""
        return self.transformed(samples)[0]
