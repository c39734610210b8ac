"""What Hydra puts into the folder that it makes for a run, and what is taken back where the run doesn't begin."""

from contextlib import suppress
from functools import partial
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import OmegaConf

from framegan.files import atomic
from framegan.processes.lifetime import at_end
from framegan.runs import run_folder


def save_choices(folder: Path) -> None:
    """Write what the command line set and Hydra's own part of the configuration beside config.yaml."""
    target = run_folder.saved_config(folder)
    target.parent.mkdir(parents=True, exist_ok=True)
    atomic.write_text(target.with_name("overrides.yaml"), OmegaConf.to_yaml(HydraConfig.get().overrides.task))
    atomic.write_text(target.with_name("hydra.yaml"), OmegaConf.to_yaml(HydraConfig.instance().cfg))
    for place in (folder, folder.parent):
        atomic.sync(place)  # the names of what was just made


def withdraw(folder: Path) -> None:
    """Remove what was put into a run folder for a run that didn't begin, and the folder if nothing else is in it.

    A run has begun once its configuration is saved.
    """
    config = run_folder.saved_config(folder)
    if config.exists():
        return
    with suppress(OSError):  # as where nothing can be written
        for file in (config.with_name("overrides.yaml"), config.with_name("hydra.yaml"), folder / ".lock"):
            file.unlink(missing_ok=True)
        if config.parent.exists():
            config.parent.rmdir()
    remove_if_empty(folder)


def remove_if_empty(folder: Path) -> None:
    """Remove the folder that Hydra made for a run, and those above that hold nothing but it, up to runs/."""
    if HydraConfig.get().mode == RunMode.RUN:
        _remove(folder)
        return
    with suppress(OSError):
        folder.rmdir()
        at_end(partial(_remove, folder.parent))  # other jobs of the sweep may follow


def _remove(folder: Path) -> None:
    with suppress(OSError):
        if [path.name for path in folder.iterdir()] == ["multirun.yaml"]:  # of a sweep of which no job has begun
            (folder / "multirun.yaml").unlink()
        folder.rmdir()
        if folder.parent.name in ("sweeps", "runs"):
            _remove(folder.parent)
