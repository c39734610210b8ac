"""Measures of the averaged generator, every so often and at the end."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import torch
from pydantic import PositiveInt
from torch import Tensor

from framegan import sampling
from framegan.callbacks.every import Every
from framegan.gan import GAN
from framegan.strategy import average_buffers
from framegan.trainer import GANTrainer


@runtime_checkable
class Measure(Protocol):
    """Compares fake samples with real ones: (N, *shape) in [-1, 1] and (N,) labels of both -> values by key."""

    def __call__(self, real: Tensor, real_labels: Tensor, fake: Tensor, fake_labels: Tensor) -> dict[str, float]: ...


class Evaluate(Every):
    """Logs measures of `num_samples` fake samples of seeds 0, 1, 2, ... against as many real ones.

    Args:
        measures: by any name; there may be none.
    """

    is_evaluation = True

    def __init__(self, every: PositiveInt | None, measures: Mapping[str, Measure], num_samples: PositiveInt = 256):
        super().__init__(every if measures else None)
        self.measures = measures
        self.num_samples = num_samples
        self.last_evaluated: int | None = None

    def on_train_end(self, trainer: GANTrainer, gan: GAN) -> None:  # type: ignore[override]
        if self.measures and self.last_evaluated != int(gan.samples_seen):
            self.act_timed(trainer, gan)

    def act(self, trainer: GANTrainer, gan: GAN) -> None:
        self.last_evaluated = int(gan.samples_seen)
        average_buffers(gan.generator_ema)
        values = self._measure(trainer, gan) if trainer.is_global_zero else {}
        values = trainer.strategy.broadcast(values)
        gan.metrics.update(values)
        for logger in trainer.run_loggers:
            logger.log_metrics(values, step=self.last_evaluated)

    def _measure(self, trainer: GANTrainer, gan: GAN) -> dict[str, float]:
        real, real_labels = trainer.datamodule.real_batch(self.num_samples)
        seeds = range(self.num_samples)
        fake = torch.cat([samples.cpu() for _, samples in sampling.batches(gan.generator_ema, seeds, 64)])
        fake_labels = sampling.draw(gan.generator_ema, seeds)[1]
        values: dict[str, float] = {}
        for measure in self.measures.values():
            values |= measure(real.cpu(), real_labels.cpu(), fake, fake_labels)
        return values
