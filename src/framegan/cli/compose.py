"""From a composed configuration to what it builds; nothing here imports a heavy library."""

import os
import re
from collections.abc import Callable, Sequence
from inspect import signature
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import InstantiationException
from hydra.experimental.callback import Callback
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from framegan import own_code, program
from framegan.cli import command_line, errors, hydra_folder
from framegan.cli.errors import plain_errors, stop
from framegan.containers import map_texts, walk
from framegan.files import strict_json
from framegan.quoting import SECRET, command

CONFIGURATIONS = str(program.configurations())
TYPED = "FRAMEGAN_TYPED"
"""The variable by which ranks are told what `typed` returns."""
FILLED_IN = {"data.shape", "data.num_classes", "data.fingerprint", "data.frames_per_second"}
FILLED_IN |= {"model.generator.image_generator"}
"""What the configuration leaves to the data, and to the run that makes the images of `latent_walk`."""
HIDDEN = "\ufdd0"
"""Stands for a $ that is not to be resolved; no text has this character."""


def flush_denormals() -> None:
    """Have numbers next to zero be zero, as weights that fade away would make a processor crawl.

    A thread takes this from the one that has started it: called first of all, it holds in all of PyTorch's.
    """
    import torch

    torch.set_flush_denormal(True)


def build(node: DictConfig, **arguments: Any) -> Any:
    """Instantiate a node; what its constructor raises comes out as it was raised, or as that of one's own code."""
    if isinstance(node, DictConfig) and "_target_" not in node:
        key = node._get_full_key(None)
        raise ValueError(f"{key} has no {key}._target_, the class to build; docs/own_parts.md has whole YAML files")
    try:
        return instantiate(node, _convert_="all", **arguments)
    except InstantiationException as error:
        cause = error.__cause__
        if isinstance(cause, TypeError) and _is_of_the_call(cause):
            missing = re.search(r"missing .*: '(\w+)'", str(cause))
            if missing and (place := re.search(r"target '([\w.]+)'.*full_key: ([\w.]+)", str(error), re.DOTALL)):
                raise ValueError(f"{place[2]}.{missing[1]} is missing, and {place[1]} needs it") from None
            raise ValueError(f"{node._target_} can't be built: {cause}") from None
        if isinstance(cause, Exception) and not errors.out_of_memory(cause):
            named = re.search(r"'([\w.]+)'", str(error))
            target = named[1] if named else node._target_
            is_own = target.partition(".")[0] not in ("framegan", "torch")
            if is_own and (said := own_code.story(cause, f"{target} can't be built", installed=True)):
                raise own_code.OwnCodeError(said) from cause
        if isinstance(cause, Exception):
            raise cause from None
        raise ValueError(str(error)) from None


class FolderCheck(Callback):
    """Makes the folder of a run or a sweep before Hydra does, and stops with one message where that can't be done."""

    def on_run_start(self, config: DictConfig, key: str = "hydra.run.dir", **_: Any) -> None:
        folder = hydra_folder.named(config, key)
        try:
            hydra_folder.make(Path(folder))
        except OSError as error:
            raise SystemExit(f"error: {folder} can't be made: {error}; set {key} to another folder") from None

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        from framegan.cli import sweep

        hydra_folder.check_subdir(config)
        self.on_run_start(config, "hydra.sweep.dir")
        sweep.BEGUN[:] = [Path(config.hydra.sweep.dir)]
        sweep.JOBS.clear()


