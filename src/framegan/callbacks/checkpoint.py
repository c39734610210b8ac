"""Checkpoints: written whole or not at all, a bounded number of them."""

import math
from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Literal

from pydantic import NonNegativeInt, PositiveInt

from framegan.callbacks.evaluate import Evaluate
from framegan.callbacks.every import Every
from framegan.files import atomic
from framegan.gan import GAN
from framegan.quoting import to_type
from framegan.runs.checkpoint_files import clocks, copy, number_of, numbered, prune
from framegan.runs.rollback import TrainingStoppedError
from framegan.trainer import GANTrainer


class Checkpoint(Every):
    """Writes checkpoints/last.ckpt every so often and at the end, with best.ckpt beside it by a metric.

    Args:
        keep: how many of the latest are kept under their own name too, samples_<samples_seen>.ckpt, besides those that
            a warning has named.
        monitor: key of the metric that decides which is best, or how its parts begin; see `matching`. None = there is
            no best.
        mode: whether a smaller or a larger value is better; "auto" = as the metric says, else smaller.
    """

    def __init__(
        self,
        every: PositiveInt | None,
        keep: NonNegativeInt = 2,
        monitor: str | None = None,
        mode: Literal["auto", "min", "max"] = "auto",
    ):
        super().__init__(every)
        self.keep = keep
        self.monitor = monitor
        self.mode = mode
        self.best: dict[str, float] = {}
        """The best value of the monitored metric, by its key; empty until there is one."""
        self.best_samples = 0
        self.last_saved: int | None = None

    def on_fit_start(self, trainer: GANTrainer, gan: GAN) -> None:  # type: ignore[override]
        """Remove the checkpoints that are later than the one the run resumes from."""
        folder, now = trainer.folder / "checkpoints", int(gan.samples_seen)
        seen = dict(clocks([folder / "best.ckpt", folder / "last.ckpt"]))
        best_is_given_up = seen.get(folder / "best.ckpt", 0) > now
        if best_is_given_up:
            self.best, self.best_samples = {}, 0
        trainer.strategy.barrier()
        if trainer.is_global_zero:
            given_up = [path for path in numbered(folder) if number_of(path) > now]
            if seen.get(folder / "last.ckpt", 0) > now:
                copy(Path(str(trainer.ckpt_path)), folder / "last.ckpt")
            for path in [*given_up, *([folder / "best.ckpt"] if best_is_given_up else [])]:
                path.unlink()
        trainer.strategy.barrier()

    def act(self, trainer: GANTrainer, gan: GAN) -> None:
        self.last_saved = int(gan.samples_seen)
        is_best = self._is_best(trainer, gan)
        folder = trainer.folder / "checkpoints"
        with atomic.new_file(folder / "last.ckpt") if trainer.is_global_zero else nullcontext(folder) as part:
            trainer.save_checkpoint(part)
            if trainer.is_global_zero:
                for logger in trainer.run_loggers:
                    logger.sync()  # what a run resumed from here doesn't log again
                if is_best:  # before the checkpoint that says so
                    copy(part, folder / "best.ckpt")
        if trainer.is_global_zero:
            if self.keep:
                copy(folder / "last.ckpt", folder / f"samples_{self.last_saved}.ckpt")
            prune(folder, self.keep)
        trainer.strategy.barrier()

    def on_train_end(self, trainer: GANTrainer, gan: GAN) -> None:  # type: ignore[override]
        self.act_timed(trainer, gan)  # again where one was just written: the last evaluation belongs into it
        self._check_monitor(trainer, gan)

    def on_train_batch_end(self, trainer: GANTrainer, gan: GAN, *args: Any) -> None:  # type: ignore[override]
        super().on_train_batch_end(trainer, gan, *args)
        now = int(gan.samples_seen)
        evaluated = [callback for callback in trainer.callbacks if isinstance(callback, Evaluate)]
        if any(callback.last_evaluated == now for callback in evaluated) and self.last_saved != now:
            key = matching(gan.metrics, self.monitor)
            if any(callback.best.get(str(key), {}).get("samples_seen") == now for callback in evaluated):
                self.act_timed(trainer, gan)
            self._check_monitor(trainer, gan)

    def _check_monitor(self, trainer: GANTrainer, gan: GAN) -> None:
        """Stop the run where, once everything has been measured, nothing is called as the monitored metric."""
        measured = [callback for callback in trainer.callbacks if isinstance(callback, Evaluate) and callback.measures]
        if self.monitor is None or not measured or any(callback.last_evaluated is None for callback in measured):
            return
        if matching(gan.metrics, self.monitor) is None:
            raise TrainingStoppedError(
                f"No metric is named {self.monitor!r} or starts with it. Available: {', '.join(gan.metrics)}. "
                f"Set {to_type('resume', trainer.folder)} objective=METRIC"
            )

    def _is_best(self, trainer: GANTrainer, gan: GAN) -> bool:
        """Say whether the monitored metric is better than ever, and remember its value."""
        key = matching(gan.metrics, self.monitor)
        if key is None or not math.isfinite(gan.metrics[key]):
            return False
        value, best = gan.metrics[key], self.best.get(key)
        if best is not None and (value >= best if self._mode_of(trainer, key) == "min" else value <= best):
            return False
        self.best, self.best_samples = {key: value}, int(gan.samples_seen)
        return True

    def _mode_of(self, trainer: GANTrainer, key: str) -> Literal["min", "max"]:
        if self.mode != "auto":
            return self.mode
        said = [callback.better(key) for callback in trainer.callbacks if isinstance(callback, Evaluate)]
        return "max" if "higher" in said else "min"

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "best": self.best, "best_samples": self.best_samples}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict(state_dict)
        self.best, self.best_samples = state_dict["best"], state_dict["best_samples"]


def matching(keys: Iterable[str], monitor: str | None) -> str | None:
    """Return the key that is `monitor`, or else the shortest whose parts begin with its own; None where none does.

    "fid" is fid_inception_6726825d_10k; "shape_motion/accuracy" is shape_motion_256/accuracy, for any number of clips.
    """
    if monitor is None:
        return None
    if monitor in (keys := list(keys)):
        return monitor
    return min((key for key in keys if _begins(key, monitor)), key=len, default=None)


def _begins(key: str, monitor: str) -> bool:
    parts, wanted = key.split("/"), monitor.split("/")
    pairs = zip(parts, wanted, strict=False)
    return len(parts) >= len(wanted) and all(part == begin or part.startswith(f"{begin}_") for part, begin in pairs)
