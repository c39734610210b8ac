"""Watches for collapse: warns with the evidence, stops the run or sends it back to a checkpoint from before."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Annotated, Any, Literal

import torch
from pydantic import Field, NonNegativeInt, PositiveInt
from torch import Tensor

from framegan import collapse, sampling, showing
from framegan.callbacks.every import Every
from framegan.gan import GAN
from framegan.model import Model
from framegan.processes.ranks import from_rank_zero
from framegan.runs import rollback
from framegan.strategy import average_buffers

KEPT = collapse.START_LOOKS + 1
"""How many of the latest looks are kept; the last good one has to be among them."""
AT_ONCE = 8
"""Samples that are enlarged together."""


class Watchdog(Every):
    """Looks at the diversity of fixed seeds, the discriminator's loss and the metrics, and acts on signs of collapse.

    The values are logged under watchdog/. A warning of each kind is given once. It has to come after the callbacks
    that log and measure, and before the one that writes checkpoints.

    Args:
        every: interval of the looks in samples seen; metrics are judged whenever they are measured. None = never.
        on_collapse: warn; stop with a message; or roll back: start over from the best checkpoint from before, else the
            latest, with half of the learning rates.
        max_rollbacks: how often a run may be rolled back, for either reason, before it is stopped.
        num_samples: whose diversity is compared, of the live generator and of the data.
    """

    phase = "watchdog"
    is_evaluation = True

    def __init__(
        self,
        every: PositiveInt | None,
        on_collapse: Literal["warn", "stop", "rollback"] = "warn",
        max_rollbacks: NonNegativeInt = 3,
        num_samples: Annotated[int, Field(ge=2)] = 64,
    ):
        super().__init__(every)
        if every is None and on_collapse != "warn":
            raise ValueError(
                f"on_collapse={on_collapse} acts on what the watchdog sees, and callbacks.watchdog.every=null lets it "
                "see nothing; set callbacks.watchdog.every=4000, or on_collapse=warn"
            )
        self.on_collapse = on_collapse
        self.max_rollbacks = max_rollbacks
        self.num_samples = num_samples
        self.looks: list[collapse.Look] = []
        self.reached = {"diversity": 0.0, "nearest": 0.0}
        self.losses: list[float] = []
        self.curves: dict[str, list[collapse.Evaluated]] = {}
        """By key of a metric, of every evaluation."""
        self.told: dict[str, int] = {}
        """By kind of sign: samples_seen when it was seen first."""
        self.judged_at: int | None = None
        """The samples_seen of the evaluation that was judged last."""
        self.real: Tensor | None = None
        self.begun: tuple[Tensor, Tensor] | None = None
        """What real clips begin with, or real samples that were reduced, and their classes."""

    def after_batch(self, outputs: dict[str, Tensor] | None, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        if outputs and self.every and "discriminator/loss" in outputs:
            self.losses.append(self.run.metrics["discriminator/loss"])
        super().after_batch(outputs, batch, batch_idx)
        self._judge_metrics()

    def end(self) -> None:
        self._judge_metrics(are_kept=False)  # those of the end, which a longer run wouldn't have measured

    def act(self) -> None:
        average_buffers(self.model.generator)
        diversity, nearest = from_rank_zero(self._diversity)
        look = collapse.Look(self.samples_seen, diversity, nearest, self.losses)
        self.looks, self.losses = [*self.looks, look][-KEPT:], []
        for name, before in self.reached.items():
            self.reached[name] = collapse.reached(before, [getattr(look, name) for look in self.looks])
        self.log_values({"watchdog/diversity": diversity, "watchdog/nearest": nearest})
        guessing = guessing_loss(self.model)
        over = collapse.SIGNS.keys() - collapse.seen_in(look, self.reached, guessing)
        self._take(over, collapse.signs(self.looks, self.reached, guessing))

    def _diversity(self) -> tuple[float, float]:
        """Return both of samples; of a generator that continues frames those of what it adds to real clips.

        One that enlarges is given real samples, as seeds may stand for the same small one.
        """
        generator, given = self.model.generator, getattr(self.model.generator, "given_frames", 0)
        enlarges = hasattr(generator, "enlarged")
        if self.real is None:
            real, labels = self.trainer.datamodule.examples.real(self.num_samples)
            if given or enlarges:
                kept = showing.small_of(generator, real) if enlarges else real[:, :, :given].clone()
                self.begun = kept, labels
            self.real = collapse.coarse(real[:, :, given:] if given else real).cpu()
        seeds = range(len(self.real))
        if self.begun is None:
            data = self.trainer.datamodule
            are_alike = data.balance_classes or getattr(generator, "num_classes", 0) < 2
            made = sampling.batches(generator, seeds, class_counts=None if are_alike else data.class_counts)
            fake = torch.cat([collapse.coarse(samples) for _, samples in made])
        elif enlarges:
            pieces = self.begun[0].split(AT_ONCE)
            fake = torch.cat([collapse.coarse(showing.enlarged(generator, some)) for some in pieces])
        else:
            fake = collapse.coarse(showing.continued(generator, *self.begun, seeds)[:, :, given:])
        return collapse.relative(fake.cpu(), self.real)

    def _judge_metrics(self, *, are_kept: bool = True) -> None:
        now = self.samples_seen
        if not self.every or self.run.measured_at != now or self.judged_at == now:
            return
        self.judged_at = now
        for record in self.run.records:
            low, high = record.interval or (record.value, record.value)
            before = [] if record.key in self.run.restarted else self.curves.get(record.key, [])
            curve = [*before, (now, record.value, low, high)]
            if are_kept:
                self.curves[record.key] = curve
            sign = collapse.worsened(record.key, curve, record.judged_as)
            self._take([] if sign else [record.key], [sign] if sign else [])

    def _take(self, over: Collection[str], signs: Sequence[collapse.Sign]) -> None:
        """Forget the signs of the kinds that are over, and act on those that there are."""
        self.run.collapse = {kind: told for kind, told in self.run.collapse.items() if kind not in over}
        for sign in signs:
            self._respond(sign)

    def _respond(self, sign: collapse.Sign) -> None:
        """Do what on_collapse says; a warning of each kind is given once."""
        now, is_told = self.samples_seen, sign.kind in self.told
        self.told.setdefault(sign.kind, now)
        trouble = rollback.Trouble(
            what=f"training seems to have collapsed after {sign.since:,} samples (noticed at {now:,}): {sign.evidence}",
            began=sign.since,
            noticed=now,
            advice=sign.advice,
            setting="on_collapse",
            best_is_good=True,
        )
        self.run.collapse.setdefault(sign.kind, trouble.what)
        folder = self.trainer.folder
        if self.on_collapse == "warn":
            if is_told:
                return
            what_to_do = from_rank_zero(lambda: rollback.what_to_do(folder, trouble))
            if self.trainer.is_global_zero:
                print(f"\nwarning: {trouble.what}. Look at the latest samples/fake_*.png.\n{what_to_do}", flush=True)
            self.run.notices.append({"samples_seen": now, "text": trouble.what})
            for logger in self.trainer.run_loggers:
                logger.log_notice(trouble.what, now)
            return
        settings = folder, trouble, self.on_collapse, self.max_rollbacks
        raise rollback.CollapsedError(from_rank_zero(lambda: rollback.ending_of(*settings)))

    def state_dict(self) -> dict[str, Any]:
        looks = [asdict(look) for look in self.looks]
        kept = {"reached": self.reached, "losses": self.losses, "curves": self.curves, "told": self.told}
        return {**super().state_dict(), "looks": looks, **kept, "collapse": self.run.collapse}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict(state_dict)
        self.looks = [collapse.Look(**look) for look in state_dict["looks"]]
        self.reached, self.losses = state_dict["reached"], state_dict["losses"]
        self.told = state_dict["told"]
        for key, curve in state_dict["curves"].items():  # earlier versions don't keep the intervals
            self.curves[key] = [(seen, value, *(interval or (value, value))) for seen, value, *interval in curve]
        self.run.collapse = state_dict.get("collapse", {})  # which earlier versions don't keep


def guessing_loss(model: Model) -> float:
    """Return the discriminator's loss where it gives every sample the logit of `undecided`; 0 where there is none."""
    if not isinstance(model, GAN):
        return 0.0
    logit = torch.full((1, 1), getattr(model.loss, "undecided", None) or 0.0)
    return model.loss.discriminator(logit, logit).item() * sum(model.head_weights.values())
