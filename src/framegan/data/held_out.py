"""Which samples training leaves out, so that a model can be judged by what it hasn't seen."""

import hashlib
import math
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from framegan import noise
from framegan.data.bad_files import BadFiles
from framegan.data.source import Source
from framegan.data.videos.clips import Clips
from framegan.rules import require

Share = Annotated[float, Field(ge=0, lt=1)]


def held_out(source: Source, share: float) -> np.ndarray:
    """Return the numbers of the samples that are held out, ascending: drawn at random, the same for every run.

    All of a group are where the source has `groups`, as one of them tells of the others; see `groups_of`.
    """
    if share == 0:
        return np.arange(0)
    number, group_of_each = groups_of(source)
    return np.flatnonzero(np.isin(group_of_each, _groups_held_out(number, share)))


def _groups_held_out(number: int, share: float) -> np.ndarray:
    return noise.generator(0, noise.HELD_OUT).permutation(number)[: int(share * number)]


def digest_of_held_out(source: Source, share: float) -> str | None:
    """Return what identifies the groups that are held out, however many samples they have; None where none are."""
    if share == 0:
        return None
    number, _ = groups_of(source)
    return hashlib.sha256(np.array([number, *sorted(_groups_held_out(number, share))]).tobytes()).hexdigest()[:16]


def others_held_out(source: Source, share: float, kept: str | None) -> str:
    """Return what to say where a share of a source isn't what a run has held out, which `kept` identifies.

    Args:
        kept: None = the run doesn't say, as those of before files of the same contents were held out together.
    """
    if share == 0 or (kept is None and getattr(source, "groups", None) is None):
        return ""
    if kept is None:
        return "held out: the run doesn't say which samples, and those of the same contents are one group now"
    return "" if kept == digest_of_held_out(source, share) else "held out: other samples than those of the run"


def check_held_out(source: Source, share: float) -> None:
    """Raise ValueError where a share of few data is none of them."""
    if share == 0 or len(held_out(source, share)):
        return
    number, _ = groups_of(source)
    groups = "" if number == len(source) else f" in {number} group{'s' * (number > 1)}"
    least = math.ceil(1000 / number) / 1000
    remedies = f"set it to {f'at least {least}, or to ' if least < 1 else ''}0, or give more data"
    raise ValueError(f"data.held_out={share} leaves none of {len(source)} samples{groups} out of training; {remedies}")


def groups_of(source: Source) -> tuple[int, np.ndarray]:
    """Return how many groups a source has, and the number of the group of each sample; each is one where it has none,
    and so is a sample whose group is None.

    Raises:
        ValueError: the source has `groups` that aren't one for each sample, or NaN among them.
    """
    groups = getattr(source, "groups", None)
    said = f"the data's source has {len(source)} samples and {0 if groups is None else len(groups)} groups"
    require(groups is None or len(groups) == len(source), said, "groups should be that of each sample")
    if groups is None:
        return len(source), np.arange(len(source))
    plain = [one.tolist() if hasattr(one, "tolist") else one for one in groups]  # of arrays and tensors
    if unknown := [place for place, one in enumerate(plain) if _is_nan(one)]:
        said = f"the data's source has sample {unknown[0]} in the group {plain[unknown[0]]!r}"
        raise ValueError(f"{said}; a group should be a number or a name, or None where a sample has none")
    if not all(isinstance(one, int | float | str) for one in plain):  # pairs, whose parts NumPy would count, or None
        named = [(place, None) if one is None else repr(one) for place, one in enumerate(plain)]
        numbers = {name: number for number, name in enumerate(dict.fromkeys(named))}
        return len(numbers), np.array([numbers[name] for name in named])
    names, group_of_each = np.unique(plain, return_inverse=True)
    return len(names), group_of_each


def _is_nan(group: Any) -> bool:
    return any(map(_is_nan, group)) if isinstance(group, list | tuple) else isinstance(group, float) and group != group


def keep_apart(source: Source, left_out: Share | np.ndarray) -> None:
    """Have the source draw others in place of files that can't be read on their own side: left out or not.

    Args:
        left_out: the share that `held_out` draws, or numbers of samples.
    """
    bad = getattr(source, "bad", None)
    if isinstance(bad, BadFiles):
        of_each = source.draws.clips_per_video if isinstance(source, Clips) else 1  # which are in one place
        numbers = left_out if isinstance(left_out, np.ndarray) else held_out(source, left_out)
        bad.held_out = set((numbers // of_each).tolist())
