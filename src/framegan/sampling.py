"""Samples by seed: seed k gives the same sample in any batch, on any number of devices, from any entry point."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import torch
from torch import Tensor, nn

from framegan import noise

Weights = Literal["ema", "raw"]
"""Which generator: the averaged one that is published, or the one that is trained."""


@torch.no_grad()
def sample(
    generator: nn.Module,
    seeds: Sequence[int],
    *,
    category: int | None = None,
    num_frames: int | None = None,
    held: Mapping[str, int] = MappingProxyType({}),
) -> Tensor:
    """Return one sample for each seed: (N, *shape) in [-1, 1], on the generator's device.

    Args:
        category: class of every sample. None = drawn for each seed.
        num_frames: frames of each clip. None = as trained.
        held: seeds that parts of the latents take in place of `seeds`, such as {"content": 3}.

    Raises:
        ValueError: the generator has no such category or part, or makes images.
    """
    device = next(generator.parameters()).device
    latents, labels = draw(generator, seeds, category, num_frames, held)
    length = {} if num_frames is None else {"num_frames": num_frames}
    with evaluating(generator):
        return generator(latents.to(device), labels.to(device), **length)


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Hold a network in evaluation mode."""
    training = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(training)


def content_motion_table(generator: nn.Module, contents: Sequence[int], motions: Sequence[int]) -> Tensor:
    """Return clips of every content with every motion, content by content: (contents * motions, C, T, H, W).

    Both are given as seeds; the category goes with the motion.
    """
    return torch.cat([sample(generator, motions, held={"content": content}) for content in contents])


@torch.no_grad()
def composition(generator: nn.Module, seeds: Sequence[int]) -> Tensor:
    """Return for each seed the clip and then what it is put together from: (seeds * (1 + parts), C, T, H, W)."""
    latents, labels = draw(generator, seeds)
    device = next(generator.parameters()).device
    with evaluating(generator):
        of_name: dict[str, Tensor] = generator.composition(latents.to(device), labels.to(device))  # type: ignore[operator]
    clips = sample(generator, seeds)
    shown = [clips, *(layer.expand(clips.shape) for layer in of_name.values())]
    return torch.stack(shown, dim=1).flatten(0, 1)


def draw(
    generator: nn.Module,
    seeds: Sequence[int],
    category: int | None = None,
    num_frames: int | None = None,
    held: Mapping[str, int] = MappingProxyType({}),
) -> tuple[Tensor, Tensor]:
    """Return the latents (N, D) and labels (N,) that `sample` feeds; each part of the latents has its own stream."""
    parts = parts_of(generator, num_frames)
    if unknown := held.keys() - parts.keys():
        raise ValueError(f"{sorted(unknown)} can't be held: this generator's latents consist of {sorted(parts)}")
    num_classes = getattr(generator, "num_classes", 0)
    if category is not None and category >= max(1, num_classes):
        has = f"categories 0 to {num_classes - 1}" if num_classes else "no categories"
        raise ValueError(f"category={category}, but this generator has {has}")
    latents = [
        noise.latents_of_seeds([held.get(part, seed) for seed in seeds], size, part=place)
        for place, (part, size) in enumerate(parts.items())
    ]
    drawn = [noise.category_of_seed(seed, max(1, num_classes)) if category is None else category for seed in seeds]
    return torch.cat(latents, dim=1), torch.tensor(drawn)


def parts_of(generator: nn.Module, num_frames: int | None = None) -> dict[str, int]:
    """Return the sizes of the parts that a generator's latents consist of, for clips of so many frames."""
    makes_clips = len(generator.shape) == 4  # type: ignore[arg-type]
    if num_frames is not None and not makes_clips:
        raise ValueError(f"num_frames={num_frames}, but this generator makes images; leave it out")
    if not hasattr(generator, "latent_parts"):
        return {"latents": int(generator.latent_dim)}  # type: ignore[arg-type]
    return generator.latent_parts(num_frames or generator.shape[1])  # type: ignore[operator,index]


def batches(
    generator: nn.Module, seeds: Sequence[int], batch_size: int, **choices: Any
) -> Iterator[tuple[Sequence[int], Tensor]]:
    """Yield the seeds and samples of one batch after the other; memory doesn't grow with their number.

    The last batch is filled up to `batch_size` before it is made, so that a sample comes from the same kernels, to the
    last bit, alone or among others. Choices are those of `sample`.
    """
    for first in range(0, len(seeds), batch_size):
        part = seeds[first : first + batch_size]
        filled = [*part, *[part[-1]] * (batch_size - len(part))]
        yield part, sample(generator, filled, **choices)[: len(part)]


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
