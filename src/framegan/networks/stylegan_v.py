"""StyleGAN-V: StyleGAN2's frames, of one style for a clip and a motion code for any moment (Skorokhodov et al. 2022).

The motion codes are noise at knots in time, filtered and read off in between (`framegan.networks.motion.Continuous`),
and stand beside the base map of the frames, which is all that moves (Sections 3.1 and 3.2). Frames take no noise.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from pydantic import NonNegativeInt, PositiveInt
from torch import Tensor, nn

from framegan.networks import stylegan2
from framegan.networks.conditioning import ClassGenerator, Conditional
from framegan.networks.mocogan import require_clips
from framegan.networks.motion import Continuous


class Generator(ClassGenerator):
    """Content and motion to a clip, at any moments.

    Args:
        shape: (C, T, H, W) of one clip.
        style_dim: size of the style, and of the content that it is made of.
        mapping_depth: layers from one to the other.
        motion_dim: size of a motion code, and of the noise at each knot.
        knot_distance: frames from one knot to the next.
        width: channels at the size of the frame; each smaller size has twice as many, up to `widest`.
        num_classes: classes of the data; this and what follows as in `framegan.networks.conditioning.ClassGenerator`.
            The class goes with the content and with the motion.

    Attributes:
        class_part: see `framegan.networks.stylegan2.Generator`.
    """

    class_part = "content"

    def __init__(
        self,
        shape: Sequence[PositiveInt],
        style_dim: PositiveInt = 512,
        mapping_depth: PositiveInt = 2,
        motion_dim: PositiveInt = 512,
        knot_distance: PositiveInt = 16,
        width: PositiveInt = 32,
        widest: PositiveInt = 512,
        num_classes: NonNegativeInt = 0,
        conditional: Conditional = False,
        class_dim: PositiveInt = 32,
    ):
        channels, self.num_frames, height, side = require_clips(shape, "stylegan_v")
        super().__init__(shape, style_dim, num_classes, conditional, class_dim)
        self.frames = stylegan2.Generator(
            *((channels, height, side), style_dim, mapping_depth, width, widest),
            mixing=0.0,
            num_classes=num_classes,
            conditional=conditional,
            noisy=False,
            given_dim=motion_dim,
        )
        self.motion = Continuous(motion_dim, self.given.channels, knot_distance)
        for layer in self.motion.filters:
            if isinstance(layer, nn.Conv1d):  # motion begins as large as the base map: nothing normalises the two
                nn.init.kaiming_normal_(layer.weight, 0.2)
        self.longer_clips = self.motion.longer_clips
        self.latent_dim = sum(self.latent_parts(self.num_frames).values())

    def latent_parts(self, num_frames: int) -> dict[str, int]:
        """Return the sizes of the parts of a clip's latents, in their order."""
        return {"content": self.frames.style_dim, "motion": self.motion.noise_dim(num_frames)}

    def pieces(
        self,
        latents: Tensor,
        labels: Tensor | None,
        num_frames: int,
        at_once: int,
        truncation: float | None = None,
    ) -> Iterator[Tensor]:
        """Yield the frames of clips a few at a time, (N, C, at_once, H, W), the last time those that are left."""
        for times in torch.arange(num_frames, device=latents.device).split(at_once):
            yield self(latents, labels, truncation=truncation, times=times)

    def forward(
        self,
        latents: Tensor,
        labels: Tensor | None = None,
        num_frames: int | None = None,
        truncation: float | None = None,
        times: Tensor | None = None,
    ) -> Tensor:
        """Return (N, C, T, H, W) clips, about [-1, 1].

        Args:
            latents: (N, content and motion) standard normal; see `latent_parts`.
            labels: (N,) classes.
            num_frames: T. None = as trained.
            truncation: how far a clip's style is from the mean, beside how far it would be; 1 and None: as trained.
            times: (T,) moments in frames, in place of 0, 1, ...; each frame is the same whatever the others are.

        Raises:
            ValueError: there is no motion at those times.
        """
        content, noise = latents[:, : self.frames.style_dim], latents[:, self.frames.style_dim :]
        if times is None:
            times = torch.arange(num_frames or self.num_frames, device=latents.device)
        elif times.min() < 0 or times.max() > self.motion.last_time(noise):
            said = f"times from {times.min().item():g} to {times.max().item():g}, and the latents' motion is that of"
            raise ValueError(f"{said} 0 to {self.motion.last_time(noise)}; draw them for more num_frames")
        style = self._style(content, labels, truncation)  # (N, style_dim)
        motion = self.motion.at(noise, self.given(latents[:, :0], labels), times)  # (N, T, motion_dim)
        return self._clips(style.unsqueeze(1).expand(-1, len(times), -1), motion)

    def onward(
        self, content: Tensor, noise: Tensor, labels: Tensor | None, state: Any, truncation: float | None = None
    ) -> tuple[Tensor, Any]:
        """Return the next (N, C, T, H, W) frames of clips, and the state in which they leave the motion.

        Args:
            content: (N, T, style_dim), that of each frame; this and the rest as of
                `framegan.networks.mocogan.Generator.onward`.
            truncation: as of `forward`.
        """
        num_frames = content.shape[1]
        of_frames = None if labels is None else labels.repeat_interleave(num_frames)
        styles = self._style(content.flatten(0, 1), of_frames, truncation).unflatten(0, (-1, num_frames))
        motion, state = self.motion.onward(noise, self.given(noise[:, :0], labels), num_frames, state)
        return self._clips(styles, motion), state

    def _style(self, content: Tensor, labels: Tensor | None, truncation: float | None) -> Tensor:
        style = self.frames.style(content, labels)
        return style if truncation is None else self.frames.mean_style.lerp(style, truncation)

    def _clips(self, styles: Tensor, motion: Tensor) -> Tensor:
        """Return (N, C, T, H, W) clips of (N, T, style_dim) styles and (N, T, motion_dim) motion codes."""
        of_layers = styles.flatten(0, 1).unsqueeze(1).expand(-1, len(self.frames.layers) + 1, -1)
        frames = self.frames.images(of_layers, given=motion.flatten(0, 1))  # (N * T, C, H, W)
        return frames.unflatten(0, motion.shape[:2]).transpose(1, 2).contiguous()
