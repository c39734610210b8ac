"""Where the time of a run goes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch


class Phases:
    """Adds up the seconds of what is done, by name; what is done within something else counts there alone.

    They are those of this process: work that a device has been asked for counts where something waits for it.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._within = 0.0

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Count what is done in the block under a name, which a profiler's trace shows too."""
        is_traced = torch.autograd._profiler_enabled()
        outer, self._within, start = self._within, 0.0, time.perf_counter()
        try:
            with torch.profiler.record_function(name) if is_traced else nullcontext():
                yield
        finally:
            spent = time.perf_counter() - start
            self.seconds[name] = self.seconds.get(name, 0.0) + spent - self._within
            self._within = outer + spent
