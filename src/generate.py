"""Make samples with a trained generator: python src/generate.py checkpoint=RUN_FOLDER num_samples=64 seed=0"""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import hydra
from omegaconf import DictConfig, OmegaConf
from pydantic import NonNegativeInt, PositiveFloat, PositiveInt

import launch
import run_config
import run_folder

if TYPE_CHECKING:
    from torch import Tensor

Format = Literal["mp4", "gif", "webp", "npy", "frames"]
VIDEOS = (".mp4", ".gif", ".webp")


@hydra.main(version_base="1.3", config_path=launch.CONFIGURATIONS, config_name="generate")
def main(cfg: DictConfig) -> None:
    launch.flush_denormals()
    if OmegaConf.is_missing(cfg, "checkpoint"):
        launch.stop("no checkpoint was named; type checkpoint=RUN_FOLDER")
    with launch.plain_errors():
        launch.check_call(cfg, generate)
        generate(**launch.as_dict(cfg))


def generate(
    checkpoint: str,
    num_samples: PositiveInt,
    seed: NonNegativeInt,
    weights: Literal["ema", "raw"],
    category: NonNegativeInt | None,
    content_seed: NonNegativeInt | None,
    motion_seed: NonNegativeInt | None,
    num_frames: PositiveInt | None,
    out: str | None,
    format: Format,
    frames_per_second: PositiveFloat,
    grid_samples: PositiveInt,
    batch_size: PositiveInt,
    device: Literal["auto", "cpu", "cuda"],
    trust: list[str],
) -> None:
    """Write files of the seeds seed, seed + 1, ... and a grid of the first of them.

    Args:
        trust: packages whose parts the run folder's configuration may build too.
    """
    from framegan import sampling

    folder, file = run_folder.find(checkpoint), run_folder.checkpoint_of(checkpoint, ["best", "last"])
    config = run_config.read(run_folder.saved_config(folder), trust, ["model.generator"])
    generator, samples_seen = launch.generator_of(config, file, weights, device)
    target = _target(out, folder, makes_clips=len(generator.shape) == 4)
    print(f"{file} after {samples_seen:,} samples, {weights} weights")

    named = {"content": content_seed, "motion": motion_seed}
    choices = {
        "category": category,
        "num_frames": num_frames,
        "held": {part: value for part, value in named.items() if value is not None},
    }
    only_grid = target.suffix in (".png", *VIDEOS)
    seeds = range(seed, seed + (min(num_samples, grid_samples) if only_grid else num_samples))
    shown: list[Tensor] = []
    try:
        for part, samples in sampling.batches(generator, seeds, batch_size, **choices):
            shown += list(samples[: max(0, grid_samples - len(shown))].cpu())
            if not only_grid:
                for number, one in zip(part, samples, strict=True):
                    _write_one(target / f"seed_{number}", one.cpu(), format, frames_per_second)
        grid = _write_grid(target, shown, frames_per_second)
    except OSError as error:
        raise ValueError(f"{target} can't be written: {error}; make room, or type another out=FOLDER") from error
    where = ""
    if not only_grid:
        others = len(list(target.iterdir())) - num_samples
        where = f"; all {num_samples:,} are in {target}" + (f", beside {others:,} that were there" if others else "")
    print(f"{grid} shows {len(shown)} samples{where}")


def _target(out: str | None, folder: Path, *, makes_clips: bool) -> Path:
    """Return where to write, with its folder made; raise ValueError where that can't hold what the generator makes."""
    target = Path(out) if out else folder / "generated"
    allowed = VIDEOS if makes_clips else (".png",)
    if target.suffix and target.suffix not in allowed:
        kind = "clips" if makes_clips else "images"
        raise ValueError(f"out got {target}; a grid of {kind} ends in {' or '.join(allowed)}; other names are folders")
    (target.parent if target.suffix else target).mkdir(parents=True, exist_ok=True)
    return target


def _write_one(stem: Path, sample: "Tensor", format: Format, frames_per_second: float) -> None:
    """Write one sample: an image as .png, a clip in a format."""
    from framegan import media

    pixels = media.grid(sample[None], margin=0)
    if sample.ndim == 3:
        media.write_png(stem.with_suffix(".png"), pixels)
    elif format == "frames":
        stem.mkdir(exist_ok=True)
        for number, frame in enumerate(pixels):
            media.write_png(stem / f"frame_{number:04}.png", frame)
    else:
        media.write_video(stem.with_suffix(f".{format}"), pixels, frames_per_second)


def _write_grid(target: Path, samples: "list[Tensor]", frames_per_second: float) -> Path:
    """Write a grid to a file, or beside a folder, which holds nothing but samples, and return its path."""
    import torch

    from framegan import media

    grid = media.grid(torch.stack(samples))
    if grid.ndim == 3:
        file = target if target.suffix else target.with_name(f"{target.name}_grid.png")
        media.write_png(file, grid)
    else:
        file = target if target.suffix else target.with_name(f"{target.name}_grid.mp4")
        media.write_video(file, media.enlarged(grid), frames_per_second)
    return file


if __name__ == "__main__":
    launch.run(main)
