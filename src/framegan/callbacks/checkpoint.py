"""Checkpoints: written whole or not at all, a bounded number of them."""

import math
from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Literal

from pydantic import NonNegativeInt, PositiveInt
from torch import Tensor

from framegan.callbacks.every import Every
from framegan.files import atomic
from framegan.metrics.estimate import Better
from framegan.quoting import to_type
from framegan.runs.checkpoint_files import clocks, copy, number_of, numbered, prune
from framegan.runs.rollback import Ending, TrainingEndedError

OF_THE_STEP = ["generator", "discriminator", "penalty", "class_accuracy"]
OF_THE_STEP += ["watchdog", "samples_per_second", "data_wait_fraction"]
"""How the keys begin that are logged whatever is measured."""


class Checkpoint(Every):
    """Writes checkpoints/last.ckpt every so often and at the end, with best.ckpt beside it by a metric.

    Args:
        keep: how many of the latest are kept under their own name too, samples_<samples_seen>.ckpt; a warning names
            others, kept_<samples_seen>.ckpt.
        monitor: key of the metric that decides which is best, or how its parts begin; see `matching`. None = the first
            one that is measured.
        mode: whether a smaller or a larger value is better; "auto" = as the metric says, else smaller.
    """

    phase = "checkpoints"

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

    def before(self) -> None:
        """Refuse to monitor what will never be logged; remove the checkpoints later than the one resumed from."""
        known = None if self.run.names is None else [*self.run.names, *self._of_the_step()]
        if self.monitor and known and self._matching() is None and not self._is_among(known):
            raise ValueError(self._no_metric(known, "objective=METRIC"))
        folder, now = self.trainer.folder / "checkpoints", self.samples_seen
        last, best = folder / "last.ckpt", folder / "best.ckpt"
        seen = dict(clocks([last, best]))
        if seen.get(best, math.inf) > now:
            self.run.chosen = {}  # of weights that are gone, or go
        later = {path for path in seen if seen[path] > now}
        self.trainer.strategy.barrier()
        if self.trainer.is_global_zero:
            later |= {path for path in numbered(folder) if number_of(path) > now}
            if later:
                names = ", ".join(sorted(path.name for path in later))
                print(f"removed  {names}, as they are later than {now:,} samples", flush=True)
            if last in later:
                copy(Path(str(self.trainer.ckpt_path)), last)
            for path in later - {last}:
                path.unlink()
        self.trainer.strategy.barrier()

    def act(self) -> None:
        if is_best := self._is_best():
            self._choose()
        folder, is_first = self.trainer.folder / "checkpoints", self.trainer.is_global_zero
        with atomic.new_file(folder / "last.ckpt") if is_first else nullcontext(folder) as part:
            self.trainer.save_checkpoint(part)
            if is_first:
                for logger in self.trainer.run_loggers:
                    logger.sync()  # what a run resumed from here doesn't log again
                if is_best:  # before the checkpoint that says so
                    copy(part, folder / "best.ckpt")
        if is_first:
            if self.keep:
                copy(folder / "last.ckpt", folder / f"samples_{self.samples_seen}.ckpt")
            prune(folder, self.keep)
        self.trainer.strategy.barrier()

    def end(self) -> None:
        self.act_timed()  # again where one was just written: the last evaluation belongs into it
        folder = self.trainer.folder / "checkpoints"
        for logger in self.trainer.run_loggers:
            for best in self.run.chosen.values():
                logger.log_checkpoint(folder / "best.ckpt", best["samples_seen"], "best")
            logger.log_checkpoint(folder / "last.ckpt", self.samples_seen, "latest")
        self._check_monitor()
        if self.run.ending:
            raise self.run.ending

    def after_batch(self, outputs: dict[str, Tensor] | None, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        super().after_batch(outputs, batch, batch_idx)
        if self.run.measured_at == self.samples_seen != self.acted_at:
            if self._key() in self.run.best and self._is_best():
                self.act_timed()
            self._check_monitor()
        if self.run.ending:
            if self.acted_at != self.samples_seen:
                self.act_timed()
            raise self.run.ending

    def _check_monitor(self) -> None:
        """Stop the run where, once everything has been measured, nothing is called as the monitored metric."""
        if self.monitor and self.run.measured_at is not None and self._matching() is None:
            again = f"{to_type('resume', self.trainer.folder)} objective=METRIC"
            raise TrainingEndedError(Ending(self._no_metric(self.run.metrics, again)))

    def _no_metric(self, available: Iterable[str], again: str) -> str:
        return f"No metric is named {self.monitor!r} or starts with it. Available: {', '.join(available)}. Set {again}"

    def _is_best(self) -> bool:
        """Say whether the monitored metric, of these weights, is better than that of the best checkpoint."""
        key = self._key()
        if key is None or not math.isfinite(value := self.run.metrics[key]):
            return False
        if key in self.run.best and self.run.measured_at != self.samples_seen:  # it is of earlier weights
            return False
        chosen = self.run.chosen.get(key)
        return not chosen or (value > chosen["value"] if self._better(key) == "higher" else value < chosen["value"])

    def _choose(self) -> None:
        """Remember the monitored metric as that of the best checkpoint."""
        key = str(self._key())
        value, better = self.run.metrics[key], self._better(key)
        self.run.chosen = {key: {"value": value, "samples_seen": self.samples_seen, "better": better}}

    def _key(self) -> str | None:
        """Return the key of the monitored metric; None where nothing was measured yet."""
        if self.monitor is not None:
            return self._matching()
        logged = [*self.run.chosen, *(record.key for record in self.run.records)]
        return next((key for key in logged if key in self.run.metrics), None)

    def _matching(self) -> str | None:
        """Return the key that the monitored one stands for: of a metric, even one to come, rather than of the step."""
        if self.monitor in self.run.metrics:
            return self.monitor
        measured = [key for key in self.run.metrics if key in self.run.best]
        found = matching(measured, self.monitor)
        is_promised = self.run.names is None or self._is_among(self.run.names)
        is_to_come = self.run.measured_at is None and is_promised
        return found if found or is_to_come else matching(self.run.metrics, self.monitor)

    def _is_among(self, names: Iterable[str]) -> bool:
        """Say whether the monitored key may be one of those that begin with these names."""
        first = str(self.monitor).partition("/")[0]
        return any(f"{name}_".startswith(f"{first}_") or first.startswith(f"{name}_") for name in names)

    def _of_the_step(self) -> list[str]:
        """Return how the keys begin that a step logs; only critics that predict the class have a class accuracy."""
        predicts_classes = getattr(self.model, "predicts_classes", False)
        return [name for name in OF_THE_STEP if name != "class_accuracy" or predicts_classes]

    def _better(self, key: str) -> Better:
        if self.mode == "auto":
            return self.run.best[key]["better"] if key in self.run.best else "lower"
        return "higher" if self.mode == "max" else "lower"

    def state_dict(self) -> dict[str, Any]:
        best = {key: one["value"] for key, one in self.run.chosen.items()}
        at = next((one["samples_seen"] for one in self.run.chosen.values()), 0)
        return {**super().state_dict(), "best": best, "best_samples": at}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict(state_dict)
        at = state_dict["best_samples"]
        self.run.chosen = {
            key: {"value": value, "samples_seen": at, "better": self._better(key)}
            for key, value in state_dict["best"].items()
        }


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
