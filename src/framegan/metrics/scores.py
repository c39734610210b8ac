"""Scores: from the features of real and fake samples to named values with their intervals.

A value is what tools publish; its interval is that of the distance, or the share, of the two distributions. A Fréchet
distance, which few samples make larger, is therefore near the upper end of its own.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Literal, Protocol

import torch
from pydantic import PositiveInt
from torch import Tensor

from framegan.metrics import frechet, kernel
from framegan.metrics.embedding import Embedding
from framegan.metrics.estimate import Estimate, upper_limit
from framegan.metrics.frechet import Correction, Moments
from framegan.metrics.inception_score import inception_scores
from framegan.metrics.kernel import jedi_distance, kernel_distance
from framegan.metrics.modes import mode_coverage
from framegan.metrics.neighbours import authenticity, density_coverage, precision_recall
from framegan.metrics.subsets import NUM_SUBSETS, of_subsets, subsets, without_subsets

SHARE = (0.0, 1.0)
POSITIVE = (0.0, math.inf)
OF_A_SUBSET = 10
"""Samples of a subset, at least, where neighbours are counted."""
FEW = 100
"""Samples below which subsets are too small to show how a kernel distance varies."""


@dataclass(frozen=True)
class Features:
    """The features of a set of samples, float32 (N, D), their moments, and if they are known the samples' classes.

    Args:
        labels: int64 (N,).
        classes: names.
    """

    bank: Tensor
    labels: Tensor | None = None
    classes: Sequence[str] = ()

    @cached_property
    def moments(self) -> Moments:
        return Moments.of(self.bank)

    def to(self, device: torch.device) -> "Features":
        """Return the same features on a device."""
        return Features(self.bank.to(device), None if self.labels is None else self.labels.to(device), self.classes)

    def of(self, name: str) -> "Features":
        """Return those of a class; their labels have to be known."""
        assert self.labels is not None
        rows = self.labels == (list(self.classes).index(name) if name in self.classes else -1)
        return Features(self.bank[rows], self.labels[rows], self.classes)

    def labels_among(self, known: Sequence[str]) -> Tensor | None:
        """Return the numbers of their classes among some names; None where one isn't among them."""
        if self.labels is None or not self.classes or not set(self.classes) <= set(known):
            return None
        numbers = [list(known).index(name) for name in self.classes]
        return torch.tensor(numbers, device=self.labels.device)[self.labels]


class Score(Protocol):
    """Named values of fake features (N, D) beside real ones; each says which direction is better.

    A score that needs more than 2 samples on either side says so in `least_samples`. One that has a method `names`,
    from an embedding to the names of its values, lets a run whose `objective` is none of them stop at its start.

    One with `needs_classes = True` is called with a further argument, the class that each fake sample was asked for,
    int64 (N,), as the embedding's logits number them; not where that is unknown, as of an unconditional generator.

    A new one is a class, here or in a package of one's own, an entry below `scores` in a YAML file, and a test.
    """

    def __call__(self, real: Features, fake: Tensor, embedding: Embedding) -> dict[str, Estimate]: ...


@dataclass(frozen=True)
class Frechet:
    """The Fréchet distance: FID, FVD or, in other features, "fd"."""

    correction: Correction = 1

    def names(self, embedding: Embedding) -> tuple[str, ...]:
        return (embedding.frechet_name,)

    def __call__(self, real: Features, fake: Tensor, embedding: Embedding) -> dict[str, Estimate]:
        def distance(moments: Moments) -> float:
            return frechet.gaussian_distance(real.moments, moments, self.correction)

        of_fake = Moments.of(fake)
        value, values = distance(of_fake), [distance(Moments.of(fake[some])) for some in subsets(len(fake), least=2)]
        both = real.moments.merged(of_fake)
        unbiased = value - upper_limit(frechet.distances_by_chance(real.bank, fake, both, self.correction))
        estimate = Estimate.of(value, values, "lower", "distance", also=[unbiased], within=POSITIVE)
        return {embedding.frechet_name: estimate}


