"""Scores: from the features of real and fake samples to named values with their intervals.

A value is what tools publish; its interval is that of the distance, or the share, of the two distributions. A Fréchet
distance, which few samples make larger, is therefore near the upper end of its own.
"""

import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

import torch
from pydantic import PositiveInt
from torch import Tensor

from framegan.metrics.embedding import Embedding
from framegan.metrics.estimate import NUM_SUBSETS, Estimate, subsets, upper_limit
from framegan.metrics.frechet import (
    Correction,
    Moments,
    distances_without_difference,
    extrapolated_distance,
    frechet_distance,
)
from framegan.metrics.inception_score import inception_scores
from framegan.metrics.kernel import (
    JEDI,
    jedi_distance,
    kernel_distance,
    kernel_distances_without_difference,
    lowered_by_shared,
    subset_distances,
)
from framegan.metrics.modes import mode_coverage
from framegan.metrics.neighbours import density_coverage, precision_recall

Value = TypeVar("Value")


@dataclass(frozen=True)
class Features:
    """What is known of a set of samples.

    Args:
        moments: of their features.
        bank: the features themselves, float32 (N, D), where a score needs them.
    """

    moments: Moments
    bank: Tensor | None

    def to(self, device: torch.device) -> "Features":
        """Return the same on a device."""
        moments = Moments(self.moments.num_samples, self.moments.mean.to(device), self.moments.scatter.to(device))
        return Features(moments, None if self.bank is None else self.bank.to(device))


SHARE = (0.0, 1.0)
POSITIVE = (0.0, math.inf)
FEW = 100
"""Samples below which subsets are too small to show how a kernel distance varies."""
PAIR = 2
"""How many samples a distance needs on either side."""


class Score(Protocol):
    """Named values of fake features (N, D) beside real ones; each says which direction is better.

    A score that needs more than 2 samples on either side says so in `least_samples`. One that has a method `names`,
    from an embedding to the names of its values, lets a run whose `objective` is none of them stop at its start.

    Attributes:
        needs_real_bank: whether it needs the real features and not just their moments.
    """

    needs_real_bank: bool

    def __call__(self, real: Features, fake: Tensor, embedding: Embedding) -> dict[str, Estimate]: ...


@dataclass(frozen=True)
class Frechet:
    """The Fréchet distance: FID, FVD or, in other features, "fd"."""

    correction: Correction = 1
    needs_real_bank = True

    def names(self, embedding: Embedding) -> tuple[str, ...]:
        return (embedding.frechet_name,)

    def __call__(self, real: Features, fake: Tensor, embedding: Embedding) -> dict[str, Estimate]:
        def distance(some: slice) -> float:
            return frechet_distance(real.moments, Moments.of(fake[some]), self.correction)

        value, values = distance(slice(None)), [distance(some) for some in subsets(len(fake), PAIR)]
        unbiased = value - upper_limit(distances_without_difference(_bank(real), fake, self.correction))
        return {
            embedding.frechet_name: Estimate.of(value, values, "lower", "distance", also=[unbiased], within=POSITIVE)
        }


@dataclass(frozen=True)
class FrechetInfinity:
    """The Fréchet distance extrapolated to ever more fake samples (Chong & Forsyth 2020); it has no interval."""

    correction: Correction = 1
    needs_real_bank = False
    least_samples = 3

    def names(self, embedding: Embedding) -> tuple[str, ...]:
        return (f"{embedding.frechet_name}_infinity",)

    def __call__(self, real: Features, fake: Tensor, embedding: Embedding) -> dict[str, Estimate]:
        value = extrapolated_distance(real.moments, fake, self.correction)
        reason = "it is extrapolated"
        (name,) = self.names(embedding)
        return {name: Estimate(value, None, why_no_interval=reason)}


@dataclass(frozen=True)
class Kernel:
    """The kernel distance: KID, KVD or, in other features, "kd"; the mean over random subsets, as published.

    Args:
        num_subsets: None = one distance of all samples.
    """

    num_subsets: PositiveInt | None = 100
    subset_size: PositiveInt = 1000
    needs_real_bank = True

    def names(self, embedding: Embedding) -> tuple[str, ...]:
        return (embedding.kernel_name,)

    def __call__(self, real: Features, fake: Tensor, embedding: Embedding) -> dict[str, Estimate]:
        bank = _bank(real)
        if self.num_subsets is None:
            value = kernel_distance(bank, fake)
        else:
            value = statistics.mean(subset_distances(bank, fake, self.num_subsets, self.subset_size))
        values = _of_subsets(kernel_distance, bank, fake, PAIR)
        unbiased = value + lowered_by_shared(bank, fake)
        by_chance = kernel_distances_without_difference(bank, fake) if min(len(bank), len(fake)) < FEW else [0.0]
        return {embedding.kernel_name: Estimate.of(value, values, also=[unbiased - chance for chance in by_chance])}


