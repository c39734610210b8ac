"""The step's metrics, averaged over the ranks, to the loggers."""

import torch
from torch import Tensor

from framegan.callbacks.every import Stopwatch
from framegan.callbacks.run_callback import RunCallback


class LogMetrics(RunCallback):
    """Sends what the step measured to every logger, with the speed since the last time but for evaluation.

    The step measures on every `trainer.log_every_n_steps`-th batch and returns tensors on the device; they are fetched
    in one transfer. Tensors logged through `self.log` would cost about 0.2 ms each and step.
    """

    def __init__(self) -> None:
        self.stopwatch = Stopwatch()
        self.last_waited = 0.0

    def begin(self) -> None:
        for (
            logger
        ) in self.trainer.run_loggers:  # a kill must not leave a later checkpoint without its curve: those go first
            logger.cut(self.samples_seen)
        self._reset()

    def after_batch(self, outputs: dict[str, Tensor] | None, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        if not outputs:
            return
        values = torch.stack([value.to(self.gan.device, torch.float32) for value in outputs.values()])
        values = self.trainer.strategy.reduce(values, reduce_op="mean")
        metrics = dict(zip(outputs, values.tolist(), strict=True))
        for name, optimizer in zip(("generator", "discriminator"), self.trainer.optimizers, strict=True):
            metrics[f"{name}/lr"] = optimizer.param_groups[0]["lr"]
        seconds, metrics["samples_per_second"] = self.stopwatch.read(self)
        metrics["data_wait_fraction"] = (self.trainer.train_dataloader.seconds_waited - self.last_waited) / seconds
        self.log_values(metrics)
        self._reset()

    def _reset(self) -> None:
        self.stopwatch.start(self)
        self.last_waited = self.trainer.train_dataloader.seconds_waited