@dataclass(frozen=True)
class FrechetInfinity:
    """The Fréchet distance extrapolated to ever more fake samples (Chong & Forsyth 2020); it has no interval."""

    correction: Correction = 1
    least_samples = 3

    def names(self, embedding: Embedding) -> tuple[str, ...]:
        return (f"{embedding.frechet_name}_infinity",)

    def __call__(self, real: Features, fake: Tensor, embedding: Embedding) -> dict[str, Estimate]:
        value = frechet.extrapolated_distance(real.moments, fake, self.correction)
        (name,) = self.names(embedding)
        return {name: Estimate(value, None, why_no_interval="it is extrapolated")}


@dataclass(frozen=True)
class Kernel:
    """The kernel distance: KID, KVD or, in other features, "kd"; the mean over random subsets, as published.

    Args:
        num_subsets: None = one distance of all samples.
    """

    num_subsets: PositiveInt | None = 100
    subset_size: PositiveInt = 1000

    def names(self, embedding: Embedding) -> tuple[str, ...]:
        return (embedding.kernel_name,)

    def __call__(self, real: Features, fake: Tensor, embedding: Embedding) -> dict[str, Estimate]:
        bank = real.bank
        if self.num_subsets is None:
            value = kernel_distance(bank, fake)
        else:
            value = statistics.mean(kernel.subset_distances(bank, fake, self.num_subsets, self.subset_size))
        unbiased = value + kernel.lowered_by_shared(bank, fake)
        by_chance = kernel.distances_by_chance(bank, fake) if min(len(bank), len(fake)) < FEW else [0.0]
        values = of_subsets(kernel_distance, bank, fake, least=2)
        also = [unbiased - chance for chance in by_chance]
        return {embedding.kernel_name: Estimate.of(value, values, "lower", "unbiased distance", also=also)}


@dataclass(frozen=True)
class Jedi:
    """The kernel distance of JEDi (Luo et al. 2025) in whatever features are given; theirs are those of V-JEPA."""

    def names(self, embedding: Embedding) -> tuple[str, ...]:
        return ("jedi",)

    def __call__(self, real: Features, fake: Tensor, embedding: Embedding) -> dict[str, Estimate]:
        value, values = jedi_distance(real.bank, fake), of_subsets(jedi_distance, real.bank, fake, least=2)
        unbiased = 100 * kernel_distance(real.bank, fake, kernel.JEDI)
        return {"jedi": Estimate.of(value, values, also=[unbiased], within=POSITIVE)}


def _of_neighbours(score: "PrecisionRecall | DensityCoverage", *names: str) -> tuple[str, ...]:
    """Return names that say k where it isn't the published one, such as "precision_k5"."""
    return names if score.k == type(score).k else tuple(f"{name}_k{score.k}" for name in names)


@dataclass(frozen=True)
class PrecisionRecall:
    """Improved precision and recall (Kynkäänniemi et al. 2019)."""

    k: PositiveInt = 3

    @property
    def least_samples(self) -> int:
        return self.k + 1

    def names(self, embedding: Embedding) -> tuple[str, ...]:
        return _of_neighbours(self, "precision", "recall")

    def __call__(self, real: Features, fake: Tensor, embedding: Embedding) -> dict[str, Estimate]:
        measure = partial(precision_recall, k=self.k)
        values = of_subsets(measure, real.bank, fake, max(OF_A_SUBSET, self.least_samples))
        (precision, *precisions), (recall, *recalls) = zip(measure(real.bank, fake), *values, strict=True)
        of_fake, of_real = self.names(embedding)
        return {
            of_fake: Estimate.of(precision, precisions, "higher", within=SHARE),
            of_real: Estimate.of(recall, recalls, "higher", "share", within=SHARE),
        }


