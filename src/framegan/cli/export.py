"""Write a trained generator for programs without framegan: framegan export RUN_FOLDER"""

from pathlib import Path
from typing import Literal

import hydra
from omegaconf import DictConfig
from pydantic import PositiveInt

from framegan.cli import compose, errors
from framegan.cli.generator import load
from framegan.export import Format
from framegan.runs import run_folder


@hydra.main(version_base="1.3", config_path=compose.CONFIGURATIONS, config_name="export")
def main(cfg: DictConfig) -> None:
    compose.flush_denormals()
    compose.require_run(cfg, "export")
    with errors.plain_errors():
        export(**compose.arguments_of(export, cfg))


def export(
    checkpoint: str,
    format: Format | list[Format],
    weights: Literal["ema", "raw"],
    num_frames: PositiveInt | None,
    license: str | None,
    out: str | None,
    overwrite: bool,
    trust: list[str],
) -> None:
    """Write the files, and say what each is.

    Args:
        trust: packages whose parts the run folder's configuration may build too.
    """
    from framegan import video_formats
    from framegan.export import write

    run = load(checkpoint, weights, "cpu", trust)
    print(f"{run.checkpoint} after {run.samples_seen:,} samples, {weights} weights")
    rate = run_folder.frames_per_second(run.config) or video_formats.FRAMES_PER_SECOND
    trained = write.Trained(run.generator, run.checkpoint, run.samples_seen, weights, rate)
    target = Path(out) if out else run.folder / "export"
    chosen = format if isinstance(format, list) else [format]
    done = write.export(trained, target, chosen, num_frames=num_frames, license=license, overwrite=overwrite)
    for file, said in done.items():
        print(f"wrote    {file}" + (f": {said}" if said else ""))
