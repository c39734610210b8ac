"""What a terminal shows: a bar with losses, speed and time left, or plain lines where nobody watches."""

import time
from typing import Any

from lightning.pytorch import Callback
from pydantic import PositiveFloat, PositiveInt
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from framegan.gan import GAN
from framegan.trainer import GANTrainer

SHOWN = {"discriminator/loss": "D", "generator/loss": "G", "samples_per_second": "samples/s"}


class ProgressBar(Callback):
    """Shows how far the run is on a terminal; elsewhere prints a line every `seconds_between_lines`.

    Args:
        total_samples: length of the run.
    """

    def __init__(self, total_samples: PositiveInt, seconds_between_lines: PositiveFloat = 15.0):
        self.total_samples = total_samples
        self.seconds_between_lines = seconds_between_lines
        self.bar: Progress | None = None
        self.last_time = 0.0
        self.console = Console(highlight=False)

    def on_train_start(self, trainer: GANTrainer, gan: GAN) -> None:  # type: ignore[override]
        self.last_time = time.perf_counter()
        if trainer.is_global_zero and self.console.is_terminal:
            columns = "{task.completed:,.0f} / {task.total:,.0f} samples", "{task.fields[metrics]}"
            self.bar = Progress(
                BarColumn(),
                *map(TextColumn, columns),
                TimeRemainingColumn(),
                console=self.console,
                refresh_per_second=4,
            )
            self.bar.add_task("training", total=self.total_samples, completed=int(gan.samples_seen), metrics="")
            self.bar.start()

    def on_train_batch_end(self, trainer: GANTrainer, gan: GAN, *_: Any) -> None:  # type: ignore[override]
        if not trainer.is_global_zero:
            return
        if self.bar:
            self.bar.update(self.bar.task_ids[0], completed=int(gan.samples_seen), metrics=metrics_line(gan))
        elif time.perf_counter() - self.last_time > self.seconds_between_lines:
            self.last_time = time.perf_counter()
            self.console.print(f"{int(gan.samples_seen):>9,} / {self.total_samples:,} samples  {metrics_line(gan)}")

    def on_train_end(self, trainer: GANTrainer, gan: GAN) -> None:  # type: ignore[override]
        self._close()

    def on_exception(self, trainer: GANTrainer, gan: GAN, exception: BaseException) -> None:  # type: ignore[override]
        self._close()

    def _close(self) -> None:
        if self.bar:
            self.bar.stop()


def metrics_line(gan: GAN) -> str:
    """Return the latest losses and speed as one line."""
    shown = {name: gan.metrics[key] for key, name in SHOWN.items() if key in gan.metrics}
    return "  ".join(f"{name} {value:,.0f}" if value >= 100 else f"{name} {value:.2f}" for name, value in shown.items())
