"""A loss or a gradient that is not finite ends a run, or sends it back, before it reaches a checkpoint."""

from typing import Any, Literal, NoReturn

import torch
from lightning.pytorch import Callback
from pydantic import NonNegativeInt
from torch import Tensor
from torch.nn.utils import get_total_norm

from framegan.callbacks.every import Every
from framegan.gan import GAN, NETWORKS, NEVER, WATCHED
from framegan.processes.ranks import from_rank_zero
from framegan.runs import rollback
from framegan.trainer import GANTrainer

ADVICE = (
    "smaller learning rates (model.generator_optimizer.lr, model.discriminator_optimizer.lr), a limit on the "
    "gradients (model.generator_clip_norm=1, model.discriminator_clip_norm=1) or trainer.precision=fp32"
)


class NonFinite(Callback):
    """Stops a run whose loss, gradient or weights are not finite, or sends it back to its last checkpoint.

    The step notes on the device when a loss or gradient was first not finite. The note is read on the batches that are
    logged and on those that something is due after. Before a checkpoint, and at the end, the weights are looked at
    too. It has to be the first of the callbacks.

    Args:
        on_nan: stop with a message, or roll back: start over from the last checkpoint with half of the learning rates.
        max_rollbacks: how often a run may be rolled back, for either reason, before it is stopped.
    """

    def __init__(self, on_nan: Literal["stop", "rollback"] = "stop", max_rollbacks: NonNegativeInt = 3):
        self.on_nan = on_nan
        self.max_rollbacks = max_rollbacks

    def on_train_batch_end(  # type: ignore[override]
        self, trainer: GANTrainer, gan: GAN, outputs: Any, batch: tuple[Tensor, Tensor], batch_idx: int
    ) -> None:
        is_due = any(isinstance(c, Every) and c.is_due(trainer, gan, batch) for c in trainer.callbacks)
        if outputs or is_due:
            self.check(trainer, gan)

    def on_train_end(self, trainer: GANTrainer, gan: GAN) -> None:  # type: ignore[override]
        self.check(trainer, gan, weights_too=True)

    def on_save_checkpoint(self, trainer: GANTrainer, gan: GAN, checkpoint: Any) -> None:  # type: ignore[override]
        self.check(trainer, gan, weights_too=True)

    def check(self, trainer: GANTrainer, gan: GAN, weights_too: bool = False) -> None:
        """Stop or roll back where something is not finite; all ranks have to call this, and all do the same."""
        first = gan.first_non_finite
        if weights_too:
            weights = [p.detach() for network in NETWORKS for p in getattr(gan, network).parameters()]
            at = torch.where(get_total_norm(weights).isfinite(), NEVER, int(gan.samples_seen))
            first = torch.cat([first, at.view(1)])
        first = trainer.strategy.reduce(first.clone(), reduce_op="min")
        when = dict(zip((*WATCHED, "weights"), first.tolist(), strict=False))
        if min(when.values()) < NEVER:
            from_rank_zero(lambda: self._respond(trainer, gan, when))

    def _respond(self, trainer: GANTrainer, gan: GAN, when: dict[str, int]) -> NoReturn:
        """Raise what stops the run or sends it back.

        Args:
            when: samples_seen at which each thing was first not finite.
        """
        what, now = min(when, key=when.__getitem__), int(gan.samples_seen)
        trouble = rollback.Trouble(
            what=f"not finite: the {what}, after {when[what]:,} samples (noticed at {now:,}){where(gan)}",
            began=when[what],
            noticed=now,
            advice=ADVICE,
            setting="on_nan",
        )
        if self.on_nan == "rollback":
            rollback.roll_back(trainer.folder, trouble, self.max_rollbacks)
        rollback.stop(trainer.folder, trouble)


def where(gan: GAN) -> str:
    """Say which parameters are not finite, or have a gradient that isn't, by now; nothing where there are none."""
    parameters = {name: p for name, p in gan.named_parameters() if name.startswith(NETWORKS) and p.requires_grad}
    bad = [
        name
        for name, parameter in parameters.items()
        if not all(values.isfinite().all() for values in (parameter, parameter.grad) if values is not None)
    ]
    return f", by now {len(bad)} of {len(parameters)} parameters, first {bad[0]}" if bad else ""
