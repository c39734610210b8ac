"""The step's metrics, averaged over the ranks, to the loggers."""

from typing import Any

import torch
from lightning.pytorch import Callback
from torch import Tensor

from framegan.callbacks.every import Stopwatch
from framegan.gan import GAN
from framegan.trainer import GANTrainer


class LogMetrics(Callback):
    """Sends what the step measured to every logger, with the speed since the last time but for evaluation.

    The step measures on every `trainer.log_every_n_steps`-th batch and returns tensors on the device; they are fetched
    in one transfer. Tensors logged through `self.log` would cost about 0.2 ms each and step.
    """

    def __init__(self) -> None:
        self.stopwatch = Stopwatch()
        self.last_waited = 0.0

    def on_train_start(self, trainer: GANTrainer, gan: GAN) -> None:  # type: ignore[override]
        for logger in trainer.run_loggers:  # after the later checkpoints: a kill must not leave one without its curve
            logger.cut(int(gan.samples_seen))
        self._reset(trainer, gan)

    def on_train_batch_end(  # type: ignore[override]
        self, trainer: GANTrainer, gan: GAN, outputs: dict[str, Tensor] | None, batch: Any, batch_idx: int
    ) -> None:
        if not outputs:
            return
        values = torch.stack([value.to(gan.device, torch.float32) for value in outputs.values()])
        values = trainer.strategy.reduce(values, reduce_op="mean")
        metrics = dict(zip(outputs, values.tolist(), strict=True))
        for name, optimizer in zip(("generator", "discriminator"), trainer.optimizers, strict=True):
            metrics[f"{name}/lr"] = optimizer.param_groups[0]["lr"]
        seconds, metrics["samples_per_second"] = self.stopwatch.read(trainer, gan)
        metrics["data_wait_fraction"] = (trainer.train_dataloader.seconds_waited - self.last_waited) / seconds
        gan.metrics.update(metrics)
        for logger in trainer.run_loggers:
            logger.log_metrics(metrics, step=int(gan.samples_seen))
        self._reset(trainer, gan)

    def _reset(self, trainer: GANTrainer, gan: GAN) -> None:
        self.stopwatch.start(trainer, gan)
        self.last_waited = trainer.train_dataloader.seconds_waited
