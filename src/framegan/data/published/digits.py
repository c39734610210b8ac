"""The 1,797 handwritten digits that scikit-learn ships, 8x8 pixels (Alpaydin & Kaynak 1998): no download."""

import torch

from framegan.configurable import configurable
from framegan.data.labels import Classes
from framegan.data.resolution import Resolution
from framegan.data.source import TensorSource

DIGITS = tuple("0123456789")


@configurable
def digits(resolution: Resolution = 32, classes: Classes | None = None) -> TensorSource:
    """Return the digits scaled to (1, H, W), white on black, in 10 classes.

    Args:
        classes: which of these are read, in the order of their numbers; None: all.

    Raises:
        ImportError: scikit-learn isn't installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ImportError('data=digits needs scikit-learn; install it: pip install "framegan[digits]"') from error
    images, labels = load_digits(return_X_y=True)
    samples = torch.from_numpy(images).mul(255 / 16).round().to(torch.uint8).view(-1, 1, 8, 8)
    source = TensorSource(samples, torch.from_numpy(labels).long(), 10, classes=DIGITS)
    return source.of_classes(classes).resized(resolution)
