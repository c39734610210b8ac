"""The convolutions of VGG-16 and VGG-19 (Simonyan & Zisserman 2015) from a file of weights as torchvision publishes it.

The layers are those of Gatys et al. 2016, with means in place of maxima, which they found to look better.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

BLOCKS = {"VGG-16": (2, 2, 3, 3, 3), "VGG-19": (2, 2, 4, 4, 4)}
"""Convolutions between two poolings."""
WIDTHS = (64, 128, 256, 512, 512)
FIRST = "features.0.weight"
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of the pictures that it was trained on, red, green and blue."""


def shapes_of(blocks: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """Return the shapes of weights and biases by their names in a file."""
    shapes: dict[str, tuple[int, ...]] = {}
    place, channels = 0, 3
    for number, width in zip(blocks, WIDTHS, strict=True):
        for _ in range(number):
            shapes |= {f"features.{place}.weight": (width, channels, 3, 3), f"features.{place}.bias": (width,)}
            place, channels = place + 2, width  # a ReLU lies between two
        place += 1  # and a pooling behind them
    return shapes


class Vgg(nn.Module):
    """What the first convolution of each block sees: relu1_1, relu2_1, relu3_1, relu4_1 and relu5_1.

    Args:
        state: of a file; what follows the convolutions is left out.
        file: named by errors.

    Raises:
        ValueError: the shapes are neither those of VGG-16 nor those of VGG-19.
    """

    def __init__(self, state: Mapping[str, Tensor], file: Path):
        super().__init__()
        given = {name: tuple(tensor.shape) for name, tensor in state.items() if name.startswith("features.")}
        kinds = {name: shapes_of(blocks) for name, blocks in BLOCKS.items()}
        self.kind = next((name for name, shapes in kinds.items() if shapes == given), "")
        if not self.kind:
            raise ValueError(
                f"{file} has convolutions of other shapes than VGG-16 and VGG-19 without batch normalisation"
            )
        self.blocks = BLOCKS[self.kind]
        for name in given:
            self.register_buffer(name.replace(".", "_"), state[name].float())

    def forward(self, pictures: Tensor) -> list[Tensor]:
        mean, deviation = (torch.tensor(values, device=pictures.device).view(3, 1, 1) for values in (MEAN, DEVIATION))
        features, found, place = (pictures - mean) / deviation, [], 0
        for block, number in enumerate(self.blocks):
            for layer in range(number if block < len(self.blocks) - 1 else 1):
                weight, bias = (self.get_buffer(f"features_{place}_{what}") for what in ("weight", "bias"))
                features = F.conv2d(features, weight, bias, padding=1).relu()
                if layer == 0:
                    found.append(features)
                place += 2
            features = F.avg_pool2d(features, 2, ceil_mode=True)
            place += 1
        return found
