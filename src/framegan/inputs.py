"""What a generator is given to make the sample of a seed: latents, a class, frames to begin with, and options."""

import inspect
import math
from collections.abc import Collection, Mapping, Sequence
from numbers import Real
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from framegan import noise
from framegan.quoting import first_names
from framegan.runs.categories import SHOWN, class_number


def draw(
    generator: nn.Module,
    seeds: Sequence[int],
    category: int | str | None = None,
    num_frames: int | None = None,
    held: Mapping[str, int] = MappingProxyType({}),
    class_counts: Sequence[int] | None = None,
    *,
    is_given: bool = False,
) -> tuple[Tensor, Tensor]:
    """Return the latents (N, D) and labels (N,) of these seeds; each part of the latents has its own stream.

    Args:
        is_given: a generator that continues frames is given some; else it can only make the `kept_classes`.
    """
    parts = parts_of(generator, num_frames)
    known = holdable(parts)
    if unknown := held.keys() - known.keys():
        raise ValueError(f"{sorted(unknown)} can't be held: what this generator's samples depend on is {sorted(known)}")
    if is_given and "content" in held:
        raise ValueError(f"the frames that clips begin with are given; leave out seed {held['content']} of the content")
    latents = [
        noise.latents_of_seeds([held.get(part, seed) for seed in seeds], size, part=place)
        for place, (part, size) in enumerate(parts.items())
    ]
    drawn = classes_of(generator, seeds, category, held, class_counts, is_given=is_given)
    return torch.cat(latents, dim=1), torch.tensor(drawn)


def classes_of(
    generator: nn.Module,
    seeds: Sequence[int],
    category: int | str | None = None,
    held: Mapping[str, int] = MappingProxyType({}),
    class_counts: Sequence[int] | None = None,
    *,
    is_given: bool = False,
) -> list[int]:
    """Return the number of the class of each seed, 0 where there are none; see `draw`."""
    num_classes, kept = getattr(generator, "num_classes", 0), kept_classes(generator)
    if category is None:
        of_class = class_part_of(generator)
        if not is_given and len(kept) < num_classes:
            class_counts = [count * (k in kept) for k, count in enumerate(class_counts or [1] * num_classes)]
        return [noise.category_of_seed(held.get(of_class, seed), max(1, num_classes), class_counts) for seed in seeds]
    number = class_number(category, num_classes, names := getattr(generator, "class_names", ()))
    if not is_given and number not in kept:
        there = first_names((names[k] if names else str(k) for k in sorted(kept)), SHOWN)
        raise ValueError(
            f"category={names[number] if names else number}: no clip of it was kept to begin with, as the data had "
            f"none; give frames to begin with (given), or name one of {there}"
        )
    return [number] * len(seeds)


def class_part_of(generator: nn.Module) -> str:
    """Return the part of the latents whose seed says of which class a sample is; "" = none, it is the sample's own."""
    begins = "content" if getattr(generator, "given_frames", 0) else ""  # a clip that is continued, of a class
    return str(getattr(generator, "class_part", begins))


def kept_classes(generator: nn.Module) -> Collection[int]:
    """Return the classes that samples can be of where no frames are given: all, or those that a generator keeps."""
    every = range(getattr(generator, "num_classes", 0))
    return (every and getattr(getattr(generator, "beginnings", None), "classes", None)) or every


def parts_of(generator: nn.Module, num_frames: int | None = None) -> dict[str, int]:
    """Return the sizes of the parts that a generator's latents consist of, for clips of this length."""
    makes_clips = len(generator.shape) == 4  # type: ignore[arg-type]
    if num_frames is not None and not makes_clips:
        raise ValueError(f"num_frames={num_frames}, but this generator makes images; leave it out")
    length = generator.shape[1] if makes_clips else None  # type: ignore[index]
    if num_frames not in (None, length) and not takes_length(generator):
        raise ValueError(
            f"num_frames={num_frames}, but this generator makes clips of {length} frames only; leave it out"
        )
    given = getattr(generator, "given_frames", 0)
    if num_frames is not None and num_frames <= given:
        raise ValueError(f"num_frames={num_frames}, but the first {given} are given; set it to {given + 1} or more")
    if not hasattr(generator, "latent_parts"):
        return {"latents": int(generator.latent_dim)}  # type: ignore[arg-type]
    return generator.latent_parts(num_frames or length)  # type: ignore[operator]


def holdable(parts: Mapping[str, int]) -> dict[str, int]:
    """Return the parts of latents that samples depend on; _names are of those that only training uses."""
    return {part: size for part, size in parts.items() if not part.startswith("_")}


def given_of(generator: nn.Module, given: Tensor, number: int) -> Tensor:
    """Return the frames that as many clips begin with, (number, C, given_frames, H, W).

    Raises:
        ValueError: they are others than the generator takes, or it takes none.
    """
    if not getattr(generator, "given_frames", 0):
        raise ValueError("frames are given, but this generator makes whole clips; leave them out, or train predictor")
    channels, _, *size = generator.shape  # type: ignore[misc]
    shape = channels, generator.given_frames, *size
    frames = given.expand(number, *given.shape) if given.ndim == 4 else given
    if frames.shape != (number, *shape) or not frames.is_floating_point():
        raise ValueError(
            f"the given frames are {given.dtype} {tuple(given.shape)}; they should be float (C, T, H, W) {shape} in "
            f"[-1, 1], or one such for each of the {number} samples"
        )
    if not frames.abs().max() <= 1:
        raise ValueError(f"the given frames reach {frames.abs().max():g}; they should be in [-1, 1]")
    return frames.float()


def options_of(generator: nn.Module, num_frames: int | None, truncation: float | None) -> dict[str, Any]:
    """Return what a generator's forward is given beside latents and labels; see `framegan.sampling.batches`."""
    sets_length = num_frames is not None and takes_length(generator)
    options: dict[str, Any] = {"num_frames": num_frames} if sets_length else {}
    if truncation is None:
        return options
    if isinstance(truncation, bool) or not isinstance(truncation, Real) or not 0 <= truncation < math.inf:
        rule = "it should be a number from 0, the mean style, to 1, as trained, such as 0.7; above 1 samples vary more"
        raise ValueError(f"truncation got {truncation!r}; {rule}")
    if not _takes(generator, "truncation"):
        what = "but this generator takes none; leave it out, or train one that does: model=stylegan2, vae or a flow"
        raise ValueError(f"truncation={truncation}, {what}")
    return options | {"truncation": truncation}


def takes_length(generator: nn.Module) -> bool:
    """Say whether a generator makes clips of any number of frames."""
    return _takes(generator, "num_frames")


def _takes(generator: nn.Module, option: str) -> bool:
    return option in inspect.signature(generator.forward).parameters
