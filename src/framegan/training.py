"""Training and scoring in Python, composed as the command line does: `framegan.train(model="dcgan", data="digits")`."""

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from framegan.quoting import words
from framegan.runs.run_files import RunFiles

if TYPE_CHECKING:
    from framegan.metrics.record import Record
    from framegan.trained import TrainedGenerator


@dataclass(frozen=True)
class Best:
    """The best value of a metric in a run.

    Args:
        better: which direction is better.
        samples_seen: real samples that the generator had been trained with.
        checkpoint: with the weights of that moment; None where it wasn't kept.
    """

    value: float
    better: Literal["lower", "higher"]
    samples_seen: int
    checkpoint: Path | None


class Run:
    """A run on disk, read whenever it is asked: it may still be training. It stands for its folder where one is given.

    Args:
        path: the run folder, or a checkpoint in it.

    Raises:
        ValueError: there is no run.
    """

    def __init__(self, path: str | os.PathLike[str]):
        from framegan.cli.calls import raised
        from framegan.runs import run_folder

        with raised():
            self.folder = run_folder.find(run_folder.as_path(path))

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r}: {self.status}, {self.samples_seen:,} samples)"

    def __fspath__(self) -> str:
        return str(self.folder)

    @property
    def summary(self) -> dict[str, Any]:
        """What summary.json says; of a run of an earlier version that has no clean end yet, its samples_seen alone."""
        return self._files.summary.model_dump(exclude_unset=True)

    @property
    def status(self) -> str:
        """What became of it: running, finished, collapsed, stopped by SIGNAL, failed, killed or unknown."""
        return self._files.status

    @property
    def samples_seen(self) -> int:
        """Real samples that it was trained with, as far as it has been written down."""
        return self._files.summary.samples_seen

    @property
    def metrics(self) -> list[dict[str, float]]:
        """The rows of metrics.csv: what was measured after how many samples_seen."""
        return self._files.rows

    @property
    def best(self) -> dict[str, Best]:
        """The best value of each metric that was evaluated; that which best.ckpt was chosen by comes first."""
        files, best = self._files, {}
        for key, found in sorted(files.summary.best.items(), key=lambda item: item[0] != files.objective):
            names = [*(["best"] if key == files.objective else []), f"samples_{found.samples_seen}"]
            paths = (self.folder / "checkpoints" / f"{name}.ckpt" for name in names)
            best[key] = Best(**found.model_dump(), checkpoint=next(filter(Path.exists, paths), None))
        return best

    @property
    def _files(self) -> RunFiles:
        """The files of its folder as they are now."""
        return RunFiles(self.folder)

    def load(
        self,
        *,
        weights: Literal["ema", "raw"] = "ema",
        device: Literal["auto", "cpu", "cuda"] = "auto",
        trust: Sequence[str] = (),
    ) -> "TrainedGenerator":
        """Return its generator; see `framegan.load`."""
        from framegan.trained import load

        return load(self.folder, weights=weights, device=device, trust=trust)


def train(*settings: str, **choices: Any) -> Run:
    """Train a GAN in this process, and return the run.

    Ctrl-C, or a notebook's interrupt, ends it after the batch at hand: the run that is returned has the status "stopped
    by SIGINT", and can be resumed. Ctrl-C again, or before training has begun, raises KeyboardInterrupt. SIGTERM and a
    scheduler's warning end it likewise, and then do to the program what they do without this.

    One thread at a time trains, loads or scores: another one waits until that has ended.

    Args:
        settings: as they are typed behind `framegan train`, such as "model/loss=hinge" and "trainer.devices=2".
        choices: values as Python has them: model="dcgan", total_samples=2_000, `**{"data.root": path}`.

    Raises:
        ValueError: what the command would have stopped with.
    """
    from framegan.cli.calls import call

    folder, _ = call("train", [*settings, *words(choices)])
    run = Run(folder)
    received = run.status.removeprefix("stopped by ")
    if received in ("SIGTERM", "SIGUSR1", "SIGUSR2"):
        signal.raise_signal(signal.Signals[received])
    return run


def evaluate(checkpoint: str | os.PathLike[str] | None = None, *settings: str, **choices: Any) -> "list[Record]":
    """Score a generator, or with fake=FOLDER a folder of samples, and return the records.

    Args:
        checkpoint: a run, its folder, or a checkpoint in one.
        settings: as they are typed behind `framegan evaluate`.
        choices: values as Python has them: metrics=["fid", "kid"], num_samples=1_000.

    Raises:
        ValueError: what the command would have stopped with.
    """
    from framegan.cli.calls import call
    from framegan.metrics.record import read

    if checkpoint is not None:
        choices = {"checkpoint": checkpoint, **choices}
    _, cfg = call("evaluate", [*settings, *words(choices)])
    return read(Path(cfg.out) / "evaluation.json")
