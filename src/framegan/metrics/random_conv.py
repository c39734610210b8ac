"""Embeddings that need no download: convolutions with fixed random weights.

Random features rank generators much as trained ones do (Naeem et al. 2020; Lee et al. 2022), with a scale of their own:
their distances are never called FID or FVD. They notice noise, blur, frozen and shuffled frames; they know no objects.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from framegan import noise
from framegan.media import to_samples
from framegan.metrics.embedding import Embedding, fingerprint_of, resized, to_rgb

WIDTHS = (16, 32, 64)
LARGEST = 64
"""Larger pictures are averaged down to this side first."""


class RandomConv(Embedding):
    """Mean and standard deviation over the picture, and over time, of the last of three layers.

    No layer is normalised: with their weights drawn after He et al. 2015 the features neither vanish nor explode.

    Args:
        num_dims: 2 for images, 3 for clips, which have filters in time too. None = by what there is to embed.
        seed: of the weights; another seed is another embedding.
    """

    num_features = 2 * WIDTHS[-1]
    frames_at_once = 128

    def __init__(self, num_dims: int | None = None, seed: int = 0):
        super().__init__()
        self.num_dims = num_dims
        self.seed = seed
        if num_dims is None:
            return
        self.name = f"random_conv{num_dims}d"
        self.takes = "clips" if num_dims == 3 else "images"
        channels = 3
        for counter, width in enumerate(WIDTHS):
            shape = (width, channels, *[3] * num_dims)
            weight = noise.normal(shape, seed=seed, stream=noise.EMBEDDING, counter=counter)
            self.register_buffer(f"weight_{counter}", weight * (2 / weight[0].numel()) ** 0.5)
            channels = width
        self.fingerprint = fingerprint_of(self.state_dict())
        self.frozen()

    def of(self, shape: Sequence[int]) -> Embedding:
        if self.num_dims is None:
            return RandomConv(len(shape) - 1, self.seed).of(shape)
        return super().of(shape)

    def embed(self, pixels: Tensor) -> Tensor:
        convolve, pool = (F.conv3d, F.avg_pool3d) if self.num_dims == 3 else (F.conv2d, F.avg_pool2d)
        features = to_rgb(to_samples(pixels))
        longest = max(features.shape[-2:])
        if longest > LARGEST:
            size = [max(1, LARGEST * length // longest) for length in features.shape[-2:]]
            features = resized(features, size, mode="area")
        for number, weight in enumerate(self.buffers()):
            features = convolve(features, weight, padding=1).relu_()
            if number == 1:
                features = pool(features, [min(2, length) for length in features.shape[2:]], ceil_mode=True)
        features = features.flatten(2)  # (N, C, places)
        return torch.cat([features.mean(2), features.std(2, correction=0)], dim=1)
