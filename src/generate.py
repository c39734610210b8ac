"""Make samples with a trained generator: python src/generate.py checkpoint=RUN_FOLDER num_samples=64 seed=0"""

from pathlib import Path
from typing import Literal

import hydra
from omegaconf import DictConfig, OmegaConf
from pydantic import NonNegativeInt, PositiveInt

import launch


@hydra.main(version_base="1.3", config_path=launch.CONFIGURATIONS, config_name="generate")
def main(cfg: DictConfig) -> None:
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
    out: str | None,
    grid_samples: PositiveInt,
    batch_size: PositiveInt,
    device: Literal["auto", "cpu", "cuda"],
) -> None:
    """Write PNG files of the seeds seed, seed + 1, ... and a grid of the first of them."""
    import torch

    from framegan import media, sampling

    folder, file = launch.run_folder(checkpoint), launch.checkpoint_of(checkpoint, ["best", "last"])
    target = Path(out) if out else folder / "generated"
    grid_only = target.suffix == ".png"
    (target.parent if grid_only else target).mkdir(parents=True, exist_ok=True)

    generator = launch.build(OmegaConf.load(launch.saved_config(folder)).model.generator)
    samples_seen = sampling.load_weights(generator, file, weights)
    generator.to("cuda" if device != "cpu" and (device == "cuda" or torch.cuda.is_available()) else "cpu")
    print(f"{file} after {samples_seen:,} samples, {weights} weights")

    seeds = range(seed, seed + (min(num_samples, grid_samples) if grid_only else num_samples))
    shown: list[torch.Tensor] = []
    for part, samples in sampling.batches(generator, seeds, batch_size):
        shown += list(samples[: max(0, grid_samples - len(shown))].cpu())
        if not grid_only:
            for number, one in zip(part, samples, strict=True):
                media.write_png(target / f"seed_{number}.png", media.grid(one[None], margin=0))
    grid_file = target if grid_only else target / "grid.png"
    media.write_png(grid_file, media.grid(torch.stack(shown)))
    print(f"{grid_file} shows {len(shown)} samples" + ("" if grid_only else f"; all {num_samples:,} are beside it"))


if __name__ == "__main__":
    main()
