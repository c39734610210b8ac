"""Trains the classifier of `framegan.metrics.classifier` on nine tenths of some data."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from framegan import noise
from framegan.media import to_samples
from framegan.metrics.classifier import Network, size_of

MIN_SIDE = 16
LEARNING_RATE = 2e-3
"""Of Adam in the first step; it falls to 0 in a straight line."""


def check_data(shape: Sequence[int], num_classes: int, num_samples: int) -> None:
    """Raise ValueError where no classifier can be trained on such data."""
    if len(shape) != 3 or shape[0] not in (1, 3):
        kind = "clips" if len(shape) == 4 else "samples"
        raise ValueError(
            f"a classifier takes images of 1 or 3 channels, these are {kind} of {size_of(shape)}; "
            "set data.num_frames=1 to use the frames of clips as images"
        )
    if min(shape[1:]) < MIN_SIDE:
        raise ValueError(
            f"a classifier takes images of at least {MIN_SIDE} pixels a side, these are {size_of(shape)}; "
            f"set data.resolution={2 * MIN_SIDE}"
        )
    if num_classes < 2:
        raise ValueError(f"a classifier needs at least 2 classes, these data have {num_classes}; choose labelled data")
    if num_samples < 2:
        raise ValueError(f"a classifier needs a sample to learn from and one to be tested on, got {num_samples}")


def train(
    samples: Tensor, labels: Tensor, num_classes: int, *, epochs: int = 5, batch_size: int = 64, seed: int = 0
) -> tuple[dict[str, Tensor], float]:
    """Train a network on nine tenths of the samples; a function of its arguments alone.

    Args:
        samples: uint8 (N, C, H, W), C = 1 or 3, sides of at least 16.
        labels: int64 (N,) in [0, num_classes).

    Returns:
        The network's state dict, and its share of right answers on the tenth that was held out.

    Raises:
        ValueError: the samples are of another kind, or there are fewer than 2 classes.
    """
    check_data(samples.shape[1:], num_classes, len(samples))
    order = _shuffled(torch.arange(len(samples)), seed, 0)
    num_held_out = max(1, len(order) // 10)
    held_out, trained_on = order[:num_held_out], order[num_held_out:]
    network = _initial(samples.shape[1:], num_classes, seed)
    optimizer = torch.optim.Adam(network.parameters(), LEARNING_RATE)
    num_steps = epochs * math.ceil(len(trained_on) / batch_size)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, num_steps)
    for epoch in range(1, epochs + 1):
        for batch in _shuffled(trained_on, seed, epoch).split(batch_size):
            loss = F.cross_entropy(network(to_samples(samples[batch])), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return network.state_dict(), _accuracy(network, samples, labels, held_out.split(batch_size))


def _initial(shape: Sequence[int], num_classes: int, seed: int) -> Network:
    """Return a network whose weights are a function of the seed; PyTorch's own generator stays as it is."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(noise.generator(seed, noise.MODULES).integers(2**63)))
        return Network(shape, num_classes)


def _shuffled(indices: Tensor, seed: int, epoch: int) -> Tensor:
    return indices[torch.from_numpy(noise.generator(seed, noise.PERMUTATION, epoch).permutation(len(indices)))]


@torch.no_grad()
def _accuracy(network: Network, samples: Tensor, labels: Tensor, batches: Sequence[Tensor]) -> float:
    right = sum(int((network(to_samples(samples[batch])).argmax(1) == labels[batch]).sum()) for batch in batches)
    return right / sum(map(len, batches))
