"""What a step does to the networks' state beside descending: their buffers where a batch is in pieces, the average."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn


def in_pieces(batch: Sequence[Tensor], number: int, *networks: nn.Module) -> Iterator[tuple[Tensor, ...]]:
    """Yield the (N, ...) tensors of a batch in pieces, at most `number`.

    Each piece finds the networks' buffers as the first one did; they end as their mean over the pieces, as over ranks.
    """
    pieces = list(zip(*(values.chunk(number) for values in batch), strict=True))
    buffers = [b for network in networks for b in network.buffers() if b.is_floating_point() and len(pieces) > 1]
    before, totals = [b.clone() for b in buffers], [torch.zeros_like(b) for b in buffers]
    for piece in pieces:
        for buffer, value in zip(buffers, before, strict=True):
            buffer.copy_(value)
        yield piece
        for buffer, total in zip(buffers, totals, strict=True):
            total += buffer
    for buffer, total in zip(buffers, totals, strict=True):
        buffer.copy_(total / len(pieces))


@torch.no_grad()
def move_average(average: nn.Module, network: nn.Module, num_samples: int, half_life: float) -> None:
    """Move a network's average towards it, as far as `num_samples` new samples warrant; half_life 0: all the way."""
    weight = 1 - 0.5 ** (num_samples / half_life) if half_life > 0 else 1.0
    pairs = [
        *zip(average.parameters(), network.parameters(), strict=True),
        *zip(average.buffers(), network.buffers(), strict=True),
    ]
    averages, values = zip(*(pair for pair in pairs if pair[0].is_floating_point()), strict=True)
    torch._foreach_lerp_(averages, values, weight)
    for mean, value in pairs:
        if not mean.is_floating_point():  # numbers of batches
            mean.copy_(value)
