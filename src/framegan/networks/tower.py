"""Convolutions that halve clips or frames down to a map of values: what critics judge by."""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm as add_spectral_norm

from framegan.networks.dcgan import Normalization, base_and_doublings, normalization_layer
from framegan.networks.drawing import Noise, through

Step = tuple[int, int, int]
"""Kernel, stride and padding of a convolution along one axis."""
HALVE: Step = (4, 2, 1)


class Tower(nn.Module):
    """Convolutions that halve space down to the base of DCGAN, then one that makes a map of logits.

    The arguments not listed are those of `framegan.networks.critics.ClipCritic`.

    Args:
        shape: of a sample, (C, H, W) or, to convolve over time too, (C, T, H, W).
        outputs: channels of the map.
        hidden: channels of one more layer before it, each of the whole base; 0: none.
    """

    def __init__(
        self,
        shape: Sequence[int],
        outputs: int,
        width: int,
        patch: bool,
        normalization: Normalization,
        noise: float,
        spectral_norm: bool,
        temporal_stride: int = 1,
        hidden: int = 0,
    ):
        super().__init__()
        channels, *length, height, side = shape
        base, doublings = base_and_doublings((channels, height, side))
        patch = patch and doublings > 0
        halvings = doublings - patch
        axes = [[*[HALVE] * halvings, HALVE if patch else (size, 1, 0)] for size in base]
        if length:
            axes = [_steps_in_time(length[0], halvings, temporal_stride), *axes]
        widths = [channels, *(width << min(level, 3) for level in range(halvings)), hidden or outputs]
        layers: list[nn.Module] = []
        convolution = nn.Conv3d if length else nn.Conv2d  # to (N, wide, [T',] H', W')
        for level, (narrow, wide) in enumerate(pairwise(widths)):
            is_last = level == halvings
            normalized: Normalization = "none" if level == 0 or is_last else normalization
            if noise and not is_last:
                layers.append(Noise(noise))
            kernel, stride, padding = zip(*(axis[level] for axis in axes), strict=True)
            layer = convolution(narrow, wide, kernel, stride, padding, bias=normalized == "none")
            layers.append(add_spectral_norm(layer) if spectral_norm else layer)
            if normalized != "none":
                layers.append(normalization_layer(normalized, wide, is_3d=bool(length)))
            if not is_last:
                layers.append(nn.LeakyReLU(0.2, inplace=True))
        if hidden:
            last = convolution(hidden, outputs, 1)
            layers += [nn.LeakyReLU(0.2, inplace=True), add_spectral_norm(last) if spectral_norm else last]
        self.layers = nn.Sequential(*layers)

    def forward(self, samples: Tensor, keys: Tensor | None = None) -> Tensor:
        """Return the (N, outputs, [T',] H', W') map of (N, *shape) samples; noise is by the (N,) keys."""
        return through(self.layers, samples, keys)


def _steps_in_time(num_frames: int, halvings: int, stride: int) -> list[Step]:
    """Return the steps along time of the convolutions that halve space and of the last, which always slides."""
    steps: list[Step] = []
    for level in range(halvings + 1):
        halves = stride == 2 and level < halvings and num_frames > 1
        steps.append(HALVE if halves else (min(4, num_frames), 1, 0))
        num_frames = num_frames // 2 if halves else max(1, num_frames - 3)
    return steps
