"""A small classifier of the data that a generator learns, in the manner of LeNet-5 (LeCun et al. 1998): an embedding.

Fréchet distances in the features of such a classifier are what is reported for MNIST-like data (Liu et al. 2018). Their
scale depends on the weights: only values of the same fingerprint can be compared.
"""

import io
import math
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from framegan import noise
from framegan.files import archives, atomic
from framegan.media import to_samples
from framegan.metrics.embedding import Embedding, fingerprint_of
from framegan.metrics.weights import existing

NUM_FEATURES = 128
MIN_SIDE = 16
LEARNING_RATE = 2e-3
"""Of Adam in the first step; it falls to 0 in a straight line."""
HOW_TO_TRAIN = "framegan classifier data=NAME"


class Network(nn.Module):
    """Convolutions and poolings down to a side of 4 to 7, one hidden layer, and the classes; nothing is normalised.

    Args:
        shape: (C, H, W) of the images.
    """

    def __init__(self, shape: Sequence[int], num_classes: int):
        super().__init__()
        channels, height, width = shape
        layers: list[nn.Module] = []
        out_channels = 16
        while min(height, width) >= 8:
            layers += [nn.Conv2d(channels, out_channels, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)]
            channels, height, width = out_channels, height // 2, width // 2
            out_channels = min(64, 2 * out_channels)
        self.features = nn.Sequential(
            *layers,  # (N, channels, height, width)
            nn.Flatten(),
            nn.Linear(channels * height * width, NUM_FEATURES),
            nn.ReLU(),
        )
        self.classes = nn.Linear(NUM_FEATURES, num_classes)

    def forward(self, samples: Tensor) -> Tensor:
        """Return the class logits (N, K) of float32 images (N, C, H, W) in [-1, 1]."""
        return self.classes(self.features(samples))


class Classifier(Embedding):
    """Features and class logits of a trained classifier.

    Args:
        weights: the file that `framegan classifier` has written. None = there is none yet, which is an error.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is something else.
    """

    name = "classifier"
    takes = "images"
    num_features = NUM_FEATURES

    def __init__(self, weights: str | None):
        super().__init__()
        if weights is None:
            raise ValueError(
                f"this metric needs a classifier of the data. Train one: {HOW_TO_TRAIN}; it prints the setting to add"
            )
        saved = _load(existing(weights, f"train one: {HOW_TO_TRAIN}"))
        self.shape: tuple[int, ...] = tuple(saved["shape"])
        self.num_classes: int = saved["num_classes"]
        self.accuracy: float = saved["accuracy"]
        self.data: str = saved["data"]
        self.fingerprint = fingerprint_of(saved["state_dict"])
        with torch.device("meta"):  # no random number is drawn
            self.network = Network(self.shape, self.num_classes)
        self.network.load_state_dict(saved["state_dict"], assign=True)
        self.frozen()

    def embed(self, pixels: Tensor) -> Tensor:
        return self.network.features(to_samples(pixels))

    def logits(self, features: Tensor) -> Tensor:
        return self.network.classes(features)

    def check(self, shape: Sequence[int]) -> None:
        super().check(shape)
        if tuple(shape) != self.shape:
            raise ValueError(
                f"this classifier was trained on {_times(self.shape)} images of {self.data}, these are "
                f"{_times(shape)}; train one on them: {HOW_TO_TRAIN}"
            )


def check_data(shape: Sequence[int], num_classes: int, num_samples: int) -> None:
    """Raise ValueError where no classifier can be trained on such data."""
    if len(shape) != 3 or shape[0] not in (1, 3):
        kind = "clips" if len(shape) == 4 else "samples"
        raise ValueError(
            f"a classifier takes images of 1 or 3 channels, these are {kind} of {_times(shape)}; "
            "set data.num_frames=1 to use the frames of clips as images"
        )
    if min(shape[1:]) < MIN_SIDE:
        raise ValueError(
            f"a classifier takes images of at least {MIN_SIDE} pixels a side, these are {_times(shape)}; "
            f"set data.resolution={2 * MIN_SIDE}"
        )
    if num_classes < 2:
        raise ValueError(f"a classifier needs at least 2 classes, these data have {num_classes}; choose labelled data")
    if num_samples < 2:
        raise ValueError(f"a classifier needs a sample to learn from and one to be tested on, got {num_samples}")


