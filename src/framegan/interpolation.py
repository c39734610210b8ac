"""Samples between those of seeds: a walk through the latents, from one seed to the next."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Literal

import torch
from torch import Tensor, nn

from framegan import inputs, sampling

Interpolation = Literal["spherical", "linear"]
STEPS = 8
"""From one sample to another, in a row of what lies between."""
PARALLEL = 2e-3
"""An angle as near to 0, or to a half turn, is rounding: there is no one arc, or one that is as good as straight."""


def length(seeds: Sequence[int], steps: int, *, closed: bool) -> int:
    """Return how many samples a walk has; see `walk`."""
    return steps * len(seeds) if closed else steps * (len(seeds) - 1) + 1


def check_seeds(seeds: Sequence[int]) -> None:
    """Raise ValueError where nothing lies between seeds."""
    if len(seeds) < 2 or any(one == other for one, other in pairwise(seeds)):
        rule = "it should be two seeds or more, such as [0,5,9], no one twice in a row"
        raise ValueError(f"interpolate got {list(seeds)}; {rule}")


def walk(
    generator: nn.Module,
    seeds: Sequence[int],
    steps: int,
    *,
    interpolation: Interpolation = "spherical",
    closed: bool = False,
    batch_size: int | None = None,
    truncation: float | None = None,
    given: Tensor | None = None,
    **choices: Any,
) -> Iterator[tuple[range, Tensor]]:
    """Yield the places on a walk, from 0 on, and the samples there, batch after batch.

    At place k * steps is the sample of seeds[k]. The class is that of the first seed throughout, and so is what clips
    begin with where a generator continues frames.

    Args:
        steps: from one seed to the next.
        interpolation: spherical: each part of the latents stays as long as normal noise is (White 2016); linear:
            straight, through latents nearer to 0, and so to the mean, than any that were trained.
        closed: walk back to the first seed too, and end a step before it.
        choices: as of `framegan.sampling.batches`.

    Raises:
        ValueError: there are fewer than two seeds, or see `framegan.sampling.batches`.
    """
    check_seeds(seeds)
    check_between(generator)
    latents, labels = inputs.draw(generator, seeds, **choices, is_given=given is not None)
    parts = inputs.parts_of(generator, choices.get("num_frames"))
    if getattr(generator, "given_frames", 0):  # its content is the number of a clip, and nothing lies between those
        latents[:, : parts["content"]] = latents[0, : parts["content"]]

    def drawn(places: Sequence[int]) -> tuple[Tensor, Tensor]:
        first = torch.tensor(places) // steps
        last = (first + 1) % len(seeds)
        moment = (torch.tensor(places) % steps / steps).unsqueeze(1)  # (N, 1) in [0, 1)
        pairs = zip(latents[first].split([*parts.values()], 1), latents[last].split([*parts.values()], 1), strict=True)
        between = torch.lerp if interpolation == "linear" else arc
        return torch.cat([between(*pair, moment) for pair in pairs], dim=1), labels[:1].expand(len(places))

    options = inputs.options_of(generator, choices.get("num_frames"), truncation)
    number = length(seeds, steps, closed=closed)
    yield from sampling.in_batches(generator, drawn, number, batch_size, options, given)


def check_between(generator: nn.Module) -> None:
    """Raise ValueError where nothing lies between the samples of a generator."""
    if hasattr(generator, "enlarged"):
        raise ValueError("this generator enlarges small samples, and nothing lies between those; make samples of seeds")


def arc(first: Tensor, last: Tensor, moment: Tensor) -> Tensor:
    """Return what lies between (N, D) and (N, D), at (N, 1) moments in [0, 1], on arcs around 0 (Shoemake 1985).

    The lengths go from the one's to the other's alike. Between two of one direction, or of opposite ones, it is
    straight.
    """
    lengths = first.norm(dim=1, keepdim=True) * last.norm(dim=1, keepdim=True)  # (N, 1)
    angle = ((first * last).sum(1, keepdim=True) / lengths).clamp(-1, 1).acos()  # (N, 1); NaN where one is 0
    is_arc = (angle > PARALLEL) & (angle < math.pi - PARALLEL)
    shares = ((share * angle).sin() / angle.sin() for share in (1 - moment, moment))
    turned = next(shares) * first + next(shares) * last
    return torch.where(is_arc, turned, first.lerp(last, moment))
