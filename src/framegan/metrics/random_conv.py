"""Embeddings that need no download: convolutions with fixed random weights, and coarse colours.

Random features rank generators much as trained ones do (Naeem et al. 2020; Lee et al. 2022), with a scale of their own:
their distances are never called FID or FVD. What they see of shapes depends neither on brightness nor on contrast,
which would outweigh the rest: a mush in the right colours is further from the data than objects in slightly wrong ones.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from framegan import noise
from framegan.media import to_samples
from framegan.metrics.embedding import Embedding, fingerprint_of, resized, to_rgb

WIDTHS = (16, 32, 64, 32)
NUM_POOLINGS = 2
"""The first layers are followed by one each."""
LEAST_CONTRAST = 0.05
"""Added to that of the first layer's features, by which they are divided: a flat picture stays flat."""
PARTS, WEIGHT_OF_COLOURS = 2, 0.25
"""Coarse colours are means over the halves of the picture in every direction; they weigh less than shapes."""
LARGEST = 64
"""Larger pictures are averaged down to this side first."""


class RandomConv(Embedding):
    """Mean and standard deviation over the picture, and over time, of the last of four layers, and coarse colours.

    The filters of the first layer have no mean, so that it sees edges alone, and what it sees is divided by its root
    mean square. With weights drawn after He et al. 2015 the features then neither vanish nor explode.

    Args:
        num_dims: 2 for images, 3 for clips, which have filters in time too. None = by what there is to embed.
        seed: of the weights; another seed is another embedding.
    """

    frames_at_once = 128

    def __init__(self, num_dims: int | None = None, seed: int = 0):
        super().__init__()
        self.num_dims = num_dims
        self.seed = seed
        if num_dims is None:
            return
        self.name = f"random_conv{num_dims}d"
        self.takes = "clips" if num_dims == 3 else "images"
        self.num_features = 2 * WIDTHS[-1] + 3 * PARTS**num_dims
        channels = 3
        for counter, width in enumerate(WIDTHS):
            shape = (width, channels, *[3] * num_dims)
            drawn = noise.normal(shape, seed=seed, stream=noise.EMBEDDING, counter=counter).double()
            weight = drawn - drawn.flatten(2).mean(2).view(width, channels, *[1] * num_dims) if counter == 0 else drawn
            self.register_buffer(f"weight_{counter}", (weight * (2 / weight[0].numel()) ** 0.5).float())
            channels = width
        self.fingerprint = fingerprint_of(self.state_dict())
        self.frozen()

    def of(self, shape: Sequence[int]) -> Embedding:
        if self.num_dims is None:
            return RandomConv(len(shape) - 1, self.seed).of(shape)
        return super().of(shape)

    def embed(self, pixels: Tensor) -> Tensor:
        samples = to_rgb(to_samples(pixels))
        longest = max(samples.shape[-2:])
        if longest > LARGEST:
            size = [max(1, LARGEST * length // longest) for length in samples.shape[-2:]]
            samples = resized(samples, size, mode="area")
        shapes = self._shapes(samples).flatten(2)  # (N, C, places)
        coarse = F.adaptive_avg_pool3d if self.num_dims == 3 else F.adaptive_avg_pool2d
        colours = WEIGHT_OF_COLOURS * coarse(samples, PARTS).flatten(1)
        return torch.cat([shapes.mean(2), shapes.std(2, correction=0), colours], dim=1)

    def _shapes(self, features: Tensor) -> Tensor:
        """Return what the layers see in samples (N, 3, ...)."""
        convolve, pool = (F.conv3d, F.avg_pool3d) if self.num_dims == 3 else (F.conv2d, F.avg_pool2d)
        for number, weight in enumerate(self.buffers()):
            features = convolve(F.pad(features, (1, 1) * (features.ndim - 2), mode="replicate"), weight)
            if number == 0:
                contrast = features.square().mean(tuple(range(1, features.ndim)), keepdim=True).sqrt()
                features = features / (contrast + LEAST_CONTRAST)
            features = features.relu_()
            if number < NUM_POOLINGS:
                features = pool(features, [min(2, length) for length in features.shape[2:]], ceil_mode=True)
        return features
