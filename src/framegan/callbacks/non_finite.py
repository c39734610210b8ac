"""A loss or a gradient that is not finite ends a run, or sends it back, before it reaches a checkpoint."""

from typing import Any, Literal

import torch
from pydantic import NonNegativeInt
from torch import Tensor
from torch.nn.utils import get_total_norm

from framegan.callbacks.run_callback import RunCallback
from framegan.devices import put
from framegan.model import Model
from framegan.processes.ranks import from_rank_zero
from framegan.runs import rollback

AT_ONCE = 64
"""Batches whose values are looked through together, at most."""
NEVER = 2**62
"""samples_seen at which what has always been finite was not."""


class NonFinite(RunCallback):
    """Stops a run whose loss, gradient or weights are not finite, or sends it back to its last checkpoint.

    Losses and gradients are noted on the device, and looked through on the batches that are logged and on those that
    something is due after. Before a checkpoint, and at the end, the weights are looked at too. It has to be the first
    of the callbacks.

    Args:
        on_nan: stop with a message, or roll back: start over from the last checkpoint with half of the learning rates.
        max_rollbacks: how often a run may be rolled back, for either reason, before it is stopped.
    """

    def __init__(self, on_nan: Literal["stop", "rollback"] = "stop", max_rollbacks: NonNegativeInt = 3):
        self.on_nan = on_nan
        self.max_rollbacks = max_rollbacks

    def begin(self) -> None:
        self.first = torch.full((len(self.model.names_watched),), NEVER, device=self.model.device)
        self.absent = torch.zeros((), device=self.model.device)
        self.noted: list[tuple[int, Tensor]] = []
        """Of batches that weren't looked through yet: the samples_seen before, and the values watched."""

    def after_batch(self, outputs: dict[str, Tensor] | None, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        before = self.samples_seen - len(batch[0]) * self.trainer.world_size
        values = [self.model.watched.get(name, self.absent) for name in self.model.names_watched]
        self.noted.append((before, torch.stack(values)))
        if len(self.noted) == AT_ONCE:
            self._look()
        if outputs or self._somebody_acts(batch):
            self.check()

    def _somebody_acts(self, batch: tuple[Tensor, Tensor]) -> bool:
        at_intervals = any(self.passes(interval, batch) for interval in self.run.intervals)
        return at_intervals or any(self.reaches(count, batch) for count in self.run.moments)

    def _look(self) -> None:
        """Look through what was noted, without waiting for the device."""
        if self.noted:
            before, values = zip(*self.noted, strict=True)
            at = torch.where(
                torch.stack(values).isfinite(), NEVER, put(torch.tensor(before), self.first.device)[:, None]
            )
            torch.minimum(self.first, at.amin(0), out=self.first)
            self.noted.clear()

    def end(self) -> None:
        self.check(weights_too=True)

    def on_save_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: Any) -> None:
        self.check(weights_too=True)

    def check(self, weights_too: bool = False) -> None:
        """Stop or roll back where something is not finite; all ranks have to call this, and all do the same."""
        self._look()
        first = self.first.clone()
        if weights_too:
            weights = [p.detach() for network in self.model.of_name().values() for p in network.parameters()]
            at = torch.where(get_total_norm(weights).isfinite(), NEVER, self.samples_seen)
            first = torch.cat([first, at.view(1)])
        first = self.trainer.strategy.reduce(first, reduce_op="min")
        when = dict(zip((*self.model.names_watched, "weights"), first.tolist(), strict=False))
        what, now = min(when, key=when.__getitem__), self.samples_seen
        if when[what] == NEVER:
            return
        trouble = rollback.Trouble(
            what=f"not finite: the {what}, after {when[what]:,} samples (noticed at {now:,}){where(self.model)}",
            began=when[what],
            noticed=now,
            advice=advice(self.model),
            setting="on_nan",
        )
        settings = self.trainer.folder, trouble, self.on_nan, self.max_rollbacks
        raise rollback.TrainingEndedError(from_rank_zero(lambda: rollback.ending_of(*settings)))


def advice(model: Model) -> str:
    rates, limits = (
        ", ".join(f"model.{name}_{what}" for name in model.networks) for what in ("optimizer.lr", "clip_norm=1")
    )
    return f"smaller learning rates ({rates}), a limit on the gradients ({limits}) or trainer.precision=fp32"


def where(model: Model) -> str:
    """Say which parameters are not finite, or have a gradient that isn't, by now; nothing where there are none."""
    parameters = {name: p for name, p in model.named_parameters() if p.requires_grad}
    with_gradients = model.replays is None  # else they are those of the step that was recorded last
    seen = {name: (p, p.grad if with_gradients else None) for name, p in parameters.items()}
    bad = [name for name, pair in seen.items() if not all(x.isfinite().all() for x in pair if x is not None)]
    return f", by now {len(bad)} of {len(parameters)} parameters, first {bad[0]}" if bad else ""
