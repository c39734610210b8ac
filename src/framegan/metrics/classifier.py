"""A small classifier of the data that a generator learns, in the manner of LeNet-5 (LeCun et al. 1998): an embedding.

Fréchet distances in the features of such a classifier are what is reported for MNIST-like data (Liu et al. 2018). Their
scale depends on the weights: only values of the same fingerprint can be compared.
"""

import io
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from framegan.files import archives, atomic
from framegan.files.user_cache import user_cache
from framegan.media import to_samples
from framegan.metrics.embedding import Embedding, fingerprint_of
from framegan.metrics.weights import existing

NUM_FEATURES = 128
LARGEST_SIDE = 32
"""Of the frames of clips, in pixels, as the network sees them."""
KEPT = {"state_dict", "shape", "num_classes", "accuracy", "data"}
HOW_TO_TRAIN = "framegan classifier data=NAME"


class NoClassifierError(ValueError):
    """There is no classifier of the data; whoever knows how they were set says how to train one."""


class Network(nn.Module):
    """Features and, from them by one layer, the classes; nothing is normalised.

    Args:
        shape: (C, H, W) of images, or (C, T, H, W) of clips.
    """

    def __init__(self, shape: Sequence[int], num_classes: int):
        super().__init__()
        self.features = _features_of_images(shape) if len(shape) == 3 else FeaturesOfClips(shape)
        self.classes = nn.Linear(NUM_FEATURES, num_classes)

    def forward(self, samples: Tensor) -> Tensor:
        """Return the class logits (N, K) of float32 samples (N, *shape) in [-1, 1]."""
        return self.classes(self.features(samples))


class FeaturesOfClips(nn.Module):
    """Each frame beside its change since the one before, as an image; what is seen is filtered and averaged in time.

    Frames larger than `LARGEST_SIDE` are halved until they aren't, which leaves motion to be seen.
    """

    def __init__(self, shape: Sequence[int]):
        super().__init__()
        channels, _, height, width = shape
        self.shrink = 1
        while min(height, width) // self.shrink > LARGEST_SIDE:
            self.shrink *= 2
        self.frames = _features_of_images((2 * channels, height // self.shrink, width // self.shrink))
        self.times = nn.Sequential(nn.Conv1d(NUM_FEATURES, NUM_FEATURES, 3, padding=1), nn.ReLU())

    def forward(self, clips: Tensor) -> Tensor:
        frames = F.avg_pool3d(clips, (1, self.shrink, self.shrink)).transpose(1, 2)  # (N, T, C, height, width)
        pairs = torch.cat([frames[:, 1:], frames.diff(dim=1)], dim=2)
        seen = self.frames(pairs.flatten(0, 1)).unflatten(0, pairs.shape[:2])  # (N, T - 1, features)
        return self.times(seen.transpose(1, 2)).mean(2)


def _features_of_images(shape: Sequence[int]) -> nn.Sequential:
    """Return convolutions and poolings down to a side of 4 to 7, and one hidden layer: (N, C, H, W) -> (N, D)."""
    channels, height, width = shape
    layers: list[nn.Module] = []
    out_channels = 16
    while min(height, width) >= 8:
        layers += [nn.Conv2d(channels, out_channels, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)]
        channels, height, width = out_channels, height // 2, width // 2
        out_channels = min(64, 2 * out_channels)
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * height * width, NUM_FEATURES), nn.ReLU())


