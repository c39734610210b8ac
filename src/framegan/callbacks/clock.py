"""The length of a run, in real samples seen over all ranks."""

from typing import Any

from pydantic import PositiveInt

from framegan.callbacks.run_callback import RunCallback


class Clock(RunCallback):
    """Starts the data where the clock stands and ends the run once it reaches `total_samples`.

    Args:
        total_samples: length of the whole run, whatever part of it was run before.
    """

    def __init__(self, total_samples: PositiveInt):
        self.total_samples = total_samples

    def before(self) -> None:
        self.run.total_samples = self.total_samples
        self.trainer.datamodule.start = self.samples_seen

    def begin(self) -> None:
        if self.samples_seen >= self.total_samples:
            self.trainer.should_stop = True

    def after_batch(self, *_: Any) -> None:
        self.begin()
