"""What a generator shows beside samples of seeds: tables, parts, reconstructions, what it continues and enlarges."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from framegan.inputs import draw
from framegan.interpolation import STEPS
from framegan.resampling import Kernel, reduced, resized
from framegan.sampling import evaluating, flushing_denormals, in_batches, sample


def of_classes(generator: nn.Module, classes: Sequence[int | None], seeds: Sequence[int]) -> Tensor:
    """Return the samples of every class and seed, class by class: (classes * seeds, *shape). None = that of the seed.

    They are made in common batches: one for each class would mostly be filled up.
    """
    each = [draw(generator, seeds, category) for category in classes]
    latents, labels = (torch.cat(values) for values in zip(*each, strict=True))

    def drawn(rows: Sequence[int]) -> tuple[Tensor, Tensor]:
        return latents[rows], labels[rows]

    return torch.cat([samples for _, samples in in_batches(generator, drawn, len(labels), None, {})])


def content_motion_table(generator: nn.Module, contents: Sequence[int], motions: Sequence[int]) -> Tensor:
    """Return clips of every content with every motion, content by content: (contents * motions, C, T, H, W).

    Both are given as seeds; the class is that of the one which the generator's `class_part` names, else of the motion.
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


@torch.no_grad()
def reconstructions(generator: nn.Module, real: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return (N, *shape) samples and then what their latents give, (2 N, *shape), and rows of what lies between two.

    Each of the N // 2 rows, at least one, has STEPS samples, from one of the first half to one of the second; its class
    is that of the first one.
    """
    device = next(generator.parameters()).device
    real, labels = real.to(device), labels.to(device)
    with evaluating(generator), flushing_denormals(), torch.autocast(device.type, enabled=False):
        latents = generator.encode(real, labels)  # type: ignore[operator]
        half = max(1, len(real) // 2)
        steps = torch.linspace(0, 1, STEPS, device=device).view(1, -1, 1)
        between = latents[:half, None].lerp(latents[-half:, None], steps).flatten(0, 1)
        made = [generator(latents, labels), generator(between, labels[:half].repeat_interleave(STEPS))]
    return torch.cat([real, made[0]]), made[1]


def continued(generator: nn.Module, clips: Tensor, labels: Tensor, seeds: Sequence[int]) -> Tensor:
    """Return what a generator makes of the first frames of (N, C, T, H, W) clips and (N,) labels, one of each seed."""
    latents, _ = draw(generator, seeds)

    def drawn(rows: Sequence[int]) -> tuple[Tensor, Tensor]:
        return latents[rows], labels[rows].to(latents.device)

    given = clips[:, :, : generator.given_frames]
    return torch.cat([samples for _, samples in in_batches(generator, drawn, len(seeds), None, {}, given)])


def enlarged(generator: nn.Module, small: Tensor, **choices: Any) -> Tensor:
    """Return (N, C, H, W) images or (N, C, T, H, W) clips in [-1, 1], enlarged by a generator, on its device.

    Args:
        choices: as its `enlarged` takes them.
    """
    device = next(generator.parameters()).device
    with torch.no_grad(), evaluating(generator), flushing_denormals(), torch.autocast(device.type, enabled=False):
        made: Tensor = generator.enlarged(small.to(device), **choices)  # type: ignore[operator]
    return made


def small_of(generator: nn.Module, real: Tensor) -> Tensor:
    """Return (N, *shape) samples in [-1, 1] reduced to what a generator enlarges to their size, on its device."""
    return reduced(real.to(next(generator.parameters()).device), int(generator.scale))  # type: ignore[arg-type]


def enlarged_again(generator: nn.Module, real: Tensor) -> list[Tensor]:
    """Return (N, *shape) samples in [-1, 1] reduced, and then enlarged by a generator, by bicubic and by Lanczos."""
    small = small_of(generator, real)
    made = enlarged(generator, small)
    height, width = made.shape[-2:]
    kernels: tuple[Kernel, ...] = ("bicubic", "lanczos")
    return [small, made, *(resized(small, height, width, kernel).clamp(-1, 1) for kernel in kernels)]
