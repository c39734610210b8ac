"""Signs that training has collapsed, judged from a few numbers that are looked at every so often.

Every threshold was set on runs made to collapse and on healthy ones, and tried on others: docs/watchdog.md.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

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
    losses: tuple[float, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain containers, for a checkpoint."""
        return asdict(self) | {"losses": list(self.losses)}


@dataclass(frozen=True)
class Sign:
    """A sign of collapse.

    Args:
        kind: each is told once.
        evidence: what was seen, with its numbers.
        since: samples_seen of the last look, or evaluation, that did not show it.
        advice: settings to try.
    """

    kind: str
    evidence: str
    since: int
    advice: str


def coarse(samples: Tensor) -> Tensor:
    """Return samples averaged down to at most 8 x 8 pixels and 4 frames, (N, C, [T,] H, W) -> (N, D)."""
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
    found = [_fallen(looks, name, reached[name]) for name in ("diversity", "nearest")]
    return [sign for sign in (*found, _constant(looks), _won(looks, guessing), _lost(looks, guessing)) if sign]


def _streak(bad: Sequence[bool], patience: int) -> int | None:
    """Return the place of the last good look where at least `patience` bad ones follow it; 0 where all are bad."""
    length = next((back for back, is_bad in enumerate(reversed(bad)) if not is_bad), len(bad))
    return max(0, len(bad) - length - 1) if length >= patience else None


def _fallen(looks: Sequence[Look], name: Literal["diversity", "nearest"], reached: float) -> Sign | None:
    values = [getattr(look, name) for look in looks]
    place = _streak([reached > LEAST and value < FALLEN * reached for value in values], LOOKS)
    if place is None:
        return None
    what = {"diversity": "the mean distance between samples", "nearest": "the distance to the most similar sample"}
    return Sign(
        name,
        f"{what[name]} has fallen to {values[-1]:.2f} of that of real ones, from {reached:.2f}",
        looks[place].samples_seen,
        "model/regularizers=r1, a smaller model.generator_optimizer.lr or model.discriminator_steps=2",
    )


def _constant(looks: Sequence[Look]) -> Sign | None:
    place = _streak([look.nearest < CONSTANT for look in looks], START_LOOKS)
    if place is None:
        return None
    return Sign(
        "constant",
        f"all samples look the same: the most similar ones differ by {looks[-1].nearest:.4f} of what real ones do",
        looks[place].samples_seen,
        "smaller or more equal learning rates, or model/loss=relativistic with model/regularizers=r1",
    )


def _won(looks: Sequence[Look], guessing: float) -> Sign | None:
    means = [_mean(look.losses) for look in looks]
    place = _streak([guessing > 0 and mean < WON * guessing for mean in means], LOOKS)
    if place is None:
        return None
    return Sign(
        "saturation",
        f"the discriminator makes no mistakes: its loss is {means[-1]:.2g}, where guessing gives {guessing:.2g}, and "
        "the generator learns nothing from it",
        looks[place].samples_seen,
        "model/regularizers=r1 (or a larger gamma), a smaller model.discriminator_optimizer.lr or a smaller "
        "discriminator",
    )


def _lost(looks: Sequence[Look], guessing: float) -> Sign | None:
    means = [_mean(look.losses) for look in looks]
    bad = [
        guessing > 0 and len(look.losses) > 0 and min(look.losses) > guessing and mean > LOST * guessing
        for look, mean in zip(looks, means, strict=True)
    ]
    place = _streak(bad, LOOKS)
    if place is None:
        return None
    return Sign(
        "fooled",
        f"the discriminator is worse than guessing: its loss is {means[-1]:.3g}, where guessing gives {guessing:.2g}",
        looks[place].samples_seen,
        "a smaller model.generator_optimizer.lr, a discriminator that learns faster or model.discriminator_steps=2",
    )


def worsened(
    key: str, curve: Sequence[tuple[int, float]], judged_as: Literal["distance", "share"] | None
) -> Sign | None:
    """Return the sign that a metric is far worse than it was.

    Args:
        judged_as: what the metric says of itself; see `framegan.metrics.estimate.Estimate`.
        curve: (samples_seen, value) of every evaluation.
    """
    values = [value for _, value in curve]
    if judged_as == "distance":
        best, patience = min(values), 1 if values[-1] > MUCH_WORSE * min(values) else EVALUATIONS
        place = _streak([value > WORSE * best for value in values], patience)
    elif judged_as == "share":
        best = max(values)
        place = _streak([value < FALLEN * best for value in values], EVALUATIONS)
    else:
        return None
    if place is None:
        return None
    when = curve[values.index(best)][0]
    return Sign(
        key,
        f"{key} is {values[-1]:.4g}, and was {best:.4g} at {when:,} samples",
        curve[place][0],
        "smaller learning rates, or a schedule that lowers them (schedule@model.generator_schedule=cosine)",
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan
