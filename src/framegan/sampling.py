"""Samples by seed: seed k gives the same sample in any batch, on any number of devices, from any entry point."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from framegan import noise

Weights = Literal["ema", "raw"]
"""Which generator: the averaged one that is published, or the one that is trained."""


@torch.no_grad()
def sample(generator: nn.Module, seeds: Sequence[int]) -> Tensor:
    """Return one sample for each seed: (N, *shape) in [-1, 1], on the generator's device."""
    parameter = next(generator.parameters())
    latents = noise.latents_of_seeds(seeds, generator.latent_dim)  # type: ignore[arg-type]
    training = generator.training
    samples = generator.eval()(latents.to(parameter))
    generator.train(training)
    return samples


def batches(generator: nn.Module, seeds: Sequence[int], batch_size: int) -> Iterator[tuple[Sequence[int], Tensor]]:
    """Yield the seeds and samples of one batch after the other; memory doesn't grow with their number.

    The last batch is filled up to `batch_size` before it is made, so that a sample comes from the same kernels, to the
    last bit, alone or among others.
    """
    for first in range(0, len(seeds), batch_size):
        part = seeds[first : first + batch_size]
        filled = [*part, *[part[-1]] * (batch_size - len(part))]
        yield part, sample(generator, filled)[: len(part)]


def load_weights(generator: nn.Module, checkpoint: Path, weights: Weights) -> int:
    """Load a generator's weights from a run's checkpoint, on the CPU, and return its samples_seen.

    Raises:
        ValueError: the file is not a checkpoint of a GAN.
    """
    try:
        state: dict[str, Any] = torch.load(checkpoint, map_location="cpu", weights_only=True)["state_dict"]
    except (RuntimeError, KeyError, EOFError) as error:
        raise ValueError(f"{checkpoint} is not a checkpoint of a run ({error}); give a file of checkpoints/") from None
    prefix = "generator_ema." if weights == "ema" else "generator."
    generator.load_state_dict({k.removeprefix(prefix): value for k, value in state.items() if k.startswith(prefix)})
    return int(state["samples_seen"])
