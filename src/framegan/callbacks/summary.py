"""summary.json: what a run did, how long it took and where its metrics ended."""

import math
import resource
import sys
import time
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback

from framegan.callbacks.checkpoint import Checkpoint
from framegan.callbacks.evaluate import SHARE, Evaluate
from framegan.callbacks.every import Every, seconds_of_evaluation
from framegan.callbacks.stop_on_signal import StopOnSignal
from framegan.data.train_loader import TrainLoader
from framegan.files import strict_json
from framegan.gan import GAN
from framegan.trainer import GANTrainer


class Summary(Callback):
    """Writes summary.json at the end or at a clean stop; one of an earlier session is removed at the start.

    Times are those of all sessions of the run together. It has to be the last of the callbacks.
    """

    def __init__(self) -> None:
        self.earlier = {"seconds": 0.0, "waited": 0.0}
        self.started = 0.0
        self.loader: TrainLoader | None = None
        self.contents: dict[str, Any] = {}

    def on_fit_start(self, trainer: GANTrainer, gan: GAN) -> None:  # type: ignore[override]
        self.started = time.perf_counter()  # before the others take theirs, as for the samples at the start

    def on_train_start(self, trainer: GANTrainer, gan: GAN) -> None:  # type: ignore[override]
        self.loader = trainer.train_dataloader
        if trainer.is_global_zero:
            _path(trainer).unlink(missing_ok=True)

    def on_train_end(self, trainer: GANTrainer, gan: GAN) -> None:  # type: ignore[override]
        callbacks: list[Callback] = trainer.callbacks
        samples_seen, times = int(gan.samples_seen), self.state_dict()
        evaluating = seconds_of_evaluation(trainer)
        stopped_by = next((c.received for c in callbacks if isinstance(c, StopOnSignal)), None)
        measured = [callback.best for callback in callbacks if isinstance(callback, Evaluate)]
        chosen = [callback for callback in callbacks if isinstance(callback, Checkpoint)]
        best = {
            key: {"value": found["value"], "samples_seen": found["samples_seen"]}
            for of_callback in measured
            for key, found in of_callback.items()
        } | {key: {"value": value, "samples_seen": c.best_samples} for c in chosen for key, value in c.best.items()}
        self.contents = {
            "status": f"stopped by {stopped_by}" if stopped_by else "finished",
            "samples_seen": samples_seen,
            "seconds": round(times["seconds"], 3),
            "samples_per_second": round(samples_seen / times["seconds"], 3),
            "data_wait_fraction": round(times["waited"] / times["seconds"], 5),
            "evaluation_fraction": round(evaluating / times["seconds"], 5),
            "peak_memory_mb": round(peak_memory_mb(), 1),
            "num_ranks": trainer.world_size,
            "split": trainer.datamodule.split,
            "final": dict(gan.metrics),
            "best": best,
            "objective": next((key for callback in chosen for key in callback.best), None),
        }
        if trainer.is_global_zero:
            strict_json.write(_path(trainer), self.contents)
            _advise(callbacks, evaluating / times["seconds"])

    def state_dict(self) -> dict[str, Any]:
        return {
            "seconds": self.earlier["seconds"] + time.perf_counter() - self.started,
            "waited": self.earlier["waited"] + (self.loader.seconds_waited if self.loader is not None else 0.0),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.earlier = state_dict


def _advise(callbacks: list[Callback], share: float) -> None:
    """Say what to set where evaluation took too large a share of the time, and measuring is why."""
    measuring = next((c for c in callbacks if isinstance(c, Evaluate) and c.measures), None)
    evaluating = [c.seconds for c in callbacks if isinstance(c, Every) and c.is_evaluation]
    if measuring is None or share <= SHARE or 2 * measuring.seconds < sum(evaluating):
        return
    rarer = f"{math.ceil(measuring.every * share / SHARE):_}" if measuring.every else "auto"
    print(f"\nevaluation took {share:.0%} of the time; set evaluate_every={rarer} to make it {SHARE:.0%}", flush=True)


def peak_memory_mb() -> float:
    """Return the most memory used so far: of the GPU where there is one, else of this process, in MiB."""
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        return torch.cuda.max_memory_allocated() / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def _path(trainer: GANTrainer) -> Path:
    return trainer.folder / "summary.json"
