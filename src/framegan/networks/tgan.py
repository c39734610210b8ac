"""TGAN: one latent unrolled along time into a code for each frame, then frame by frame to images (Saito et al. 2017).

The temporal generator makes the fast codes z_1 ... z_T of the slow code z_0; each frame sees both (Section 3.1). Frames
double along time from 1; with 16 frames of 64 x 64 that is the published network.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from pydantic import NonNegativeInt, PositiveInt
from torch import Tensor, nn

from framegan.networks import dcgan
from framegan.networks.conditioning import ClassGenerator, Conditional
from framegan.networks.mocogan import require_clips


class Generator(ClassGenerator):
    """Latents to fast codes to frames.

    Args:
        shape: (C, T, H, W) of one clip.
        latent_dim: size of the slow code, and of each fast one.
        width: channels before the last layer of a frame; each layer nearer to the base has twice as many.
        num_classes: classes of the data; this and what follows as in `framegan.networks.conditioning.ClassGenerator`.
            The class goes with the slow code.
    """

    def __init__(
        self,
        shape: Sequence[PositiveInt],
        latent_dim: PositiveInt = 100,
        width: PositiveInt = 32,
        num_classes: NonNegativeInt = 0,
        conditional: Conditional = False,
        class_dim: PositiveInt = 32,
    ):
        super().__init__(shape, latent_dim, num_classes, conditional, class_dim)
        channels, self.num_frames, height, side = require_clips(shape, "tgan")
        self.base, doublings = dcgan.base_and_doublings((channels, height, side))
        time_doublings = math.ceil(math.log2(self.num_frames))
        self.frames_per_step = 2**time_doublings
        repeated = f"{self.frames_per_step} frames over and over"
        self.longer_clips = f"between their first and last frames they repeat {repeated}"
        self.fast_codes = _unroll(self.num_inputs, latent_dim, time_doublings, 16 * width)
        widths = [width << level for level in reversed(range(doublings + 1))]
        half = widths[0] // 2 * math.prod(self.base)
        self.slow, self.fast = _to_base(self.num_inputs, half), _to_base(latent_dim, half)
        layers: list[nn.Module] = []
        for wide, narrow in pairwise(widths):
            layers += [nn.ConvTranspose2d(wide, narrow, 4, stride=2, padding=1, bias=False)]  # both sides doubled
            layers += [nn.BatchNorm2d(narrow), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(widths[-1], channels, 3, padding=1), nn.Tanh())

    def forward(self, latents: Tensor, labels: Tensor | None = None, num_frames: int | None = None) -> Tensor:
        """Return (N, C, T, H, W) clips in [-1, 1] of (N, latent_dim) standard normal latents and (N,) labels.

        More frames than the network was trained for come from feeding the slow code for longer.
        """
        num_frames = num_frames or self.num_frames
        if self.training and len(latents) == 1:
            rule = "set data.batch_size to 2 or more, or trainer.micro_batches lower"
            raise ValueError(f"tgan got one clip at a time, and normalises over those of a batch; {rule}")
        slow = torch.erf(latents / math.sqrt(2))  # (N, latent_dim) uniform in [-1, 1], as the paper draws it
        slow = self.given(slow, labels)  # (N, num_inputs)
        repeats = math.ceil(num_frames / self.frames_per_step)
        fast = self.fast_codes(slow.unsqueeze(2).expand(-1, -1, repeats))[:, :, :num_frames]  # (N, latent_dim, T)
        from_slow = self.slow(slow).unsqueeze(1).expand(-1, num_frames, -1)  # (N, T, D)
        from_fast = self.fast(fast.transpose(1, 2).flatten(0, 1))  # (N * T, D)
        codes = torch.cat([from_slow.flatten(0, 1), from_fast], dim=1)  # (N * T, 2 * D)
        frames = self.layers(codes.unflatten(1, (-1, *self.base)))  # (N * T, C, H, W)
        return frames.unflatten(0, (-1, num_frames)).transpose(1, 2).contiguous()  # (N, C, T, H, W)


def _to_base(code_dim: int, size: int) -> nn.Module:
    return nn.Sequential(nn.Linear(code_dim, size, bias=False), nn.BatchNorm1d(size), nn.ReLU(inplace=True))


def _unroll(num_inputs: int, code_dim: int, doublings: int, width: int) -> nn.Module:
    """Return the temporal generator: (N, num_inputs, 1) -> (N, code_dim, 2^doublings) in [-1, 1]."""
    widths = [width, *(max(width // 4, width >> level) for level in range(1, doublings)), code_dim]
    layers: list[nn.Module] = [nn.ConvTranspose1d(num_inputs, widths[0], 1, bias=False)]  # (N, width, 1)
    for wide, narrow in pairwise(widths):
        layers += [nn.BatchNorm1d(wide), nn.ReLU(inplace=True)]
        layers += [nn.ConvTranspose1d(wide, narrow, 4, stride=2, padding=1, bias=narrow == code_dim)]  # time doubled
    return nn.Sequential(*layers, nn.Tanh())
