"""Make samples with a trained generator: framegan generate RUN_FOLDER num_samples=64 seed=0"""

from collections.abc import Iterable, Sequence
from itertools import count, takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import hydra
from omegaconf import DictConfig, OmegaConf
from pydantic import NonNegativeInt, PositiveFloat, PositiveInt

from framegan.cli import compose, errors
from framegan.cli.generator import load
from framegan.quoting import command
from framegan.runs import run_folder

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    Batches = Iterable[tuple[Sequence[int], Tensor]]

Format = Literal["mp4", "gif", "webp", "npy", "frames", "png", "auto"]
OF_IMAGES, OF_CLIPS = ("png", "npy"), ("mp4", "gif", "webp", "npy", "frames")
"""What the files in a folder can be; the first is what "auto" means."""
VIDEOS = (".mp4", ".gif", ".webp")


@hydra.main(version_base="1.3", config_path=compose.CONFIGURATIONS, config_name="generate")
def main(cfg: DictConfig) -> None:
    compose.flush_denormals()
    if OmegaConf.is_missing(cfg, "checkpoint"):
        errors.stop(f"no run was named; give its folder, or a checkpoint in it: {command('generate', 'RUN_FOLDER')}")
    with errors.plain_errors():
        generate(**compose.arguments_of(generate, cfg))


def generate(
    checkpoint: str,
    num_samples: PositiveInt,
    seed: NonNegativeInt,
    weights: Literal["ema", "raw"],
    category: NonNegativeInt | float | bool | str | None,
    content_seed: NonNegativeInt | None,
    motion_seed: NonNegativeInt | None,
    truncation: float | None,
    num_frames: PositiveInt | None,
    out: str | None,
    format: Format,
    frames_per_second: PositiveFloat | None,
    grid_samples: PositiveInt,
    batch_size: PositiveInt | None,
    device: Literal["auto", "cpu", "cuda"],
    trust: list[str],
) -> None:
    """Write files of the seeds seed, seed + 1, ... and a grid of the first of them.

    Args:
        trust: packages whose parts the run folder's configuration may build too.
    """
    from framegan import sampling

    run = load(checkpoint, weights, device, trust)
    generator, makes_clips = run.generator, len(run.generator.shape) == 4
    target = _target(out, run.folder, makes_clips=makes_clips)
    kind = _format(format, target, makes_clips=makes_clips)
    rate = _rate(frames_per_second, run.config, kind, target) if makes_clips else 0.0
    print(f"{run.checkpoint} after {run.samples_seen:,} samples, {weights} weights")
    choices = _choices(generator, category, num_frames, content=content_seed, motion=motion_seed)
    shown = min(num_samples, grid_samples)
    seeds = range(seed, seed + (num_samples if kind else shown))
    sampling.draw(generator, seeds[:1], **choices)  # what can't be asked for leaves no folder behind
    sampling.options_of(generator, num_frames, truncation)
    try:
        batches = sampling.batches(generator, seeds, batch_size, truncation=truncation, **choices)
        grid = _write(batches, target, kind, rate, shown)
    except OSError as error:
        raise ValueError(f"{target} can't be written: {error}; make room, or set out to another folder") from error
    speed = f" at {rate:g} frames a second" if makes_clips else ""
    print(f"{grid} shows {shown} sample{'s' * (shown > 1)}{speed}{_others(target, num_samples) if kind else ''}")


def _write(batches: "Batches", target: Path, kind: str | None, frames_per_second: float, shown: int) -> Path:
    """Write samples and a grid of the first of them, and return its path.

    Args:
        kind: what their files in the folder `target` are. None = `target` is the file of the grid, and there are none.
        shown: how many are in the grid.
    """
    from framegan import media

    first: list[np.ndarray] = []
    (target if kind else target.parent).mkdir(parents=True, exist_ok=True)
    for seeds, samples in batches:
        pixels = media.to_frames(samples)
        first.extend(pixels[: max(0, shown - len(first))])
        if kind:
            for seed, one in zip(seeds, pixels, strict=True):
                _write_one(target / f"seed_{seed}", one, kind, frames_per_second)
    grid = media.tiled(first)
    is_image = grid.ndim == 3
    file = target.with_name(f"{target.name}_grid{'.png' if is_image else '.mp4'}") if kind else target
    if is_image:
        media.write_png(file, grid)
    else:
        media.write_video(file, media.enlarged(grid), frames_per_second)
    return file


