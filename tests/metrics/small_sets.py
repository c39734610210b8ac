"""Sample sets that are a formula, and embeddings that are one, to see what comparisons do with them."""

from dataclasses import dataclass, field

import torch

from framegan.metrics.embedding import Embedding
from framegan.spread import chosen


@dataclass
class Noise:
    """Pixels of sample k drawn around `level` from (seed, k); remembers which were asked for."""

    level: int = 128
    seed: int = 0
    shape: tuple[int, ...] = (1, 4, 4)
    num_samples: int | None = None
    fingerprint: str | None = None
    num_classes: int = 2
    classes: tuple[str, ...] = ()
    device = torch.device("cpu")  # no field
    asked: list = field(default_factory=list)

    @property
    def origin(self):
        return {"level": self.level}

    def chosen(self, num_wanted):
        return range(num_wanted) if self.num_samples is None else chosen(num_wanted, self.num_samples)

    def cut(self, num_frames, frame_stride):
        return Noise(self.level, self.seed, (self.shape[0], num_frames, *self.shape[2:]), self.num_samples)

    def batch(self, numbers):
        self.asked += numbers
        generators = [torch.Generator().manual_seed(1000 * self.seed + number) for number in numbers]
        pixels = [torch.randint(self.level - 20, self.level + 20, self.shape, generator=g) for g in generators]
        return torch.stack(pixels).to(torch.uint8), torch.tensor([number % 2 for number in numbers])


class Corner(Embedding):
    """The first pixel of every row, in [0, 1]."""

    name, fingerprint, num_features, takes = "corner", "0badcafe", 4, "images"

    def embed(self, pixels):
        return pixels[:, 0, :, 0].float() / 255

    def logits(self, features):
        return 20 * features


class Corners(Corner):
    """The same of clips of three frames at least: means over time."""

    name, takes, min_frames = "corners", "clips", 3

    def embed(self, pixels):
        return pixels[:, 0, :, :, 0].float().mean(1) / 255
