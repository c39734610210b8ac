"""The generator of a run, built as its saved configuration says, with the weights of a checkpoint."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from omegaconf import DictConfig

from framegan import own_code
from framegan.cli.compose import as_dict, build
from framegan.cli.errors import first_line
from framegan.cli.validation import check
from framegan.runs import run_folder, saved_config


@dataclass(frozen=True)
class Loaded:
    """A trained generator, and where it comes from.

    Args:
        folder: of the run.
        checkpoint: the file with the weights.
        config: the configuration that the run folder keeps.
        generator: the network, on its device.
        samples_seen: real samples that it was trained with.
    """

    folder: Path
    checkpoint: Path
    config: DictConfig
    generator: Any
    samples_seen: int

    @cached_property
    def place(self) -> str:
        """Where its run is, as a file may say it."""
        return place_of(self.folder)

    @cached_property
    def named(self) -> str:
        """What a command takes for it: the run where that means this checkpoint, else the checkpoint."""
        is_usual = self.checkpoint == run_folder.checkpoint_of(self.folder, ["best", "last"])
        return self.place if is_usual else f"{self.place}/checkpoints/{self.checkpoint.name}"


def place_of(path: Path) -> str:
    """Return where a run is as a file may say it: as seen from the working folder, else by its name alone."""
    path, here = path.resolve(), Path.cwd()
    if path.is_relative_to(here) and not Path.home().is_relative_to(here):
        return path.relative_to(here).as_posix()
    return path.name


def load(
    checkpoint: str | Path, weights: Literal["ema", "raw"], device: str, trust: Sequence[str], *also: str
) -> Loaded:
    """Return the generator of a run.

    Args:
        checkpoint: a run folder, of which the best checkpoint is taken, else the last; or a checkpoint in one.
        device: auto, cpu or cuda.
        trust: packages whose parts the run folder's configuration may build too.
        also: keys of that configuration of which something will be built besides the generator.
    """
    from framegan.devices import device_of
    from framegan.runs.checkpoint import load_weights

    folder, file = run_folder.find(checkpoint), run_folder.checkpoint_of(checkpoint, ["best", "last"])
    config = saved_config.read(run_folder.saved_config(folder), trust, ["model.generator", *also])
    try:
        generator = _generator_of(config)
    except own_code.OwnCodeError:
        raise
    except Exception as error:  # whatever a constructor says of values from somewhere
        raise ValueError(
            f"the configuration of {folder} builds no generator: {first_line(error)}; "
            "give a run folder as train.py has written it"
        ) from error
    samples_seen = load_weights(generator, file, weights)
    return Loaded(folder, file, config, generator.to(device_of(device)).eval(), samples_seen)


def _generator_of(config: DictConfig) -> Any:
    from torch import nn

    given, raw = ({"model": {"generator": as_dict(config, resolve=way)["model"]["generator"]}} for way in (True, False))
    check(given, raw, {"model.generator"})
    generator = build(config.model.generator)
    if not isinstance(generator, nn.Module) or not hasattr(generator, "shape"):
        raise TypeError(f"model.generator is a {type(generator).__name__}, not a network that makes samples")
    return generator
