"""Ctrl-C, SIGTERM and a scheduler's warning end a run after the batch at hand, with a checkpoint and a summary."""

import os
import signal
import threading
from contextlib import suppress
from types import FrameType
from typing import Any

from torch import Tensor

from framegan.callbacks.run_callback import RunCallback
from framegan.files import live
from framegan.processes.lifetime import ANSWERED, interrupt
from framegan.processes.ranks import is_first

EVERY_BATCHES = 8
"""How often ranks ask each other whether to stop; asking costs a message, and each must stop after the same batch."""

AGAIN = "Ctrl-C again ends at once"

WARNINGS = (signal.SIGUSR1, signal.SIGUSR2)
"""What SLURM sends before a job's time is over (`--signal=USR1@120`), and submitit before it is pre-empted."""


class StopOnSignal(RunCallback):
    """Turns the first signal into a clean stop, and says so; a second SIGINT or SIGTERM ends the process at once.

    In Python, where Ctrl-C raises an exception, the second one does that.
    """

    def __init__(self) -> None:
        self.ctrl_c_again: Any = signal.SIG_DFL

    def begin(self) -> None:
        if (before := signal.getsignal(signal.SIGINT)) in (signal.default_int_handler, interrupt):
            self.ctrl_c_again = before
        if threading.current_thread() is threading.main_thread():  # only there can signals be answered
            for number in ANSWERED:
                signal.signal(number, self._request)  # `SignalsAsTheyWere` when the run ends
        # Lightning would ask for SIGTERM in every step, which makes the processor wait for the GPU each time
        self.trainer.fit_loop.epoch_loop._broadcast_sigterm_tensor = lambda: None  # type: ignore[method-assign]

    def after_batch(self, outputs: dict[str, Tensor] | None, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        if self.trainer.world_size > 1 and batch_idx % EVERY_BATCHES:
            return
        if self._on_any_rank(self.run.stopped_by is not None):
            self.run.requeues = self._on_any_rank(self.run.stopped_by in [number.name for number in WARNINGS])
            self.run.stopped_by = self.run.stopped_by or "another rank"
            self.trainer.should_stop = True
            live.refresh()

    def end(self) -> None:
        """Have a job that was warned after its last batch, which may lack its end, put back into the queue as well."""
        is_warned = self.run.stopped_by in [number.name for number in WARNINGS]
        self.run.requeues = self.trainer.strategy.broadcast(self.run.requeues or is_warned)

    def _on_any_rank(self, decision: bool) -> bool:
        return self.trainer.strategy.reduce_boolean_decision(decision, all=False)

    def _request(self, number: int, frame: FrameType | None) -> None:
        self.run.stopped_by = signal.Signals(number).name
        at_once = self.ctrl_c_again if number == signal.SIGINT else signal.SIG_DFL
        signal.signal(number, signal.SIG_IGN if number in WARNINGS else at_once)
        if is_first():
            _say(f"{self.run.stopped_by}: finishing {self.run.doing}, writing the checkpoint ... {AGAIN}")


def _say(line: str) -> None:
    """Show a line in the live display, or else write it to standard error; a signal's handler may not print."""
    if not live.notice(line):
        with suppress(OSError):
            os.write(2, f"{line}\n".encode())
