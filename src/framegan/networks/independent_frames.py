"""A control without motion: every frame of a clip is a DCGAN sample of its own (Radford et al. 2016).

What a temporal generator scores above it, it owes to modelling time.
"""

from collections.abc import Iterator, Sequence

from pydantic import NonNegativeInt, PositiveInt
from torch import Tensor, nn

from framegan.networks import dcgan
from framegan.networks.conditioning import Conditional
from framegan.networks.mocogan import require_clips


class Generator(nn.Module):
    """Latents for each frame to a clip of unrelated frames.

    Args:
        shape: (C, T, H, W) of one clip.
        frame_dim: size of the latents of one frame.
        width: this and what follows as in `dcgan.Generator`.
    """

    longer_clips = "each frame is a picture of its own, in the trained length and beyond"

    def __init__(
        self,
        shape: Sequence[PositiveInt],
        frame_dim: PositiveInt = 60,
        width: PositiveInt = 64,
        normalization: dcgan.Normalization = "batch",
        num_classes: NonNegativeInt = 0,
        conditional: Conditional = False,
        class_dim: PositiveInt = 32,
    ):
        super().__init__()
        channels, self.num_frames, height, side = require_clips(shape, "independent_frames")
        self.shape = tuple(shape)
        self.frame_dim = frame_dim
        self.latent_dim = self.num_frames * frame_dim
        of_class = num_classes, conditional, class_dim
        self.frames = dcgan.Generator((channels, height, side), frame_dim, width, normalization, *of_class)
        self.num_classes = self.frames.num_classes

    def latent_parts(self, num_frames: int) -> dict[str, int]:
        """Return the sizes of the parts of a clip's latents."""
        return {"frames": num_frames * self.frame_dim}

    def forward(self, latents: Tensor, labels: Tensor | None = None, num_frames: int | None = None) -> Tensor:
        """Return (N, C, T, H, W) clips in [-1, 1] of (N, T * frame_dim) latents and (N,) labels."""
        num_frames = num_frames or self.num_frames
        (clips,) = self.pieces(latents, labels, num_frames, num_frames)
        return clips

    def pieces(self, latents: Tensor, labels: Tensor | None, num_frames: int, at_once: int) -> Iterator[Tensor]:
        """Yield the frames of clips a few at a time, (N, C, at_once, H, W), the last time those that are left."""
        for some in latents.unflatten(1, (num_frames, self.frame_dim)).split(at_once, dim=1):  # (N, t, frame_dim)
            of_frames = None if labels is None else labels.repeat_interleave(some.shape[1])  # (N * t,)
            frames = self.frames(some.flatten(0, 1), of_frames)  # (N * t, C, H, W)
            yield frames.unflatten(0, (-1, some.shape[1])).transpose(1, 2).contiguous()
