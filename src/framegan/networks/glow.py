"""Glow: at each scale steps of gains, an invertible 1 x 1 convolution and a coupling (Kingma & Dhariwal 2018)."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, PositiveInt
from torch import nn

from framegan.networks.flow import Chain, Coupling, Flow, Layer, Mixing, Scaling


class Generator(Flow):
    """Latents to images, and back.

    Args:
        shape: (C, H, W) of an image, with even sides.
        scales: how often the sides are halved, at most.
        steps: of each scale.
        width: channels of the networks.
        logit: see `framegan.networks.flow.Flow`.
    """

    def __init__(
        self,
        shape: Sequence[PositiveInt],
        scales: PositiveInt = 3,
        steps: PositiveInt = 8,
        width: PositiveInt = 64,
        logit: Annotated[float, Field(ge=0, lt=1)] = 0.0,
    ):
        def layers(place: tuple[int, int, int]) -> tuple[Layer, Layer]:
            channels = 4 * place[0]
            made: list[Layer] = []
            for _ in range(steps):
                made += [Scaling(channels), Mixing(channels), Coupling(channels, network(channels, width))]
            return Chain(), Chain(*made)

        super().__init__(shape, scales, layers, logit)


def network(channels: int, width: int) -> nn.Module:
    """Return a network of half of the channels that begins as 0."""
    last = nn.Conv2d(width, channels, 3, padding=1)
    for parameter in last.parameters():
        nn.init.zeros_(parameter)
    first, second = nn.Conv2d(channels // 2, width, 3, padding=1), nn.Conv2d(width, width, 1)
    return nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), last)
