"""Stateless noise: every random number is a function of a key, never of what was drawn before.

The counter-based generator Philox (Salmon et al. 2011) makes that cheap. A run that is resumed, or spread over
more processes, therefore sees the noise it would have seen: there is no state to save and none to go out of step.
"""

import inspect
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

LARGEST = 2**63
Seed = Annotated[int, Field(ge=0, lt=LARGEST)]

SAMPLES, PERMUTATION, FLIP, MIXING = range(4)
LATENTS = {"discriminator": 4, "generator": 5}
CLIPS, CATEGORIES, VIDEOS, SUBSETS, EMBEDDING, STACKS, DIVISIONS, CHOICE, IMAGES, BALANCE, TRANSFORMS = range(6, 17)
HELD_OUT, IMPORTANCE, STYLES, LIKENESS = range(17, 21)
MODULES = 1 << 16
"""The streams (the last one plus the rank): keys that differ in their stream share no numbers."""


def generator(seed: int, stream: int, counter: int = 0, item: int = 0, attempt: int = 0) -> np.random.Generator:
    """Return the random generator of (seed, stream, counter, item, attempt), all non-negative and below 2**63.

    Raises:
        ValueError: the seed is not.
    """
    if not 0 <= seed < LARGEST:
        raise ValueError(f"seed got {seed}; it should be at least 0 and below {LARGEST}")
    return np.random.Generator(np.random.Philox(key=[seed, stream], counter=[0, attempt, item, counter]))


def normal(shape: tuple[int, ...], *, seed: int, stream: int, counter: int) -> Tensor:
    """Return float32 standard normal numbers of this shape, on the CPU."""
    return torch.from_numpy(generator(seed, stream, counter).standard_normal(shape, dtype=np.float32))


def uniform(shape: tuple[int, ...], *, seed: int, stream: int, counter: int) -> Tensor:
    """Return float32 numbers of this shape in [0, 1), on the CPU."""
    return torch.from_numpy(generator(seed, stream, counter).random(shape, dtype=np.float32))


def uniform_of_keys(keys: Tensor, size: int, part: int = 0) -> Tensor:
    """Return (N, size) float64 numbers in (0, 1), row k a function of keys[k] and the part, on the keys' device.

    They stay below 1 as float32, too.

    Args:
        keys: (N,) as `uniform` draws them: multiples of 2^-24 in [0, 1).
    """
    return (other_keys(keys, size, part) + 2**-25).clamp(max=1 - 2**-24)


def coarse_of_keys(keys: Tensor, size: int, part: int = 0) -> Tensor:
    """Return (N, size) int16 numbers, all values alike, likewise; they take a quarter of the time."""
    return _bits_of_keys(keys, -(-size // 4), part).view(torch.int16)[:, :size]


def other_keys(keys: Tensor, size: int, part: int = 0) -> Tensor:
    """Return (N, size) keys likewise, each a key of its own whose draws have parts of their own."""
    return (_bits_of_keys(keys, size, part) >> 40 & (1 << 24) - 1).double() / 2**24


def takes_keys(network: torch.nn.Module) -> bool:
    """Say whether a network's forward takes the (N,) `keys` of its samples, to draw by them."""
    return "keys" in inspect.signature(network.forward).parameters


@torch.library.custom_op("framegan::bits_of_keys", mutates_args=())  # torch.compile gets such integers wrong
def _bits_of_keys(keys: Tensor, size: int, part: int) -> Tensor:
    """Return (N, size) int64 numbers of 64 random bits, row k a function of keys[k] and the part."""
    columns = torch.arange(size, device=keys.device) + (part << 32)
    mixed = (keys.double() * 2**24).long().unsqueeze(1) * 0x1E3779B97F4A7C15 + columns * 0x3F58476D1CE4E5B9
    for shift, factor in ((30, -0x40A7B892E31B1A47), (27, -0x6B2FB644ECCEEE15), (31, 1)):  # SplitMix64 (Steele 2014)
        mixed = (mixed ^ (mixed >> shift & (1 << 64 - shift) - 1)) * factor
    return mixed


@_bits_of_keys.register_fake
def _(keys: Tensor, size: int, part: int) -> Tensor:
    return keys.new_empty(len(keys), size, dtype=torch.int64)


def normal_of_uniform(uniform: Tensor) -> Tensor:
    """Return standard normal numbers of ones in (0, 1)."""
    return math.sqrt(2) * torch.erfinv(2 * uniform - 1)


def seed_modules(seed: int, rank: int, counter: int) -> None:
    """Make what modules draw by themselves (dropout of one's own) a function of the seed, the rank and the clock.

    The generators of this process's own devices are seeded one by one: `torch.manual_seed` takes the stack's trace for
    each kind of device that isn't there, which is much of a small step.
    """
    number = int(generator(seed, MODULES + rank, counter).integers(2**63))
    torch.default_generator.manual_seed(number)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed(number)
    if torch.backends.mps.is_available():
        torch.mps.manual_seed(number)


def latents_of_seeds(seeds: Iterable[int], latent_dim: int, part: int = 0) -> Tensor:
    """Return (N, latent_dim) standard normal latents, row k a function of seeds[k] alone.

    Args:
        part: which part of the latents; parts are independent. A longer one begins with the numbers of a shorter one.
    """
    return torch.stack([normal((latent_dim,), seed=seed, stream=SAMPLES, counter=part) for seed in seeds])


def latents_onward(seed: int, part: int = 0) -> Callable[[int], Tensor]:
    """Return a function that draws the next numbers of a seed, as many as it is told.

    Joined, they are those of `latents_of_seeds`, however many are drawn at a time.
    """
    random = generator(seed, SAMPLES, counter=part)
    return lambda size: torch.from_numpy(random.standard_normal(size, dtype=np.float32))


def category_of_seed(seed: int, num_classes: int, class_counts: Sequence[int] | None = None) -> int:
    """Return a class in [0, num_classes), a function of the seed alone.

    Args:
        class_counts: how often each class is drawn beside the others, classes beyond them never. None = all alike.
    """
    random = generator(seed, CATEGORIES)
    if class_counts is None or (len(class_counts) == num_classes and len(set(class_counts)) == 1):
        return int(random.integers(num_classes))
    return int(np.searchsorted(np.cumsum(class_counts), random.integers(sum(class_counts)), side="right"))
