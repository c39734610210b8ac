"""Three digits in one image, read channel by channel: the embedding for Stacked MNIST (Metz et al. 2017)."""

from collections.abc import Sequence

from torch import Tensor

from framegan.metrics.classifier import Classifier
from framegan.metrics.embedding import Embedding
from framegan.quoting import command

NUM_DIGITS = 3


class StackedDigits(Embedding):
    """A classifier of grey digits, applied to each of the three channels; its features are the three's, end to end.

    Args:
        weights: the file of a one-channel classifier, from `framegan classifier data=mnist`.

    Raises:
        ValueError: the classifier's images have three channels.
    """

    name = "stacked_digits"
    takes = "images"

    def __init__(self, weights: str | None):
        super().__init__()
        if weights is None:
            raise ValueError(
                "metrics=modes needs a classifier of grey digits. Train one: "
                f"{command('classifier', 'data=mnist', 'data.resolution=32')}; it prints the file for "
                "metrics.modes.embedding.weights"
            )
        self.classifier = Classifier(weights)
        if self.classifier.takes != "images" or self.classifier.shape[0] != 1:
            found = f"{self.classifier.takes} with {self.classifier.shape[0]}"
            raise ValueError(
                f"stacked_digits needs a classifier of images with 1 channel, {weights} is one of {found}; train one "
                f"with: {command('classifier', 'data=mnist')}"
            )
        self.fingerprint = self.classifier.fingerprint
        self.num_features = NUM_DIGITS * self.classifier.num_features
        self.frozen()

    def embed(self, pixels: Tensor) -> Tensor:
        channels = pixels.flatten(0, 1).unsqueeze(1)  # (3N, 1, H, W)
        return self.classifier.embed(channels).view(len(pixels), self.num_features)

    def logits(self, features: Tensor) -> Tensor:
        """Return the log-probability of each of the K = classes^3 modes, (N, K); the first digit counts most."""
        digits = self.classifier.logits(features.unflatten(1, (NUM_DIGITS, -1)))  # (N, 3, classes)
        first, second, third = digits.log_softmax(2).unbind(1)
        return (first[:, :, None, None] + second[:, None, :, None] + third[:, None, None, :]).flatten(1)

    def check(self, shape: Sequence[int]) -> None:
        super().check(shape)
        if shape[0] != NUM_DIGITS:
            raise ValueError(f"stacked_digits takes images with 3 channels, a digit in each; these have {shape[0]}")
        self.classifier.check((1, *shape[1:]))
