"""Critics of clips: discriminators that any temporal generator can be trained against, alone or together.

Each maps (N, C, T, H, W) to {"sample": (N, K) logits} and, where it has classes, {"class": (N, num_classes) logits}.
`Heads` puts several side by side, each under a name of its own.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import NonNegativeFloat, NonNegativeInt, PositiveInt
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm as add_spectral_norm

from framegan.networks.conditioning import of_classes
from framegan.networks.dcgan import Normalization, base_and_doublings, normalization_layer
from framegan.networks.mocogan import require_clips

Step = tuple[int, int, int]
"""Kernel, stride and padding of a convolution along one axis."""
HALVE: Step = (4, 2, 1)


class Noise(nn.Module):
    """Adds N(0, sigma^2) in training (Tulyakov et al. 2018; Saito et al. 2017)."""

    def __init__(self, sigma: float):
        super().__init__()
        self.sigma = sigma

    def forward(self, features: Tensor) -> Tensor:
        return features + self.sigma * torch.randn_like(features) if self.training else features


class Tower(nn.Module):
    """Convolutions that halve space down to the base of DCGAN, then one that makes a map of logits.

    The arguments not listed are those of `ClipCritic`.

    Args:
        shape: of a sample, (C, H, W) or, to convolve over time too, (C, T, H, W).
        outputs: channels of the map.
    """

    def __init__(
        self,
        shape: Sequence[int],
        outputs: int,
        width: int,
        patch: bool,
        normalization: Normalization,
        noise: float,
        spectral_norm: bool,
        temporal_stride: int = 1,
    ):
        super().__init__()
        channels, *length, height, side = shape
        base, doublings = base_and_doublings((channels, height, side))
        patch = patch and doublings > 0
        halvings = doublings - patch
        axes = [[*[HALVE] * halvings, HALVE if patch else (size, 1, 0)] for size in base]
        if length:
            axes = [_steps_in_time(length[0], halvings, temporal_stride), *axes]
        widths = [channels, *(width << min(level, 3) for level in range(halvings)), outputs]
        layers: list[nn.Module] = []
        for level, (narrow, wide) in enumerate(pairwise(widths)):
            is_last = level == halvings
            normalized: Normalization = "none" if level == 0 or is_last else normalization
            if noise and not is_last:
                layers.append(Noise(noise))
            kernel, stride, padding = zip(*(axis[level] for axis in axes), strict=True)
            layer = (nn.Conv3d if length else nn.Conv2d)(
                narrow, wide, kernel, stride, padding, bias=normalized == "none"
            )  # (N, wide, [T',] H', W')
            layers.append(add_spectral_norm(layer) if spectral_norm else layer)
            if normalized != "none":
                layers.append(normalization_layer(normalized, wide, is_3d=bool(length)))
            if not is_last:
                layers.append(nn.LeakyReLU(0.2, inplace=True))
        self.layers = nn.Sequential(*layers[:-1], of_classes(layers[-1], first=1))

    def forward(self, samples: Tensor) -> Tensor:
        """Return the (N, outputs, [T',] H', W') map of (N, *shape) samples."""
        return self.layers(samples)


def _steps_in_time(num_frames: int, halvings: int, stride: int) -> list[Step]:
    """Return the steps along time of the convolutions that halve space and of the last, which always slides."""
    steps: list[Step] = []
    for level in range(halvings + 1):
        halves = stride == 2 and level < halvings and num_frames > 1
        steps.append(HALVE if halves else (min(4, num_frames), 1, 0))
        num_frames = num_frames // 2 if halves else max(1, num_frames - 3)
    return steps


class ClipCritic(nn.Module):
    """Judges whole clips.

    Args:
        shape: (C, T, H, W) of one clip.
        num_classes: classes that it also predicts (Odena et al. 2017); 0 or 1: none.
        projection: add the logit of the class asked for to the others, so that a clip is judged as one of that class
            (after Miyato & Koyama 2018, Equation 3).
        width: channels after the first layer; each further one has twice as many, up to 8 times.
        temporal_stride: 1 slides over time without padding (MoCoGAN); 2 halves time as it halves space (VGAN, TGAN).
        patch: leave a map of logits, each of a part of the clip, in place of one.
        pool: average squares of this side first; 2 looks at half the resolution (Clark et al. 2019).
        noise: standard deviation of the noise added before each layer in training.
        spectral_norm: divide every weight by its largest singular value (Miyato et al. 2018).
    """

    def __init__(
        self,
        shape: Sequence[PositiveInt],
        num_classes: NonNegativeInt = 0,
        projection: bool = False,
        width: PositiveInt = 64,
        temporal_stride: Literal[1, 2] = 1,
        patch: bool = False,
        pool: PositiveInt = 1,
        normalization: Normalization = "batch",
        noise: NonNegativeFloat = 0.0,
        spectral_norm: bool = False,
    ):
        super().__init__()
        channels, num_frames, height, side = require_clips(shape, "a critic of clips")
        self.pool = pool
        self.num_classes = num_classes if num_classes > 1 else 0
        self.projection = projection and self.num_classes > 0
        pooled, outputs = (channels, num_frames, height // pool, side // pool), 1 + self.num_classes
        self.tower = Tower(pooled, outputs, width, patch, normalization, noise, spectral_norm, temporal_stride)

    def forward(self, samples: Tensor, labels: Tensor | None = None) -> dict[str, Tensor]:
        """Return {"sample": (N, K) logits} and, with classes, {"class": (N, num_classes)}.

        Args:
            labels: (N,) classes of the clips; only a projection uses them.
        """
        if self.pool > 1:
            samples = F.avg_pool3d(samples, (1, self.pool, self.pool))  # (N, C, T, H / pool, W / pool)
        outputs = self.tower(samples).flatten(2)  # (N, 1 + num_classes, K)
        logits = {"sample": outputs[:, 0]}  # (N, K)
        if self.num_classes:
            logits["class"] = outputs[:, 1:].mean(2)  # (N, num_classes)
        if self.projection:
            assert labels is not None
            logits["sample"] = outputs[:, 0] + outputs[torch.arange(len(labels), device=labels.device), 1 + labels]
        return logits


class FrameCritic(nn.Module):
    """Judges a few frames of each clip by themselves.

    The arguments not listed are those of `ClipCritic`.

    Args:
        shape: (C, T, H, W) of one clip.
        num_frames: frames of each clip that it sees, drawn again each time in training; None = all.
    """

    def __init__(
        self,
        shape: Sequence[PositiveInt],
        num_frames: PositiveInt | None = 1,
        width: PositiveInt = 64,
        patch: bool = False,
        normalization: Normalization = "batch",
        noise: NonNegativeFloat = 0.0,
        spectral_norm: bool = False,
    ):
        super().__init__()
        channels, length, height, side = require_clips(shape, "a critic of frames")
        self.num_frames = min(num_frames or length, length)
        self.tower = Tower((channels, height, side), 1, width, patch, normalization, noise, spectral_norm)

    def forward(self, samples: Tensor, labels: Tensor | None = None) -> dict[str, Tensor]:
        """Return {"sample": (N, num_frames * K) logits}; labels are not used."""
        frames, _ = _some_frames(samples, self.num_frames, drawn=self.training)  # (N, num_frames, C, H, W)
        maps = self.tower(frames.flatten(0, 1))  # (N * num_frames, 1, H', W')
        return {"sample": maps.unflatten(0, frames.shape[:2]).flatten(1)}


class PairCritic(nn.Module):
    """Judges two frames and the time between them (Yu et al. 2022, Section 3.2).

    The arguments not listed are those of `ClipCritic`.

    Args:
        shape: (C, T, H, W) of one clip; two different frames are drawn again each time in training.
    """

    def __init__(
        self,
        shape: Sequence[PositiveInt],
        width: PositiveInt = 64,
        patch: bool = False,
        normalization: Normalization = "batch",
        noise: NonNegativeFloat = 0.0,
        spectral_norm: bool = False,
    ):
        super().__init__()
        channels, length, height, side = require_clips(shape, "a critic of pairs")
        if length < 2:
            raise ValueError("a critic of pairs needs clips of at least 2 frames; set data.num_frames")
        self.longest = length - 1
        self.tower = Tower((2 * channels + 1, height, side), 1, width, patch, normalization, noise, spectral_norm)

    def forward(self, samples: Tensor, labels: Tensor | None = None) -> dict[str, Tensor]:
        """Return {"sample": (N, K) logits}; labels are not used."""
        frames, places = _some_frames(samples, 2, drawn=self.training)  # (N, 2, C, H, W), (N, 2)
        distance = (places.diff(dim=1) / self.longest).to(frames)  # (N, 1)
        distance = distance[:, :, None, None].expand(-1, -1, *frames.shape[3:])  # (N, 1, H, W)
        return {"sample": self.tower(torch.cat([frames.flatten(1, 2), distance], dim=1)).flatten(1)}


class Heads(nn.Module):
    """Several critics of the same clips, each with its own weights.

    Args:
        heads: critics by the names of their logits; at most one of them has classes.
    """

    def __init__(self, heads: Mapping[str, nn.Module]):
        super().__init__()
        self.heads = nn.ModuleDict(heads)

    def forward(self, samples: Tensor, labels: Tensor | None = None) -> dict[str, Tensor]:
        """Return {name: (N, K) logits} and, where a critic has classes, {"class": (N, num_classes)}."""
        logits: dict[str, Tensor] = {}
        for name, critic in self.heads.items():
            judged = critic(samples, labels)
            logits[name] = judged.pop("sample")
            logits.update(judged)
        return logits


def _some_frames(clips: Tensor, number: int, *, drawn: bool) -> tuple[Tensor, Tensor]:
    """Return as many different frames of each of (N, C, T, H, W) clips, (N, number, C, H, W), and their places.

    The places are ascending, (N, number); drawn, or spread evenly.
    """
    num_clips, num_frames = len(clips), clips.shape[2]
    if drawn and number < num_frames:
        order = torch.rand(num_clips, num_frames, device=clips.device).argsort(1)  # (N, T)
        places = order[:, :number].sort(1).values  # (N, number)
    else:
        spread = torch.linspace(0, num_frames - 1, number, device=clips.device).round().long()  # (number,)
        places = spread.expand(num_clips, -1)  # (N, number)
    return clips.transpose(1, 2)[torch.arange(num_clips, device=clips.device).unsqueeze(1), places], places
