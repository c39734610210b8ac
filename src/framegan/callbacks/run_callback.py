"""What every callback of a run has: its trainer, its networks and its state, and a method for each moment."""

import re
from typing import Any

from lightning.pytorch import Callback
from torch import Tensor

from framegan.model import Model
from framegan.run_state import RunState
from framegan.runs.rollback import Ending, TrainingEndedError
from framegan.trainer import GANTrainer


class RunCallback(Callback):
    """Does something at moments of a run, on all ranks; `trainer`, `model` and `run` are there at each of them."""

    phase = "logs"
    """What its time counts as; see `framegan.phases`."""
    trainer: GANTrainer
    model: Model
    run: RunState

    on_train_batch_start: Any = None
    on_before_backward: Any = None
    on_after_backward: Any = None
    on_before_optimizer_step: Any = None
    """Lightning calls what is callable, and calls of nothing take their time, seven in a step for each callback."""

    def before(self) -> None:
        """Called before the run begins, where weights and states are those of the checkpoint that it resumes from.

        Raises:
            ValueError: something is set that can't be; the run ends with this message.
        """

    def begin(self) -> None:
        """Called before the first batch."""

    def after_batch(self, outputs: dict[str, Tensor] | None, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Called with what the step has measured, None where it has measured nothing."""

    def end(self) -> None:
        """Called once training has ended as it should, or was stopped by a signal."""

    @property
    def samples_seen(self) -> int:
        return int(self.model.samples_seen)

    def passes(self, interval: int, batch: tuple[Tensor, Tensor]) -> bool:
        """Say whether the clock has passed a multiple of an interval with this batch."""
        now = self.samples_seen
        before = now - len(batch[0]) * self.trainer.world_size
        return now // interval > before // interval

    def reaches(self, count: int, batch: tuple[Tensor, Tensor]) -> bool:
        """Say whether the clock has come to a number of samples with this batch."""
        now = self.samples_seen
        return now - len(batch[0]) * self.trainer.world_size < count <= now

    def log_values(self, values: dict[str, float]) -> None:
        """Send values to every logger, and keep them as the latest."""
        self.run.metrics.update(values)
        for logger in self.trainer.run_loggers:
            logger.log_metrics(values, step=self.samples_seen)

    def remove_later(self, folder: str, stem: str) -> None:
        """Remove what a future that is given up has left in a folder of the run.

        Args:
            stem: pattern of the names, without their endings, of what is numbered by its samples_seen, a group.
        """
        if self.trainer.is_global_zero:
            for path in (self.trainer.folder / folder).glob("*"):
                if (found := re.fullmatch(stem, path.stem)) and int(found[1]) > self.samples_seen:
                    path.unlink()

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        self.trainer, self.model, self.run = trainer, pl_module, trainer.run

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        try:
            self.before()
        except (ValueError, ImportError) as error:  # of a setting, that is, and not of training
            raise TrainingEndedError(Ending(str(error))) from error

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        with self.model.phases.of(self.phase):
            self.begin()

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        measured = self.model.measured
        with self.model.phases.of(self.phase):
            self.after_batch(dict(measured) if measured.is_logged else None, batch, batch_idx)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        with self.model.phases.of(self.phase):
            self.end()
