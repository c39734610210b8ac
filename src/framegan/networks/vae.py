"""A variational autoencoder of images or clips (Kingma & Welling 2014; Rezende et al. 2014).

The encoder halves a sample down to a base of 4 to 7 pixels, the decoder doubles it up again, with residual blocks
between (He et al. 2016) and no normalisation. The posterior is a normal distribution with a mean and a scale of each
latent, the prior a standard one.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from pydantic import NonNegativeFloat, NonNegativeInt, PositiveInt
from torch import Tensor, nn

from framegan import noise
from framegan.networks import dcgan, likelihoods
from framegan.networks.conditioning import ClassGenerator, ClassInput, Conditional

POSTERIOR, OBSERVATION = range(2)
"""Parts of the noise of a key."""


class Autoencoder(ClassGenerator):
    """Decoder and encoder: latents to samples, and samples to a posterior over latents.

    Args:
        shape: (C, H, W) of an image, (C, T, H, W) of a clip.
        width: channels at half of the resolution; each layer nearer to the base has twice as many.
        blocks: residual blocks of each resolution below the full one.
        outputs: of the decoder for each value of a sample.
        num_classes: classes of the data; this and what follows as in `framegan.networks.conditioning.ClassGenerator`.
    """

    def __init__(
        self,
        shape: Sequence[int],
        latent_dim: int,
        width: int,
        blocks: int,
        outputs: int,
        num_classes: int,
        conditional: Conditional,
        class_dim: int,
    ):
        super().__init__(shape, latent_dim, num_classes, conditional, class_dim)
        self.seen = ClassInput(self.num_classes, class_dim)
        base, strides = halvings(shape)
        conv: type[nn.Module] = nn.Conv2d if len(shape) == 3 else nn.Conv3d
        widths = [width << level for level in range(len(strides))] or [width]
        size = widths[-1] * math.prod(base)
        down: list[nn.Module] = [] if strides else [conv(shape[0] + self.seen.channels, width, 3, padding=1)]
        for stride, narrow, wide in zip(strides, [shape[0] + self.seen.channels, *widths], widths, strict=False):
            down += [resampling(stride, narrow, wide), *(Residual(conv, wide) for _ in range(blocks))]
        self.encoder = nn.Sequential(*down, nn.SiLU(), nn.Flatten(), nn.Linear(size, 2 * latent_dim))
        channels_out = outputs * shape[0]
        up: list[nn.Module] = [nn.Linear(self.num_inputs, size), nn.Unflatten(1, (widths[-1], *base))]
        for stride, (wide, narrow) in zip(reversed(strides), pairwise([*reversed(widths), channels_out]), strict=False):
            up += [*(Residual(conv, wide) for _ in range(blocks)), nn.SiLU()]
            up += [resampling(stride, wide, narrow, is_up=True)]
        if not strides:
            up += [nn.SiLU(), conv(width, channels_out, 3, padding=1)]
        self.decoder = nn.Sequential(*up)

    def forward(self, latents: Tensor, labels: Tensor | None = None, truncation: float = 1.0) -> Tensor:
        """Return the mean samples (N, *shape) in [-1, 1] of (N, latent_dim) latents and (N,) labels.

        Args:
            truncation: what the latents are multiplied by.
        """
        return self.mean(self._decoded(latents * truncation, labels))

    def mean(self, said: Tensor) -> Tensor:
        """Return the mean samples (N, *shape) in [-1, 1] of what the decoder says, (N, outputs * C, ...)."""
        raise NotImplementedError

    def encode(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the posteriors' means, (N, latent_dim), of (N, *shape) samples."""
        return self._posterior(samples, labels)[0]

    def drawn(
        self, observed: Tensor, labels: Tensor | None, keys: Tensor, part: int = POSTERIOR
    ) -> tuple[Tensor, Tensor]:
        """Return latents of the posteriors of (N, *shape) samples, and the divergence of each from the prior in nats.

        Args:
            keys: (N,) in [0, 1), of which the latents' noise is a function.
            part: of the noise of a key.

        Returns:
            Both are (N, latent_dim).
        """
        mean, log_scale = self._posterior(observed, labels)
        latents = mean + log_scale.exp() * self._noise(keys, mean, part)
        return latents, (mean.square() + (2 * log_scale).exp() - 1) / 2 - log_scale

    def _posterior(self, observed: Tensor, labels: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return mean and log-scale, (N, latent_dim) each."""
        mean, log_scale = self.encoder(self.seen(observed, labels)).to(observed.dtype).chunk(2, dim=1)
        return mean, log_scale

    def _decoded(self, latents: Tensor, labels: Tensor | None) -> Tensor:
        return self.decoder(self.given(latents, labels)).to(latents.dtype)  # (N, outputs * C, ...)

    def _noise(self, keys: Tensor, like: Tensor, part: int = POSTERIOR) -> Tensor:
        return noise.normal_of_uniform(noise.uniform_of_keys(keys, self.latent_dim, part)).to(like)


class Generator(Autoencoder):
    """An autoencoder whose decoder gives the parameters of a likelihood of samples.

    Args:
        shape: this and what isn't named here as in `Autoencoder`.
        likelihood: of a sample given its latents; see `framegan.networks.likelihoods`.
        beta: weight of the divergence from the prior (Higgins et al. 2017); below 1 the loss is no bound of the
            likelihood.
        free_bits: bits of each latent that cost nothing, in training (Kingma et al. 2016, Equation 15, which averages
            over the batch where this takes each sample by itself).
    """

    is_exact = False

    def __init__(
        self,
        shape: Sequence[PositiveInt],
        latent_dim: PositiveInt = 40,
        width: PositiveInt = 32,
        blocks: NonNegativeInt = 1,
        likelihood: likelihoods.Name = "discretized_logistic",
        beta: NonNegativeFloat = 1.0,
        free_bits: NonNegativeFloat = 0.0,
        num_classes: NonNegativeInt = 0,
        conditional: bool = False,
        class_dim: PositiveInt = 32,
    ):
        of_samples = likelihoods.of_name(likelihood)
        super().__init__(shape, latent_dim, width, blocks, of_samples.parameters, num_classes, conditional, class_dim)
        self.likelihood = of_samples
        self.beta, self.free_nats = beta, free_bits * math.log(2)

    @property
    def protocol(self) -> str:
        """What the likelihood is of, as the keys of metrics name it."""
        return self.likelihood.protocol

    @property
    def is_8_bit(self) -> bool:
        return self.likelihood.is_8_bit

    def mean(self, said: Tensor) -> Tensor:
        return self.likelihood.mean(said)

    def observed(self, samples: Tensor, keys: Tensor) -> Tensor:
        """Return what the likelihood is of, (N, *shape): samples with the noise of (N,) keys."""
        uniform = noise.uniform_of_keys(keys, samples[0].numel(), OBSERVATION)
        return self.likelihood.observed(samples, uniform.to(samples).view(samples.shape))

    def loss(self, observed: Tensor, labels: Tensor, keys: Tensor) -> dict[str, Tensor]:
        """Return in nats, (N,) each, the loss and its parts: reconstruction and divergence."""
        latents, divergence = self.drawn(observed, labels, keys)
        reconstruction = -self.likelihood.log_prob(observed, self._decoded(latents, labels))  # (N,)
        charged = divergence.clamp(min=self.free_nats).sum(1)
        parts = {"reconstruction": reconstruction, "divergence": divergence.sum(1)}
        return {"loss": reconstruction + self.beta * charged, **parts}

    def log_weights(self, observed: Tensor, labels: Tensor, keys: Tensor) -> Tensor:
        """Return log p(x, z) - log q(z | x) of one z of each posterior, (N,) (Burda et al. 2016, Equation 8)."""
        mean, log_scale = self._posterior(observed, labels)
        standard = self._noise(keys, mean)
        latents = mean + log_scale.exp() * standard
        log_ratio = (standard.square() - latents.square()).sum(1) / 2 + log_scale.sum(1)  # log p(z) - log q(z | x)
        return self.likelihood.log_prob(observed, self._decoded(latents, labels)) + log_ratio


class Residual(nn.Module):
    """Features plus what two convolutions find in them."""

    def __init__(self, conv: type[nn.Module], channels: int):
        super().__init__()
        narrow = max(1, channels // 2)
        layers = conv(channels, narrow, 3, padding=1), conv(narrow, channels, 3, padding=1)
        self.layers = nn.Sequential(nn.SiLU(), layers[0], nn.SiLU(), layers[1])

    def forward(self, features: Tensor) -> Tensor:
        return features + self.layers(features)


def halvings(shape: Sequence[int]) -> tuple[tuple[int, ...], Sequence[tuple[int, ...]]]:
    """Return the base that a sample is halved down to, and the stride of each layer, the first one first.

    Time is halved in the layers next to the base, as long as the frames are an even number of more than two.

    Raises:
        ValueError: the sides can't be halved so; see `framegan.networks.dcgan.base_and_doublings`.
    """
    base, doublings = dcgan.base_and_doublings((shape[0], *shape[-2:]))
    if len(shape) == 3:
        return base, [(2, 2)] * doublings
    num_frames, times = shape[1], 0
    while times < doublings and num_frames % 2 == 0 and num_frames > 2:
        num_frames, times = num_frames // 2, times + 1
    return (num_frames, *base), [*[(1, 2, 2)] * (doublings - times), *[(2, 2, 2)] * times]


def resampling(stride: Sequence[int], inputs: int, outputs: int, *, is_up: bool = False) -> nn.Module:
    """Return a convolution that halves the sides whose stride is 2, or one that doubles them."""
    layers: Any = (nn.Conv2d, nn.ConvTranspose2d) if len(stride) == 2 else (nn.Conv3d, nn.ConvTranspose3d)
    kernel = [4 if step == 2 else 3 for step in stride]
    layer: nn.Module = layers[is_up](inputs, outputs, kernel, tuple(stride), 1)
    return layer
