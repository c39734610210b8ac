"""Ctrl-C, SIGTERM and a scheduler's warning end a run after the batch at hand, with a checkpoint and a summary."""

import os
import signal
from contextlib import suppress
from types import FrameType
from typing import Any

from lightning.pytorch import Callback

from framegan.gan import GAN
from framegan.processes.lifetime import ANSWERED
from framegan.processes.ranks import is_first
from framegan.trainer import GANTrainer

EVERY_BATCHES = 8
"""How often ranks ask each other whether to stop; asking costs a message, and each must stop after the same batch."""

WARNINGS = (signal.SIGUSR1, signal.SIGUSR2)
"""What SLURM sends before a job's time is over (`--signal=USR1@120`), and submitit before it is pre-empted."""


class StopOnSignal(Callback):
    """Turns the first signal into a clean stop, and says so; a second SIGINT or SIGTERM ends the process at once."""

    def __init__(self) -> None:
        self.received: str | None = None
        self.requeues = False
        """Whether the scheduler has warned a rank, so that the job has to run again."""

    def on_train_start(self, trainer: GANTrainer, gan: GAN) -> None:  # type: ignore[override]
        for number in ANSWERED:
            signal.signal(number, self._request)  # `SignalsAsTheyWere` when the run ends
        # Lightning would ask for SIGTERM in every step, which makes the processor wait for the GPU each time
        trainer.fit_loop.epoch_loop._broadcast_sigterm_tensor = lambda: None  # type: ignore[method-assign]

    def on_train_batch_end(  # type: ignore[override]
        self, trainer: GANTrainer, gan: GAN, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if trainer.world_size > 1 and batch_idx % EVERY_BATCHES:
            return
        if trainer.strategy.reduce_boolean_decision(self.received is not None, all=False):
            warned = self.received in [number.name for number in WARNINGS]
            self.requeues = trainer.strategy.reduce_boolean_decision(warned, all=False)
            self.received = self.received or "another rank"
            trainer.should_stop = True

    def _request(self, number: int, frame: FrameType | None) -> None:
        self.received = signal.Signals(number).name
        signal.signal(number, signal.SIG_IGN if number in WARNINGS else signal.SIG_DFL)
        if is_first():
            _say(f"{self.received}: stopping after this batch; Ctrl-C again ends at once")


def _say(line: str) -> None:
    """Write a line to standard error as a signal's handler may, which print may not; a live bar comes again below."""
    clear_line, show_cursor = ("\r\x1b[2K", "\x1b[?25h") if os.isatty(2) else ("", "")
    with suppress(OSError):
        os.write(2, f"{clear_line}{line}\n{show_cursor}".encode())
