"""G3AN: a spatial, a temporal and a video stream, which takes up the other two at every size (Wang et al. 2020).

The appearance is made of the content alone, its changes of the motion alone, and the video of both (Section 3.1). Space
doubles from a base of 4 to 7 pixels in every block; time, from a base of 4 to 7 frames, or all if they are fewer, in
the first blocks, and stays in those left over. At 16 x 64 x 64 with a width of 64 that is the published network, but
for attention and spectral normalisation.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from pydantic import NonNegativeInt, PositiveInt
from torch import Tensor, nn

from framegan.networks import dcgan
from framegan.networks.conditioning import ClassGenerator, Conditional
from framegan.networks.mocogan import require_clips
from framegan.networks.motion import FRESH

Step = tuple[int, int, int]
"""Kernel, stride and padding of a transposed convolution along an axis."""
DOUBLE: Step = (4, 2, 1)
STAY: Step = (1, 1, 0)


class Block(nn.Module):
    """One size of the three streams, each by transposed convolutions along time or space, never both at once.

    Args:
        inputs: channels of what comes into the spatial, the temporal and the video stream.
        outputs: channels of the first two; of the third twice as many.
        time: the step along time.
        space: the steps along height and width.
    """

    def __init__(self, inputs: tuple[int, int, int], outputs: int, time: Step, space: tuple[Step, Step]):
        super().__init__()
        in_time, in_space = (time, STAY, STAY), (STAY, *space)
        spatial, temporal, video = inputs
        self.spatial = _layer(spatial, outputs, in_space)
        self.temporal = _layer(temporal, outputs, in_time)
        self.video = nn.Sequential(_layer(video, outputs, in_time), _layer(outputs, outputs, in_space))

    def forward(self, spatial: Tensor, temporal: Tensor, video: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the streams (N, C, 1, H, W), (N, C, T, 1, 1) and (N, 2 * C, T, H, W) at the next size."""
        spatial, temporal = self.spatial(spatial), self.temporal(temporal)
        video = self.video(video) + temporal  # (N, C, T, H, W), the motion everywhere
        return spatial, temporal, torch.cat([spatial.expand_as(video), video], dim=1)  # the appearance at all times


class Generator(ClassGenerator):
    """Content and motion to a clip.

    Args:
        shape: (C, T, H, W) of one clip.
        width: channels of each stream at the size of the clip; each block nearer to the base has twice as many, up to 8
            times.
        num_classes: classes of the data; this and what follows as in `framegan.networks.conditioning.ClassGenerator`.
            The class goes with the motion.

    Attributes:
        class_part: see `framegan.networks.stylegan2.Generator`.
    """

    class_part = "motion"

    def __init__(
        self,
        shape: Sequence[PositiveInt],
        content_dim: PositiveInt = 128,
        motion_dim: PositiveInt = 10,
        width: PositiveInt = 64,
        num_classes: NonNegativeInt = 0,
        conditional: Conditional = False,
        class_dim: PositiveInt = 32,
    ):
        super().__init__(shape, content_dim + motion_dim, num_classes, conditional, class_dim)
        channels, self.num_frames, height, side = require_clips(shape, "g3an")
        base, doublings = dcgan.base_and_doublings((channels, height, side))
        time_doublings = max(0, min(doublings, math.floor(math.log2(self.num_frames / 4))))
        self.content_dim, self.frames_per_step = content_dim, 2**time_doublings
        self.base_frames = math.ceil(self.num_frames / self.frames_per_step)
        self.longer_clips = (
            f"between their first and last frames they repeat {self.frames_per_step} frames over and over, which were "
            "not trained like that"
        )
        first = content_dim, self.num_inputs - content_dim, self.num_inputs
        widths = [width << min(level, 3) for level in reversed(range(doublings + 1))]
        whole, sides = (self.base_frames, 1, 0), ((base[0], 1, 0), (base[1], 1, 0))
        self.blocks = nn.ModuleList([Block(first, widths[0], whole, sides)])
        for level, (wide, narrow) in enumerate(pairwise(widths)):
            time = DOUBLE if level < time_doublings else STAY
            self.blocks.append(Block((wide, wide, 2 * wide), narrow, time, (DOUBLE, DOUBLE)))
        self.last = nn.Conv3d(2 * width, channels, 1)

    def latent_parts(self, num_frames: int | None = None) -> dict[str, int]:
        """Return the sizes of the parts of the latents; they are the same for clips of all lengths."""
        return {"content": self.content_dim, "motion": self.latent_dim - self.content_dim}

    def forward(self, latents: Tensor, labels: Tensor | None = None, num_frames: int | None = None) -> Tensor:
        """Return (N, C, T, H, W) clips in [-1, 1] of (N, latent_dim) latents and (N,) labels.

        More frames than the network was trained for come from feeding the motion for longer.
        """
        num_frames = num_frames or self.num_frames
        repeats = max(1, math.ceil(num_frames / self.frames_per_step) - self.base_frames + 1)
        codes = self.given(latents, labels)[:, :, None, None, None]  # (N, num_inputs, 1, 1, 1)
        spatial, temporal = codes[:, : self.content_dim], codes[:, self.content_dim :]
        temporal, video = (code.expand(-1, -1, repeats, -1, -1) for code in (temporal, codes))
        for block in self.blocks:
            spatial, temporal, video = block(spatial, temporal, video)
        return self.last(video)[:, :, :num_frames].tanh()


def _layer(inputs: int, outputs: int, steps: tuple[Step, Step, Step]) -> nn.Module:
    kernel, stride, padding = zip(*steps, strict=True)
    convolution = nn.ConvTranspose3d(inputs, outputs, kernel, stride, padding, bias=False)
    with torch.no_grad():  # frames begin nearly alike, so that they move rather than jump
        weight = convolution.weight
        weight.copy_(weight.mean(2, keepdim=True).lerp(weight, FRESH))
    return nn.Sequential(convolution, nn.BatchNorm3d(outputs), nn.ReLU(inplace=True))
