"""DCGAN with time as a third axis: one stream of transposed 3-D convolutions (Vondrick et al. 2016, Section 3.1).

Space doubles as in DCGAN. Time doubles with it, from a base of at least 2 frames, in the layers next to the base; the
layers left over double space alone. At 32 x 64 x 64 that is the published network.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

from pydantic import PositiveInt
from torch import Tensor, nn

from framegan.networks import dcgan
from framegan.networks.mocogan import require_clips


class Decoder(nn.Module):
    """A code to features of a clip, doubled up from a base of a few frames and pixels.

    Args:
        shape: (C, T, H, W) of one clip.
        width: channels of the features; each layer nearer to the base has twice as many.
    """

    def __init__(self, shape: Sequence[int], code_dim: int, width: int):
        super().__init__()
        channels, self.num_frames, height, side = require_clips(shape, "dcgan3d")
        base, doublings = dcgan.base_and_doublings((channels, height, side))
        time_doublings = max(0, min(doublings, math.floor(math.log2(self.num_frames / 2))))
        self.frames_per_step = 2**time_doublings
        self.base_frames = math.ceil(self.num_frames / self.frames_per_step)
        widths = [width << level for level in reversed(range(doublings))] or [width]
        first = nn.ConvTranspose3d(code_dim, widths[0], (self.base_frames, *base), bias=False)
        layers: list[nn.Module] = [first, nn.BatchNorm3d(widths[0]), nn.ReLU(inplace=True)]
        for level, (wide, narrow) in enumerate(pairwise(widths)):
            layers += [doubling(wide, narrow, doubles_time=level < time_doublings, bias=False)]
            layers += [nn.BatchNorm3d(narrow), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers)
        self.width = widths[-1]
        self.last_doubles_space = doublings > 0
        self.last_doubles_time = time_doublings == doublings and doublings > 0
        self.apply(initialize)

    @property
    def longer_clips(self) -> str:
        """What becomes of clips that are longer than the trained ones."""
        return (
            f"between their first and last frames they repeat {self.frames_per_step} frames over and over, which were "
            "not trained like that"
        )

    def head(self, channels: int) -> nn.Module:
        """Return a last layer, from the features to the channels of a whole clip."""
        if not self.last_doubles_space:
            return nn.Conv3d(self.width, channels, 3, padding=1)
        return doubling(self.width, channels, doubles_time=self.last_doubles_time, bias=True)

    def forward(self, codes: Tensor, num_frames: int | None = None) -> Tensor:
        """Return (N, width, T', H / 2, W / 2) features of (N, code_dim) codes, for a head; see `crop`.

        More frames than the network was trained for come from feeding the code for longer.
        """
        base_frames = math.ceil((num_frames or self.num_frames) / self.frames_per_step)
        repeats = max(1, base_frames - self.base_frames + 1)
        return self.layers(codes[:, :, None, None, None].expand(-1, -1, repeats, -1, -1))

    def crop(self, clips: Tensor, num_frames: int | None = None) -> Tensor:
        """Return the first `num_frames` frames of a head's (N, C, T', H, W)."""
        return clips[:, :, : num_frames or self.num_frames]


def doubling(wide: int, narrow: int, *, doubles_time: bool, bias: bool) -> nn.ConvTranspose3d:
    """Return a layer that doubles the sides of (N, wide, T, H, W) and, if told so, the frames."""
    if doubles_time:
        return nn.ConvTranspose3d(wide, narrow, 4, stride=2, padding=1, bias=bias)
    return nn.ConvTranspose3d(wide, narrow, (3, 4, 4), stride=(1, 2, 2), padding=1, bias=bias)


def initialize(module: nn.Module) -> None:
    """Draw weights from N(0, 0.01^2) (Vondrick et al. 2016, Section 3.3)."""
    if isinstance(module, nn.Conv3d | nn.ConvTranspose3d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.01)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


class Generator(nn.Module):
    """Latents to a clip in one stream.

    Args:
        shape: (C, T, H, W) of one clip.
        width: channels before the last layer; each layer nearer to the base has twice as many.
    """

    def __init__(self, shape: Sequence[PositiveInt], latent_dim: PositiveInt = 100, width: PositiveInt = 64):
        super().__init__()
        self.shape = tuple(shape)
        self.latent_dim = latent_dim
        self.decoder = Decoder(shape, latent_dim, width)
        self.head = self.decoder.head(shape[0])
        initialize(self.head)

    @property
    def longer_clips(self) -> str:
        return self.decoder.longer_clips

    def forward(self, latents: Tensor, labels: Tensor | None = None, num_frames: int | None = None) -> Tensor:
        """Return (N, C, T, H, W) clips in [-1, 1] of (N, latent_dim) latents; labels are not used."""
        return self.decoder.crop(self.head(self.decoder(latents, num_frames)), num_frames).tanh()
