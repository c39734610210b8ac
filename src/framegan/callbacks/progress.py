"""What a terminal shows: how far the run is, its speed, losses and metrics; plain lines where nobody watches."""

from typing import Any

from pydantic import PositiveFloat, PositiveInt
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text
from torch import Tensor

from framegan.callbacks.run_callback import RunCallback
from framegan.files import live

SHOWN = {"discriminator/loss": "D", "generator/loss": "G"}
SECONDS_BETWEEN_REFRESHES = 1.0
"""Reading the losses waits for the device: not more often than this on a terminal."""


class ProgressBar(RunCallback):
    """Shows how far the run is on a terminal, with the latest and the best value of each metric; elsewhere prints a
    line every `seconds_between_lines`.

    Losses and speed are means since they were last shown: the losses of this rank's batches, the speed of training.
    The time that evaluation takes counts nowhere.

    Args:
        total_samples: length of the run.
    """

    def __init__(self, total_samples: PositiveInt, seconds_between_lines: PositiveFloat = 15.0):
        self.total_samples = total_samples
        self.seconds_between_lines = seconds_between_lines
        self.bar: live.Line | None = None
        self.console = Console(highlight=False)
        self.losses: dict[str, tuple[Tensor | float, int]] = {}
        """By key of SHOWN: the sum, on the device, and the number of those since they were last shown."""

    def begin(self) -> None:
        self.shown = ""
        self._reset()
        if self.trainer.is_global_zero and self.console.is_interactive:
            self.bar = live.Line(self.total_samples, self.samples_seen, self.console)

    def after_batch(self, *_: Any) -> None:
        if not self.trainer.is_global_zero:
            return
        for key in (key for key in SHOWN if key in self.model.measured):
            total, number = self.losses.get(key, (0.0, 0))
            self.losses[key] = total + self.model.measured[key], number + 1
        seen, seconds = self.samples_seen, SECONDS_BETWEEN_REFRESHES if self.bar else self.seconds_between_lines
        is_due = self.run.training_seconds - self.seconds_before > seconds
        if is_due:
            self.shown = self._read()
        if self.bar:
            self._update(self._below() if is_due else None)
        elif is_due:
            self.console.print(f"{seen:>9,} / {self.total_samples:,} samples  {self.shown}")

    def end(self) -> None:
        if self.bar:
            self._update(self._below())  # with what was measured at the end
        self._leave()

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        self._leave()

    def _leave(self) -> None:
        if self.bar:
            self.bar.end()
            self.bar = None

    def _update(self, below: Group | None) -> None:
        assert self.bar
        self.bar.update(self.samples_seen, f"{self.samples_seen:,} / {self.total_samples:,} samples", below)

    def _below(self) -> Group:
        """Return the losses and the speed, and for each metric a row with the latest value beside the best one."""
        table = Table.grid(padding=(0, 2))
        table.add_column(overflow="ellipsis")
        table.add_column(justify="right", no_wrap=True)
        table.add_column(no_wrap=True)
        for record in self.run.records:
            best, kind = self.run.best.get(record.key), "lowest" if record.better == "lower" else "highest"
            since = f"best {best['value']:.5g} ({kind}) at {best['samples_seen']:,}" if best else f"{kind} is best"
            table.add_row(record.key, f"{record.value:.5g}", since)
        return Group(Text(self.shown, overflow="ellipsis", no_wrap=True), table)

    def _read(self) -> str:
        """Return the losses and the speed as one line, and begin new means."""
        shown = {SHOWN[key]: float(total) / number for key, (total, number) in self.losses.items()}
        seconds = self.run.training_seconds - self.seconds_before
        shown["samples/s"] = (self.samples_seen - self.seen_before) / seconds
        self._reset()
        values = [f"{name} {value:,.{0 if value >= 100 else 2}f}" for name, value in shown.items()]
        waited = self.run.metrics.get("data_wait_fraction")
        return "  ".join(values if waited is None else [*values, f"data wait {waited:.0%}"])

    def _reset(self) -> None:
        self.losses.clear()
        self.seconds_before, self.seen_before = self.run.training_seconds, self.samples_seen
