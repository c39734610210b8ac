"""Samples by seed: seed k gives the same sample in any batch, on any number of devices, from any entry point."""

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from framegan import inputs

LARGEST_BATCH = 64
VALUES_AT_ONCE = 1 << 20
"""Values of the samples that are made at a time: 4 MB of float32, and many times that within the networks."""


def sample(generator: nn.Module, seeds: Sequence[int], **choices: Any) -> Tensor:
    """Return one sample for each seed: (N, *shape) in [-1, 1], on the generator's device; choices as in `batches`."""
    return torch.cat([samples for _, samples in batches(generator, seeds, **choices)])


def batches(
    generator: nn.Module,
    seeds: Sequence[int],
    batch_size: int | None = None,
    *,
    category: int | str | None = None,
    num_frames: int | None = None,
    held: Mapping[str, int] = MappingProxyType({}),
    class_counts: Sequence[int] | None = None,
    truncation: float | None = None,
    given: Tensor | None = None,
) -> Iterator[tuple[Sequence[int], Tensor]]:
    """Yield the seeds and samples of one batch after the other; memory doesn't grow with their number.

    The last batch is filled up to its full size before it is made, so that a sample comes from the same kernels, to the
    last bit, alone or among others. That one sample then costs a batch is why batches are small.

    Args:
        batch_size: None = as `batch_size_of` says; another one may change the last bits.
        category: class of every sample, by its name or number; see `runs.categories`. None = drawn for each seed.
        num_frames: frames of each clip. None = as trained.
        held: seeds that parts of the latents take in place of `seeds`, such as {"content": 3}.
        class_counts: how often each class is drawn beside the others. None = all alike.
        truncation: how far styles, or the latents of a likelihood model, are from their mean, beside how far they
            would be: a flow's temperature. None = 1.
        given: (C, given_frames, H, W) frames in [-1, 1] that all clips begin with, or (N, ...) those of each. None =
            those of the seeds, where a generator continues frames.

    Raises:
        ValueError: the generator has no such category or part, makes images, or takes no truncation or no such frames.
    """

    def drawn(rows: Sequence[int]) -> tuple[Tensor, Tensor]:
        some, is_given = [seeds[row] for row in rows], given is not None
        return inputs.draw(generator, some, category, num_frames, held, class_counts, is_given=is_given)

    options = inputs.options_of(generator, num_frames, truncation)
    for rows, samples in in_batches(generator, drawn, len(seeds), batch_size, options, given):
        yield seeds[rows.start : rows.stop], samples


def in_batches(
    generator: nn.Module,
    drawn: Callable[[Sequence[int]], tuple[Tensor, Tensor]],
    number: int,
    batch_size: int | None,
    options: Mapping[str, Any],
    given: Tensor | None = None,
) -> Iterator[tuple[range, Tensor]]:
    """Yield the rows and samples of one batch after the other, each batch filled up with its last row.

    Args:
        drawn: from rows, of `number`, to their latents and labels.
        options: what the generator's forward is given besides; see `framegan.inputs.options_of`.
        given: see `batches`.
    """
    frames = None if given is None else inputs.given_of(generator, given, number)
    size = batch_size or batch_size_of(generator, options.get("num_frames"))
    for first in range(0, number, size):
        rows = range(first, min(first + size, number))
        filled = [*rows, *[rows[-1]] * (size - len(rows))]
        beginnings = {} if frames is None else {"given": frames[filled]}
        yield rows, _made(generator, drawn(filled), {**options, **beginnings})[: len(rows)]


