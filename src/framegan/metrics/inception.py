"""Inception features of images: those of the Fréchet and kernel Inception distances and the Inception score.

Two ways to bring images to 299x299 are in use, and their distances can't be compared: TensorFlow's of 2015, which
most papers report (Heusel et al. 2017), and clean-fid's, which doesn't alias (Parmar et al. 2022).
"""

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from framegan.metrics.embedding import Embedding, to_rgb
from framegan.metrics.inception_v3 import InceptionV3
from framegan.metrics.weights import Published, fingerprint_of_file, load

RESOLUTION = 299
WEIGHTS = Published(
    name="pt_inception-2015-12-05-6726825d.pth",
    urls=(
        "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth",
        "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth",
    ),
    checksum="sha256:6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
)


class Inception(Embedding):
    """The 2048 features of Inception-v3 before its classifier.

    Args:
        resize: "tf": TensorFlow 1's bilinear; "clean": antialiased bicubic, not rounded to whole grey levels.
        weights: a state dict of your own in the published layout; None: the published one, downloaded once.
    """

    takes = "images"
    num_features = 2048
    frames_at_once = 64
    frechet_name = "fid"
    kernel_name = "kid"

    def __init__(self, resize: Literal["tf", "clean"] = "tf", weights: str | None = None):
        super().__init__()
        path = WEIGHTS.find(weights)
        self.name = {"tf": "inception", "clean": "inception_clean"}[resize]
        self.fingerprint = fingerprint_of_file(path)
        self.resize = {"tf": resize_as_tensorflow_1, "clean": resize_as_clean_fid}[resize]
        self.network = load(InceptionV3, path)
        self.frozen()

    def embed(self, pixels: Tensor) -> Tensor:
        return self.network(self.prepare(pixels))

    def prepare(self, pixels: Tensor) -> Tensor:
        """Return what the network takes: uint8 (N, 1 or 3, H, W) -> (N, 3, 299, 299) in [-1, 127 / 128]."""
        return (to_rgb(self.resize(pixels.float(), RESOLUTION)) - 128) / 128

    def logits(self, features: Tensor) -> Tensor:
        """Return the logits of the Inception score: (N, 2048) -> float64 (N, 1008).

        They have no bias, as in the reference implementation (Salimans et al. 2016).
        """
        return features.double() @ self.network.fc.weight.to(features.device, torch.float64).T


def resize_as_tensorflow_1(images: Tensor, size: int) -> Tensor:
    """Return images resized as `tf.image.resize_bilinear` did: (N, C, H, W) -> (N, C, size, size).

    Pixel i comes from i * old / new, without half a pixel's offset, and from two neighbours however much it shrinks.
    """
    for dim in (3, 2):
        last = images.shape[dim] - 1
        position = torch.arange(size, device=images.device, dtype=images.dtype) * (images.shape[dim] / size)
        before = position.long()
        after = (before + 1).clamp(max=last)
        weight = (position - before).view(-1, *[1] * (3 - dim))
        images = torch.lerp(images.index_select(dim, before), images.index_select(dim, after), weight)
    return images


def resize_as_clean_fid(images: Tensor, size: int) -> Tensor:
    """Return images resized by an antialiased bicubic filter, within [0, 255]: (N, C, H, W) -> (N, C, size, size)."""
    return F.interpolate(images, (size, size), mode="bicubic", antialias=True).clamp(0, 255)
