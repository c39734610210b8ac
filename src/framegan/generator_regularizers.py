"""Regularizers of the generator: penalties (samples, styles, keys) -> (N,), for generators that have styles.

A generator that has them leaves `styles`, (N, style_dim) or (N, L, style_dim) for L layers, of its last forward in
training. Like the discriminator's, a penalty is added on one step in `every`, `every` times as strong.
"""

from collections.abc import Callable
from typing import Annotated

import torch
from pydantic import Field, NonNegativeFloat, PositiveInt
from torch import Tensor, nn

from framegan import noise
from framegan.regularizers import Lazy
from framegan.schedules import Constant
from framegan.strategy import average_buffers

DIRECTIONS = 4
"""The part of the numbers of a key that directions are made of; augmentations have those before."""


class GeneratorRegularizer(nn.Module, Lazy):
    """What the generator's step asks of a regularizer; what it learns is kept in buffers, and so in checkpoints.

    Args:
        weight: its strength, averaged over the steps.
        every: number of generator steps from one application to the next.
        schedule: samples seen -> the factor of the weight.
    """

    def __init__(self, weight: NonNegativeFloat, every: PositiveInt = 1, schedule: Callable[[int], float] = Constant()):
        nn.Module.__init__(self)
        Lazy.__init__(self, weight, every, schedule)

    def penalty(self, samples: Tensor, styles: Tensor, keys: Tensor) -> Tensor:
        """Return the unweighted penalty of each sample, (N,).

        Args:
            samples: (N, *shape), made of the styles.
            keys: (N,) in [0, 1), of which all that is random is a function.
        """
        raise NotImplementedError

    def adapt(self) -> None:
        """Adjust to what was observed, after a step that was due; every rank calls it."""


class PathLength(GeneratorRegularizer):
    """(|J^T y| - a)^2 for random pictures y, where J is d sample / d styles (Karras et al. 2020, Equation 4).

    It has a step in style change all samples as much: a is the running mean of the lengths, at first the mean of all
    there were, so that a short run is not held near 0, where the paper begins; the first application is free. Pixels
    of y are drawn from N(0, 1 / their number), and a length is the root of the mean over the layers, so that `weight`
    is about the same at any size (Section B: 2).

    Args:
        decay: of the running mean, with each application, once there were 1 / (1 - decay).
    """

    mean_length: Tensor
    lengths: Tensor
    applications: Tensor

    def __init__(
        self,
        weight: NonNegativeFloat = 2.0,
        every: PositiveInt = 4,
        schedule: Callable[[int], float] = Constant(),
        decay: Annotated[float, Field(ge=0, lt=1)] = 0.99,
    ):
        super().__init__(weight, every, schedule)
        self.decay = decay
        self.register_buffer("mean_length", torch.zeros((), dtype=torch.float64))
        self.register_buffer("applications", torch.zeros((), dtype=torch.int64))
        self.register_buffer("lengths", torch.zeros(2, dtype=torch.float64))  # of this step: their sum, how many

    def penalty(self, samples: Tensor, styles: Tensor, keys: Tensor) -> Tensor:
        uniform = noise.uniform_of_keys(keys, samples[0].numel(), DIRECTIONS)
        directions = noise.normal_of_uniform(uniform).to(keys).view_as(samples)  # (N, *shape)
        (gradient,) = torch.autograd.grad((samples * directions).sum(), styles, create_graph=True)
        squares = gradient.to(keys).square().sum(-1).view(len(samples), -1).mean(1) / samples[0, 0].numel()
        lengths = squares.clamp(min=1e-24).sqrt()  # (N,)
        self.lengths += torch.stack([lengths.detach().double().sum(), self.lengths.new_full((), len(lengths))])
        wanted = torch.where(self.applications > 0, self.mean_length.to(lengths), lengths.detach())
        return (lengths - wanted).square()

    def adapt(self) -> None:
        average_buffers(self)
        self.applications += 1
        share = (1 / self.applications.double()).clamp(min=1 - self.decay)
        self.mean_length.lerp_(self.lengths[0] / self.lengths[1], share)
        self.lengths.zero_()
