"""Critics of clips: discriminators that any temporal generator can be trained against, alone or together.

Each maps (N, C, T, H, W) to {"sample": (N, K) logits} and, where it has classes, {"class": (N, num_classes) logits}.
All follow one tower: convolutions of kernel 4 that halve space down to the base of DCGAN, then one that makes the
logits. `Heads` puts several side by side, each under a name of its own.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import NonNegativeFloat, NonNegativeInt, PositiveInt
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm as add_spectral_norm

from framegan.networks.dcgan import Normalization, base_and_doublings
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
    """Convolutions down to a map of logits, in two dimensions or three.

    Args:
        widths: channels after each convolution but the last.
        steps: kernel, stride and padding along each axis, of each convolution and the last.
        outputs: channels of the last.
    """

    def __init__(
        self,
        channels: int,
        widths: Sequence[int],
        steps: Sequence[Sequence[Step]],
        outputs: int,
        normalization: Normalization,
        noise: float,
        spectral_norm: bool,
    ):
        super().__init__()
        is_3d = len(steps[0]) == 3
        layers: list[nn.Module] = []
        for level, (narrow, wide) in enumerate(zip([channels, *widths], [*widths, outputs], strict=True)):
            kernel, stride, padding = zip(*steps[level], strict=True)
            is_last = level == len(widths)
            normalized: Normalization = "none" if level == 0 or is_last else normalization
            if noise and not is_last:
                layers.append(Noise(noise))
            convolution = (nn.Conv3d if is_3d else nn.Conv2d)(
                narrow, wide, kernel, stride, padding, bias=normalized == "none"
            )
            layers.append(add_spectral_norm(convolution) if spectral_norm else convolution)
            if not is_last:
                layers += [*_normalization(normalized, wide, is_3d), nn.LeakyReLU(0.2, inplace=True)]
        self.layers = nn.Sequential(*layers)

    def forward(self, samples: Tensor) -> Tensor:
        return self.layers(samples)


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
        widths, in_space = _widths_and_steps((channels, height // pool, side // pool), width, patch)
        in_time: list[Step] = []
        for _ in in_space:
            is_last = len(in_time) == len(widths)
            step = _slide(num_frames) if temporal_stride == 1 or is_last else _halve(num_frames)
            num_frames = (num_frames + 2 * step[2] - step[0]) // step[1] + 1
            in_time.append(step)
        steps = [(time, *space) for time, space in zip(in_time, in_space, strict=True)]
        self.tower = Tower(channels, widths, steps, 1 + self.num_classes, normalization, noise, spectral_norm)

    def forward(self, samples: Tensor, labels: Tensor | None = None) -> dict[str, Tensor]:
        """Return {"sample": (N, K) logits} and, with classes, {"class": (N, num_classes)}.

        Args:
            labels: (N,) classes of the clips; only a projection uses them.
        """
        if self.pool > 1:
            samples = F.avg_pool3d(samples, (1, self.pool, self.pool))
        outputs = self.tower(samples).flatten(2)  # (N, 1 + num_classes, K)
        logits = {"sample": outputs[:, 0]}
        if self.num_classes:
            logits["class"] = outputs[:, 1:].mean(2)
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
        widths, in_space = _widths_and_steps((channels, height, side), width, patch)
        self.tower = Tower(channels, widths, in_space, 1, normalization, noise, spectral_norm)

    def forward(self, samples: Tensor, labels: Tensor | None = None) -> dict[str, Tensor]:
        """Return {"sample": (N, num_frames * K) logits}; labels are not used."""
        frames = _take(samples, _some_frames(samples, self.num_frames, drawn=self.training))  # (N, number, C, H, W)
        return {"sample": self.tower(frames.flatten(0, 1)).unflatten(0, (len(samples), -1)).flatten(1)}


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
        widths, in_space = _widths_and_steps((channels, height, side), width, patch)
        self.tower = Tower(2 * channels + 1, widths, in_space, 1, normalization, noise, spectral_norm)

    def forward(self, samples: Tensor, labels: Tensor | None = None) -> dict[str, Tensor]:
        """Return {"sample": (N, K) logits}; labels are not used."""
        chosen = _some_frames(samples, 2, drawn=self.training)
        first, second = _take(samples, chosen).unbind(1)  # (N, C, H, W) each
        distance = ((chosen[:, 1] - chosen[:, 0]) / self.longest).to(first)
        distance = distance.view(-1, 1, 1, 1).expand(-1, 1, *first.shape[2:])  # (N, 1, H, W)
        return {"sample": self.tower(torch.cat([first, second, distance], dim=1)).flatten(1)}


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


def _widths_and_steps(shape: Sequence[int], width: int, patch: bool) -> tuple[list[int], list[list[Step]]]:
    """Return the channels of a tower's layers, and its steps in space for images (C, H, W)."""
    base, doublings = base_and_doublings(shape)
    halvings = max(0, doublings - 1) if patch else doublings
    widths = [width << min(level, 3) for level in range(halvings)]
    last = [HALVE, HALVE] if patch and doublings else [(size, 1, 0) for size in base]
    return widths, [*[[HALVE, HALVE] for _ in widths], last]


def _slide(num_frames: int) -> Step:
    return min(4, num_frames), 1, 0


def _halve(num_frames: int) -> Step:
    return HALVE if num_frames > 1 else (1, 1, 0)


def _normalization(normalization: Normalization, channels: int, is_3d: bool) -> list[nn.Module]:
    match normalization:
        case "batch":
            return [nn.BatchNorm3d(channels) if is_3d else nn.BatchNorm2d(channels)]
        case "group":
            return [nn.GroupNorm(math.gcd(8, channels), channels)]
        case "none":
            return []


def _some_frames(samples: Tensor, number: int, *, drawn: bool) -> Tensor:
    """Return different frame numbers of each clip, ascending: (N, number), drawn or spread evenly."""
    num_samples, num_frames = len(samples), samples.shape[2]
    if not drawn or number == num_frames:
        spread = torch.linspace(0, num_frames - 1, number, device=samples.device).round().long()
        return spread.expand(num_samples, -1)
    order = torch.rand(num_samples, num_frames, device=samples.device).argsort(1)  # (N, T)
    return order[:, :number].sort(1).values


def _take(samples: Tensor, frames: Tensor) -> Tensor:
    """Return these frames of (N, C, T, H, W) clips: (N, number) -> (N, number, C, H, W)."""
    return samples.transpose(1, 2)[torch.arange(len(samples), device=samples.device).unsqueeze(1), frames]
