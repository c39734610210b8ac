"""What metrics compare: sets of numbered samples, stored or made on demand."""

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor


class SampleSet(Protocol):
    """Samples of one shape; number k is always the same sample.

    Attributes:
        origin: where they come from, as a record of a result states it; JSON-serialisable.
        fingerprint: identifies the set, so that its features can be kept. None = don't keep them.
        shape: of one sample, (C, H, W) or (C, T, H, W).
        num_samples: how many there are. None = as many as are asked for.
        device: where features of them are computed.
        num_classes: of the classes that `batch` returns; 1 = nothing is known of them.
        classes: their names, in the order of their numbers; none where they aren't known.
    """

    @property
    def origin(self) -> dict[str, Any]: ...

    @property
    def fingerprint(self) -> str | None: ...

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def num_samples(self) -> int | None: ...

    @property
    def device(self) -> torch.device: ...

    @property
    def num_classes(self) -> int: ...

    @property
    def classes(self) -> Sequence[str]: ...

    def chosen(self, num_wanted: int) -> Sequence[int]:
        """Return the numbers of as many samples as are to be measured, or of all where there are fewer."""

    def cut(self, num_frames: int, frame_stride: int) -> "SampleSet":
        """Return the clips of this set that have num_frames frames, every frame_stride-th of what they would have been.

        Raises:
            ValueError: there can be no such clips.
        """

    def batch(self, numbers: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return the uint8 pixels (N, *shape) and the classes (N,) of samples."""


def given_in(samples: SampleSet) -> str:
    """Return what keys say of samples that are made of real ones, which flatters them, such as "_given4" frames."""
    given, scale = getattr(samples, "given_frames", 0), getattr(samples, "enlarged_by", 0)
    return f"_given{given}" if given else f"_enlarged{scale}" if scale else ""


def check_shapes(real: SampleSet, fake: SampleSet) -> None:
    """Raise ValueError where real and fake samples differ in their shapes."""
    if real.shape != fake.shape:
        differ = {"channels": real.shape[0] != fake.shape[0], "resolution": real.shape[-2:] != fake.shape[-2:]}
        differ["num_frames"] = real.shape[1:-2] != fake.shape[1:-2]
        raise ValueError(
            f"the real samples are {list(real.shape)} and the fake ones {list(fake.shape)}; only samples of one "
            f"shape can be compared: set {' and '.join(f'data.{key}' for key in differ if differ[key])} alike"
        )


def check_number(fake: SampleSet, num_wanted: int) -> None:
    """Raise ValueError where there are fewer fake samples than are to be compared."""
    if fake.num_samples is not None and fake.num_samples < num_wanted:
        raise ValueError(
            f"there are {fake.num_samples:,} fake samples, and {num_wanted:,} are to be compared; "
            f"set num_samples={fake.num_samples}"
        )