def _is_of_the_call(error: TypeError) -> bool:
    """Say whether an error is about the arguments of a call and not from what was called."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_globals.get("__name__", "").startswith("hydra.")


def require_choice(cfg: DictConfig, group: str) -> None:
    """Stop where nothing was chosen from a group, and list what there is."""
    chosen = walk(as_dict(cfg, resolve=False).get(group))  # trainer=debug, say, sets data.batch_size of no data
    if not any(isinstance(node, dict) and "_target_" in node for _, node in chosen):
        stop(no_choice(group, GlobalHydra.instance().config_loader().get_group_options(group)))


def require_run(cfg: DictConfig, name: str) -> None:
    """Stop where a command that works on a run got none."""
    if OmegaConf.is_missing(cfg, "checkpoint"):
        stop(f"no run was named; give its folder, or a checkpoint in it: {command(name, 'RUN_FOLDER')}")


def no_choice(group: str, options: Sequence[str]) -> str:
    return f"no {group} was chosen; set {group}=NAME to one of: {', '.join(options)}"


def check(cfg: DictConfig, *read_by_script: str) -> None:
    """Stop where the configuration has a key or a value that it can't have, before anything is built.

    Args:
        read_by_script: keys that the script reads itself.
    """
    from framegan.cli.validation import check as check_containers

    check_containers(as_dict(cfg), as_dict(cfg, resolve=False), {*read_by_script, *FILLED_IN})


def own_settings(name: str) -> list[str]:
    """Return the plain settings of a command itself, which it has whether or not a part of it reads them."""
    settings = OmegaConf.load(Path(CONFIGURATIONS) / f"{name}.yaml")
    return [str(key) for key, value in settings.items() if not isinstance(value, DictConfig)]


def arguments_of(function: Callable[..., Any], cfg: DictConfig, *read_by_script: str) -> dict[str, Any]:
    """Return the arguments that a configuration has for a function; stop as `check` does, or where one doesn't fit."""
    from framegan.cli.validation import check_call

    taken = signature(function).parameters
    check(cfg, *read_by_script, *taken)
    settings, raw = (  # of the same configuration, in which the time of ${now:...} is kept
        {name: value for name, value in as_dict(cfg, resolve=resolve).items() if name in taken}
        for resolve in (True, False)
    )
    check_call(settings, raw, function)
    return settings


def as_dict(cfg: DictConfig, *, resolve: bool = True) -> dict[str, Any]:
    return OmegaConf.to_container(cfg, resolve=resolve)  # type: ignore[return-value]


def as_shown(cfg: DictConfig) -> dict[str, Any]:
    """Return a configuration as loggers may have it: resolved, but for what comes from the environment and the like."""
    from framegan.runs.trust import resolves_more

    def hide(_: str, text: str) -> str:
        return text.replace("$", HIDDEN) if resolves_more(text) else text

    raw = as_dict(cfg, resolve=False)
    hidden = map_texts(raw, hide)
    if hidden == raw:
        return as_dict(cfg)
    return map_texts(as_dict(OmegaConf.create(hidden)), lambda _, text: text.replace(HIDDEN, "$"))


def refuse_secrets(arguments: Sequence[str]) -> None:
    """Stop where a secret was given: the command line is kept in the run folder, and W&B records it."""
    for argument in arguments:
        if found := SECRET.search(argument):
            stop(
                f"don't pass {argument[: found.end(1)]} on the command line: it would be saved in the run folder; "
                "set it in the environment instead"
            )


def typed() -> dict[str, Any]:
    """Return the words of the command line, and the choices; ranks that `run_ranks` has started are told them."""
    if told := os.environ.get(TYPED):
        return dict(strict_json.loads(told.encode()))
    hydra = HydraConfig.get()
    return {"words": [*hydra.overrides.task], "choices": OmegaConf.to_container(hydra.runtime.choices)}


def run_ranks(command: str, cfg: DictConfig, num_ranks: int, num_nodes: int = 1) -> None:
    """Run a command as several ranks of this very job, which take its configuration and not its command line."""
    from framegan.cli import sweep
    from framegan.processes.spawn import RankFailedError, run_ranks

    told = {TYPED: strict_json.dumps(typed() | {"judged": sweep.settings_judged()})}
    quiet = ["hydra/job_logging=disabled", "hydra/hydra_logging=disabled"]
    with TemporaryDirectory() as folder, plain_errors(RankFailedError):
        OmegaConf.save(cfg, Path(folder) / "config.yaml")
        options, settings = command_line.started_in(HydraConfig.get().runtime.output_dir, Path(folder))
        run_ranks([*program.start(command), *options, *settings, *quiet], num_ranks, num_nodes, told)
