"""Signs that training has collapsed, judged from a few numbers that are looked at every so often.

Every threshold was set on runs made to collapse and on healthy ones, and tried on others: docs/watchdog.md.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

LOOKS = 3
"""Looks in a row that have to show a sign; healthy runs show one now and then in their first third."""
EVALUATIONS = 2
"""Likewise evaluations."""
START_LOOKS = 8
"""Looks in a row without any diversity, from the start of a run."""
FALLEN = 0.5
"""Share of the diversity once reached, or of the best recall, that is too little."""
HELD = 5
"""Looks in a row for which a diversity has to be held to count as reached: untrained samples may vary more."""
LEAST = 0.05
"""Diversity that has to be reached before it can fall."""
CONSTANT = 0.01
"""Share of the real samples' diversity at which all samples are the same."""
WON = 0.01
"""Share of the loss of a discriminator that guesses below which it has won."""
LOST = 1.1
"""The same, above which it has lost."""
WORSE = 3.0
"""How many times its best a distance may be for a while."""
SURELY_WORSE = 2.0
"""How many times the upper end of its best interval the lower end of an unbiased distance's may be for a while."""
MUCH_WORSE = 6.0
"""How many times its best a distance may not be once."""

GRID = 8
FRAMES = 4


@dataclass(frozen=True)
class Look:
    """What was seen of a run at one moment.

    Args:
        diversity: mean distance between fake samples, by that between as many real ones.
        nearest: median distance from a fake sample to the nearest other one, by that of real ones.
        losses: of the discriminator, without penalties, on the batches that were logged since the last look.
    """

    samples_seen: int
    diversity: float
    nearest: float
    losses: Sequence[float] = ()

    @property
    def loss(self) -> float:
        return sum(self.losses) / len(self.losses) if self.losses else math.nan


Evaluated = tuple[int, float, float, float]
"""The samples_seen of an evaluation, and a metric's value with its interval; without one, the value three times."""


@dataclass(frozen=True)
class Sign:
    """A sign of collapse.

    Args:
        kind: each is reported once.
        evidence: what was seen, with its numbers.
        since: samples_seen of the last look, or evaluation, that did not show it.
        advice: settings to try.
    """

    kind: str
    evidence: str
    since: int
    advice: str


def _has_fallen(diversity: float, reached: float) -> bool:
    return reached > LEAST and diversity < FALLEN * reached


MORE_VARIED = "model/regularizers=r1, a smaller model.generator_optimizer.lr or model.discriminator_steps=2"
SIGNS: dict[str, tuple[int, Callable[[Look, Mapping[str, float], float], bool], str, str]] = {
    "diversity": (
        LOOKS,
        lambda look, reached, guessing: _has_fallen(look.diversity, reached["diversity"]),
        "the mean distance between samples has fallen to {last.diversity:.2f} of that of real ones, from "
        "{reached[diversity]:.2f}",
        MORE_VARIED,
    ),
    "nearest": (
        LOOKS,
        lambda look, reached, guessing: _has_fallen(look.nearest, reached["nearest"]),
        "the distance to the most similar sample has fallen to {last.nearest:.2f} of that of real ones, from "
        "{reached[nearest]:.2f}",
        MORE_VARIED,
    ),
    "constant": (
        START_LOOKS,
        lambda look, reached, guessing: look.nearest < CONSTANT,
        "all samples look the same: the most similar ones differ by {last.nearest:.4f} of what real ones do",
        "smaller or more equal learning rates, or model/loss=relativistic with model/regularizers=r1",
    ),
    "saturation": (
        LOOKS,
        lambda look, reached, guessing: guessing > 0 and look.loss < WON * guessing,
        "the discriminator makes no mistakes: its loss is {last.loss:.2g}, where guessing gives {guessing:.2g}, and "
        "the generator learns nothing from it",
        "model/regularizers=r1 (or a larger gamma), a smaller model.discriminator_optimizer.lr or a smaller "
        "discriminator",
    ),
    "fooled": (
        LOOKS,
        lambda look, reached, guessing: look.loss > LOST * guessing and min(look.losses) > guessing > 0,
        "the discriminator is worse than guessing: its loss is {last.loss:.3g}, where guessing gives {guessing:.2g}",
        "a smaller model.generator_optimizer.lr, a discriminator that learns faster or model.discriminator_steps=2",
    ),
}
"""By kind: for how many looks in a row it has to show, whether it does in one, what is said of it, and what to try."""


OF_LOSSES = {"saturation", "fooled"}
"""Kinds of which a look without logged losses can't tell."""


