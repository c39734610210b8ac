"""Critics of clips: discriminators that any temporal generator can be trained against, alone or together.

Each maps (N, C, T, H, W) and (N,) labels to {"sample": (N, K) logits} and, where it predicts the class, {"class": (N,
num_classes) logits}. `Heads` puts several side by side, each under a name of its own. What they draw in training, which
frames and noise, is a function of the (N,) keys of the samples; without keys PyTorch draws it.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import NonNegativeFloat, NonNegativeInt, PositiveInt
from torch import Tensor, nn

from framegan import noise
from framegan.networks.conditioning import ClassCritic, Conditional, Conditioning, of_classes
from framegan.networks.dcgan import Normalization
from framegan.networks.drawing import keys_for
from framegan.networks.mocogan import require_clips
from framegan.networks.tower import Tower

CHOICE, FRAMES = 1 << 16, 1 << 17
"""Parts of the noise of a key, behind those of layers: which frames are seen, and the keys of each."""


class ClipCritic(ClassCritic):
    """Judges whole clips.

    Args:
        shape: (C, T, H, W) of one clip.
        num_classes: classes of the data; this and the next three as in `framegan.networks.conditioning.ClassCritic`.
        width: channels after the first layer; each further one has twice as many, up to 8 times.
        temporal_stride: 1 slides over time without padding (MoCoGAN); 2 halves time as it halves space (VGAN, TGAN).
        patch: leave a map of logits, each of a part of the clip, in place of one.
        pool: average squares of this side first; 2 looks at half the resolution (Clark et al. 2019).
        noise: standard deviation of the noise added before each layer in training.
        spectral_norm: divide every weight by its largest singular value (Miyato et al. 2018).
        hidden: units of a layer between the last map and the logits, which are then no sum over its places: two things
            far apart count as two. 0: there is none.
    """

    def __init__(
        self,
        shape: Sequence[PositiveInt],
        num_classes: NonNegativeInt = 0,
        conditional: Conditional = "auto",
        conditioning: Conditioning = "projection",
        class_dim: PositiveInt = 32,
        width: PositiveInt = 64,
        temporal_stride: Literal[1, 2] = 1,
        patch: bool = False,
        pool: PositiveInt = 1,
        normalization: Normalization = "batch",
        noise: NonNegativeFloat = 0.0,
        spectral_norm: bool = False,
        hidden: NonNegativeInt = 0,
    ):
        super().__init__(num_classes, conditional, conditioning, class_dim)
        channels, num_frames, height, side = require_clips(shape, "a critic of clips")
        self.pool = pool
        seen = channels + self.given.channels, num_frames, height // pool, side // pool
        self.tower = Tower(
            seen, self.num_outputs, width, patch, normalization, noise, spectral_norm, temporal_stride, hidden
        )
        of_classes(self.tower.layers[-1], first=1)

    def forward(self, samples: Tensor, labels: Tensor | None = None, keys: Tensor | None = None) -> dict[str, Tensor]:
        """Return the logits of (N, C, T, H, W) clips and (N,) labels."""
        if self.pool > 1:
            samples = F.avg_pool3d(samples, (1, self.pool, self.pool))  # (N, C, T, H / pool, W / pool)
        return self.logits(self.tower(self.given(samples, labels), keys).flatten(2), labels)


class FrameCritic(ClassCritic):
    """Judges a few frames of each clip by themselves.

    The arguments not listed are those of `ClipCritic`.

    Args:
        shape: (C, T, H, W) of one clip.
        num_frames: frames of each clip that it sees, drawn again each time in training; None = all.
        times: tell it the moment of each frame too, as a further channel.
    """

    def __init__(
        self,
        shape: Sequence[PositiveInt],
        num_frames: PositiveInt | None = 1,
        num_classes: NonNegativeInt = 0,
        conditional: Conditional = "auto",
        conditioning: Conditioning = "projection",
        class_dim: PositiveInt = 32,
        width: PositiveInt = 64,
        patch: bool = False,
        normalization: Normalization = "batch",
        noise: NonNegativeFloat = 0.0,
        spectral_norm: bool = False,
        hidden: NonNegativeInt = 0,
        times: bool = False,
    ):
        super().__init__(num_classes, conditional, conditioning, class_dim)
        channels, length, height, side = require_clips(shape, "a critic of frames")
        self.num_frames = min(num_frames or length, length)
        self.times, self.longest = times, max(1, length - 1)
        seen = channels + times + self.given.channels, height, side
        self.tower = Tower(seen, self.num_outputs, width, patch, normalization, noise, spectral_norm, hidden=hidden)
        of_classes(self.tower.layers[-1], first=1)

    def forward(self, samples: Tensor, labels: Tensor | None = None, keys: Tensor | None = None) -> dict[str, Tensor]:
        """Return the logits of (N, C, T, H, W) clips and (N,) labels; those of a clip are those of its frames."""
        keys = keys_for(samples, keys) if self.training else None
        frames, places = _some_frames(samples, self.num_frames, keys)  # (N, F, C, H, W), (N, F)
        seen = frames.flatten(0, 1)  # (N * F, C, H, W)
        if self.times:
            seen = _with_channel(seen, places.flatten() / self.longest)  # (N * F, C + 1, H, W)
        of_frames = None if labels is None else labels.repeat_interleave(self.num_frames)  # (N * F,)
        if keys is not None:
            keys = noise.other_keys(keys, self.num_frames, FRAMES).flatten()  # (N * F,)
        outputs = self.tower(self.given(seen, of_frames), keys)  # (N * F, num_outputs, H', W')
        return self.logits(outputs.flatten(2).unflatten(0, frames.shape[:2]).transpose(1, 2).flatten(2), labels)


class PairCritic(ClassCritic):
    """Judges two frames and the time between them (Yu et al. 2022, Section 3.2).

    The arguments not listed are those of `ClipCritic`.

    Args:
        shape: (C, T, H, W) of one clip; two different frames are drawn again each time in training.
    """

    def __init__(
        self,
        shape: Sequence[PositiveInt],
        num_classes: NonNegativeInt = 0,
        conditional: Conditional = "auto",
        conditioning: Conditioning = "projection",
        class_dim: PositiveInt = 32,
        width: PositiveInt = 64,
        patch: bool = False,
        normalization: Normalization = "batch",
        noise: NonNegativeFloat = 0.0,
        spectral_norm: bool = False,
        hidden: NonNegativeInt = 0,
    ):
        super().__init__(num_classes, conditional, conditioning, class_dim)
        channels, length, height, side = require_clips(shape, "a critic of pairs")
        if length < 2:
            raise ValueError("a critic of pairs needs clips of at least 2 frames; set data.num_frames")
        self.longest = length - 1
        seen = 2 * channels + 1 + self.given.channels, height, side
        self.tower = Tower(seen, self.num_outputs, width, patch, normalization, noise, spectral_norm, hidden=hidden)
        of_classes(self.tower.layers[-1], first=1)

    def forward(self, samples: Tensor, labels: Tensor | None = None, keys: Tensor | None = None) -> dict[str, Tensor]:
        """Return the logits of (N, C, T, H, W) clips and (N,) labels."""
        keys = keys_for(samples, keys) if self.training else None
        frames, places = _some_frames(samples, 2, keys)  # (N, 2, C, H, W), (N, 2)
        pairs = _with_channel(frames.flatten(1, 2), places.diff(dim=1).flatten() / self.longest)  # (N, 2 * C + 1, H, W)
        return self.logits(self.tower(self.given(pairs, labels), keys).flatten(2), labels)


class Heads(nn.Module):
    """Several critics of the same clips, each with its own weights.

    Args:
        heads: critics by the names of their logits.
    """

    def __init__(self, heads: Mapping[str, nn.Module]):
        super().__init__()
        self.heads = nn.ModuleDict(heads)

    def forward(self, samples: Tensor, labels: Tensor | None = None, keys: Tensor | None = None) -> dict[str, Tensor]:
        """Return {name: (N, K) logits} and {"class": (N, num_classes)}, the mean of what critics predict, if any."""
        judged = {}
        for number, (name, critic) in enumerate(self.heads.items()):
            own = {}
            if keys is not None and noise.takes_keys(critic):
                own["keys"] = noise.other_keys(keys, 1, number)[:, 0]  # (N,)
            judged[name] = critic(samples, labels, **own)
        logits: dict[str, Tensor] = {name: of_head["sample"] for name, of_head in judged.items()}
        predicted = [of_head["class"] for of_head in judged.values() if "class" in of_head]
        return logits | ({"class": torch.stack(predicted).mean(0)} if predicted else {})


def _with_channel(frames: Tensor, values: Tensor) -> Tensor:
    """Return (N, C, H, W) frames with a channel more, which is all one of the (N,) values: (N, C + 1, H, W)."""
    channel = values.to(frames).view(-1, 1, 1, 1).expand(-1, 1, *frames.shape[2:])
    return torch.cat([frames, channel], dim=1)


def _some_frames(clips: Tensor, number: int, keys: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return as many different frames of each of (N, C, T, H, W) clips, (N, number, C, H, W), and their places.

    The places are ascending, (N, number); by the (N,) keys, or, without any, spread evenly.
    """
    num_clips, num_frames = len(clips), clips.shape[2]
    if keys is not None and number < num_frames:
        order = noise.uniform_of_keys(keys, num_frames, CHOICE).argsort(1)  # (N, T)
        places = order[:, :number] if number == 1 else order[:, :number].sort(1).values  # (N, number)
    else:
        spread = torch.linspace(0, num_frames - 1, number, device=clips.device).round().long()  # (number,)
        places = spread.expand(num_clips, -1)  # (N, number)
    return clips.transpose(1, 2)[torch.arange(num_clips, device=clips.device).unsqueeze(1), places], places
