"""What happens at an interval of samples."""

import time
from typing import Any

from pydantic import PositiveInt
from torch import Tensor

from framegan.callbacks.run_callback import RunCallback


class Every(RunCallback):
    """Calls `act` at the end of the batch in which the clock passes a multiple of `every`, on all ranks.

    Args:
        every: interval in samples seen. None = never.
    """

    what = "the batch"
    """What `act` makes, for people."""
    is_evaluation = False
    """Whether the seconds spent in `act` count as evaluation rather than training."""

    def __init__(self, every: PositiveInt | None):
        self.every = every
        self.seconds = 0.0
        self.acted_at: int | None = None
        """The samples_seen of the last time in this session."""

    def act(self) -> None:
        raise NotImplementedError

    def act_timed(self) -> None:
        """Call `act` and add up the seconds it took."""
        start, self.acted_at = time.perf_counter(), self.samples_seen
        self.run.doing, before = self.what, self.run.doing
        self.act()
        self.run.doing = before
        self._count(time.perf_counter() - start)

    def _count(self, seconds: float) -> None:
        self.seconds += seconds
        if self.is_evaluation:
            self.run.evaluation_seconds += seconds

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        super().setup(trainer, pl_module, stage)
        if self.every:
            self.run.intervals.append(self.every)

    def after_batch(self, outputs: dict[str, Tensor] | None, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        if self.every and self.passes(self.every, batch):
            self.act_timed()

    def state_dict(self) -> dict[str, Any]:
        return {"seconds": self.seconds}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._count(state_dict["seconds"])
