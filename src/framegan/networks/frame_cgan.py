"""Frame by frame: each one is made of the class, the time, the clip's noise and, where told so, the frames before it.

That is a conditional GAN of images (Mirza & Osindero 2014), of which one noise for all times makes a clip.
"""

import math
from collections.abc import Iterator, Sequence

import torch
from pydantic import NonNegativeInt, PositiveInt
from torch import Tensor

from framegan.networks.conditioning import ClassGenerator, Conditional
from framegan.networks.dcgan import Normalization
from framegan.networks.mocogan import decoder_of_frames, require_clips
from framegan.networks.tower import Tower

WAVES = 4
"""Sines, and as many cosines, that encode the time of a frame; their periods are two clips, one, a half and so on."""


class Generator(ClassGenerator):
    """The class, the noise and one moment after the other to the frames of a clip.

    Args:
        shape: (C, T, H, W) of one clip.
        latent_dim: size of the noise, which is the same at all times.
        frames_before: of how many frames before it a frame is made; 0 = each by itself. Before the first they are grey.
        before_dim: size of the code of those frames.
        width: channels before the last layer of a frame; each layer nearer to the base has twice as many.
        num_classes: classes of the data; this and what follows as in `framegan.networks.conditioning.ClassGenerator`.

    Raises:
        ValueError: frames that are made one after the other are to be normalised by the batch.
    """

    times: Tensor
    """What tells the moments of frames, (2 * num_frames, 2 * WAVES), over and over."""

    def __init__(
        self,
        shape: Sequence[PositiveInt],
        latent_dim: PositiveInt = 16,
        frames_before: NonNegativeInt = 0,
        before_dim: PositiveInt = 64,
        width: PositiveInt = 24,
        normalization: Normalization = "batch",
        num_classes: NonNegativeInt = 0,
        conditional: Conditional = "auto",
        class_dim: PositiveInt = 32,
    ):
        super().__init__(shape, latent_dim, num_classes, conditional, class_dim)
        channels, self.num_frames, height, side = require_clips(shape, "frame_cgan")
        if frames_before and normalization == "batch":
            raise ValueError(
                f"frames_before={frames_before} with normalization=batch: in training each moment would have "
                "statistics of its own, which samples don't have; set model.generator.normalization=group"
            )
        self.frames_before = frames_before
        moments = torch.arange(2 * self.num_frames) / self.num_frames  # (2 * num_frames,) in [0, 2)
        phases = math.pi * moments[:, None] * 2.0 ** torch.arange(WAVES)
        self.register_buffer("times", torch.cat([phases.sin(), phases.cos()], dim=1), persistent=False)
        code_dim = self.num_inputs + 2 * WAVES
        self.before: Tower | None = None
        self.longer_clips = f"they repeat {2 * self.num_frames} frames over and over, of which half were trained"
        if frames_before:
            seen = channels * frames_before, height, side
            self.before = Tower(seen, before_dim, width, False, normalization, noise=0.0, spectral_norm=False)
            code_dim += before_dim
            self.longer_clips = "each frame follows from those before it, in a way that was not trained for so long"
        self.frames = decoder_of_frames((channels, height, side), code_dim, width, normalization)

    def forward(self, latents: Tensor, labels: Tensor | None = None, num_frames: int | None = None) -> Tensor:
        """Return (N, C, T, H, W) clips in [-1, 1] of (N, latent_dim) latents and (N,) labels."""
        num_frames = num_frames or self.num_frames
        return torch.cat([*self.pieces(latents, labels, num_frames, num_frames)], dim=2)

    def pieces(self, latents: Tensor, labels: Tensor | None, num_frames: int, at_once: int) -> Iterator[Tensor]:
        """Yield the frames of clips a few at a time, (N, C, at_once, H, W), the last time those that are left.

        Frames that are made of those before them come one at a time.
        """
        given = self.given(latents, labels)  # (N, num_inputs)
        moments = torch.arange(num_frames, device=latents.device) % len(self.times)
        times = self.times[moments].to(latents)  # (T, 2 * WAVES)
        codes = torch.cat(
            [given.unsqueeze(1).expand(-1, num_frames, -1), times.expand(given.shape[0], -1, -1)], dim=2
        )  # (N, T, num_inputs + 2 * WAVES)
        if self.before is None:
            for some in codes.split(at_once, dim=1):
                frames = self.frames(some.flatten(0, 1)).unflatten(0, (-1, some.shape[1]))  # (N, t, C, H, W)
                yield frames.transpose(1, 2).contiguous()
            return
        channels, _, height, side = self.shape
        made = [latents.new_zeros(latents.shape[0], channels, height, side)] * self.frames_before
        for code in codes.unbind(1):
            before = self.before(torch.cat(made, dim=1)).flatten(1)  # (N, before_dim)
            made = [*made[1:], self.frames(torch.cat([code, before], dim=1))]  # (N, C, H, W) each
            yield made[-1].unsqueeze(2)