def _rate(wanted: float | None, config: DictConfig, kind: str | None, target: Path) -> float:
    """Return how fast clips play; raise ValueError where their files, or that of the grid, can't hold that."""
    from framegan import media

    rate = wanted or run_folder.frames_per_second(config) or media.FRAMES_PER_SECOND
    for ending in [f".{kind}", ".mp4"] if kind else [target.suffix]:
        media.check_rate(ending, rate)
    return rate


def _choices(generator: Any, category: Any, num_frames: int | None, **held: int | None) -> dict[str, Any]:
    """Return what `framegan.sampling` takes for what is asked for, and print what that means."""
    from framegan.quoting import printable
    from framegan.runs.categories import BY_NUMBER, class_number

    if category is not None:
        names = generator.class_names
        number = class_number(category, getattr(generator, "num_classes", 0), names)
        unnamed = ", counted from 0: the checkpoint keeps no names of classes"
        print(f"category {number}" + (f": {printable(names[number])}" if names else unnamed))
        category = f"{BY_NUMBER}{number}"
    if len(generator.shape) == 4 and (num_frames or 0) > generator.shape[1]:
        known = getattr(generator, "longer_clips", "look whether they keep moving")
        print(f"num_frames={num_frames} is more than the {generator.shape[1]} trained: {known}")
    chosen = {part: seed for part, seed in held.items() if seed is not None}
    return {"category": category, "num_frames": num_frames, "held": chosen}


def _others(folder: Path, num_samples: int) -> str:
    """Return where the samples are, and beside how many files that were there."""
    others = len(list(folder.iterdir())) - num_samples
    which = "it is" if num_samples == 1 else f"all {num_samples:,} are"
    return f"; {which} in {folder}" + (f", beside {others:,} that were there" if others else "")


def _target(out: str | None, folder: Path, *, makes_clips: bool) -> Path:
    """Return where to write; raise ValueError where that can't hold what the generator makes."""
    target = Path(out) if out else folder / "generated"
    if target.name in ("", ".."):  # the grid is written beside the folder, under its name
        target = target.resolve()
    if not target.name:
        raise ValueError(f"out={out} has no folder above it, where the grid is written; set out to another folder")
    allowed, made = (VIDEOS, "clips") if makes_clips else ((".png",), "images")
    if target.suffix and target.suffix not in allowed and not target.is_dir():
        raise ValueError(
            f"out got {target}; a grid of {made} ends in {' or '.join(allowed)}; other names are folders, "
            "and one with a dot in it has to exist"
        )
    return target


def _format(format: Format, target: Path, *, makes_clips: bool) -> str | None:
    """Return the format of the files in a folder, None where the target is one file itself.

    Raises:
        ValueError: the samples, or the target, have another one.
    """
    allowed, made = (OF_CLIPS, "clips") if makes_clips else (OF_IMAGES, "images")
    is_file = target.suffix in (".png", *VIDEOS)
    if format == "auto":
        return None if is_file else allowed[0]
    if is_file:
        raise ValueError(f"out={target} is one file, and its ending says its format; leave out format={format}")
    if format not in allowed:
        raise ValueError(f"format={format}, but this generator makes {made}; set format to {' or '.join(allowed)}")
    return format


def _write_one(stem: Path, pixels: "np.ndarray", format: str, frames_per_second: float) -> None:
    """Write one sample: an image (H, W, C) or a clip (T, H, W, C)."""
    from framegan import media

    file = stem.with_suffix(f".{format}")
    if format == "frames":
        stem.mkdir(exist_ok=True)
        for number, frame in enumerate(pixels):
            media.write_png(stem / f"frame_{number:04}.png", frame)
        for left in takewhile(Path.exists, (stem / f"frame_{number:04}.png" for number in count(len(pixels)))):
            left.unlink()  # of a longer clip that was there
    elif format == "npy":
        media.write_npy(file, pixels)
    elif format == "png":
        media.write_png(file, pixels)
    else:
        media.write_video(file, pixels, frames_per_second)
