"""The real samples that are nearest to those that were made, by pixels and by random features: is one a copy?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from framegan.evaluation.real_samples import RealSamples
from framegan.files.live import track
from framegan.metrics import neighbours
from framegan.metrics.embedding import laid_over
from framegan.metrics.random_conv import RandomConv
from framegan.quoting import printable

CHUNK = 64
"""How many real samples are read at a time."""


@dataclass(frozen=True)
class Near:
    """A real sample that is near to one that was made.

    Args:
        number: of the sample in the data, from 0 on.
        distance: of pixels, the root of their mean squared difference, from 0 to 255; of features, Euclidean.
        file: where it is from, of a folder of images; else "".
    """

    number: int
    distance: float
    file: str


@dataclass(frozen=True)
class Neighbours:
    """What is near to one sample.

    Args:
        by_pixels: the nearest ones first.
        by_features: the same in the features of `embedding`.
        may_be_a_copy: whether in these features the nearest one has no real neighbour that is as near to it.
    """

    seed: int
    by_pixels: list[Near]
    by_features: list[Near]
    embedding: str
    may_be_a_copy: bool

    def line(self) -> str:
        """Return what is printed of them."""
        pixels, features = (", ".join(f"{one.distance:.3g} ({_said(one)})" for one in found) for found in self._both)
        copy = "; nearer than any other real one is to it: it may be a copy" if self.may_be_a_copy else ""
        return f"seed {self.seed}: by pixels {pixels}; by {self.embedding} {features}{copy}"

    def as_dict(self) -> dict[str, Any]:
        by_pixels, by_features = ([vars(one) for one in found] for found in self._both)
        said = {"seed": self.seed, "by_pixels": by_pixels, f"by_{self.embedding}": by_features}
        return said | {"may_be_a_copy": self.may_be_a_copy}

    @property
    def numbers(self) -> list[int]:
        """Those of the real samples, by pixels and then by features."""
        return [one.number for found in self._both for one in found]

    @property
    def _both(self) -> tuple[list[Near], list[Near]]:
        return self.by_pixels, self.by_features


def _said(one: Near) -> str:
    return printable(one.file) if one.file else f"sample {one.number:,}"


def neighbours_of(real: RealSamples, seeds: Sequence[int], samples: Tensor, k: int) -> list[Neighbours]:
    """Return the k nearest real samples of each of the made ones, (N, *shape) uint8.

    Raises:
        ValueError: there are too few real samples.
    """
    if real.num_samples <= k:
        raise ValueError(f"neighbours={k}, but the data have {real.num_samples} samples; set it lower")
    embedding = RandomConv().of(real.shape)
    banks, distances, numbers = (
        [],
        samples.new_empty(len(samples), 0).float(),
        samples.new_empty(len(samples), 0).long(),
    )
    flat = laid_over(samples).flatten(1).float()
    starts = range(0, real.num_samples, CHUNK)
    for first in track(starts, "real samples, in groups:", len(starts)):
        some = range(first, min(first + CHUNK, real.num_samples))
        pixels = real.batch(some)[0]
        banks.append(embedding(pixels))
        exact = torch.cdist(flat, laid_over(pixels).flatten(1).float(), compute_mode="donot_use_mm_for_euclid_dist")
        distances = torch.cat([distances, exact / flat.shape[1] ** 0.5], dim=1)
        numbers = torch.cat([numbers, torch.tensor(some).expand(len(samples), -1)], dim=1)
        distances, places = distances.topk(min(k, distances.shape[1]), largest=False)
        numbers = numbers.gather(1, places)
    bank, made = neighbours.centred(torch.cat(banks), embedding(samples))
    of_features, near = neighbours.nearest(bank, made, k)
    to_other, _ = neighbours.nearest(bank, bank[near[:, 0]], 2)  # the first one is that sample itself
    return [
        Neighbours(
            seed,
            _near(real, numbers[row], distances[row]),
            _near(real, near[row], of_features[row]),
            embedding.name,
            may_be_a_copy=bool(of_features[row, 0] <= to_other[row, 1]),
        )
        for row, seed in enumerate(seeds)
    ]


def _near(real: RealSamples, numbers: Tensor, distances: Tensor) -> list[Near]:
    files = getattr(real.source, "files", [])
    is_of_each = len(files) == real.num_samples  # those of videos hold several clips
    return [
        Near(number, distance, str(files[number]) if is_of_each else "")
        for number, distance in zip(numbers.tolist(), distances.tolist(), strict=True)
    ]
