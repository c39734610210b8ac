"""The folders that Hydra makes for runs: how they are named, what is put into them, what is taken back again."""

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from itertools import chain
from pathlib import Path

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from framegan.cli import errors
from framegan.files import atomic
from framegan.processes.lifetime import at_end
from framegan.runs import run_folder

MADE: set[Path] = set()
"""The folders of runs and sweeps that this process has made."""


def named(config: DictConfig, key: str) -> str:
    """Return the folder that a setting of Hydra's names; stop where that is none."""
    try:
        folder = str(OmegaConf.select(config, key))
    except OmegaConfBaseException as error:
        why = errors.first_line(error).rpartition("resolving interpolation: ")[2].strip('"')
        raise SystemExit(f"error: {key} can't be filled in: {why}; set it to a folder, or leave it out") from None
    if not folder.strip():  # which Hydra would take for the working folder
        raise SystemExit(f"error: {key}= is empty; is a variable not set? Set it to a folder, or leave it out")
    return folder


def check_subdir(config: DictConfig) -> None:
    """Stop before the first job of a sweep where several would have one folder.

    The jobs of a search aren't known beforehand: of these, only a name in which nothing is filled in is refused.
    """
    key = "hydra.sweep.subdir"
    text = str(OmegaConf.to_container(config.hydra.sweep, resolve=False)["subdir"])  # type: ignore[call-overload,index]
    if text.startswith("${job_name:"):
        return
    if config.hydra.sweeper._target_.endswith(".BasicSweeper"):
        folders = [named(job, key) for job in _jobs(config)]
    else:
        folders = [text] * (1 if "${" in text else 2)
    for place, folder in enumerate(folders):
        if not folder.strip() or folder in folders[:place]:
            raise SystemExit(
                f"error: {key}={text} gives several jobs of the sweep one folder; leave it out, or name what differs "
                f"between them: '{key}=${{hydra.job.num}}'"
            )


def _jobs(config: DictConfig) -> Iterator[DictConfig]:
    """Yield the configuration of each job of a sweep by Hydra's own sweeper."""
    loader = GlobalHydra.instance().config_loader()
    params = [f"{key}={value}" for key, value in (config.hydra.sweeper.params or {}).items()]
    words = OverridesParser.create(loader).parse_overrides([*params, *config.hydra.overrides.task])
    for number, settings in enumerate(chain(*BasicSweeper.split_arguments(words, None))):
        job = loader.load_sweep_config(config, list(settings))
        with open_dict(job):
            job.hydra.job.num, job.hydra.job.id = number, str(number)
        yield job


def make(folder: Path) -> None:
    """Make the folder of a run or a sweep; one that is there already isn't taken back again."""
    if not folder.exists():
        folder.mkdir(parents=True, exist_ok=True)
        MADE.add(folder.resolve())


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
    """Remove the folder that was made for a run, and those above that hold nothing but it, up to runs/."""
    if HydraConfig.get().mode == RunMode.RUN:
        if folder.resolve() in MADE:
            _remove(folder)
        return
    with suppress(OSError):
        folder.rmdir()
        if folder.parent.resolve() in MADE:
            at_end(partial(_remove, folder.parent))  # other jobs of the sweep may follow


def _remove(folder: Path) -> None:
    with suppress(OSError):
        if [path.name for path in folder.iterdir()] == ["multirun.yaml"]:  # of a sweep of which no job has begun
            (folder / "multirun.yaml").unlink()
        folder.rmdir()
        if folder.parent.name in ("sweeps", "runs"):
            _remove(folder.parent)
