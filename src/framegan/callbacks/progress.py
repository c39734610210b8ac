"""What a terminal shows: a bar with losses, speed and time left, or plain lines where nobody watches."""

import time
from typing import Any

from lightning.pytorch import Callback
from pydantic import PositiveFloat, PositiveInt
from rich.console import Console

from framegan import live
from framegan.callbacks.every import seconds_of_evaluation
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
        self.last_time = 0.0
        self.last_samples = 0
        self.last_evaluating = 0.0
        self.shown = ""

    def on_train_start(self, trainer: GANTrainer, gan: GAN) -> None:  # type: ignore[override]
        self.shown = ""
        self._forget(trainer, gan)
        if trainer.is_global_zero and self.console.is_terminal:
            self.bar = live.Line(self.total_samples, self.last_samples, self.console)

    def on_train_batch_end(self, trainer: GANTrainer, gan: GAN, *_: Any) -> None:  # type: ignore[override]
        if not trainer.is_global_zero:
            return
        if time.perf_counter() - self.last_time > (
            SECONDS_BETWEEN_REFRESHES if self.bar else self.seconds_between_lines
        ):
            self.shown = self._read(trainer, gan)
            if not self.bar:
                self.console.print(f"{self.last_samples:>9,} / {self.total_samples:,} samples  {self.shown}")
        if self.bar:
            seen = int(gan.samples_seen)
            self.bar.update(seen, f"{seen:,} / {self.total_samples:,} samples  {self.shown}")

    def on_train_end(self, trainer: GANTrainer, gan: GAN) -> None:  # type: ignore[override]
        self._close()

    def on_exception(self, trainer: GANTrainer, gan: GAN, exception: BaseException) -> None:  # type: ignore[override]
        self._close()

    def _read(self, trainer: GANTrainer, gan: GAN) -> str:
        """Return the losses and the speed since the last time as one line."""
        seconds = time.perf_counter() - self.last_time - (seconds_of_evaluation(trainer) - self.last_evaluating)
        shown = {SHOWN[key]: float(total) / steps for key, (total, steps) in gan.recent.items()}
        shown["samples/s"] = (int(gan.samples_seen) - self.last_samples) / seconds
        self._forget(trainer, gan)
        return "  ".join(
            f"{name} {value:,.0f}" if value >= 100 else f"{name} {value:.2f}" for name, value in shown.items()
        )

    def _forget(self, trainer: GANTrainer, gan: GAN) -> None:
        """Begin new means."""
        gan.recent.clear()
        self.last_time, self.last_samples = time.perf_counter(), int(gan.samples_seen)
        self.last_evaluating = seconds_of_evaluation(trainer)

    def _close(self) -> None:
        if self.bar:
            self.bar.end()
            self.bar = None
