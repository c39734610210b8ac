"""VGAN: a static background, and a foreground that moves in front of it (Vondrick et al. 2016, Section 3.1).

clip = mask * foreground + (1 - mask) * background, with the mask in [0, 1] kept sparse. Made for stabilised video: a
background that moves can't be represented.
"""

from collections.abc import Sequence

from pydantic import NonNegativeFloat, NonNegativeInt, PositiveInt
from torch import Tensor

from framegan.networks import dcgan, dcgan3d
from framegan.networks.conditioning import ClassGenerator, Conditional


class Generator(ClassGenerator):
    """Latents to a background, a foreground and its mask, and these to a clip.

    Args:
        shape: (C, T, H, W) of one clip.
        width: channels before the last layer; each layer nearer to the base has twice as many.
        mask_weight: weight of the mean of the mask in the generator's loss (0.1 in the paper).
        num_classes: classes of the data; this and what follows as in `framegan.networks.conditioning.ClassGenerator`.
    """

    penalty: Tensor | None
    """(N,): what the last training forward adds to the generator's loss."""

    def __init__(
        self,
        shape: Sequence[PositiveInt],
        latent_dim: PositiveInt = 100,
        width: PositiveInt = 64,
        mask_weight: NonNegativeFloat = 0.1,
        num_classes: NonNegativeInt = 0,
        conditional: Conditional = False,
        class_dim: PositiveInt = 32,
    ):
        super().__init__(shape, latent_dim, num_classes, conditional, class_dim)
        self.mask_weight = mask_weight
        self.penalty = None
        self.moving = dcgan3d.Decoder(shape, self.num_inputs, width)
        self.longer_clips = self.moving.longer_clips
        self.foreground, self.mask = self.moving.head(shape[0]), self.moving.head(1)
        self.background = dcgan.Generator((shape[0], *shape[2:]), self.num_inputs, width)
        self.apply(dcgan3d.initialize)

    def composition(
        self, latents: Tensor, labels: Tensor | None = None, num_frames: int | None = None
    ) -> dict[str, Tensor]:
        """Return what a clip is made of, each (N, ., T or 1, H, W) in [-1, 1]; the mask from 0 (-1) to 1 (1)."""
        codes = self.given(latents, labels)  # (N, num_inputs)
        mask, foreground = self.moving(codes, [self.mask, self.foreground], num_frames)  # (N, 1 or C, T, H, W)
        background = self.background(codes).unsqueeze(2)  # (N, C, 1, H, W)
        return {"mask": mask.sigmoid() * 2 - 1, "foreground": foreground.tanh(), "background": background}

    def forward(self, latents: Tensor, labels: Tensor | None = None, num_frames: int | None = None) -> Tensor:
        """Return (N, C, T, H, W) clips in [-1, 1] of (N, latent_dim) latents and (N,) labels."""
        layers = self.composition(latents, labels, num_frames)
        mask = (layers["mask"] + 1) / 2  # (N, 1, T, H, W)
        self.penalty = self.mask_weight * mask.flatten(1).mean(1) if self.training else None  # (N,)
        return mask * layers["foreground"] + (1 - mask) * layers["background"]  # (N, C, T, H, W)
