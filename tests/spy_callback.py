"""Callbacks of a user's own."""

import json
import os
import signal
import time
from typing import Any

import torch
from lightning.pytorch import Callback


class Spy(Callback):
    """Writes down what each rank trains with."""

    def on_train_start(self, trainer: Any, gan: Any) -> None:
        rates = {"lr": trainer.optimizers[0].param_groups[0]["lr"], "seed": gan.seed}
        tiny = torch.full((1000, 1000), 1e-20)
        products = tiny @ tiny  # sums of numbers next to 0, by all threads; as integers they show their bits
        rates |= {"threads": torch.get_num_threads(), "denormals": int(products.view(torch.int32).count_nonzero())}
        (trainer.folder / f"rank_{trainer.global_rank}.json").write_text(json.dumps(rates))


class Hang(Callback):
    """Hangs on the second rank."""

    def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
        if trainer.global_rank == 1:
            time.sleep(600)


class Interrupt(Callback):
    """Presses Ctrl-C after the first batch, or sends another signal."""

    def __init__(self, times: int = 1, number: int = signal.SIGINT) -> None:
        self.times = times
        self.number = number

    def on_train_batch_end(self, trainer: Any, gan: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        for _ in range(self.times if batch_idx == 0 else 0):
            os.kill(os.getpid(), self.number)
