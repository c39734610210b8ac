"""The length of a run, in real samples seen over all ranks."""

from typing import Any

from lightning.pytorch import Callback
from pydantic import PositiveInt

from framegan.gan import GAN
from framegan.trainer import GANTrainer


class Clock(Callback):
    """Starts the data where the clock stands and ends the run once it reaches `total_samples`.

    Args:
        total_samples: length of the whole run, whatever part of it was run before.
    """

    def __init__(self, total_samples: PositiveInt):
        self.total_samples = total_samples

    def on_fit_start(self, trainer: GANTrainer, gan: GAN) -> None:  # type: ignore[override]
        trainer.datamodule.start = int(gan.samples_seen)

    def on_train_start(self, trainer: GANTrainer, gan: GAN) -> None:  # type: ignore[override]
        self._stop_at_the_end(trainer, gan)

    def on_train_batch_end(self, trainer: GANTrainer, gan: GAN, *_: Any) -> None:  # type: ignore[override]
        self._stop_at_the_end(trainer, gan)

    def _stop_at_the_end(self, trainer: GANTrainer, gan: GAN) -> None:
        if int(gan.samples_seen) >= self.total_samples:
            trainer.should_stop = True