def train(
    samples: Tensor, labels: Tensor, num_classes: int, *, epochs: int = 5, batch_size: int = 64, seed: int = 0
) -> tuple[dict[str, Tensor], float]:
    """Train a network on nine tenths of the samples; a function of its arguments alone.

    Args:
        samples: uint8 (N, C, H, W), C = 1 or 3, sides of at least 16.
        labels: int64 (N,) in [0, num_classes).

    Returns:
        The network's state dict, and its share of right answers on the tenth that was held out.

    Raises:
        ValueError: the samples are of another kind, or there are fewer than 2 classes.
    """
    check_data(samples.shape[1:], num_classes, len(samples))
    order = _shuffled(torch.arange(len(samples)), seed, 0)
    num_held_out = max(1, len(order) // 10)
    held_out, trained_on = order[:num_held_out], order[num_held_out:]
    network = _initial(samples.shape[1:], num_classes, seed)
    optimizer = torch.optim.Adam(network.parameters(), LEARNING_RATE)
    num_steps = epochs * math.ceil(len(trained_on) / batch_size)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, num_steps)
    for epoch in range(1, epochs + 1):
        for batch in _shuffled(trained_on, seed, epoch).split(batch_size):
            loss = F.cross_entropy(network(to_samples(samples[batch])), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return network.state_dict(), _accuracy(network, samples, labels, held_out.split(batch_size))


def save(
    path: Path, state: Mapping[str, Tensor], shape: Sequence[int], num_classes: int, accuracy: float, data: str
) -> None:
    """Write the file that `Classifier` reads, whole or not at all.

    Args:
        shape: (C, H, W) of the images it was trained on.
        accuracy: what `train` returned.
        data: what messages call these images.
    """
    contents = {"state_dict": state, "shape": list(shape), "num_classes": num_classes}
    buffer = io.BytesIO()  # torch.save into a file hides why it couldn't be written
    torch.save(contents | {"accuracy": accuracy, "data": data}, buffer)
    with atomic.new_file(path, shared=True) as part:
        part.write_bytes(buffer.getbuffer())


def _initial(shape: Sequence[int], num_classes: int, seed: int) -> Network:
    """Return a network whose weights are a function of the seed; PyTorch's own generator stays as it is."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(noise.generator(seed, noise.MODULES).integers(2**63)))
        return Network(shape, num_classes)


def _shuffled(indices: Tensor, seed: int, epoch: int) -> Tensor:
    return indices[torch.from_numpy(noise.generator(seed, noise.PERMUTATION, epoch).permutation(len(indices)))]


@torch.no_grad()
def _accuracy(network: Network, samples: Tensor, labels: Tensor, batches: Sequence[Tensor]) -> float:
    right = sum(int((network(to_samples(samples[batch])).argmax(1) == labels[batch]).sum()) for batch in batches)
    return right / sum(map(len, batches))


def _load(path: Path) -> dict[str, Any]:
    """Return what `save` has written."""
    try:
        if not archives.is_stored(path):
            raise ValueError("it is damaged, compressed or no such file")
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # unpickling what isn't a pickle raises anything
        raise ValueError(f"{path} can't be read as a classifier: {textwrap.shorten(str(error), 120)}") from error
    if not isinstance(saved, dict) or saved.keys() != {"state_dict", "shape", "num_classes", "accuracy", "data"}:
        raise ValueError(f"{path} is not a classifier; to train one, run {HOW_TO_TRAIN}")
    return saved


def _times(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))
