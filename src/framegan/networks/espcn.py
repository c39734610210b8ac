"""From small samples to large ones: convolutions of the small ones, and a sub-pixel layer (ESPCN, Shi et al. 2016).

What the network makes is added to bicubic enlargement, which is all that an untrained one does. Frames of clips are
enlarged one by one, or each with the one before it at hand as it was enlarged (as Sajjadi et al. 2018, but not warped).
Small samples are large ones that were reduced by an antialiased bicubic kernel, with 8-bit values.
"""

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import NonNegativeInt, PositiveInt
from torch import Tensor, nn

from framegan.networks.beginnings import Beginnings
from framegan.networks.conditioning import Conditional, classes_used
from framegan.reconstruction import Norm
from framegan.resampling import reduced, resized

FINE = 65_536.0
"""Parts of a key's unit, of which any may stand for another small sample."""
UNTRAINED = 1e-3
"""What the last layer's first weights are multiplied by: their part of an untrained sample is less than a level."""


class Kept(Beginnings):
    """Small samples of data, from which those of a seed are enlarged."""

    def __init__(self, shape: Sequence[int], scale: int, num_classes: int):
        channels, *times, height, width = shape
        num_frames = times[0] if times else 1
        super().__init__((channels, num_frames, height // scale, width // scale), num_frames, num_classes)
        self.scale, self.are_clips, self.num_classes = scale, bool(times), num_classes

    def fill(self, clips: Tensor, labels: Tensor) -> None:
        """Keep (N, *shape) samples in [-1, 1] of (N,) labels, reduced."""
        small = reduced(clips, self.scale)
        super().fill(small if self.are_clips else small.unsqueeze(2), labels if self.num_classes else 0 * labels)

    def numbers_of(self, keys: Tensor) -> Tensor:
        """Return a whole number of each key, (N,), by operations that ONNX has."""
        return (keys.float().abs() * FINE).long()

    def forward(self, keys: Tensor, labels: Tensor | None) -> Tensor:
        """Return the small sample that each of (N,) standard normal keys stands for; labels as in `Beginnings`."""
        small = super().forward(keys, labels)
        return small if self.are_clips else small.squeeze(2)


class Generator(nn.Module):
    """Small samples to large ones.

    Latents choose one of a few small samples of the data that are kept with the weights.

    Args:
        shape: (C, H, W) of a large image, or (C, T, H, W) of a clip.
        scale: how many times higher and wider than the small ones they are.
        width: channels of the first layer.
        depth: layers of half as many behind it.
        recurrent: whether the network also gets the frame before as it was enlarged, its pixels as channels.
        norm: what training makes small: see `framegan.reconstruction.distance`.
        num_classes: classes of the data. Enlarging takes none: a class is that of the small sample which is chosen.
        conditional: see `framegan.networks.conditioning.Conditional`.

    Raises:
        ValueError: a side can't be divided by the scale, or images are to be enlarged by what was before.
    """

    latent_dim = 1

    def __init__(
        self,
        shape: Sequence[PositiveInt],
        scale: Literal[2, 3, 4] = 2,
        width: PositiveInt = 64,
        depth: PositiveInt = 3,
        recurrent: bool = False,
        norm: Norm = "charbonnier",
        num_classes: NonNegativeInt = 0,
        conditional: Conditional = False,
    ):
        super().__init__()
        if any(side % scale for side in shape[-2:]):
            height, side = shape[-2:]
            raise ValueError(
                f"model.generator.scale={scale}, but samples of {height} x {side} pixels can't be reduced so; set "
                f"data.resolution to a multiple of {scale}"
            )
        if recurrent and len(shape) == 3:
            raise ValueError("model.generator.recurrent=true is for clips, and these are images; set it to false")
        self.shape, self.scale, self.recurrent, self.norm = tuple(shape), scale, recurrent, norm
        self.num_classes = classes_used(num_classes, conditional)
        self.beginnings = Kept(self.shape, scale, self.num_classes)
        half, outputs = max(1, width // 2), shape[0] * scale**2
        inputs = shape[0] + (outputs if recurrent else 0)
        layers: list[nn.Module] = [nn.Conv2d(inputs, width, 5, padding=2), nn.LeakyReLU(0.2)]
        for wide in [width, *[half] * (depth - 1)]:
            layers += [nn.Conv2d(wide, half, 3, padding=1), nn.LeakyReLU(0.2)]
        last = nn.Conv2d(half, outputs, 3, padding=1)
        self.layers = nn.Sequential(*layers, last)
        with torch.no_grad():
            last.weight.mul_(UNTRAINED)
            nn.init.zeros_(last.bias)  # type: ignore[arg-type]

    def forward(self, latents: Tensor, labels: Tensor | None = None, given: Tensor | None = None) -> Tensor:
        """Return (N, *shape) samples.

        Args:
            latents: (N, 1) standard normal.
            labels: (N,) classes.
            given: (N, *shape) samples in [-1, 1], which are reduced first. None = some that are kept.
        """
        if given is not None:
            return self.enlarged(reduced(given, self.scale))
        return self.enlarged(self.beginnings(latents[:, 0], labels if self.num_classes else None))

    def enlarged(self, small: Tensor, before: Tensor | None = None) -> Tensor:
        """Return (N, C, H, W) images or (N, C, T, H, W) clips of any size, enlarged; within [-1, 1] if evaluated.

        Args:
            before: (N, C, scale * H, scale * W), what the frame before the first one became. None = there is none.
        """
        if small.ndim == 4:
            return self._frames(small, before)
        if not self.recurrent:
            frames = small.transpose(1, 2).flatten(0, 1)
            return self._frames(frames).unflatten(0, (len(small), -1)).transpose(1, 2)
        made = []
        for frame in small.unbind(2):
            before = self._frames(frame, before)
            made.append(before)
        return torch.stack(made, dim=2)

    def _frames(self, small: Tensor, before: Tensor | None = None) -> Tensor:
        height, width = (side * self.scale for side in small.shape[-2:])
        bicubic = resized(small, height, width)
        inputs = small
        if self.recurrent:
            known = (bicubic if before is None else before).clamp(-1, 1)  # in training as in what is evaluated
            inputs = torch.cat([small, F.pixel_unshuffle(known, self.scale)], dim=1)
        made = bicubic + F.pixel_shuffle(self.layers(inputs), self.scale)
        return made if self.training else made.clamp(-1, 1)
