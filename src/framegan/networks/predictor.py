"""From frames to frames: a recurrent network reads the given ones, and goes on (Shi et al. 2015; Ballas et al. 2016).

Clips are (N, C, T, H, W). Each further frame is the one before with its pixels moved by kernels of its own (Jia et al.
2016), along one axis after the other (Niklaus et al. 2017), and new pixels where a mask says so. It is then read like
a given one, so that any number of frames can follow; those that are given come out as they are.
"""

import math
from collections.abc import Iterator, Sequence
from statistics import NormalDist
from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field, NonNegativeInt, PositiveInt
from torch import Tensor, nn

from framegan.networks.beginnings import Beginnings
from framegan.networks.conditioning import Conditional, classes_used, of_classes
from framegan.networks.dcgan import base_and_doublings
from framegan.networks.mocogan import require_clips

SPAN = 2
"""How many cells a pixel moves from one frame to the next, at most."""
STILL, OLD = 4.0, 3.0
"""How far an untrained network stays with the frame before: logits of its kernels' middle, and of not being new."""


class ConvGRU(nn.Module):
    """A gated recurrent unit whose states are maps (Ballas et al. 2016, Equations 11 to 14).

    Args:
        inputs: channels of what it reads.
        width: channels of its state.
    """

    def __init__(self, inputs: int, width: int):
        super().__init__()
        self.width = width
        self.gates = nn.Conv2d(inputs + width, 2 * width, 3, padding=1)
        self.candidate = nn.Conv2d(inputs + width, width, 3, padding=1)

    def forward(self, read: Tensor, state: Tensor | None) -> Tensor:
        """Return the next state, (N, width, H, W), of (N, inputs, H, W) and the last one. None = the first."""
        if state is None:
            state = read.new_zeros(read.shape[0], self.width, *read.shape[2:])
        update, reset = self.gates(torch.cat([read, state], dim=1)).sigmoid().chunk(2, dim=1)
        candidate = self.candidate(torch.cat([read, reset * state], dim=1)).tanh()
        return state.lerp(candidate.to(state), update.to(state))  # which autocast leaves in fp32


