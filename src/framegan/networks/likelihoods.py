"""Likelihoods of samples, given what a decoder says of each of their values.

Samples are (N, C, ...) in [-1, 1], 8-bit values that lie LEVEL apart; a decoder returns (N, parameters * C, ...).
Probabilities are of the 8-bit values, in nats, so that those of different models can be compared; the Bernoulli
likelihood's are of black and white ones.
"""

import math
from typing import Literal, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

LEVEL = 2 / 255
"""From one 8-bit value to the next."""
LEAST_LOG_SCALE = -7.0
"""Of a value: about a tenth of LEVEL, below which nothing is gained."""

Name = Literal["gaussian", "bernoulli", "discretized_logistic"]


class Likelihood(Protocol):
    """What is observed of samples, and how probable that is.

    Attributes:
        parameters: of each value that the decoder says.
        protocol: what is observed, as the keys of metrics name it.
        is_8_bit: whether that are 8-bit values, so that bits per dimension can be compared.
    """

    parameters: int
    protocol: str
    is_8_bit: bool

    def observed(self, samples: Tensor, uniform: Tensor) -> Tensor:
        """Return what is observed of samples, of the same shape, with the help of uniform numbers in (0, 1)."""

    def log_prob(self, observed: Tensor, said: Tensor) -> Tensor:
        """Return the log-probability of each observation, (N,), given what the decoder said."""

    def mean(self, said: Tensor) -> Tensor:
        """Return the mean sample, (N, C, ...) in [-1, 1]."""


def dequantized(samples: Tensor, uniform: Tensor) -> Tensor:
    """Return samples spread evenly over their 8-bit levels; log-densities plus log(LEVEL) then bound
    log-probabilities of the 8-bit values from below (Theis et al. 2016)."""
    return samples + LEVEL * (uniform - 0.5)


class Gaussian:
    """A normal density with a mean and a scale of each value, of dequantised samples."""

    parameters, protocol, is_8_bit = 2, "8bit_uniform", True

    def observed(self, samples: Tensor, uniform: Tensor) -> Tensor:
        return dequantized(samples, uniform)

    def log_prob(self, observed: Tensor, said: Tensor) -> Tensor:
        mean, log_scale = said.chunk(2, dim=1)
        log_scale = log_scale.clamp(min=LEAST_LOG_SCALE)
        square = ((observed - mean) * (-log_scale).exp()).square()
        return (-0.5 * (square + math.log(2 * math.pi)) - log_scale + math.log(LEVEL)).flatten(1).sum(1)

    def mean(self, said: Tensor) -> Tensor:
        return said.chunk(2, dim=1)[0].clamp(-1, 1)


class Bernoulli:
    """Black and white, drawn anew each time with a sample's values as probabilities (Salakhutdinov & Murray 2008)."""

    parameters, protocol, is_8_bit = 1, "binarized", False

    def observed(self, samples: Tensor, uniform: Tensor) -> Tensor:
        return torch.where(uniform < (samples + 1) / 2, 1.0, -1.0).to(samples)

    def log_prob(self, observed: Tensor, said: Tensor) -> Tensor:
        return F.logsigmoid(observed * said).flatten(1).sum(1)

    def mean(self, said: Tensor) -> Tensor:
        return (said / 2).tanh()


class DiscretizedLogistic:
    """A logistic density added up over each 8-bit level, with open ends (Kingma et al. 2016; Salimans et al. 2017)."""

    parameters, protocol, is_8_bit = 2, "8bit", True

    def observed(self, samples: Tensor, uniform: Tensor) -> Tensor:
        return samples

    def log_prob(self, observed: Tensor, said: Tensor) -> Tensor:
        mean, log_scale = said.chunk(2, dim=1)
        precision = (-log_scale.clamp(min=LEAST_LOG_SCALE)).exp()
        above, below = ((observed - mean + step) * precision for step in (LEVEL / 2, -LEVEL / 2))
        up_to, from_on = F.logsigmoid(above), F.logsigmoid(-below)
        # sigmoid(a) - sigmoid(b) = sigmoid(a) * sigmoid(-b) * (1 - exp(b - a))
        between = up_to + from_on + torch.log(-torch.expm1(-LEVEL * precision))
        is_first, is_last = observed < -1 + LEVEL / 2, observed > 1 - LEVEL / 2
        return torch.where(is_first, up_to, torch.where(is_last, from_on, between)).flatten(1).sum(1)

    def mean(self, said: Tensor) -> Tensor:
        return said.chunk(2, dim=1)[0].clamp(-1, 1)


def of_name(name: Name) -> Likelihood:
    """Return the likelihood of a name."""
    of_names: dict[str, Likelihood] = {
        "gaussian": Gaussian(),
        "bernoulli": Bernoulli(),
        "discretized_logistic": DiscretizedLogistic(),
    }
    return of_names[name]
