"""Score a trained generator, or a folder of samples: python src/evaluate.py checkpoint=RUN_FOLDER metrics=fid"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import hydra
from omegaconf import DictConfig, OmegaConf
from pydantic import NonNegativeInt, PositiveInt

import launch

SETTINGS = ["checkpoint", "fake", "num_samples", "seed", "weights", "out", "device"]
READ_HERE = {*SETTINGS, *launch.FILLED_IN, "data", "trainer.devices"}


@hydra.main(version_base="1.3", config_path=launch.CONFIGURATIONS, config_name="evaluate")
def main(cfg: DictConfig) -> None:
    if (cfg.checkpoint is None) == (cfg.fake is None):
        launch.stop("either a generator or a folder of samples is scored; type checkpoint=RUN_FOLDER or fake=FOLDER")
    if cfg.checkpoint is None:
        launch.require_choice(cfg, "data")
    with launch.plain_errors():
        launch.check(cfg, READ_HERE)
        launch.check_call(OmegaConf.masked_copy(cfg, SETTINGS), evaluate)
        launch.check_call(cfg.trainer, devices)

        from framegan.processes import run_on

        records = run_on(cfg.trainer.devices, evaluate_config, launch.as_dict(cfg, resolve=False))
        write(Path(cfg.out), records)


def devices(devices: PositiveInt) -> None:
    """Say what trainer.devices is."""


def evaluate_config(config: dict[str, Any]) -> list[Any]:
    """Return the records of a configuration as plain containers; every rank calls it."""
    cfg = OmegaConf.create(config)
    measures = [launch.build(node) for node in cfg.metrics.values()]
    settings = launch.as_dict(OmegaConf.masked_copy(cfg, [name for name in SETTINGS if name != "out"]))
    return evaluate(cfg.get("data"), measures, **settings)


def evaluate(
    data: DictConfig | None,
    measures: Sequence[Any],
    checkpoint: str | None,
    fake: str | None,
    num_samples: PositiveInt | None,
    seed: NonNegativeInt,
    weights: Literal["ema", "raw"],
    device: Literal["auto", "cpu", "cuda"],
    out: str = "",
) -> list[Any]:
    """Return the records (`framegan.metrics.record.Record`) of the fake samples beside the real ones.

    Args:
        data: configuration of the real samples. None = what the checkpoint was trained on.
        measures: `framegan.metrics.record.Measure`.
    """
    from framegan.fake_samples import FakeSamples

    if checkpoint is not None:
        folder, file = launch.run_folder(checkpoint), launch.checkpoint_of(checkpoint, ["best", "last"])
        generator, samples_seen = launch.generator_of(folder, file, weights, device)
        origin = {"checkpoint": str(file), "weights": weights, "samples_seen": samples_seen}
        say(f"fake     {file} after {samples_seen:,} samples, {weights} weights")
        real = real_samples(data or OmegaConf.load(launch.saved_config(folder)).data, was_read=data is None)
        samples: Any = FakeSamples(generator, origin, seed)
    else:
        assert fake is not None
        real = real_samples(data, was_read=False)
        samples = folder_samples(fake, real.shape, device)
        say(f"fake     {fake}: {samples.num_samples:,} samples")
    if num_samples is not None:
        measures = [measure.with_num_samples(num_samples) for measure in measures]
    for measure in measures:
        measure.check(real, samples)
    return [record for measure in measures for record in measure(real, samples)]


def real_samples(data: Any, *, was_read: bool) -> Any:
    """Return the real samples of a data configuration.

    Args:
        was_read: it is that of a run folder, which says what the data were; they are read only when they are needed.
    """
    from framegan.data.fingerprint import fingerprint_of
    from framegan.data.real_samples import RealSamples

    def source() -> Any:
        try:
            return launch.build(data.datamodule).source
        except launch.USER_ERRORS as error:
            raise ValueError(f"the real samples are needed, and can't be had: {error}") from None

    if was_read and data.get("fingerprint"):
        split = data.get("split") or "all"
        return RealSamples(source, data.fingerprint, {"data": data.fingerprint, "split": split}, tuple(data.shape))
    read = source()
    fingerprint = fingerprint_of(read)
    return RealSamples(lambda: read, fingerprint, {"data": fingerprint, "split": read.split})


def folder_samples(folder: str, shape: Sequence[int], device: str) -> Any:
    """Return the images or videos in a folder, in the shape of the real samples."""
    from framegan.data.fingerprint import fingerprint_of
    from framegan.data.folder import samples_in
    from framegan.data.real_samples import RealSamples

    source = samples_in(folder, shape)
    origin = {"folder": str(Path(folder).absolute())}
    return RealSamples(lambda: source, fingerprint_of(source), origin, device=launch.device_of(device))


def write(folder: Path, records: Sequence[Any]) -> None:
    """Write evaluation.json, and print what it says."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "evaluation.json"
    partial = file.with_suffix(".part")
    partial.write_text(json.dumps([record.as_dict() for record in records], indent=2) + "\n")
    partial.replace(file)
    width = max(len(record.key) for record in records)
    for record in records:
        between = "" if record.interval is None else "  ({:.5g} to {:.5g})".format(*record.interval)
        counts = f"{record.num_fake:,} fake, {record.num_real:,} real"
        print(f"{record.key:<{width}}  {record.value:<10.6g}{between}  {counts}")
    print(f"all of it is in {file}", flush=True)


def say(line: str) -> None:
    """Print a line on rank 0."""
    if os.environ.get("LOCAL_RANK", "0") == "0":
        print(line, flush=True)


if __name__ == "__main__":
    main()
