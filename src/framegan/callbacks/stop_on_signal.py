"""Ctrl-C and SIGTERM end a run after the batch at hand, with a checkpoint and a summary."""

import signal
from types import FrameType
from typing import Any

from lightning.pytorch import Callback

from framegan.gan import GAN
from framegan.trainer import GANTrainer

EVERY_BATCHES = 8
"""How often ranks ask each other whether to stop; asking costs a message, and each must stop after the same batch."""


class StopOnSignal(Callback):
    """Turns the first SIGINT or SIGTERM into a clean stop; a second one interrupts at once."""

    def __init__(self) -> None:
        self.received: str | None = None

    def on_train_start(self, trainer: GANTrainer, gan: GAN) -> None:  # type: ignore[override]
        for number in (signal.SIGINT, signal.SIGTERM):  # Lightning puts its own handlers back when the run ends
            signal.signal(number, self._request)
        # Lightning would ask for SIGTERM in every step, which makes the processor wait for the GPU each time
        trainer.fit_loop.epoch_loop._broadcast_sigterm_tensor = lambda: None  # type: ignore[method-assign]

    def on_train_batch_end(  # type: ignore[override]
        self, trainer: GANTrainer, gan: GAN, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if trainer.world_size == 1:
            trainer.should_stop = trainer.should_stop or self.received is not None
        elif batch_idx % EVERY_BATCHES == 0 and trainer.strategy.reduce_boolean_decision(
            self.received is not None, all=False
        ):
            self.received = self.received or "another rank"
            trainer.should_stop = True

    def _request(self, number: int, frame: FrameType | None) -> None:
        self.received = signal.Signals(number).name
        signal.signal(number, signal.default_int_handler)
