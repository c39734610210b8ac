"""VGAN: a static background, and a foreground that moves in front of it (Vondrick et al. 2016, Section 3.1).

clip = mask * foreground + (1 - mask) * background, with the mask in [0, 1] kept sparse. Made for stabilised video: a
background that moves can't be represented.
"""

from collections.abc import Sequence

from pydantic import NonNegativeFloat, PositiveInt
from torch import Tensor, nn

from framegan.networks import dcgan, dcgan3d


class Generator(nn.Module):
    """Latents to a background, a foreground and its mask, and these to a clip.

    Args:
        shape: (C, T, H, W) of one clip.
        width: channels before the last layer; each layer nearer to the base has twice as many.
        mask_weight: weight of the mean of the mask in the generator's loss (0.1 in the paper).
    """

    penalty: Tensor | None
    """(N,): what the last training forward adds to the generator's loss."""

    def __init__(
        self,
        shape: Sequence[PositiveInt],
        latent_dim: PositiveInt = 100,
        width: PositiveInt = 64,
        mask_weight: NonNegativeFloat = 0.1,
    ):
        super().__init__()
        self.shape = tuple(shape)
        self.latent_dim = latent_dim
        self.mask_weight = mask_weight
        self.penalty = None
        self.moving = dcgan3d.Decoder(shape, latent_dim, width)
        self.longer_clips = self.moving.longer_clips
        self.foreground, self.mask = self.moving.head(shape[0]), self.moving.head(1)
        self.background = dcgan.Generator((shape[0], *shape[2:]), latent_dim, width)
        self.apply(dcgan3d.initialize)

    def composition(
        self, latents: Tensor, labels: Tensor | None = None, num_frames: int | None = None
    ) -> dict[str, Tensor]:
        """Return what a clip is made of, each (N, ., T or 1, H, W) in [-1, 1]; the mask from 0 (-1) to 1 (1)."""
        mask, foreground = self.moving(latents, [self.mask, self.foreground], num_frames)  # (N, 1 or C, T, H, W)
        background = self.background(latents).unsqueeze(2)  # (N, C, 1, H, W)
        return {"mask": mask.sigmoid() * 2 - 1, "foreground": foreground.tanh(), "background": background}

    def forward(self, latents: Tensor, labels: Tensor | None = None, num_frames: int | None = None) -> Tensor:
        """Return (N, C, T, H, W) clips in [-1, 1] of (N, latent_dim) latents; labels are not used."""
        layers = self.composition(latents, labels, num_frames)
        mask = (layers["mask"] + 1) / 2  # (N, 1, T, H, W)
        self.penalty = self.mask_weight * mask.flatten(1).mean(1) if self.training else None  # (N,)
        return mask * layers["foreground"] + (1 - mask) * layers["background"]  # (N, C, T, H, W)