def batch_size_of(generator: nn.Module, num_frames: int | None = None) -> int:
    """Return how many samples are made at a time. It depends on a sample's own size alone: many small ones, one large.

    However many are asked for, and wherever, a sample is then the same. It is a power of two other than 2: in batches
    of 2, 3 or an odd number, matrix products were seen to round some samples in another way.
    """
    channels, *rest = generator.shape  # type: ignore[misc]
    if num_frames is not None and len(rest) == 3:
        rest[0] = num_frames
    at_most = max(1, min(LARGEST_BATCH, VALUES_AT_ONCE // math.prod((channels, *rest))))
    return 1 if at_most < 4 else 1 << (at_most.bit_length() - 1)


def frames_of(
    generator: nn.Module,
    seed: int,
    *,
    category: int | str | None = None,
    num_frames: int | None = None,
    held: Mapping[str, int] = MappingProxyType({}),
    truncation: float | None = None,
    given: Tensor | None = None,
) -> Iterator[Tensor]:
    """Yield the clip of a seed, as `sample` returns it, a few frames at a time: (C, t, H, W) each.

    The memory it takes doesn't grow with a clip's length where `frames_at_once` isn't None. Arguments as in `batches`.
    """
    drawn = inputs.draw(generator, [seed], category, num_frames, held, is_given=given is not None)
    beginning = {} if given is None else {"given": inputs.given_of(generator, given, 1)}
    for piece in _pieces(generator, drawn, inputs.options_of(generator, num_frames, truncation) | beginning):
        yield piece[0]


def frames_at_once(generator: nn.Module, num_frames: int | None, number: int = 1) -> int | None:
    """Return how many frames of so many clips are made at a time where they are too long for all, else None.

    A generator that can make some at a time has a method `pieces`; others make clips of any length whole.
    """
    channels, *rest = generator.shape  # type: ignore[misc]
    if len(rest) == 2 or not hasattr(generator, "pieces"):
        return None
    of_frames = number * channels * rest[1] * rest[2]
    is_short = (num_frames or rest[0]) * of_frames <= VALUES_AT_ONCE
    return None if is_short else max(1, VALUES_AT_ONCE // of_frames)


def _made(generator: nn.Module, drawn: tuple[Tensor, Tensor], options: Mapping[str, Any]) -> Tensor:
    first, *others = _pieces(generator, drawn, options)
    return torch.cat([first, *others], dim=2) if others else first


def _pieces(generator: nn.Module, drawn: tuple[Tensor, Tensor], options: Mapping[str, Any]) -> Iterator[Tensor]:
    """Yield samples (N, *shape), or of long clips some frames at a time, (N, C, t, H, W).

    Whatever a network without a last tanh has outside [-1, 1] is cut off.
    """
    device = next(generator.parameters()).device
    latents, labels = (values.to(device) for values in drawn)
    options = {name: value.to(device) if isinstance(value, Tensor) else value for name, value in options.items()}
    at_once = frames_at_once(generator, options.get("num_frames"), len(latents))

    def made() -> Iterator[Tensor]:
        if at_once is None:
            yield generator(latents, labels, **options)
            return
        length = options.pop("num_frames", None) or generator.shape[1]  # type: ignore[index]
        yield from generator.pieces(latents, labels, length, at_once, **options)  # type: ignore[operator]

    pieces = made()
    while True:  # whoever takes a piece isn't in evaluation mode meanwhile
        with torch.no_grad(), evaluating(generator), flushing_denormals(), torch.autocast(device.type, enabled=False):
            piece = next(pieces, None)
        if piece is None:
            return
        yield piece.clamp(-1, 1)


@contextmanager
def flushing_denormals() -> Iterator[None]:
    """Have numbers next to zero be zero in this thread, and those it starts: they would make a processor crawl."""
    flushes_already = sys.float_info.min / 2 == 0
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(flushes_already)


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Hold a network in evaluation mode, uncompiled: it isn't compiled once more for a few samples."""
    training = [module for module in network.modules() if module.training]  # not those that are frozen
    network.eval()
    try:
        with uncompiled():
            yield
    finally:
        for module in training:
            module.training = True


def uncompiled() -> AbstractContextManager[None]:
    """Run networks as they were written, even those that go through torch.compile elsewhere."""
    is_used = "torch._dynamo" in sys.modules  # it takes seconds to import, and nothing is compiled without it
    return torch.compiler.set_stance("force_eager") if is_used else nullcontext()