class Classifier(Embedding):
    """Features and class logits of a trained classifier.

    Args:
        weights: the file that `framegan classifier` has written. None = the one that it wrote of the data that are
            compared, into the user's cache, see `for_data`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is something else.
    """

    name = "classifier"
    takes: Literal["images", "clips"] = "images"
    frames_at_once = 1024
    num_features = NUM_FEATURES

    def __init__(self, weights: str | None):
        super().__init__()
        self.is_loaded = weights is not None
        if weights is None:
            return
        saved = _load(existing(weights, f"train one: {HOW_TO_TRAIN}"))
        self.shape: tuple[int, ...] = tuple(saved["shape"])
        self.takes = "images" if len(self.shape) == 3 else "clips"
        self.num_classes: int = saved["num_classes"]
        self.classes: list[str] = saved.get("classes") or [str(number) for number in range(self.num_classes)]
        self.accuracy: float = saved["accuracy"]
        self.data: str = saved["data"]
        self.about = {"classifier_of": self.data, "classifier_accuracy": self.accuracy}
        self.fingerprint = fingerprint_of(saved["state_dict"])
        with torch.device("meta"):  # no random number is drawn
            self.network = Network(self.shape, self.num_classes)
        self.network.load_state_dict(saved["state_dict"], assign=True)
        self.frozen()

    def for_data(self, fingerprint: str | None) -> Embedding:
        """Return itself, or without weights the classifier of the data with this fingerprint.

        Raises:
            NoClassifierError: none was trained, or the data have no fingerprint.
        """
        if self.is_loaded:
            return self
        files = [] if fingerprint is None else sorted(folder().glob(f"*_{fingerprint}.pt"))
        if not files:
            raise NoClassifierError(f"metrics=classifier needs a classifier of these data, and {folder()} has none")
        if len(files) > 1:
            raise ValueError(
                f"{folder()} has {len(files)} classifiers of these data, which give other values: {files[0].name}, "
                f"{files[1].name} ...; remove all but one, or set metrics.classifier.embedding.weights=FILE"
            )
        return Classifier(str(files[0]))

    def embed(self, pixels: Tensor) -> Tensor:
        return self.network.features(to_samples(pixels))

    def logits(self, features: Tensor) -> Tensor:
        return self.network.classes(features)

    def check(self, shape: Sequence[int]) -> None:
        super().check(shape)
        if tuple(shape) != self.shape:
            raise ValueError(
                f"this classifier was trained on {size_of(self.shape)} {self.takes} of {self.data}, these are "
                f"{size_of(shape)}; train one on them: {HOW_TO_TRAIN}"
            )


def folder() -> Path:
    """Return where `framegan classifier` writes by itself: below FRAMEGAN_WEIGHTS, or else the user's cache."""
    return user_cache(variable="FRAMEGAN_WEIGHTS") / "classifiers"


def file_of(data: str, shape: Sequence[int], fingerprint: str | None) -> Path:
    """Return the file there for a classifier of data; by their fingerprint `Classifier` finds it."""
    return folder() / f"{'_'.join(filter(None, [data, size_of(shape), fingerprint]))}.pt"


def save(
    path: Path, state: Mapping[str, Tensor], shape: Sequence[int], classes: Sequence[str], accuracy: float, data: str
) -> None:
    """Write the file that `Classifier` reads, whole or not at all.

    Args:
        shape: of the samples it was trained on.
        classes: their names, in the order of their numbers.
        accuracy: its share of right answers among those held out.
        data: what messages call these samples.
    """
    of_classes = {"num_classes": len(classes), "classes": list(classes)}
    contents = {"state_dict": state, "shape": list(shape), **of_classes}
    buffer = io.BytesIO()  # torch.save into a file hides why it couldn't be written
    torch.save(contents | {"accuracy": accuracy, "data": data}, buffer)
    with atomic.new_file(path, shared=True) as part:
        part.write_bytes(buffer.getbuffer())


def _load(path: Path) -> dict[str, Any]:
    """Return what `save` has written."""
    try:
        if not archives.is_stored(path):
            raise ValueError("it is damaged, compressed or no such file")
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # unpickling what isn't a pickle raises anything
        raise ValueError(f"{path} can't be read as a classifier: {textwrap.shorten(str(error), 120)}") from error
    if not isinstance(saved, dict) or saved.keys() - {"classes"} != KEPT:  # earlier versions kept no names of classes
        raise ValueError(f"{path} is not a classifier; to train one, run {HOW_TO_TRAIN}")
    return saved


def is_classifier(path: Path) -> bool:
    """Say whether a file is one that `save` has written."""
    try:
        _load(path)
    except ValueError:
        return False
    return True


def size_of(shape: Sequence[int]) -> str:
    """Return a shape as messages give it."""
    return "x".join(map(str, shape))
