"""Adversarial losses: logits of shape (N, K) -> the loss of each sample, (N,).

Higher logits mean "more real" and every loss is something to descend. K is the number of logits a head gives per
sample (1, or a map of patches); a sample's loss is the mean over its own. `real_logits` is None in the generator's
loss unless the class says `generator_sees_real`.
"""

from typing import Protocol

import torch.nn.functional as F
from torch import Tensor


def per_sample(values: Tensor) -> Tensor:
    """Return the mean over all but the first axis: (N, ...) -> (N,)."""
    return values.flatten(1).mean(1)


class Loss(Protocol):
    """The two sides of an adversarial game; it may have `undecided` too, see `margins`."""

    generator_sees_real: bool

    def discriminator(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor: ...

    def generator(self, real_logits: Tensor | None, fake_logits: Tensor) -> Tensor: ...


def margins(loss: Loss, real_logits: Tensor, fake_logits: Tensor) -> tuple[Tensor, Tensor]:
    """Return how far the discriminator has real samples on the side of the real ones, and fake ones on the other.

    Positive is right. A loss says at which logit the discriminator is undecided; where only the differences of logits
    matter, any constant may be added to all of them, and each real sample is compared with the fake one of its row.
    """
    undecided = getattr(loss, "undecided", None)
    if undecided is None:
        return real_logits - fake_logits, real_logits - fake_logits
    return real_logits - undecided, undecided - fake_logits


class NonSaturating:
    """Cross-entropy with the generator maximising log D(G(z)) (Goodfellow et al. 2014, Section 3)."""

    generator_sees_real = False
    undecided = 0.0

    def discriminator(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        return per_sample(F.softplus(-real_logits)) + per_sample(F.softplus(fake_logits))

    def generator(self, real_logits: Tensor | None, fake_logits: Tensor) -> Tensor:
        return per_sample(F.softplus(-fake_logits))


class Minimax(NonSaturating):
    """The textbook game: the generator minimises log(1 - D(G(z))) (Goodfellow et al. 2014, Equation 1).

    Its gradient vanishes where the discriminator is confident; `NonSaturating` is the variant used in practice.
    """

    def generator(self, real_logits: Tensor | None, fake_logits: Tensor) -> Tensor:
        return -per_sample(F.softplus(fake_logits))


class LeastSquares:
    """Least squares with targets a = 0, b = c = 1 (Mao et al. 2017, Equation 9)."""

    generator_sees_real = False
    undecided = 0.5

    def discriminator(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        return (per_sample((real_logits - 1).square()) + per_sample(fake_logits.square())) / 2

    def generator(self, real_logits: Tensor | None, fake_logits: Tensor) -> Tensor:
        return per_sample((fake_logits - 1).square()) / 2


class Wasserstein:
    """The Kantorovich-Rubinstein dual; needs a Lipschitz critic (Arjovsky et al. 2017, Equation 2)."""

    generator_sees_real = False
    undecided: float | None = None

    def discriminator(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        return per_sample(fake_logits) - per_sample(real_logits)

    def generator(self, real_logits: Tensor | None, fake_logits: Tensor) -> Tensor:
        return -per_sample(fake_logits)


class Hinge(Wasserstein):
    """Hinge loss of the discriminator, linear loss of the generator (Lim & Ye 2017; Miyato et al. 2018, Eqs. 16-17)."""

    undecided = 0.0

    def discriminator(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        return per_sample(F.relu(1 - real_logits)) + per_sample(F.relu(1 + fake_logits))


class Relativistic:
    """Each fake is judged against its paired real sample (Jolicoeur-Martineau 2018; RpGAN in Huang et al. 2024)."""

    generator_sees_real = True
    undecided: float | None = None

    def discriminator(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        return per_sample(F.softplus(fake_logits - real_logits))

    def generator(self, real_logits: Tensor | None, fake_logits: Tensor) -> Tensor:
        assert real_logits is not None
        return per_sample(F.softplus(real_logits - fake_logits))
