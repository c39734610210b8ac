"""Features that a style is measured in: of random filters, of one's own classifier, or of published VGG weights.

All take pictures, float32 (1, 3, H, W) from 0 to 1, and return a list of features (1, C, H', W'), one for each layer.
"""

from collections.abc import Callable
from pathlib import Path

import torch.nn.functional as F
from torch import Tensor, nn

from framegan import noise
from framegan.metrics import weights
from framegan.metrics.classifier import KEPT, Classifier
from framegan.style import vgg

Features = Callable[[Tensor], list[Tensor]]
WIDTH, KERNEL = 32, 9


class RandomFilters(nn.Module):
    """One layer of random filters, which synthesises textures nearly as well as trained ones do (Ustyuzhaninov et al.
    2016, "Texture synthesis using shallow convolutional networks with random filters").

    Half of the filters have no mean, so that they see edges alone.
    """

    def __init__(self, seed: int):
        super().__init__()
        shape = WIDTH, 3, KERNEL, KERNEL
        drawn = noise.normal(shape, seed=seed, stream=noise.LIKENESS, counter=1 << 32)
        edges = drawn[::2] - drawn[::2].mean((2, 3), keepdim=True)
        drawn[::2] = 2 * edges
        self.register_buffer("weight", drawn / drawn[0].numel() ** 0.5)
        bias = noise.normal((WIDTH,), seed=seed, stream=noise.LIKENESS, counter=(1 << 32) + 1)
        self.register_buffer("bias", 0.1 * bias)

    def forward(self, pictures: Tensor) -> list[Tensor]:
        samples = F.pad(2 * pictures - 1, (KERNEL // 2,) * 4, mode="replicate")
        return [F.conv2d(samples, self.get_buffer("weight"), self.get_buffer("bias")).relu()]


class OfClassifier(nn.Module):
    """The convolutions of a classifier of images that `framegan classifier` has trained."""

    def __init__(self, classifier: Classifier):
        super().__init__()
        layers = classifier.network.features
        assert isinstance(layers, nn.Sequential)
        self.layers = layers
        self.channels = classifier.shape[0]

    def forward(self, pictures: Tensor) -> list[Tensor]:
        samples = 2 * pictures - 1
        samples = samples.mean(1, keepdim=True) if self.channels == 1 else samples
        found: list[Tensor] = []
        for layer in self.layers:
            if isinstance(layer, nn.Flatten):
                break
            is_pooling = isinstance(layer, nn.MaxPool2d)
            samples = F.max_pool2d(samples, 2, ceil_mode=True) if is_pooling else layer(samples)  # of any size
            if isinstance(layer, nn.ReLU):
                found.append(samples)
        return found


def features_of(file: Path | None, seed: int) -> nn.Module:
    """Return the features of a file of weights; None = random filters, drawn by the seed.

    Raises:
        ValueError: the file is neither a classifier of images nor VGG.
    """
    if file is None:
        return RandomFilters(seed)
    state = weights.read(file)
    if vgg.FIRST in state:
        return vgg.Vgg(state, file).requires_grad_(False)
    if not state.keys() >= KEPT:
        raise ValueError(
            f"{file} holds neither a classifier, as framegan classifier writes one, nor weights of VGG-16 or VGG-19 as "
            "torchvision publishes them"
        )
    classifier = Classifier(str(file))
    if classifier.takes != "images" or classifier.shape[0] not in (1, 3):
        raise ValueError(
            f"{file} is a classifier of {classifier.takes} {classifier.shape}; give one of images, grey or RGB"
        )
    return OfClassifier(classifier)
