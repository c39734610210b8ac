"""Regularizers of the discriminator: penalties (samples, logits) -> (N,), and a constraint on its weights.

A penalty is added to the discriminator's loss on one step in `every`, `every` times as strong, so that its average
strength is `weight` whatever the interval (Karras et al. 2020, Section 3.1: lazy regularization).
"""

from collections.abc import Callable, Mapping
from typing import Literal, TypeVar

import torch
from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from framegan.schedules import Constant


def squared_gradient_norm(samples: Tensor, logits: Tensor) -> Tensor:
    """Return |d mean_K(logits) / d samples|^2 of each sample: (N, *shape), (N, K) -> (N,), itself differentiable."""
    (gradient,) = torch.autograd.grad(logits.flatten(1).mean(1).sum(), samples, create_graph=True)  # (N, *shape)
    return gradient.flatten(1).square().sum(1)  # (N,)


class Lazy:
    """What is applied on one of a network's steps in `every`.

    Args:
        weight: its strength, averaged over the steps.
        every: number of the network's steps from one application to the next.
        schedule: samples seen -> the factor of the weight.
    """

    def __init__(self, weight: NonNegativeFloat, every: PositiveInt = 1, schedule: Callable[[int], float] = Constant()):
        self.weight = weight
        self.every = every
        self.schedule = schedule

    def strength(self, samples_seen: int) -> float:
        """Return what multiplies the penalty on a step that applies it."""
        return self.weight * self.every * self.schedule(samples_seen)

    def due(self, step: int) -> bool:
        """Say whether the network's step number `step` (from 0) applies it."""
        return step % self.every == 0


SomeLazy = TypeVar("SomeLazy", bound=Lazy)


def due(regularizers: Mapping[str, SomeLazy], step: int) -> dict[str, SomeLazy]:
    """Return those that a network's step applies."""
    return {name: regularizer for name, regularizer in regularizers.items() if regularizer.due(step)}


class Regularizer(Lazy):
    """What the discriminator step asks of a regularizer; the arguments are those of `Lazy`."""

    at: Literal["real", "fake", "between"] | None = None
    """Where the penalty is taken: at the real samples, the fake ones, or on the lines between them; None: nowhere."""

    pixel_power: Literal[0, 1] = 0
    """1: the more pixels samples have, the stronger it is, where the `tuned_side` of `framegan.gan.GAN` is set."""

    reads_buffers = False
    """Whether `constrain` depends on running averages, which have to be the same on all ranks then."""

    def penalty(self, samples: Tensor, logits: Tensor) -> Tensor:
        """Return the unweighted penalty of each sample: (N, *shape), (N, K) -> (N,)."""
        raise NotImplementedError

    def check(self, discriminator: nn.Module) -> None:
        """Raise ValueError where `constrain` can't hold all weights of this discriminator; by default it holds them."""

    def constrain(self, discriminator: nn.Module) -> None:
        """Change the weights in place after an optimizer step; by default leave them."""


class R1(Regularizer):
    """gamma / 2 * |grad D(x)|^2 at the real samples (Mescheder et al. 2018, Equation 9)."""

    at: Literal["real", "fake"] = "real"
    pixel_power = 1

    def __init__(self, gamma: NonNegativeFloat, every: PositiveInt = 1, schedule: Callable[[int], float] = Constant()):
        super().__init__(gamma / 2, every, schedule)

    def penalty(self, samples: Tensor, logits: Tensor) -> Tensor:
        return squared_gradient_norm(samples, logits)


class R2(R1):
    """gamma / 2 * |grad D(x)|^2 at the fake samples (Mescheder et al. 2018, Equation 10)."""

    at = "fake"


class WGANGP(Regularizer):
    """weight * (|grad D(x)| - 1)^2 on the lines between real and fake samples (Gulrajani et al. 2017, Equation 3)."""

    at = "between"

    def penalty(self, samples: Tensor, logits: Tensor) -> Tensor:
        return (squared_gradient_norm(samples, logits).clamp(min=1e-24).sqrt() - 1).square()


class WeightClipping(Regularizer):
    """Clamp every weight into [-limit, limit] after the step (Arjovsky et al. 2017, Algorithm 1)."""

    def __init__(self, limit: PositiveFloat = 0.01, every: PositiveInt = 1):
        super().__init__(weight=0.0, every=every)
        self.limit = limit

    def check(self, discriminator: nn.Module) -> None:
        for name, module in discriminator.named_modules():
            if is_parametrized(module):
                raise ValueError(
                    f"weight_clipping clamps weights, and those of the discriminator's {name} are computed from "
                    "others, as by spectral normalisation; leave out one of the two"
                )

    @torch.no_grad()
    def constrain(self, discriminator: nn.Module) -> None:
        for parameter in discriminator.parameters():
            parameter.clamp_(-self.limit, self.limit)


class SingularValueClipping(Regularizer):
    """Cut the singular values of every layer to at most 1, for a 1-Lipschitz critic (Saito et al. 2017, Section 4).

    A convolution counts as the matrix (out, in * kernel). The gain of batch normalisation is kept within [0.01, 1]
    times the running standard deviation, so that the layer's own slope is at most 1.
    """

    reads_buffers = True

    def __init__(self, every: PositiveInt = 5):
        super().__init__(weight=0.0, every=every)

    def check(self, discriminator: nn.Module) -> None:
        for name, module in discriminator.named_modules():
            is_layer = any(parameter.ndim > 1 for parameter in module.parameters(recurse=False))
            if is_parametrized(module) or (is_layer and not isinstance(module, nn.Linear | nn.modules.conv._ConvNd)):
                raise ValueError(
                    "singular_value_clipping cuts the weights of PyTorch's convolutions and linear layers, and the "
                    f"discriminator's {name} is {type(module).__name__}; leave it out, or choose another discriminator"
                )

    @torch.no_grad()
    def constrain(self, discriminator: nn.Module) -> None:
        for module in discriminator.modules():
            if isinstance(module, nn.Linear | nn.modules.conv._ConvNd):
                # by its Gram matrix: many times faster than a decomposition of matrices as wide as convolutions are
                matrix = module.weight.flatten(1).double()  # (out, in * kernel)
                squares, vectors = torch.linalg.eigh(matrix @ matrix.T)  # (out,), (out, out)
                cut = (vectors * squares.clamp(min=1).rsqrt()) @ (vectors.T @ matrix)
                module.weight.copy_(cut.view_as(module.weight))
            elif isinstance(module, nn.modules.batchnorm._BatchNorm) and module.running_var is not None:
                deviation = (module.running_var + module.eps).sqrt()
                module.weight.copy_(module.weight.clamp(0.01 * deviation, deviation))
