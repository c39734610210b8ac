"""summary.json: what a run did, how long it took and where its metrics ended."""

import resource
import sys
import time
from typing import Any

import torch

from framegan.callbacks.evaluate import SHARE
from framegan.callbacks.run_callback import RunCallback
from framegan.files import strict_json


class Summary(RunCallback):
    """Writes summary.json at the end or at a clean stop; one of an earlier session is removed at the start.

    Times are those of all sessions of the run together. It has to be the last of the callbacks.
    """

    def __init__(self) -> None:
        self.waited_before = 0.0

    def before(self) -> None:
        self.path = self.trainer.folder / "summary.json"
        self.run.began = time.perf_counter()  # ahead of what the others do at the start, such as samples

    def begin(self) -> None:
        if self.trainer.is_global_zero:
            self.path.unlink(missing_ok=True)

    def end(self) -> None:
        if not self.trainer.is_global_zero:
            return
        run, seconds = self.run, self.run.seconds
        best = {**run.best, **run.chosen}
        evaluation = run.evaluation_seconds / seconds
        contents = {
            "status": f"stopped by {run.stopped_by}" if run.stopped_by else "finished",
            "samples_seen": self.samples_seen,
            "seconds": round(seconds, 3),
            "samples_per_second": round(self.samples_seen / seconds, 3),
            "data_wait_fraction": round(self._waited() / seconds, 5),
            "evaluation_fraction": round(evaluation, 5),
            "peak_memory_mb": round(peak_memory_mb(), 1),
            "num_ranks": self.trainer.world_size,
            "split": self.trainer.datamodule.split,
            "final": run.metrics,
            "best": {key: {"value": one["value"], "samples_seen": one["samples_seen"]} for key, one in best.items()},
            "objective": next(iter(run.chosen), None),
        }
        strict_json.write(self.path, contents)
        if run.advice and evaluation > SHARE:
            print(f"\nevaluation took {evaluation:.0%} of the time; {run.advice}", flush=True)

    def state_dict(self) -> dict[str, Any]:
        return {"seconds": self.run.seconds, "waited": self._waited()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.run.seconds_before, self.waited_before = state_dict["seconds"], state_dict["waited"]

    def _waited(self) -> float:
        return self.waited_before + float(self.trainer.train_dataloader.seconds_waited)


def peak_memory_mb() -> float:
    """Return the most memory used so far: of the GPU where there is one, else of this process, in MiB."""
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        return torch.cuda.max_memory_allocated() / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
