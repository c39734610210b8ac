"""Trains the classifier of `framegan.metrics.classifier` on nine tenths of some data."""

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from framegan import noise
from framegan.data.held_out import groups_of, keep_apart
from framegan.data.source import Source, in_memory, read, told_plainly
from framegan.data.stream import Ticket
from framegan.data.videos.clips import Clips
from framegan.files.live import track
from framegan.media import to_samples
from framegan.metrics.classifier import Network, size_of
from framegan.metrics.embedding import laid_over, without_alpha

MIN_SIDE = 16
LEARNING_RATE = 2e-3
"""Of Adam in the first step; it falls to 0 in a straight line."""
EPOCHS = 5
LEAST_STEPS = 300
"""Of a training on clips, since labelled videos are few."""
OF_A_STEP = {3: 64, 4: 16}
"""Samples in a step, by the number of their dimensions."""
LEAST_ANSWERS = 500
"""Clips that are drawn of the videos held out: a share of right answers among seven would say little."""


def check_data(source: Source) -> None:
    """Raise ValueError where no classifier can be trained on such data."""
    shape, kind = source.shape, {3: "images", 4: "clips"}.get(len(source.shape), "samples")
    if kind == "samples" or shape[0] > 4:
        raise ValueError(
            f"a classifier takes images or clips of 1 to 4 channels, these are {kind} of {size_of(shape)}; "
            "set data.channels=3"
        )
    if min(shape[-2:]) < MIN_SIDE:
        raise ValueError(
            f"a classifier takes {kind} of at least {MIN_SIDE} pixels a side, these are {size_of(shape)}; "
            f"set data.resolution={2 * MIN_SIDE}"
        )
    if source.num_classes < 2:
        raise ValueError(
            f"a classifier needs at least 2 classes, these data have {source.num_classes}; choose labelled data"
        )
    if (number := groups_of(source)[0]) < 2:
        what = "video" if isinstance(source, Clips) else "sample"
        raise ValueError(f"a classifier needs a {what} to learn from and one to be tested on, got {number}")


def tenth_of(number: int) -> int:
    """Return how many of a number of groups are held out."""
    return max(1, number // 10)


def train(
    source: Source, *, epochs: int | None = None, batch_size: int | None = None, seed: int = 0, in_parts: bool = False
) -> tuple[dict[str, Tensor], float]:
    """Train a network on nine tenths of the samples, seen over white; a function of its arguments alone.

    Clips are drawn anew in every epoch. Groups, such as the clips of a video, are held out as a whole.

    Args:
        epochs: None = `EPOCHS`, and of clips as many as make `LEAST_STEPS`.
        batch_size: None = `OF_A_STEP`.
        in_parts: read batch by batch, and not as a whole beforehand.

    Returns:
        The network's state dict, and its share of right answers on the tenth that was held out.

    Raises:
        ValueError: the samples are of another kind, or there are fewer than 2 classes.
    """
    check_data(source)
    number, group_of_each = groups_of(source)
    places = _shuffled(np.arange(number), seed, 0).argsort()[group_of_each]
    order = places.argsort(kind="stable")
    is_held_out = places[order] < tenth_of(number)
    held_out, trained_on = order[is_held_out], order[~is_held_out]
    keep_apart(source, held_out)
    with told_plainly():
        source = source if in_parts else in_memory(source)
    network = _initial(without_alpha(source.shape), source.num_classes, seed)
    optimizer = torch.optim.Adam(network.parameters(), LEARNING_RATE)
    batch_size = batch_size or OF_A_STEP[len(source.shape)]
    steps_per_epoch = math.ceil(len(trained_on) / batch_size)
    epochs = epochs or max(EPOCHS, math.ceil(LEAST_STEPS / steps_per_epoch) if len(source.shape) == 4 else 0)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, epochs * steps_per_epoch)
    for epoch in track(range(1, epochs + 1), "epochs", epochs):
        order = _shuffled(trained_on, seed, epoch)
        for start in range(0, len(order), batch_size):
            samples, labels = _read(source, [(index, epoch) for index in order[start : start + batch_size].tolist()])
            loss = F.cross_entropy(network(samples), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return network.state_dict(), _accuracy(network, source, held_out, batch_size)


def _initial(shape: Sequence[int], num_classes: int, seed: int) -> Network:
    """Return a network whose weights are a function of the seed; PyTorch's own generator stays as it is."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(noise.generator(seed, noise.MODULES).integers(2**63)))
        return Network(shape, num_classes)


def _shuffled(numbers: np.ndarray, seed: int, epoch: int) -> np.ndarray:
    return numbers[noise.generator(seed, noise.PERMUTATION, epoch).permutation(len(numbers))]


@torch.no_grad()
def _accuracy(network: Network, source: Source, held_out: np.ndarray, batch_size: int) -> float:
    """Return the share of right answers; several clips are drawn of each video where there are few."""
    draws = math.ceil(LEAST_ANSWERS / len(held_out)) if isinstance(source, Clips) else 1
    tickets = [(index, epoch) for epoch in range(draws) for index in held_out.tolist()]
    right = 0
    for start in range(0, len(tickets), batch_size):
        samples, labels = _read(source, tickets[start : start + batch_size])
        right += int((network(samples).argmax(1) == labels).sum())
    return right / len(tickets)


def _read(source: Source, tickets: Sequence[Ticket]) -> tuple[Tensor, Tensor]:
    with told_plainly():
        samples, labels = read(source, tickets)
    return to_samples(laid_over(samples)), labels