class Generator(nn.Module):
    """Given frames, and noise of what isn't known of them, to a clip that begins with them.

    Args:
        shape: (C, T, H, W) of one clip.
        given_frames: how many of its frames are given; the configuration of the data says it.
        clip_dim: size of the noise that all frames of a clip share.
        frame_dim: size of the noise that each of them has to itself.
        guided: how often a frame of training follows on the true one before it rather than on that which was made
            (Bengio et al. 2015); the fewer, the longer it learns to go on by itself, and the later it learns to move.
        width: channels of the recurrent state.
        num_classes: classes of the data.
        conditional: see `framegan.networks.conditioning.Conditional`.

    Raises:
        ValueError: no frames are given, or all.
    """

    longer_clips = "each frame follows from those before it, in a way that was not trained for so long"

    def __init__(
        self,
        shape: Sequence[PositiveInt],
        given_frames: NonNegativeInt,
        clip_dim: PositiveInt = 4,
        frame_dim: NonNegativeInt = 4,
        guided: Annotated[float, Field(ge=0, le=1)] = 0.5,
        width: PositiveInt = 32,
        num_classes: NonNegativeInt = 0,
        conditional: Conditional = "auto",
    ):
        super().__init__()
        channels, self.num_frames, height, side = require_clips(shape, "predictor")
        if not 0 < given_frames < self.num_frames:
            raise ValueError(
                f"data.given_frames={given_frames}, but predictor continues frames that are given; set it to 1 or "
                f"more, and below data.num_frames={self.num_frames}"
            )
        self.shape, self.given_frames = tuple(shape), given_frames
        self.num_classes = classes_used(num_classes, conditional)
        self.clip_dim, self.frame_dim = clip_dim, frame_dim
        self.least_guided = NormalDist().inv_cdf(guided) if 0 < guided < 1 else math.copysign(math.inf, guided - 0.5)
        self.latent_dim = sum(self.latent_parts(self.num_frames).values())
        self.beginnings = Beginnings(self.shape, given_frames, self.num_classes)
        _, doublings = base_and_doublings((channels, height, side))
        self.scale = 1 << max(0, doublings - 2)  # pixels of a cell's side: the shorter side has 16 to 28 cells
        self.reach = SPAN * self.scale  # pixels that a pixel can come from on either side
        code = max(4, width // 2)
        first = nn.Conv2d(channels * self.scale**2, code, 3, padding=1)
        self.encoder = nn.Sequential(nn.PixelUnshuffle(self.scale), first, nn.LeakyReLU(0.2))
        if self.num_classes:
            self.of_class = of_classes(nn.Embedding(self.num_classes, code))
        self.of_noise = nn.Linear(clip_dim + frame_dim, code)
        self.memory = ConvGRU(code, width)
        self.outputs = channels * self.scale**2, self.scale**2, *[2 * self.reach + 1] * 2
        last = nn.Conv2d(width, sum(self.outputs), 3, padding=1)
        self.decoder = nn.Sequential(nn.Conv2d(width + code, width, 3, padding=1), nn.LeakyReLU(0.2), last)
        self._begin_still(last)

    def latent_parts(self, num_frames: int) -> dict[str, int]:
        """Return the sizes of the parts of a clip's latents: what it begins with, if not told, and how it goes on."""
        further = max(0, num_frames - self.given_frames)
        return {"content": 1, "motion": self.clip_dim + self.frame_dim * further, "_guided": max(1, further)}

    def forward(
        self,
        latents: Tensor,
        labels: Tensor | None = None,
        num_frames: int | None = None,
        given: Tensor | None = None,
    ) -> Tensor:
        """Return (N, C, T, H, W) clips in [-1, 1] that begin with the given frames, as they are.

        Args:
            latents: standard normal; see `latent_parts`.
            labels: (N,) classes.
            num_frames: T. None = as trained.
            given: (N, C, given_frames, H, W) in [-1, 1], or with more frames, the true ones of clips of T, which guide
                training. None = of some clip of the data, which the content chooses.
        """
        num_frames = num_frames or self.num_frames
        return torch.cat([*self.pieces(latents, labels, num_frames, given=given)], dim=2)

    def pieces(
        self,
        latents: Tensor,
        labels: Tensor | None,
        num_frames: int,
        at_once: int = 1,
        given: Tensor | None = None,
    ) -> Iterator[Tensor]:
        """Yield the given frames of clips, (N, C, given_frames, H, W), and then one frame after the other."""
        if given is None:
            given = self.beginnings(latents[:, 0], labels if self.num_classes else None)
        first, state = self.given_frames, None
        yield given[:, :, : min(first, num_frames)]
        *earlier, before = given[:, :, :first].unbind(2)
        for frame in earlier:
            state = self.memory(self._read(frame, labels), state)
        sizes = list(self.latent_parts(num_frames).values())
        _, motion, coins = latents.split(sizes, dim=1)
        of_clip, of_frames = motion[:, : self.clip_dim], motion[:, self.clip_dim :]
        for place in range(num_frames - first):
            if place and given.shape[2] > first:
                is_guided = (coins[:, place] < self.least_guided).view(-1, 1, 1, 1)
                before = torch.where(is_guided, given[:, :, first + place - 1], before)
            of_frame = of_frames[:, place * self.frame_dim : (place + 1) * self.frame_dim]
            noise = self.of_noise(torch.cat([of_clip, of_frame], dim=1))  # (N, code)
            read = self._read(before, labels) + noise[:, :, None, None]
            state = self.memory(read, state)
            before = self._next(before, torch.cat([state, read], dim=1))
            yield before.unsqueeze(2)

    def _read(self, frame: Tensor, labels: Tensor | None) -> Tensor:
        """Return what the memory reads of a frame, (N, code, H / scale, W / scale)."""
        read = self.encoder(frame)
        if self.num_classes:
            assert labels is not None, "a conditional network takes labels"
            read = read + self.of_class(labels)[:, :, None, None]
        return read

    def _next(self, frame: Tensor, features: Tensor) -> Tensor:
        """Return the frame after one, (N, C, H, W), as the (N, width + code, H / scale, W / scale) features say."""
        new, mask, down, across = self.decoder(features).split(self.outputs, dim=1)
        moved = self._moved(self._moved(frame, down, axis=2), across, axis=3)
        is_new = F.pixel_shuffle(mask, self.scale).sigmoid()  # (N, 1, H, W)
        return moved + is_new * (F.pixel_shuffle(new, self.scale).tanh() - moved)

    def _moved(self, frame: Tensor, kernels: Tensor, axis: int) -> Tensor:
        """Return the means of the pixels that lie within reach of each along an axis, weighted as its cell says."""
        weights = kernels.softmax(1).repeat_interleave(self.scale, 2).repeat_interleave(self.scale, 3)  # (N, K, H, W)
        around = [self.reach if side == axis else 0 for side in (3, 3, 2, 2)]
        near = F.pad(frame, around, mode="replicate").unfold(axis, 2 * self.reach + 1, 1)  # (N, C, H, W, K)
        return (near * weights.movedim(1, -1).unsqueeze(1)).sum(-1)

    @torch.no_grad()
    def _begin_still(self, last: nn.Conv2d) -> None:
        """Have the untrained network repeat the frame before, and draw cells of one colour (Aitken et al. 2017)."""
        assert last.bias is not None
        last.weight.mul_(0.1)
        for drawn in last.weight.split(self.outputs)[:2]:
            of_cells = drawn.view(-1, self.scale**2, *drawn.shape[1:])
            of_cells.copy_(of_cells[:, :1].clone())
        _, mask, down, across = last.bias.zero_().split(self.outputs)
        mask.fill_(-OLD)
        for kernel in (down, across):
            kernel[self.reach] = STILL
