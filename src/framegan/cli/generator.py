"""The generator of a run, built as its saved configuration says, with the weights of a checkpoint."""

from pathlib import Path
from typing import Any, Literal

from omegaconf import DictConfig

from framegan.cli.compose import as_dict, build
from framegan.cli.errors import first_line


def generator_of(
    cfg: DictConfig, checkpoint: Path, weights: Literal["ema", "raw"], device: Literal["auto", "cpu", "cuda"]
) -> tuple[Any, int]:
    """Return the generator of a run with the weights of a checkpoint, and its samples_seen.

    Args:
        cfg: what `run_config.read` returned.
        device: auto, cpu or cuda.
    """
    from torch import nn

    from framegan.cli.validation import check as check_containers
    from framegan.devices import device_of
    from framegan.runs.checkpoint import load_weights

    config, raw = as_dict(cfg)["model"]["generator"], as_dict(cfg, resolve=False)["model"]["generator"]
    try:
        check_containers({"model": {"generator": config}}, {"model": {"generator": raw}}, {"model.generator"})
        generator = build(cfg.model.generator)
        if not isinstance(generator, nn.Module) or not hasattr(generator, "shape"):
            raise TypeError(f"model.generator is a {type(generator).__name__}, not a network that makes samples")
    except Exception as error:  # whatever a constructor says of values from somewhere
        raise ValueError(
            f"the configuration of {checkpoint.parent.parent} builds no generator: {first_line(error)}; "
            "give a run folder as train.py has written it"
        ) from error
    samples_seen = load_weights(generator, checkpoint, weights)
    return generator.to(device_of(device)), samples_seen
