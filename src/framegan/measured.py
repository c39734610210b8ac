"""What a training step leaves to be shown and watched: means over the batch, on the device."""

from collections.abc import Collection, Mapping

from torch import Tensor

from framegan.losses import Loss, margins

ALWAYS = ("discriminator/loss", "generator/loss")
"""What is measured in every step, for the screen; the rest only on the steps that are logged."""


class Measured(dict[str, Tensor]):
    """What one step measures, by the name it is logged under.

    Args:
        batch_size: of this rank.
        is_logged: whether the loggers get this step.
    """

    def __init__(self, batch_size: int = 1, is_logged: bool = False):
        super().__init__()
        self.batch_size, self.is_logged = batch_size, is_logged

    def mean(self, name: str, values: Tensor) -> None:
        """Keep the mean of values: of a (n,) or (n, K) piece of the batch, or a norm of the whole."""
        if self.is_logged or name in ALWAYS:
            share, value = len(values) / self.batch_size if values.ndim else 1.0, values.detach().mean()
            value = value if share == 1 else value * share
            self[name] = self[name] + value if name in self else value

    def logits(
        self, loss: Loss, heads: Collection[str], real: Mapping[str, Tensor], fake: Mapping[str, Tensor]
    ) -> None:
        """Keep the (n, K) logits by head of real and of fake samples, and how many of them are right."""
        for head in heads if self.is_logged else ():
            prefix = "discriminator" if len(heads) == 1 else f"discriminator/{head}"
            self.mean(f"{prefix}/real_logit", real[head])
            self.mean(f"{prefix}/fake_logit", fake[head])
            of_real, of_fake = margins(loss, real[head], fake[head])
            self.mean(f"{prefix}/real_accuracy", (of_real > 0).float())
            self.mean(f"{prefix}/fake_accuracy", (of_fake > 0).float())
