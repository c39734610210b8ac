"""Which samples training leaves out, so that a model can be judged by what it hasn't seen."""

from typing import Annotated

import numpy as np
from pydantic import Field

from framegan import noise
from framegan.data.source import Source
from framegan.data.videos.clips import Clips

Share = Annotated[float, Field(ge=0, lt=1)]


def held_out(source: Source, share: float) -> np.ndarray:
    """Return the numbers of the samples that are held out, ascending: drawn at random, the same for every run.

    Of clips, all of a video are, as one clip tells of the others.

    Raises:
        ValueError: the source draws others in place of files that can't be read: they may be of the other side.
    """
    bad = getattr(source, "bad", None)
    if share and bad is not None and bad.on_error == "skip":
        raise ValueError(
            f"data.held_out={share:g} with data.on_error=skip: for a file that can't be read any other is drawn, "
            "one that was held out too; set data.on_error=raise and remove such files, or set data.held_out=0"
        )
    of_each = source.draws.clips_per_video if isinstance(source, Clips) else 1
    num_groups = len(source) // of_each
    groups = noise.generator(0, noise.HELD_OUT).permutation(num_groups)[: int(share * num_groups)]
    return np.sort((groups[:, None] * of_each + np.arange(of_each)).ravel())