class Jedi:
    """The kernel distance of JEDi (Luo et al. 2025) in whatever features are given; theirs are those of V-JEPA."""

    needs_real_bank = True

    def names(self, embedding: Embedding) -> tuple[str, ...]:
        return ("jedi",)

    def __call__(self, real: Features, fake: Tensor, embedding: Embedding) -> dict[str, Estimate]:
        bank = _bank(real)
        value, values = jedi_distance(bank, fake), _of_subsets(jedi_distance, bank, fake, PAIR)
        unbiased = 100 * kernel_distance(bank, fake, JEDI)
        return {"jedi": Estimate.of(value, values, also=[unbiased], within=POSITIVE)}


@dataclass(frozen=True)
class PrecisionRecall:
    """Improved precision and recall (Kynkäänniemi et al. 2019)."""

    k: PositiveInt = 3
    needs_real_bank = True

    @property
    def least_samples(self) -> int:
        return self.k + 1

    def names(self, embedding: Embedding) -> tuple[str, ...]:
        return ("precision", "recall")

    def __call__(self, real: Features, fake: Tensor, embedding: Embedding) -> dict[str, Estimate]:
        function, bank = partial(precision_recall, k=self.k), _bank(real)
        precision, recall = function(bank, fake)
        precisions, recalls = _transposed(_of_subsets(function, bank, fake))
        return {
            "precision": Estimate.of(precision, precisions, "higher", within=SHARE),
            "recall": Estimate.of(recall, recalls, "higher", "share", within=SHARE),
        }


@dataclass(frozen=True)
class DensityCoverage:
    """Density and coverage (Naeem et al. 2020)."""

    k: PositiveInt = 5
    needs_real_bank = True

    @property
    def least_samples(self) -> int:
        return self.k + 1

    def names(self, embedding: Embedding) -> tuple[str, ...]:
        return ("density", "coverage")

    def __call__(self, real: Features, fake: Tensor, embedding: Embedding) -> dict[str, Estimate]:
        function, bank = partial(density_coverage, k=self.k), _bank(real)
        density, coverage = function(bank, fake)
        densities, coverages = _transposed(_without_subsets(function, bank, fake))
        return {
            "density": Estimate.of(density, densities, "higher", left_out=True, within=POSITIVE),
            "coverage": Estimate.of(coverage, coverages, "higher", "share", left_out=True, within=SHARE),
        }


@dataclass(frozen=True)
class InceptionScore:
    """The inception score (Salimans et al. 2016); with another classifier it is the "classifier_score"."""

    needs_real_bank = False
    least_samples = NUM_SUBSETS

    def names(self, embedding: Embedding) -> tuple[str, ...]:
        return ("is" if embedding.frechet_name == "fid" else "classifier_score",)

    def __call__(self, real: Features, fake: Tensor, embedding: Embedding) -> dict[str, Estimate]:
        of_splits = inception_scores(embedding.logits(fake), NUM_SUBSETS)
        (name,) = self.names(embedding)
        return {name: Estimate.of(statistics.mean(of_splits), of_splits, "higher", within=(1.0, math.inf))}


class ModeCoverage:
    """How many classes occur among the fake samples, and how far from evenly (Lin et al. 2018)."""

    needs_real_bank = False

    def names(self, embedding: Embedding) -> tuple[str, ...]:
        return ("modes", "mode_divergence")

    def __call__(self, real: Features, fake: Tensor, embedding: Embedding) -> dict[str, Estimate]:
        logits = embedding.logits(fake)
        modes, divergence = mode_coverage(logits.argmax(1), logits.shape[1])
        reason = "it depends on the number of samples"
        return {
            "modes": Estimate(modes, None, "higher", "share", reason),
            "mode_divergence": Estimate(divergence, None, why_no_interval=reason),
        }


def _bank(real: Features) -> Tensor:
    assert real.bank is not None
    return real.bank


def _of_subsets(
    function: Callable[[Tensor, Tensor], Value], real: Tensor, fake: Tensor, least: int = 10
) -> list[Value]:
    """Return the values of disjoint subsets of both sides.

    Each is compared with the next one of the other side: where both hold the same samples, these are others.
    """
    chosen = subsets(min(len(real), len(fake)), least)
    return [function(real[some], fake[other]) for some, other in zip(chosen, [*chosen[1:], *chosen[:1]], strict=True)]


def _without_subsets(function: Callable[[Tensor, Tensor], Value], real: Tensor, fake: Tensor) -> list[Value]:
    """Return the values of both sides without one disjoint subset after the other."""
    return [function(*(_left_out(x, some) for x in (real, fake))) for some in subsets(min(len(real), len(fake)))]


def _left_out(features: Tensor, some: slice) -> Tensor:
    kept = torch.ones(len(features), dtype=torch.bool, device=features.device)
    kept[some] = False
    return features[kept]


def _transposed(pairs: list[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [first for first, _ in pairs], [second for _, second in pairs]
