"""Scores of class-conditional generators: what was asked for, and the values of each class."""

from collections.abc import Sequence

from framegan.by_class import OfClass
from framegan.metrics.embedding import Embedding
from framegan.metrics.estimate import Estimate
from framegan.metrics.scores import Features, Score

OF_A_CLASS = 50
"""Samples of a class, at least, for a score of features: a distance of fewer is mostly bias."""


def needs_classes(score: Score) -> bool:
    """Say whether a score is called with what was asked for, and only where that is known."""
    return getattr(score, "needs_classes", False)


def estimates(score: Score, real: Features, fake: Features, embedding: Embedding) -> dict[str, Estimate]:
    """Return the values of a score; none where it needs classes that aren't known."""
    if not needs_classes(score):
        return score(real, fake.bank, embedding)
    asked = fake.labels_among(embedding.classes)
    return {} if asked is None else score(real, fake.bank, embedding, *[asked])


def by_class(
    score: Score, real: Features, fake: Features, embedding: Embedding, names: Sequence[str]
) -> dict[str, dict[str, OfClass]]:
    """Return the values of a score for each class that the fake samples were asked for, by its name.

    Args:
        names: of the score's values, which are missing of a class with too few samples.
    """
    found: dict[str, dict[str, OfClass]] = {name: {} for name in names}
    for one in fake.classes:
        ours, theirs = real.of(one), fake.of(one)
        counts = len(ours.bank), len(theirs.bank)
        least = 1 if needs_classes(score) else max(OF_A_CLASS, getattr(score, "least_samples", 2))
        fewest = counts[1] if needs_classes(score) else min(counts)  # which looks at no real samples
        values = estimates(score, ours, theirs, embedding) if fewest >= least else {}
        missing = OfClass(None, None, *counts, f"fewer than {least} samples of the class on either side")
        for name in names:
            value = values.get(name)
            found[name][one] = missing if value is None else OfClass(value.value, value.interval, *counts)
    return found
