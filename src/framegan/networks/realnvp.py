"""RealNVP: couplings of every second pixel, then of half of the channels, at each scale (Dinh et al. 2017).

Networks are residual and without normalisation; gains and offsets of each channel (`flow.Scaling`) take the place of
the batch normalisation between couplings.
"""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, PositiveInt
from torch import nn

from framegan.networks.flow import Chain, Coupling, Flow, Layer, Scaling, checkerboard
from framegan.networks.vae import Residual


class Generator(Flow):
    """Latents to images, and back.

    Args:
        shape: (C, H, W) of an image, with even sides.
        scales: how often the sides are halved, at most.
        width: channels of the networks at the first scale; each further one has twice as many.
        blocks: residual blocks of each network.
        logit: see `framegan.networks.flow.Flow`.
    """

    def __init__(
        self,
        shape: Sequence[PositiveInt],
        scales: PositiveInt = 2,
        width: PositiveInt = 32,
        blocks: PositiveInt = 2,
        logit: Annotated[float, Field(ge=0, lt=1)] = 0.05,
    ):
        def layers(place: tuple[int, int, int]) -> tuple[Layer, Layer]:
            channels, height, side = place
            wide = width * shape[1] // height
            before: list[Layer] = []
            for number in range(3):
                mask = checkerboard(height, side, is_odd=number % 2 == 1)
                before += [Coupling(channels, network(channels, 2 * channels, wide, blocks), mask), Scaling(channels)]
            after: list[Layer] = []
            for number in range(3):
                inner = network(2 * channels, 4 * channels, 2 * wide, blocks)
                after += [Coupling(4 * channels, inner, is_second=number % 2 == 1), Scaling(4 * channels)]
            return Chain(*before), Chain(*after)

        super().__init__(shape, scales, layers, logit)


def network(inputs: int, outputs: int, width: int, blocks: int) -> nn.Module:
    """Return a residual network that begins as 0."""
    last = nn.Conv2d(width, outputs, 1)
    for parameter in last.parameters():
        nn.init.zeros_(parameter)
    residual = (Residual(nn.Conv2d, width) for _ in range(blocks))
    return nn.Sequential(nn.Conv2d(inputs, width, 3, padding=1), *residual, nn.SiLU(), last)
