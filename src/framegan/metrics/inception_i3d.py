"""The Inflated 3D ConvNet, I3D, of the Fréchet video distance (Carreira & Zisserman 2017; Unterthiner et al. 2018).

Names and shapes of the parameters are those of the published `i3d_pretrained_400.pt`, which holds DeepMind's weights
of Kinetics-400. Sizes are TensorFlow's "same": ceil(size / stride), with the odd zero at the end.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Kernel = tuple[int, int, int]
"""Along time, height and width."""


def pad_same(x: Tensor, kernel: Sequence[int], stride: Sequence[int]) -> Tensor:
    """Return x with zeros around it, so that a window then gives ceil(size / stride): (N, C, T, H, W), likewise."""
    padding: list[int] = []
    for size, length, step in zip(x.shape[2:], kernel, stride, strict=True):
        missing = max(0, (-(-size // step) - 1) * step + length - size)
        padding = [missing // 2, missing - missing // 2, *padding]  # the last dimension comes first
    return F.pad(x, padding)


def max_pool_same(x: Tensor, kernel: Kernel, stride: Kernel) -> Tensor:
    """Return the maxima of windows; x comes from a ReLU, so that the zeros around it change none."""
    return F.max_pool3d(pad_same(x, kernel, stride), kernel, stride)


class Unit(nn.Module):
    """Convolution, batch normalization, ReLU."""

    def __init__(self, in_channels: int, out_channels: int, kernel: Kernel = (1, 1, 1), stride: Kernel = (1, 1, 1)):
        super().__init__()
        self.conv3d = nn.Conv3d(in_channels, out_channels, kernel, stride, bias=False)
        self.bn = nn.BatchNorm3d(out_channels, eps=1e-5)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv3d(pad_same(x, self.conv3d.kernel_size, self.conv3d.stride))))


class Mixed(nn.Module):
    """A 1x1x1 convolution, two of 3x3x3 and a maximum, side by side (Carreira & Zisserman 2017, Figure 3).

    Args:
        widths: of the 1x1x1 convolution; of the two layers of each of the next two branches; of that after the maximum.
    """

    def __init__(self, channels: int, widths: Sequence[int]):
        super().__init__()
        self.b0 = Unit(channels, widths[0])
        self.b1a = Unit(channels, widths[1])
        self.b1b = Unit(widths[1], widths[2], (3, 3, 3))
        self.b2a = Unit(channels, widths[3])
        self.b2b = Unit(widths[3], widths[4], (3, 3, 3))
        self.b3b = Unit(channels, widths[5])

    def forward(self, x: Tensor) -> Tensor:
        pooled = max_pool_same(x, (3, 3, 3), (1, 1, 1))
        return torch.cat([self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), self.b3b(pooled)], 1)


class InceptionI3D(nn.Module):
    """Clips in [-1, 1] -> logits of Kinetics-400, averaged over time: (N, 3, T, 224, 224) -> (N, 400); T >= 9."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv3d_1a_7x7 = Unit(3, 64, (7, 7, 7), (2, 2, 2))
        self.Conv3d_2b_1x1 = Unit(64, 64)
        self.Conv3d_2c_3x3 = Unit(64, 192, (3, 3, 3))
        self.Mixed_3b = Mixed(192, (64, 96, 128, 16, 32, 32))
        self.Mixed_3c = Mixed(256, (128, 128, 192, 32, 96, 64))
        self.Mixed_4b = Mixed(480, (192, 96, 208, 16, 48, 64))
        self.Mixed_4c = Mixed(512, (160, 112, 224, 24, 64, 64))
        self.Mixed_4d = Mixed(512, (128, 128, 256, 24, 64, 64))
        self.Mixed_4e = Mixed(512, (112, 144, 288, 32, 64, 64))
        self.Mixed_4f = Mixed(528, (256, 160, 320, 32, 128, 128))
        self.Mixed_5b = Mixed(832, (256, 160, 320, 32, 128, 128))
        self.Mixed_5c = Mixed(832, (384, 192, 384, 48, 128, 128))
        self.logits = nn.ModuleDict({"conv3d": nn.Conv3d(1024, 400, 1)})

    def forward(self, clips: Tensor) -> Tensor:
        x = self.Conv3d_1a_7x7(clips)  # (N, 64, T / 2, 112, 112)
        x = max_pool_same(x, (1, 3, 3), (1, 2, 2))
        x = self.Conv3d_2c_3x3(self.Conv3d_2b_1x1(x))  # (N, 192, T / 2, 56, 56)
        x = max_pool_same(x, (1, 3, 3), (1, 2, 2))
        x = self.Mixed_3c(self.Mixed_3b(x))  # (N, 480, T / 2, 28, 28)
        x = max_pool_same(x, (3, 3, 3), (2, 2, 2))
        x = self.Mixed_4f(self.Mixed_4e(self.Mixed_4d(self.Mixed_4c(self.Mixed_4b(x)))))  # (N, 832, T / 4, 14, 14)
        x = max_pool_same(x, (2, 2, 2), (2, 2, 2))
        x = self.Mixed_5c(self.Mixed_5b(x))  # (N, 1024, T / 8, 7, 7)
        x = F.avg_pool3d(x, (2, 7, 7), stride=1)
        return self.logits["conv3d"](x).mean((2, 3, 4))
