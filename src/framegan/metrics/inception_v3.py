"""The Inception-v3 of the Fréchet Inception distance (Szegedy et al. 2016; Heusel et al. 2017).

It is the graph that TensorFlow published on 2015-12-05, which isn't quite the paper's: the averages at borders leave
the padding out, the last block pools by the maximum, and there are 1008 classes. Names and shapes of the parameters
are those of the published `pt_inception-2015-12-05-6726825d.pth`.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Kernel = int | tuple[int, int]


class ConvNorm(nn.Module):
    """Convolution, batch normalization, ReLU."""

    def __init__(self, in_channels: int, out_channels: int, kernel: Kernel, stride: int = 1, padding: str = "same"):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(out_channels, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


class Block(nn.Module):
    """Layers that take x or what another one made; what none takes is put end to end: (N, C, H, W) -> (N, C', H', W').

    Args:
        layers: by name what each takes, "x" or the name of one before it, and the layer.
    """

    def __init__(self, **layers: tuple[str, nn.Module]):
        super().__init__()
        self.inputs = {name: taken for name, (taken, _) in layers.items()}
        for name, (_, layer) in layers.items():
            self.add_module(name, layer)

    def forward(self, x: Tensor) -> Tensor:
        made = {"x": x}
        for name, taken in self.inputs.items():
            made[name] = self.get_submodule(name)(made[taken])
        return torch.cat([made[name] for name in self.inputs if name not in self.inputs.values()], 1)


def block_a(channels: int, pool_channels: int) -> Block:
    """Return 1x1, 5x5 and two 3x3 convolutions and an average, side by side (Figure 5)."""
    return Block(
        branch1x1=("x", ConvNorm(channels, 64, 1)),
        branch5x5_1=("x", ConvNorm(channels, 48, 1)),
        branch5x5_2=("branch5x5_1", ConvNorm(48, 64, 5)),
        branch3x3dbl_1=("x", ConvNorm(channels, 64, 1)),
        branch3x3dbl_2=("branch3x3dbl_1", ConvNorm(64, 96, 3)),
        branch3x3dbl_3=("branch3x3dbl_2", ConvNorm(96, 96, 3)),
        average=("x", average()),
        branch_pool=("average", ConvNorm(channels, pool_channels, 1)),
    )


def block_b(channels: int) -> Block:
    """Return strided 3x3 convolutions and a maximum, side by side, from 35x35 to 17x17 (Figure 10)."""
    return Block(
        branch3x3=("x", ConvNorm(channels, 384, 3, stride=2, padding="valid")),
        branch3x3dbl_1=("x", ConvNorm(channels, 64, 1)),
        branch3x3dbl_2=("branch3x3dbl_1", ConvNorm(64, 96, 3)),
        branch3x3dbl_3=("branch3x3dbl_2", ConvNorm(96, 96, 3, stride=2, padding="valid")),
        maximum=("x", nn.MaxPool2d(3, stride=2)),
    )


def block_c(channels: int, width: int) -> Block:
    """Return 7x7 convolutions, each factorized into 1x7 and 7x1 (Figure 6)."""
    return Block(
        branch1x1=("x", ConvNorm(channels, 192, 1)),
        branch7x7_1=("x", ConvNorm(channels, width, 1)),
        branch7x7_2=("branch7x7_1", ConvNorm(width, width, (1, 7))),
        branch7x7_3=("branch7x7_2", ConvNorm(width, 192, (7, 1))),
        branch7x7dbl_1=("x", ConvNorm(channels, width, 1)),
        branch7x7dbl_2=("branch7x7dbl_1", ConvNorm(width, width, (7, 1))),
        branch7x7dbl_3=("branch7x7dbl_2", ConvNorm(width, width, (1, 7))),
        branch7x7dbl_4=("branch7x7dbl_3", ConvNorm(width, width, (7, 1))),
        branch7x7dbl_5=("branch7x7dbl_4", ConvNorm(width, 192, (1, 7))),
        average=("x", average()),
        branch_pool=("average", ConvNorm(channels, 192, 1)),
    )


def block_d(channels: int) -> Block:
    """Return strided convolutions and a maximum, side by side, from 17x17 to 8x8."""
    return Block(
        branch3x3_1=("x", ConvNorm(channels, 192, 1)),
        branch3x3_2=("branch3x3_1", ConvNorm(192, 320, 3, stride=2, padding="valid")),
        branch7x7x3_1=("x", ConvNorm(channels, 192, 1)),
        branch7x7x3_2=("branch7x7x3_1", ConvNorm(192, 192, (1, 7))),
        branch7x7x3_3=("branch7x7x3_2", ConvNorm(192, 192, (7, 1))),
        branch7x7x3_4=("branch7x7x3_3", ConvNorm(192, 192, 3, stride=2, padding="valid")),
        maximum=("x", nn.MaxPool2d(3, stride=2)),
    )


def block_e(channels: int, pool: nn.Module) -> Block:
    """Return filter banks that widen: 1x3 and 3x1 convolutions of the same input, side by side (Figure 7)."""
    return Block(
        branch1x1=("x", ConvNorm(channels, 320, 1)),
        branch3x3_1=("x", ConvNorm(channels, 384, 1)),
        branch3x3_2a=("branch3x3_1", ConvNorm(384, 384, (1, 3))),
        branch3x3_2b=("branch3x3_1", ConvNorm(384, 384, (3, 1))),
        branch3x3dbl_1=("x", ConvNorm(channels, 448, 1)),
        branch3x3dbl_2=("branch3x3dbl_1", ConvNorm(448, 384, 3)),
        branch3x3dbl_3a=("branch3x3dbl_2", ConvNorm(384, 384, (1, 3))),
        branch3x3dbl_3b=("branch3x3dbl_2", ConvNorm(384, 384, (3, 1))),
        pool=("x", pool),
        branch_pool=("pool", ConvNorm(channels, 192, 1)),
    )


def average() -> nn.Module:
    """Return the means over 3x3 neighbours: (N, C, H, W) -> (N, C, H, W); over fewer at the borders."""
    return nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)


class InceptionV3(nn.Module):
    """Images in [-1, 1] -> features: (N, 3, 299, 299) -> (N, 2048); `fc` holds the classifier that follows them."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = ConvNorm(3, 32, 3, stride=2, padding="valid")
        self.Conv2d_2a_3x3 = ConvNorm(32, 32, 3, padding="valid")
        self.Conv2d_2b_3x3 = ConvNorm(32, 64, 3)
        self.Conv2d_3b_1x1 = ConvNorm(64, 80, 1)
        self.Conv2d_4a_3x3 = ConvNorm(80, 192, 3, padding="valid")
        self.Mixed_5b = block_a(192, pool_channels=32)
        self.Mixed_5c = block_a(256, pool_channels=64)
        self.Mixed_5d = block_a(288, pool_channels=64)
        self.Mixed_6a = block_b(288)
        self.Mixed_6b = block_c(768, width=128)
        self.Mixed_6c = block_c(768, width=160)
        self.Mixed_6d = block_c(768, width=160)
        self.Mixed_6e = block_c(768, width=192)
        self.Mixed_7a = block_d(768)
        self.Mixed_7b = block_e(1280, average())
        self.Mixed_7c = block_e(2048, nn.MaxPool2d(3, stride=1, padding=1))
        self.fc = nn.Linear(2048, 1008)

    def forward(self, images: Tensor) -> Tensor:
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(images)))  # (N, 64, 147, 147)
        x = F.max_pool2d(x, 3, stride=2)
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(x))  # (N, 192, 71, 71)
        x = F.max_pool2d(x, 3, stride=2)
        x = self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(x)))  # (N, 288, 35, 35)
        x = self.Mixed_6e(self.Mixed_6d(self.Mixed_6c(self.Mixed_6b(self.Mixed_6a(x)))))  # (N, 768, 17, 17)
        x = self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(x)))  # (N, 2048, 8, 8)
        return x.mean((2, 3))
