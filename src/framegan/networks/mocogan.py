"""MoCoGAN: one content code for a whole clip, one motion code for each frame (Tulyakov et al. 2018).

Clips are (N, C, T, H, W). Frames are made one by one from [content, motion code], by the decoder of DCGAN with the
frames folded into the batch, so that any number of them can be made.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import torch
import torch.nn.functional as F
from pydantic import NonNegativeInt, PositiveInt
from torch import Tensor, nn

from framegan.networks import dcgan
from framegan.networks.conditioning import Conditional, classes_used
from framegan.networks.motion import Continuous, Driven, Initial


def require_clips(shape: Sequence[int], model: str) -> tuple[int, int, int, int]:
    """Return (C, T, H, W), or raise ValueError where a shape is not that of a clip."""
    if len(shape) != 4:
        raise ValueError(
            f"{model} is for clips (C, T, H, W); got shape={list(shape)}. Choose data of clips with data.num_frames "
            "above 1, or another model for images."
        )
    channels, num_frames, height, width = shape
    return channels, num_frames, height, width


def decoder_of_frames(
    shape: Sequence[int], code_dim: int, width: int, normalization: dcgan.Normalization, self_modulation: bool = False
) -> dcgan.Generator:
    """Return DCGAN's generator with PyTorch's own start, as in the authors' code, not DCGAN's: it learns sooner."""
    decoder = dcgan.Generator(shape, code_dim, width, normalization, self_modulation=self_modulation)
    for layer in decoder.layers:
        if hasattr(layer, "reset_parameters"):
            layer.reset_parameters()  # type: ignore[operator]
    return decoder


class Generator(nn.Module):
    """Content, motion and category to a clip.

    Args:
        shape: (C, T, H, W) of one clip.
        num_classes: classes of the data: the paper's categories, as one-hot codes.
        conditional: see `framegan.networks.conditioning.Conditional`.
        motion: what turns noise into motion codes; see `framegan.networks.motion`.
        category_route: give the category to the motion's network ("rnn", the paper's default, the best row of its
            Table 4) or to the frames' ("generator", what the authors' code does).
        initial_state: where the motion starts, but for conv1d.
        knot_distance: frames from one knot of motion="conv1d" to the next.
        width: channels before the last layer of a frame; each layer nearer to the base has twice as many.
        self_modulation: let the codes set the gain and offset of every normalisation too (Chen et al. 2019).
        content_signs: let the frames see the signs of the content too, as the motion does whose initial_state is
            "disconnected": what comes in kinds needs nothing between them.

    Attributes:
        class_part: see `framegan.networks.stylegan2.Generator`; the category is that of a motion.
    """

    class_part = "motion"

    def __init__(
        self,
        shape: Sequence[PositiveInt],
        num_classes: NonNegativeInt = 0,
        conditional: Conditional = "auto",
        content_dim: PositiveInt = 50,
        motion_dim: PositiveInt = 10,
        motion: Literal["gru", "lstm", "transformer", "conv1d"] = "gru",
        category_route: Literal["rnn", "generator"] = "rnn",
        initial_state: Initial = "learned",
        knot_distance: PositiveInt = 8,
        width: PositiveInt = 64,
        normalization: dcgan.Normalization = "batch",
        self_modulation: bool = False,
        content_signs: bool = False,
    ):
        super().__init__()
        channels, self.num_frames, height, side = require_clips(shape, "mocogan")
        self.shape = tuple(shape)
        self.num_classes = classes_used(num_classes, conditional)
        self.content_dim, self.content_signs = content_dim, content_signs
        self.category_route = category_route
        to_motion, to_frames = (self.num_classes, 0) if category_route == "rnn" else (0, self.num_classes)
        self.motion: Driven | Continuous
        if motion == "conv1d":
            self.motion = Continuous(motion_dim, to_motion, knot_distance)
        else:
            self.motion = Driven(motion, motion_dim, to_motion, initial_state, self.num_frames)
        self.longer_clips = self.motion.longer_clips
        self.latent_dim = sum(self.latent_parts(self.num_frames).values())
        code_dim = content_dim * (1 + content_signs) + to_frames + motion_dim
        self.frames = decoder_of_frames((channels, height, side), code_dim, width, normalization, self_modulation)

    def latent_parts(self, num_frames: int) -> dict[str, int]:
        """Return the sizes of the parts of a clip's latents, in their order."""
        return {"content": self.content_dim, "motion": self.motion.noise_dim(num_frames)}

    def forward(self, latents: Tensor, labels: Tensor | None = None, num_frames: int | None = None) -> Tensor:
        """Return (N, C, T, H, W) clips in [-1, 1].

        Args:
            latents: (N, content_dim + motion's noise) standard normal; see `latent_parts`.
            labels: (N,) categories in [0, num_classes).
            num_frames: T. None = as trained.
        """
        return self._frames(self._codes(latents, labels, num_frames or self.num_frames))

    def pieces(self, latents: Tensor, labels: Tensor | None, num_frames: int, at_once: int) -> Iterator[Tensor]:
        """Yield the frames of clips a few at a time, (N, C, at_once, H, W), the last time those that are left."""
        for codes in self._codes(latents, labels, num_frames).split(at_once, dim=1):
            yield self._frames(codes)

    def onward(self, content: Tensor, noise: Tensor, labels: Tensor | None, state: Any) -> tuple[Tensor, Any]:
        """Return the next (N, C, T, H, W) frames of clips, and the state in which they leave the motion.

        Args:
            content: (N, T, content_dim), that of each frame.
            noise: the motion's, (N, as much as `latent_parts` says for T frames); of frames behind the first call's
                what a clip that is so much longer takes more.
            labels: as of `forward`.
            state: what the last call returned. None = the clips begin.
        """
        codes, state = self._codes_onward(content, noise, labels, state)
        return self._frames(codes), state

    def _codes(self, latents: Tensor, labels: Tensor | None, num_frames: int) -> Tensor:
        """Return what each frame is made of, (N, T, code_dim)."""
        content, noise = latents[:, : self.content_dim], latents[:, self.content_dim :]  # (N, content_dim), (N, rest)
        content = content.unsqueeze(1).expand(-1, num_frames, -1)  # (N, T, content_dim)
        return self._codes_onward(content, noise, labels, None)[0]

    def _codes_onward(self, content: Tensor, noise: Tensor, labels: Tensor | None, state: Any) -> tuple[Tensor, Any]:
        """Return what each of the next frames is made of, (N, T, code_dim), and the state of the motion."""
        num_frames, to_motion = content.shape[1], noise[:, :0]  # (N, 0): no category
        if self.content_signs:
            content = torch.cat([content, content.sign()], dim=2)  # (N, T, 2 * content_dim)
        if self.num_classes:
            assert labels is not None, "a generator with categories takes labels"
            category = F.one_hot(labels, self.num_classes).to(content)  # (N, num_classes)
            if self.category_route == "rnn":
                to_motion = category
            else:
                of_frames = category.unsqueeze(1).expand(-1, num_frames, -1)
                content = torch.cat([content, of_frames], dim=2)  # (N, T, code_dim - motion_dim)
        motion, state = self.motion.onward(noise, to_motion, num_frames, state)  # (N, T, motion_dim)
        return torch.cat([content, motion], dim=2), state

    def _frames(self, codes: Tensor) -> Tensor:
        frames = self.frames(codes.flatten(0, 1))  # (N * T, C, H, W)
        return frames.unflatten(0, (-1, codes.shape[1])).transpose(1, 2).contiguous()  # (N, C, T, H, W)
