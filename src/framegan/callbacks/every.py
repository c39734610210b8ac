"""What happens at an interval of samples."""

import time
from typing import Any

from lightning.pytorch import Callback
from pydantic import PositiveInt
from torch import Tensor

from framegan.gan import GAN
from framegan.trainer import GANTrainer


class Every(Callback):
    """Calls `act` at the end of the batch in which the clock passes a multiple of `every`, on all ranks.

    Args:
        every: interval in samples seen. None = never.
    """

    is_evaluation = False
    """Whether the seconds spent in `act` count as evaluation rather than training."""

    def __init__(self, every: PositiveInt | None):
        self.every = every
        self.seconds = 0.0

    def act(self, trainer: GANTrainer, gan: GAN) -> None:
        raise NotImplementedError

    def act_timed(self, trainer: GANTrainer, gan: GAN) -> None:
        """Call `act` and add up the seconds it took."""
        start = time.perf_counter()
        self.act(trainer, gan)
        self.seconds += time.perf_counter() - start

    def on_train_batch_end(  # type: ignore[override]
        self, trainer: GANTrainer, gan: GAN, outputs: Any, batch: tuple[Tensor, Tensor], batch_idx: int
    ) -> None:
        if self.is_due(trainer, gan, batch):
            self.act_timed(trainer, gan)

    def is_due(self, trainer: GANTrainer, gan: GAN, batch: tuple[Tensor, Tensor]) -> bool:
        """Say whether the clock has passed a multiple of `every` with this batch."""
        now = int(gan.samples_seen)
        before = now - len(batch[0]) * trainer.world_size
        return self.every is not None and now // self.every > before // self.every

    def state_dict(self) -> dict[str, Any]:
        return {"seconds": self.seconds}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.seconds = state_dict["seconds"]


class Stopwatch:
    """The seconds of training since it was started, and the samples seen meanwhile: without those of evaluation."""

    def __init__(self) -> None:
        self.time, self.samples, self.evaluating = 0.0, 0, 0.0

    def start(self, trainer: GANTrainer, gan: GAN) -> None:
        self.time, self.samples = time.perf_counter(), int(gan.samples_seen)
        self.evaluating = seconds_of_evaluation(trainer)

    def read(self, trainer: GANTrainer, gan: GAN) -> tuple[float, float]:
        """Return the seconds, and the samples per second."""
        seconds = time.perf_counter() - self.time - (seconds_of_evaluation(trainer) - self.evaluating)
        return seconds, (int(gan.samples_seen) - self.samples) / seconds


def seconds_of_evaluation(trainer: GANTrainer) -> float:
    """Return the seconds that evaluation has taken so far, of any kind."""
    return sum(c.seconds for c in trainer.callbacks if isinstance(c, Every) and c.is_evaluation)
