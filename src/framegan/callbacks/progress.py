"""What a terminal shows: a bar with losses, speed and time left, or plain lines where nobody watches."""

import time
from typing import Any

from lightning.pytorch import Callback
from pydantic import PositiveFloat, PositiveInt
from rich.console import Console

from framegan.callbacks.every import Stopwatch
from framegan.files import live
from framegan.gan import GAN
from framegan.trainer import GANTrainer

SHOWN = {"discriminator/loss": "D", "generator/loss": "G"}
SECONDS_BETWEEN_REFRESHES = 1.0
"""Reading the losses waits for the device: not more often than this on a terminal."""


class ProgressBar(Callback):
    """Shows how far the run is on a terminal; elsewhere prints a line every `seconds_between_lines`.

    Losses and speed are means since they were last shown: the losses of this rank's batches, the speed of training
    without the time that evaluation took.

    Args:
        total_samples: length of the run.
    """

    def __init__(self, total_samples: PositiveInt, seconds_between_lines: PositiveFloat = 15.0):
        self.total_samples = total_samples
        self.seconds_between_lines = seconds_between_lines
        self.bar: live.Line | None = None
        self.console = Console(highlight=False)
        self.stopwatch = Stopwatch()
        self.shown = ""

    def on_train_start(self, trainer: GANTrainer, gan: GAN) -> None:  # type: ignore[override]
        self.shown = ""
        gan.recent.clear()
        self.stopwatch.start(trainer, gan)
        if trainer.is_global_zero and self.console.is_terminal:
            self.bar = live.Line(self.total_samples, int(gan.samples_seen), self.console)

    def on_train_batch_end(self, trainer: GANTrainer, gan: GAN, *_: Any) -> None:  # type: ignore[override]
        if not trainer.is_global_zero:
            return
        seen, seconds = int(gan.samples_seen), SECONDS_BETWEEN_REFRESHES if self.bar else self.seconds_between_lines
        if time.perf_counter() - self.stopwatch.time > seconds:
            self.shown = self._read(trainer, gan)
            if not self.bar:
                self.console.print(f"{seen:>9,} / {self.total_samples:,} samples  {self.shown}")
        if self.bar:
            self.bar.update(seen, f"{seen:,} / {self.total_samples:,} samples  {self.shown}")

    def on_train_end(self, trainer: GANTrainer, gan: GAN) -> None:  # type: ignore[override]
        self._close()

    def on_exception(self, trainer: GANTrainer, gan: GAN, exception: BaseException) -> None:  # type: ignore[override]
        self._close()

    def _read(self, trainer: GANTrainer, gan: GAN) -> str:
        """Return the losses and the speed since the last time as one line, and begin new means."""
        shown = {SHOWN[key]: float(total) / steps for key, (total, steps) in gan.recent.items()}
        _, shown["samples/s"] = self.stopwatch.read(trainer, gan)
        gan.recent.clear()
        self.stopwatch.start(trainer, gan)
        return "  ".join(
            f"{name} {value:,.0f}" if value >= 100 else f"{name} {value:.2f}" for name, value in shown.items()
        )

    def _close(self) -> None:
        if self.bar:
            self.bar.end()
            self.bar = None
