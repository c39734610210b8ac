"""StyleGAN2's layers: weights with equalized learning rates, modulated convolutions, [1, 3, 3, 1] filters.

Weights are drawn from N(0, 1) and scaled where they are used, so that Adam changes all of them as fast (Karras et al.
2018, Section 4.1).
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def activation(features: Tensor) -> Tensor:
    """Return the leaky ReLU times sqrt(2), which keeps the scale of its input."""
    return F.leaky_relu(features, 0.2) * math.sqrt(2)


def smoothed(features: Tensor, padding: int) -> Tensor:
    """Return (..., H + 2 padding - 3, W + 2 padding - 3) of (..., H, W), filtered by [1, 3, 3, 1] / 8 along both."""
    features = F.pad(features, [padding] * 4)
    for dim in (-1, -2):
        size = features.shape[dim] - 3
        first, second, third, last = (features.narrow(dim, place, size) for place in range(4))
        features = (first + last) / 8 + (second + third) * (3 / 8)
    return features


def linear(features: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return (N, outputs) of (N, inputs), a row the same to the last bit wherever in a batch it stands.

    Matrix products of fewer than 12 columns were seen to add up odd rows in another order than even ones.
    """
    missing = max(0, 12 - len(weight))
    if missing:
        weight, bias = F.pad(weight, (0, 0, 0, missing)), None if bias is None else F.pad(bias, (0, missing))
    return F.linear(features, weight, bias)[:, : 12 - missing if missing else None]


class EqualizedLinear(nn.Module):
    """A linear layer.

    Args:
        rate: multiplies its learning rate.
        bias: where it starts.
    """

    def __init__(self, inputs: int, outputs: int, rate: float = 1.0, bias: float = 0.0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / rate)
        self.bias = nn.Parameter(torch.full((outputs,), bias / rate))
        self.rate, self.gain = rate, rate / math.sqrt(inputs)

    def forward(self, features: Tensor) -> Tensor:
        """Return (N, outputs) of (N, inputs)."""
        product = F.linear if self.training else linear
        return product(features, self.weight * self.gain, self.bias * self.rate)


class EqualizedConvolution(nn.Module):
    """A convolution.

    Args:
        kernel: 1 or 3.
        halves: halve the sides, after a filter.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, *, halves: bool = False, bias: bool = True):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.gain, self.halves = 1 / math.sqrt(inputs * kernel**2), halves

    def forward(self, features: Tensor) -> Tensor:
        """Return (N, outputs, H, W) of (N, inputs, H, W), or half as high and wide."""
        weight, beside = self.weight * self.gain, self.weight.shape[-1] // 2
        if self.halves:
            return F.conv2d(smoothed(features, 1 + beside), weight, self.bias, stride=2)
        return F.conv2d(features, weight, self.bias, padding=beside)


def demodulation(weight: Tensor, scales: Tensor) -> Tensor:
    """Return what makes each sample's modulated weights have norm 1, output by output (Karras et al. 2020, Equation 3).

    Args:
        weight: (outputs, inputs, k, k).
        scales: (N, inputs), which modulate it.

    Returns:
        (N, outputs).
    """
    return linear(scales.square(), weight.square().sum((2, 3))).add(1e-8).rsqrt()


class ModulatedConvolution(nn.Module):
    """A convolution whose weights are scaled, input by input, by what a style says (Karras et al. 2020, Section 2.2).

    Scaling its inputs, and demodulating its outputs, is the same as a convolution with weights of each sample's own.

    Args:
        kernel: 1 or 3.
        doubles: double the sides, with a filter behind.
        demodulates: keep the scale of the features.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        style_dim: int,
        kernel: int,
        *,
        doubles: bool = False,
        demodulates: bool = True,
    ):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.to_scales = EqualizedLinear(style_dim, inputs, bias=1.0)
        self.gain, self.doubles, self.demodulates = 1 / math.sqrt(inputs * kernel**2), doubles, demodulates

    def forward(self, features: Tensor, style: Tensor) -> Tensor:
        """Return (N, outputs, H, W), or twice as high and wide, of (N, inputs, H, W) and (N, style_dim)."""
        scales, weight = self.to_scales(style), self.weight * self.gain  # (N, inputs)
        features = features * scales[:, :, None, None]
        if self.doubles:
            features = F.conv_transpose2d(features, weight.transpose(0, 1), stride=2)  # (N, outputs, 2 H + 1, 2 W + 1)
            features = 4 * smoothed(features, 1)  # three of four pixels were 0
        else:
            features = F.conv2d(features, weight, padding=weight.shape[-1] // 2)
        return features * demodulation(weight, scales)[:, :, None, None] if self.demodulates else features


class StyledLayer(nn.Module):
    """A modulated convolution of 3 x 3, noise, a bias and the activation.

    Args:
        doubles: double the sides.
        noisy: take noise.
    """

    def __init__(self, inputs: int, outputs: int, style_dim: int, *, doubles: bool, noisy: bool = True):
        super().__init__()
        self.convolution = ModulatedConvolution(inputs, outputs, style_dim, 3, doubles=doubles)
        self.noise_strength = nn.Parameter(torch.zeros(())) if noisy else None
        self.bias = nn.Parameter(torch.zeros(outputs, 1, 1))

    def forward(self, features: Tensor, style: Tensor, noise: Tensor | None = None) -> Tensor:
        """Return (N, outputs, H, W) of features, (N, style_dim) and, if it takes any, the (N, 1, H, W) noise."""
        convolved = self.convolution(features, style)
        if self.noise_strength is not None:
            assert noise is not None, "a noisy layer takes noise"
            convolved = convolved + self.noise_strength * noise
        return activation(convolved + self.bias)


class Halving(nn.Module):
    """Two convolutions beside a direct way, at the end half as high and wide (Karras et al. 2020, Section 4.1)."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.first = EqualizedConvolution(inputs, inputs, 3)
        self.second = EqualizedConvolution(inputs, outputs, 3, halves=True)
        self.direct = EqualizedConvolution(inputs, outputs, 1, halves=True, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """Return (N, outputs, H / 2, W / 2) of (N, inputs, H, W)."""
        changed = activation(self.second(activation(self.first(features))))
        return (changed + self.direct(features)) / math.sqrt(2)
