"""Measures of the averaged generator, every so often and at the end."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import PositiveInt
from torch import Tensor

from framegan.callbacks.every import Every
from framegan.data.source import UnreadableDataError
from framegan.evaluation.fake_samples import FakeSamples
from framegan.evaluation.real_samples import RealSamples, origin_of
from framegan.files import live, strict_json
from framegan.metrics.record import Measure, Record, check_keys, interval_of, measured, write
from framegan.noise import Seed
from framegan.quoting import command, without_addresses
from framegan.runs import run_folder
from framegan.runs.rollback import Ending, TrainingEndedError
from framegan.strategy import average_buffers

SHARE = 0.1
"""How much of a run's time evaluation may take before it is worth a word."""


class Evaluate(Every):
    """Logs what measures find of fake samples and the data, and keeps the whole records beside them.

    The values go to the loggers, the records to <run folder>/evaluations/<samples_seen>.json. All ranks take part.

    Args:
        every: interval in samples seen; it is done at the end too, but not where a signal stops the run. "auto" = so
            that evaluation takes a tenth of the time, which is not reproducible. None = never.
        measures: by any name; there may be none.
        num_samples: of either side, in place of what the measures say. None = what they say.
        seed: of the first fake sample; the next ones have the next seeds.
    """

    phase = "evaluation"
    what = "the evaluation"
    is_evaluation = True

    def __init__(
        self,
        every: PositiveInt | Literal["auto"] | None,
        measures: Mapping[str, Measure],
        num_samples: PositiveInt | None = None,
        seed: Seed = 0,
    ):
        super().__init__(None if every == "auto" else every)
        self.by_time = every == "auto"
        wanted = measures.values() if every else ()
        self.measures = [m if num_samples is None else m.with_num_samples(num_samples) for m in wanted]
        self.seed = seed
        self.made_by: dict[str, str] = {}
        """Of each key that was measured last, see `_made_by`."""
        self.class_counts: list[int] | None = None
        """Samples of each class in the data; None until a class-conditional generator needs them."""

    def before(self) -> None:
        real, fake = self._samples()
        for measure in self.measures:
            measure.check(real, fake)
        check_keys(self.measures, real, fake)
        said = [measure.names(fake) if hasattr(measure, "names") else None for measure in self.measures]
        self.run.names = None if None in said else [name for names in said if names for name in names]

    def begin(self) -> None:
        self.remove_later("evaluations", "([0-9]+)")

    def after_batch(self, outputs: dict[str, Tensor] | None, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        super().after_batch(outputs, batch, batch_idx)
        may_be_due = self.by_time and self.measures and batch_idx % self.trainer.log_every_n_steps == 0
        if may_be_due and self.trainer.strategy.broadcast(self.seconds < SHARE * self.run.seconds):
            self.act_timed()

    def end(self) -> None:
        was_stopped = self.trainer.strategy.broadcast(self.run.stopped_by is not None)
        if not was_stopped and self.run.measured_at != self.samples_seen:
            self.act_timed()
        is_repeated = self.by_time or (self.every or 0) <= self.samples_seen  # else an interval changes nothing
        if self.measures and is_repeated and 2 * self.seconds > self.run.evaluation_seconds:
            share = self.run.evaluation_seconds / self.run.seconds
            rarer = f"{math.ceil(self.every * share / SHARE):_}" if self.every else "auto"
            self.run.advice = f"set evaluate_every={rarer} to make it {SHARE:.0%}"

    def act(self) -> None:
        if not self.measures:
            return
        average_buffers(self.model.generator_ema)
        try:
            records = measured(self.measures, *self._samples())
        except UnreadableDataError:
            raise
        except ValueError as error:
            resume = run_folder.to_resume("resume", self.trainer.folder)
            no_objective = [] if self.run.chosen else ["objective=null"]
            without = command("train", resume, "evaluate_every=null", *no_objective)
            said = f"no metrics after {self.samples_seen:,} samples: {error}; to train on without them: {without}"
            self.run.ending = TrainingEndedError(Ending(said))
            self.run.ending.__cause__ = error
        if self.run.ending:
            if self.trainer.world_size > 1:  # the others may wait for this one
                raise self.run.ending
            return
        now = self.run.measured_at = self.samples_seen
        self.run.records = records
        for gone in self.run.best.keys() - {record.key for record in records}:  # resumed with other metrics
            self.run.metrics.pop(gone, None)
        self.run.restarted = self._remade(records)
        for record in records:
            self._keep_best(record)
        for logger in self.trainer.run_loggers:
            logger.log_records([record.as_dict() for record in records], now)
        self.log_values({record.key: record.value for record in records})
        if self.trainer.is_global_zero:
            for record in records:
                between = "" if record.interval is None else f", 95 %: {interval_of(record)}"
                found = f"{record.key} {record.value:.5g} ({record.better} is better{between})"
                if not live.is_shown():  # which shows it
                    print(f"{now:>9,} samples  {found}", flush=True)
            write(self.trainer.folder / "evaluations" / f"{now}.json", records)

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "best": self.run.best, "made_as": self.made_by}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict(state_dict)
        self.run.best = state_dict.get("best", {})
        self.made_by = state_dict.get("made_as", {})  # which earlier versions don't keep

    def _samples(self) -> tuple[RealSamples, FakeSamples]:
        data, generator = self.trainer.datamodule, self.model.generator_ema
        of_real = origin_of(data.fingerprint, data.split, data.inventory)
        known: dict[str, Any] = {"held_out": data.held_out, "trained_on": lambda: data.trained_on_before}
        real = RealSamples(lambda: data.source, data.fingerprint, of_real, **known)
        origin = {"weights": "ema", "samples_seen": self.samples_seen}
        if self.class_counts is None and getattr(generator, "num_classes", 0) > 1:
            self.class_counts = real.class_counts
        return real, FakeSamples(generator, origin, self.seed, self.class_counts, data.classes)

    def _remade(self, records: Sequence[Record]) -> set[str]:
        """Forget the best of what was measured in another way before, or beside other data; return the keys."""
        before, self.made_by = self.made_by, {record.key: _made_by(record) for record in records}
        changed = {key for key in before.keys() & self.made_by.keys() if before[key] != self.made_by[key]}
        for key in changed:
            self.run.best.pop(key, None)
            self.run.chosen.pop(key, None)
        return changed

    def _keep_best(self, record: Record) -> None:
        best, value = self.run.best.get(record.key), record.value
        is_better = best is None or (value > best["value"] if record.better == "higher" else value < best["value"])
        if is_better and math.isfinite(value):
            self.run.best[record.key] = {"value": value, "samples_seen": self.samples_seen, "better": record.better}


def _made_by(record: Record) -> str:
    """Return what has to be the same, in a few digits, for two values of a key to be compared."""
    text = without_addresses(strict_json.dumps([record.protocol, record.real]))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
