"""DCGAN with time as a third axis: one stream of transposed 3-D convolutions (Vondrick et al. 2016, Section 3.1).

Space doubles as in DCGAN. Time doubles with it, from a base of at least 2 frames, in the layers next to the base; the
layers left over double space alone. At 32 x 64 x 64 that is the published network.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

from pydantic import NonNegativeInt, PositiveInt
from torch import Tensor, nn

from framegan.networks import dcgan
from framegan.networks.conditioning import ClassGenerator, Conditional
from framegan.networks.mocogan import require_clips


class Decoder(nn.Module):
    """A code to features of a clip, doubled up from a base of a few frames and pixels, and through heads to the clip.

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
        layers: list[nn.Module] = [first, nn.BatchNorm3d(widths[0]), nn.ReLU(inplace=True)]  # (N, wide, T', *base)
        for level, (wide, narrow) in enumerate(pairwise(widths)):
            layers += [doubling(wide, narrow, doubles_time=level < time_doublings, bias=False)]  # both sides doubled
            layers += [nn.BatchNorm3d(narrow), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers)
        self.width = width
        self.last_doubles_space = doublings > 0
        self.last_doubles_time = time_doublings == doublings
        self.longer_clips = (
            f"between their first and last frames they repeat {self.frames_per_step} frames over and over, which were "
            "not trained like that"
        )
        self.apply(initialize)

    def head(self, channels: int) -> nn.Module:
        """Return a last layer, from the features to the channels of a whole clip."""
        if not self.last_doubles_space:
            return nn.Conv3d(self.width, channels, 3, padding=1)
        return doubling(self.width, channels, doubles_time=self.last_doubles_time, bias=True)

    def forward(self, codes: Tensor, heads: Sequence[nn.Module], num_frames: int | None = None) -> list[Tensor]:
        """Return what each head makes of (N, code_dim) codes, (N, its channels, T, H, W).

        More frames than the network was trained for come from feeding the code for longer.
        """
        num_frames = num_frames or self.num_frames
        repeats = max(1, math.ceil(num_frames / self.frames_per_step) - self.base_frames + 1)
        repeated = codes[:, :, None, None, None].expand(-1, -1, repeats, -1, -1)  # (N, code_dim, repeats, 1, 1)
        features = self.layers(repeated)  # (N, width, T', H / 2, W / 2)
        return [head(features)[:, :, :num_frames] for head in heads]


def doubling(wide: int, narrow: int, *, doubles_time: bool, bias: bool) -> nn.ConvTranspose3d:
    """Return a layer that doubles the sides of (N, wide, T, H, W) and, if told so, the frames."""
    kernel, stride = (4, 2) if doubles_time else (3, 1)
    return nn.ConvTranspose3d(wide, narrow, (kernel, 4, 4), stride=(stride, 2, 2), padding=1, bias=bias)


def initialize(module: nn.Module) -> None:
    """Draw weights from N(0, 0.01^2) (Vondrick et al. 2016, Section 3.3)."""
    if isinstance(module, nn.Conv3d | nn.ConvTranspose3d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.01)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


class Generator(ClassGenerator):
    """Latents to a clip in one stream.

    Args:
        shape: (C, T, H, W) of one clip.
        width: channels before the last layer; each layer nearer to the base has twice as many.
        num_classes: classes of the data; this and what follows as in `framegan.networks.conditioning.ClassGenerator`.
    """

    def __init__(
        self,
        shape: Sequence[PositiveInt],
        latent_dim: PositiveInt = 100,
        width: PositiveInt = 64,
        num_classes: NonNegativeInt = 0,
        conditional: Conditional = False,
        class_dim: PositiveInt = 32,
    ):
        super().__init__(shape, latent_dim, num_classes, conditional, class_dim)
        self.decoder = Decoder(shape, self.num_inputs, width)
        self.longer_clips = self.decoder.longer_clips
        self.head = self.decoder.head(shape[0])
        initialize(self.head)

    def forward(self, latents: Tensor, labels: Tensor | None = None, num_frames: int | None = None) -> Tensor:
        """Return (N, C, T, H, W) clips in [-1, 1] of (N, latent_dim) latents and (N,) labels."""
        (clips,) = self.decoder(self.given(latents, labels), [self.head], num_frames)  # (N, C, T, H, W)
        return clips.tanh()