def coarse(samples: Tensor) -> Tensor:
    """Return samples, over white, averaged down to at most 8 x 8 pixels and 4 frames: (N, C, [T,] H, W) -> (N, D)."""
    if samples.shape[1] in (2, 4):  # the last channel is alpha, from -1 to 1
        alpha = (samples[:, -1:] + 1) / 2
        samples = samples[:, :-1] * alpha + 1 - alpha
    limits = (FRAMES, GRID, GRID)[5 - samples.ndim :]
    size = [min(limit, length) for limit, length in zip(limits, samples.shape[2:], strict=True)]
    return F.interpolate(samples.float(), size, mode="area").flatten(1)


def distances(features: Tensor) -> tuple[float, float]:
    """Return the mean distance between different rows of (N, D) and the median one to a row's nearest, N > 1."""
    between = torch.cdist(features, features, compute_mode="donot_use_mm_for_euclid_dist")
    itself = torch.eye(len(features), dtype=torch.bool, device=features.device)
    nearest = between.masked_fill(itself, math.inf).amin(1)
    return between[~itself].mean().item(), nearest.median().item()


def relative(fake: Tensor, real: Tensor) -> tuple[float, float]:
    """Return diversity and nearest of (N, D) fake features, as in `Look`; 1 where the real ones have none at all."""
    pairs = zip(distances(fake), distances(real), strict=True)
    diversity, nearest = (of_fake / of_real if of_real > 0 else 1.0 for of_fake, of_real in pairs)
    return diversity, nearest


def reached(before: float, values: Sequence[float]) -> float:
    """Return the highest level that a diversity was held at, at most 1, which is that of the real samples.

    Args:
        before: the same at the look before.
        values: of the latest looks.
    """
    return max(before, min(1.0, *values[-HELD:])) if len(values) >= HELD else before


def signs(looks: Sequence[Look], reached: Mapping[str, float], guessing: float) -> list[Sign]:
    """Return the signs of collapse that the latest looks show.

    Args:
        looks: the latest ones, oldest first.
        reached: the highest levels at which diversity and nearest were held, as `reached` finds them.
        guessing: the discriminator's loss where it takes every sample for as real as any other. 0 = a Wasserstein
            critic's, whose loss has no scale and is not judged.
    """
    numbers = {"last": looks[-1], "reached": reached, "guessing": guessing}
    found = []
    for kind, (patience, shows, evidence, advice) in SIGNS.items():
        place = _streak([shows(look, reached, guessing) for look in looks], patience)
        if place is not None:
            found.append(Sign(kind, evidence.format(**numbers), looks[place].samples_seen, advice))
    return found


def seen_in(look: Look, reached: Mapping[str, float], guessing: float) -> set[str]:
    """Return the kinds of signs that a look shows by itself, or can't tell of: those that aren't over."""
    shown = {kind for kind, (_, shows, *_) in SIGNS.items() if shows(look, reached, guessing)}
    return shown if look.losses else shown | OF_LOSSES


def _streak(bad: Sequence[bool], patience: int) -> int | None:
    """Return the place of the last good look where at least `patience` bad ones follow it; 0 where all are bad."""
    length = next((back for back, is_bad in enumerate(reversed(bad)) if not is_bad), len(bad))
    return max(0, len(bad) - length - 1) if length >= patience else None


def worsened(key: str, curve: Sequence[Evaluated], judged_as: str | None) -> Sign | None:
    """Return the sign that a metric is far worse than it was.

    Unbiased distances and shares have to be worse beyond their intervals: of few samples, or near 0, they are often
    twice or half of what they were by chance.

    Args:
        judged_as: what the metric says of itself; see `framegan.metrics.estimate.Estimate`.
        curve: of every evaluation.
    """
    if judged_as not in ("distance", "unbiased distance", "share"):
        return None
    values, lows, highs = ([evaluation[place] for evaluation in curve] for place in (1, 2, 3))
    best = max(values) if judged_as == "share" else min(values)
    at_once = judged_as == "distance" and values[-1] > MUCH_WORSE * best
    if judged_as == "distance":
        is_bad = [value > WORSE * best for value in values]
    elif judged_as == "unbiased distance":
        is_bad = [low > SURELY_WORSE * max(0.0, min(highs)) for low in lows]
    else:
        is_bad = [high < FALLEN * max(lows) for high in highs]
    place = _streak(is_bad, 1 if at_once else EVALUATIONS)
    if place is None:
        return None
    when = curve[values.index(best)][0]
    return Sign(
        key,
        f"{key} is {values[-1]:.4g}, and was {best:.4g} at {when:,} samples",
        curve[place][0],
        "smaller learning rates, or a schedule that lowers them (schedule@model.generator_schedule=cosine)",
    )
