"""Training and scoring in Python, composed as the command line does: `framegan.train(model="dcgan", data="digits")`."""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from framegan.metrics.record import Record
    from framegan.trained import TrainedGenerator


@dataclass(frozen=True)
class Run:
    """A run on disk.

    Args:
        folder: where it lies.
    """

    folder: Path

    @cached_property
    def summary(self) -> dict[str, Any]:
        """What summary.json says: status, samples_seen, seconds, final and best values."""
        said: dict[str, Any] = json.loads((self.folder / "summary.json").read_text(encoding="utf-8"))
        return said

    @property
    def status(self) -> str:
        """How it ended: finished, or stopped by what."""
        return str(self.summary["status"])

    @property
    def samples_seen(self) -> int:
        return int(self.summary["samples_seen"])

    @property
    def best(self) -> dict[str, dict[str, float]]:
        """Of each metric its best value, and after how many samples that was."""
        found: dict[str, dict[str, float]] = self.summary["best"]
        return found

    @property
    def metrics(self) -> list[dict[str, float]]:
        """The rows of metrics.csv: what was measured when."""
        with (self.folder / "metrics.csv").open(newline="", encoding="utf-8") as file:
            return [{key: float(value) for key, value in row.items() if value} for row in csv.DictReader(file)]

    def load(self, **options: Any) -> "TrainedGenerator":
        """Return its generator; see `framegan.load`."""
        from framegan.trained import load

        return load(self.folder, **options)


def train(*settings: str, **choices: Any) -> Run:
    """Train a GAN in this process, and return the run.

    Args:
        settings: as they are typed behind `framegan train`, such as "model/loss=hinge" and "trainer.devices=2".
        choices: likewise, where the key is a single word: model="dcgan", total_samples=2_000.

    Raises:
        ValueError: what the command would have stopped with.
    """
    from framegan.cli.calls import call

    return Run(Path(call("train", [*settings, *_words(choices)]).folder))


def evaluate(checkpoint: str | Path | None = None, *settings: str, **choices: Any) -> "list[Record]":
    """Score a generator, or with fake=FOLDER a folder of samples, and return the records.

    Args:
        checkpoint: a run folder, or a checkpoint in one.
        settings: as in `train`, for `framegan evaluate`.
        choices: likewise.

    Raises:
        ValueError: what the command would have stopped with.
    """
    from framegan.cli.calls import call
    from framegan.metrics.record import read

    named = [] if checkpoint is None else _words({"checkpoint": checkpoint})
    called = call("evaluate", [*named, *settings, *_words(choices)])
    assert called.out is not None
    return read(Path(called.out) / "evaluation.json")


def _words(choices: Mapping[str, Any]) -> list[str]:
    return [f"{key}={_typed(value)}" for key, value in choices.items()]


def _typed(value: Any) -> str:
    """Return a value as it is typed on the command line."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_typed, value))}]"
    return str(value)