@dataclass(frozen=True)
class DensityCoverage:
    """Density and coverage (Naeem et al. 2020)."""

    k: PositiveInt = 5

    @property
    def least_samples(self) -> int:
        return self.k + 1

    def names(self, embedding: Embedding) -> tuple[str, ...]:
        return _of_neighbours(self, "density", "coverage")

    def __call__(self, real: Features, fake: Tensor, embedding: Embedding) -> dict[str, Estimate]:
        measure = partial(density_coverage, k=self.k)
        values = without_subsets(measure, real.bank, fake, max(OF_A_SUBSET, self.least_samples))
        (density, *densities), (coverage, *coverages) = zip(measure(real.bank, fake), *values, strict=True)
        of_fake, of_real = self.names(embedding)
        return {
            of_fake: Estimate.of(density, densities, "higher", left_out=True, within=POSITIVE),
            of_real: Estimate.of(coverage, coverages, "higher", "share", left_out=True, within=SHARE),
        }


@dataclass(frozen=True)
class Authenticity:
    """The share of fake samples that aren't as near to a real one as a copy would be (Alaa et al. 2022)."""

    def names(self, embedding: Embedding) -> tuple[str, ...]:
        return ("authenticity",)

    def __call__(self, real: Features, fake: Tensor, embedding: Embedding) -> dict[str, Estimate]:
        values = [authenticity(real.bank, fake[some]) for some in subsets(len(fake), OF_A_SUBSET)]
        return {"authenticity": Estimate.of(authenticity(real.bank, fake), values, "higher", within=SHARE)}


@dataclass(frozen=True)
class InceptionScore:
    """The inception score (Salimans et al. 2016); with another classifier it is the "classifier_score"."""

    least_samples = NUM_SUBSETS

    def names(self, embedding: Embedding) -> tuple[str, ...]:
        return ("is" if embedding.frechet_name == "fid" else "classifier_score",)

    def __call__(self, real: Features, fake: Tensor, embedding: Embedding) -> dict[str, Estimate]:
        of_splits = inception_scores(embedding.logits(fake), NUM_SUBSETS)
        (name,) = self.names(embedding)
        return {name: Estimate.of(statistics.mean(of_splits), of_splits, "higher", within=(1.0, math.inf))}


@dataclass(frozen=True)
class ModeCoverage:
    """How many classes occur among the fake samples, and how far from evenly (Lin et al. 2018).

    Args:
        expected: "even", as published, or "real": how far their shares are from those among the real samples, as a
            generator that is asked for the classes in the data's proportions shouldn't make all equally often.
    """

    expected: Literal["even", "real"] = "even"

    def names(self, embedding: Embedding) -> tuple[str, ...]:
        return ("modes", "mode_divergence" if self.expected == "even" else "mode_divergence_from_real")

    def __call__(self, real: Features, fake: Tensor, embedding: Embedding) -> dict[str, Estimate]:
        logits = embedding.logits(fake)
        of_real = embedding.logits(real.bank).argmax(1) if self.expected == "real" else None
        modes, divergence = mode_coverage(logits.argmax(1), logits.shape[1], of_real)
        number, distance = self.names(embedding)
        reason = "it depends on the number of samples"
        return {
            number: Estimate(modes, None, "higher", "share", reason),
            distance: Estimate(divergence, None, why_no_interval=reason),
        }


@dataclass(frozen=True)
class ClassAccuracy:
    """The share of fake samples in which the embedding's classifier finds the class that was asked for."""

    needs_classes = True

    def names(self, embedding: Embedding) -> tuple[str, ...]:
        return ("class_accuracy",)

    def __call__(self, real: Features, fake: Tensor, embedding: Embedding, asked: Tensor) -> dict[str, Estimate]:
        is_found = (embedding.logits(fake).argmax(1) == asked).double()
        values = [float(is_found[some].mean()) for some in subsets(len(fake), OF_A_SUBSET)]
        return {"class_accuracy": Estimate.of(float(is_found.mean()), values, "higher", "share", within=SHARE)}
