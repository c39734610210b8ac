"""Measures of the averaged generator, every so often and at the end."""

import math
import time
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import PositiveInt
from torch import Tensor

from framegan.callbacks.every import Every
from framegan.callbacks.stop_on_signal import StopOnSignal
from framegan.evaluation.fake_samples import FakeSamples
from framegan.evaluation.real_samples import RealSamples, origin_of
from framegan.gan import GAN
from framegan.metrics.estimate import Better
from framegan.metrics.record import Measure, Record, interval_of, write
from framegan.noise import Seed
from framegan.strategy import average_buffers
from framegan.trainer import GANTrainer

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
        wanted = [] if every is None else list(measures.values())
        self.measures = [m if num_samples is None else m.with_num_samples(num_samples) for m in wanted]
        self.seed = seed
        self.last_evaluated: int | None = None
        self.latest: list[Record] = []
        """What was found when it was measured last."""
        self.class_counts: list[int] | None = None
        """Samples of each class in the data; None until a class-conditional generator needs them."""
        self.best: dict[str, dict[str, Any]] = {}
        """By key: the best value so far, the samples_seen it was measured at, and which direction is better."""
        self.started, self.seconds_before = 0.0, 0.0

    def on_fit_start(self, trainer: GANTrainer, gan: GAN) -> None:  # type: ignore[override]
        for measure in self.measures:
            measure.check(*self._samples(trainer, gan))

    def on_train_start(self, trainer: GANTrainer, gan: GAN) -> None:  # type: ignore[override]
        self.started, self.seconds_before = time.perf_counter(), self.seconds

    def on_train_batch_end(  # type: ignore[override]
        self, trainer: GANTrainer, gan: GAN, outputs: Any, batch: tuple[Tensor, Tensor], batch_idx: int
    ) -> None:
        super().on_train_batch_end(trainer, gan, outputs, batch, batch_idx)
        may_be_due = self.by_time and self.measures and batch_idx % trainer.log_every_n_steps == 0
        if may_be_due and trainer.strategy.broadcast(self._share() < SHARE):
            self.act_timed(trainer, gan)

    def on_train_end(self, trainer: GANTrainer, gan: GAN) -> None:  # type: ignore[override]
        was_stopped = any(isinstance(c, StopOnSignal) and c.received for c in trainer.callbacks)
        if not self.measures or trainer.strategy.broadcast(was_stopped):
            return
        if self.last_evaluated != int(gan.samples_seen):
            self.act_timed(trainer, gan)

    def act(self, trainer: GANTrainer, gan: GAN) -> None:
        if not self.measures:
            return
        self.last_evaluated = int(gan.samples_seen)
        average_buffers(gan.generator_ema)
        real, fake = self._samples(trainer, gan)
        self.latest = records = [record for measure in self.measures for record in measure(real, fake)]
        self._keep(records)
        values = {record.key: record.value for record in records}
        gan.metrics.update(values)
        for logger in trainer.run_loggers:
            logger.log_metrics(values, step=self.last_evaluated)
        if trainer.is_global_zero:
            for record in records:
                between = "" if record.interval is None else f", 95 %: {interval_of(record)}"
                said = f"{record.key} {record.value:.5g} ({record.better} is better{between})"
                print(f"{self.last_evaluated:>9,} samples  {said}", flush=True)
            write(trainer.folder / "evaluations" / f"{self.last_evaluated}.json", records)

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "best": self.best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict(state_dict)
        self.best = state_dict.get("best", {})

    def _share(self) -> float:
        return (self.seconds - self.seconds_before) / (time.perf_counter() - self.started)

    def _samples(self, trainer: GANTrainer, gan: GAN) -> tuple[RealSamples, FakeSamples]:
        data = trainer.datamodule
        of_real = origin_of(data.fingerprint, data.split, data.inventory)
        real = RealSamples(lambda: data.source, data.fingerprint, of_real)
        origin = {"weights": "ema", "samples_seen": int(gan.samples_seen)}
        if self.class_counts is None and getattr(gan.generator_ema, "num_classes", 0) > 1:
            self.class_counts = real.class_counts
        return real, FakeSamples(gan.generator_ema, origin, self.seed, self.class_counts)

    def better(self, key: str) -> Better | None:
        """Return which direction is better for the metric with this key; None where it has not been measured."""
        said = {record.key: record.better for record in self.latest}
        return said.get(key) or self.best.get(key, {}).get("better")

    def _keep(self, records: list[Record]) -> None:
        for record in (record for record in records if math.isfinite(record.value)):
            best = self.best.get(record.key)
            sign = 1 if record.better == "higher" else -1
            if best is None or sign * record.value > sign * best["value"]:
                found = {"value": record.value, "samples_seen": self.last_evaluated, "better": record.better}
                self.best[record.key] = found
