"""Edits of samples in memory: pixels of a picture or a clip, or frames of a clip as they come."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from framegan.edits import plan, words
from framegan.edits.enlarging import EnlargerOf
from framegan.edits.outline import Edit, Frames, Measured, Outline
from framegan.edits.plan import Source
from framegan.video_files import Shown


@dataclass(frozen=True)
class Postprocess:
    """Edits that fit samples of one kind; nothing of them stays from one sample to the next.

    Args:
        before: what is known of each sample.
        after: of each edited one.
    """

    edits: Sequence[Edit]
    before: Outline
    after: Outline

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Return an image (H, W, C) or a clip (T, H, W, C), uint8, edited."""
        frames = np.stack([*self.frames(pixels[None] if self.before.still else pixels)])
        return frames[0] if self.after.still else frames

    def frames(self, frames: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Yield edited frames (H, W, C) of one sample."""
        rate = self.before.rate
        frames = list(frames) if any(map(reads_twice, self.edits)) else frames

        def shown() -> Frames:
            return (Shown(number / rate, 1 / rate, pixels) for number, pixels in enumerate(frames))

        for one in plan.edited([Source(self.before, shown)], self.edits).frames():
            yield one.pixels

    @property
    def changes_timing(self) -> bool:
        return any(edit.changes_timing for edit in self.edits)


def postprocess(
    given: Sequence[str],
    shape: Sequence[int],
    num_frames: int | None,
    frames_per_second: float,
    enlarger_of: EnlargerOf,
) -> Postprocess:
    """Return edits as they are written, checked for samples.

    Args:
        given: such as ["scale=2", "speed=0.5"]; see `framegan.edits.words`.
        shape: (H, W, C) of a frame.
        num_frames: of a clip. None = samples are pictures.
        frames_per_second: of a clip.
        enlarger_of: reads the runs that are named.

    Raises:
        ValueError: they don't fit.
    """
    edits = words.edits_of(given, enlarger_of)
    rate = Fraction(frames_per_second).limit_denominator(1001) or Fraction(1, 1001)
    number = num_frames or 1
    height, width, channels = shape
    if not 1 <= channels <= 4:
        raise ValueError(f"samples of {channels} channels can't be edited; pictures have 1 to 4")
    before = Outline(width, height, channels, number, number / rate, rate, 1 / rate, still=num_frames is None)
    source = Source(before, lambda: iter(()))
    for edit in filter(reads_twice, edits):
        before.require_memory(words.name_of(edit), "set fewer frames, or edit the file by framegan edit")
    return Postprocess(edits, before, plan.edited([source], edits).outline)


def reads_twice(edit: Edit) -> bool:
    """Say whether an edit needs all frames before it gives the first one."""
    return isinstance(edit, Measured)
