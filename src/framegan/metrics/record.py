"""Results that say how they were made."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import torch

from framegan import atomic
from framegan.metrics.sample_set import SampleSet

LARGER_IS_BETTER = {"precision", "recall", "density", "coverage", "is", "classifier_score", "modes"}
"""Scores of which more is better; of all others less is."""


@dataclass(frozen=True)
class Record:
    """One value and what it takes to compare it with another one.

    Args:
        key: what loggers call it: the score, the embedding with its fingerprint, the protocol.
        interval: in which the value of other seeds would lie, 95 %; None where there were too few samples.
        protocol: the settings that decide the value.
        real, fake: where the samples come from.
    """

    key: str
    value: float
    interval: tuple[float, float] | None
    better: Literal["lower", "higher"]
    num_real: int
    num_fake: int
    protocol: dict[str, Any]
    real: dict[str, Any]
    fake: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON, with the versions it was made with."""
        return asdict(self) | {"versions": {"framegan": version("framegan"), "torch": str(torch.__version__)}}


def write(path: Path, records: Sequence[Record]) -> None:
    """Write records as JSON, whole or not at all; the folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic.write_text(path, json.dumps([record.as_dict() for record in records], indent=2) + "\n")


@runtime_checkable
class Measure(Protocol):
    """Compares real samples with fake ones."""

    def check(self, real: SampleSet, fake: SampleSet) -> None:
        """Raise ValueError, before anything is computed, where the two can't be compared."""

    def __call__(self, real: SampleSet, fake: SampleSet) -> list[Record]:
        """Return a record of each value; all ranks have to call it, and all get the same."""

    def with_num_samples(self, num_samples: int) -> "Measure":
        """Return the same measure of another number of samples."""
