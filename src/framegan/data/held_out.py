"""Which samples training leaves out, so that a model can be judged by what it hasn't seen."""

from typing import Annotated

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

    All of a group are where the source has `groups`, as one of them tells of the others.

    Raises:
        ValueError: the source has `groups` that aren't one for each sample.
    """
    groups = getattr(source, "groups", None)
    said = f"the data's source has {len(source)} samples and {0 if groups is None else len(groups)} groups"
    require(groups is None or len(groups) == len(source), said, "groups should be that of each sample")
    names, group_of_each = np.unique(np.arange(len(source)) if groups is None else groups, return_inverse=True)
    left_out = noise.generator(0, noise.HELD_OUT).permutation(len(names))[: int(share * len(names))]
    return np.flatnonzero(np.isin(group_of_each, left_out))


def keep_apart(source: Source, share: float) -> None:
    """Have the source draw others in place of files that can't be read on their own side: held out or not."""
    bad = getattr(source, "bad", None)
    if isinstance(bad, BadFiles):
        of_each = source.draws.clips_per_video if isinstance(source, Clips) else 1  # which are in one place
        bad.held_out = set((held_out(source, share) // of_each).tolist())
