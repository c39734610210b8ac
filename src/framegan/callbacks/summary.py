"""What a run tells whoever looks into its folder: summary.json, how it goes, and report.html, its page."""

import resource
import sys
import time
from typing import Any

import torch
from pydantic import PositiveInt
from torch import Tensor

from framegan.callbacks.evaluate import SHARE
from framegan.callbacks.run_callback import RunCallback
from framegan.files import strict_json
from framegan.report import page
from framegan.runs.rollback import CollapsedError

SECONDS_BETWEEN_SIGNS_OF_LIFE = 10.0


class Summary(RunCallback):
    """Writes summary.json at the start, every few seconds and at the end, and report.html now and then and at the end.

    Times are those of all sessions of the run together. It has to be the last of the callbacks.

    Args:
        every: interval of the page in samples seen. None = at the end, and where there are early samples, only.
        report: whether there is a page.
    """

    def __init__(self, every: PositiveInt | None = None, report: bool = True):
        self.every, self.report = every, report
        self.waited_before, self.written = 0.0, 0.0

    def before(self) -> None:
        self.path = self.trainer.folder / "summary.json"
        self.run.began = time.perf_counter()  # ahead of what the others do at the start, such as samples

    def begin(self) -> None:
        self._write("running")

    def after_batch(self, outputs: dict[str, Tensor] | None, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        has_page = self.run.page_is_due or (self.every is not None and self.passes(self.every, batch))
        if has_page or time.perf_counter() - self.written > SECONDS_BETWEEN_SIGNS_OF_LIFE:
            self._write("running", has_page=has_page)

    def end(self) -> None:
        evaluation = self.run.evaluation_seconds / self.run.seconds
        whole = "collapsed" if self.run.collapse else "finished"
        self._tell(f"stopped by {self.run.stopped_by}" if self.run.stopped_by else whole)
        if self.run.advice and evaluation > SHARE and self.trainer.is_global_zero:
            print(f"\nevaluation took {evaluation:.0%} of the time; {self.run.advice}", flush=True)

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Tell of a run that is stopped as it has collapsed; `cli.sweep.failure_kept` tells of every other failure."""
        if isinstance(exception, CollapsedError) and not exception.ending.starts_over:
            self._tell("collapsed")

    def _tell(self, status: str) -> None:
        """Write how the run has ended, and tell the loggers."""
        self._write(status, has_page=True)
        for logger in self.trainer.run_loggers:
            logger.log_summary(strict_json.loads(self.path.read_bytes()))

    def _write(self, status: str, *, has_page: bool = False) -> None:
        self.written = time.perf_counter()
        self.run.page_is_due &= not has_page
        if not self.trainer.is_global_zero:
            return
        run, seconds = self.run, self.run.seconds
        contents = {
            "status": status,
            "reason": next(iter(run.collapse.values()), None),
            "samples_seen": self.samples_seen,
            "total_samples": run.total_samples,
            "seconds": round(seconds, 3),
            "samples_per_second": round(self.samples_seen / seconds, 3),
            "data_wait_fraction": round(self._waited() / seconds, 5),
            "evaluation_fraction": round(run.evaluation_seconds / seconds, 5),
            "phases": self._phases(seconds),
            "peak_memory_mb": round(peak_memory_mb(), 1),
            "num_ranks": self.trainer.world_size,
            "split": self.trainer.datamodule.split,
            "final": run.metrics,
            "best": {**run.best, **run.chosen},
            "objective": next(iter(run.chosen), None),
            "notices": run.notices,
        }
        strict_json.write(self.path, contents)
        if self.report and has_page:
            page.write(self.trainer.folder)

    def state_dict(self) -> dict[str, Any]:
        phases = dict(self.model.phases.seconds)
        return {"seconds": self.run.seconds, "waited": self._waited(), "phases": phases, "notices": self.run.notices}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.run.seconds_before, self.waited_before = state_dict["seconds"], state_dict["waited"]
        self.run.notices = state_dict.get("notices", [])  # which earlier versions don't keep
        self.model.phases.seconds |= state_dict.get("phases", {})  # likewise

    def _phases(self, seconds: float) -> dict[str, float]:
        """Return what the seconds of the run were spent on; "other" is what nobody counts, such as Lightning's loop."""
        found = {"data": self._waited(), **self.model.phases.seconds}
        found["other"] = seconds - sum(found.values())
        return {name: round(spent, 3) for name, spent in found.items()}

    def _waited(self) -> float:
        return self.waited_before + float(self.trainer.train_dataloader.seconds_waited)


def peak_memory_mb() -> float:
    """Return the most memory used so far: of the GPU where there is one, else of this process, in MiB."""
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        return torch.cuda.max_memory_allocated() / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
