"""What the entry scripts share: from a command line to a checked configuration, and plain errors on the way.

Only this file and the scripts beside it know Hydra; nothing here imports a heavy library, so that `--help`,
`--cfg job` and completion answer at once.
"""

import os
import re
import shlex
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, NoReturn

from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import InstantiationException
from hydra.types import RunMode
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

PROJECT = Path(__file__).resolve().parent.parent
CONFIGURATIONS = str(PROJECT / "conf")
USER_ERRORS: tuple[type[Exception], ...] = (ValueError, OSError, ImportError)
FILLED_IN = {"data.shape", "data.num_classes", "data.fingerprint"}
"""What the configuration of a data set leaves to the data."""
SECRET = re.compile(
    r"((?:api|access|secret)_?key|(?:access|auth|hf)_?token|password|secret)['\"]?\s*[=:](?!\s*['\"]?\\?\$)",
    re.IGNORECASE,
)
"""A setting that is called so and given here, unless it is to be read from the environment."""
HIDDEN = "\ufdd0"
"""Stands for a $ that is not to be resolved; no text has this character."""
OmegaConf.register_new_resolver("project", lambda: PROJECT.as_uri(), replace=True)


class JobFailedError(Exception):
    """A job of a sweep has ended with a message; Hydra goes on with the next one, and fails in the end."""


def stop(message: str, *, ends_sweep: bool = False) -> NoReturn:
    """End the program with one message, or in a sweep the job. Where several ranks have to say it, it is said once."""
    if "TORCHELASTIC_RUN_ID" in os.environ:
        from framegan.ranks import fail

        fail(message)
    if HydraConfig.initialized() and HydraConfig.get().mode == RunMode.MULTIRUN and not ends_sweep:
        print(f"error: {message}", file=sys.stderr, flush=True)
        raise JobFailedError(message)
    raise SystemExit(f"error: {message}")


@contextmanager
def plain_errors(*kinds: type[Exception]) -> Iterator[None]:
    """End the program with the message alone where one of these exceptions says what the user can mend.

    HYDRA_FULL_ERROR=1 shows the whole traceback.
    """
    try:
        yield
    except USER_ERRORS + kinds as error:
        if os.environ.get("HYDRA_FULL_ERROR") == "1":
            raise
        stop(str(error))
    except (MemoryError, RuntimeError) as error:
        if not (isinstance(error, MemoryError) or "memory" in str(error)) or os.environ.get("HYDRA_FULL_ERROR") == "1":
            raise
        stop(f"there isn't enough memory for that; ask for smaller networks, samples or data ({_first_line(error)})")


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0] or type(error).__name__


def build(node: DictConfig, **arguments: Any) -> Any:
    """Instantiate a node; what its constructor raises comes out as it was raised."""
    try:
        return instantiate(node, _convert_="all", **arguments)
    except InstantiationException as error:
        if isinstance(error.__cause__, Exception):
            raise error.__cause__ from None
        raise ValueError(str(error)) from None


def require_choice(cfg: DictConfig, group: str) -> None:
    """Stop where nothing was chosen from a group, and list what there is."""
    if cfg.get(group) is None:
        options = GlobalHydra.instance().config_loader().get_group_options(group)
        stop(f"no {group} was chosen; type {group}=NAME with one of: {', '.join(options)}")


def check(cfg: DictConfig, read_by_script: Collection[str]) -> None:
    """Stop where the configuration has a key or a value that it can't have, before anything is built."""
    from framegan.validation import check as check_containers

    check_containers(as_dict(cfg), as_dict(cfg, resolve=False), read_by_script)


def check_call(cfg: DictConfig, function: Callable[..., Any]) -> None:
    """Stop where a value of the configuration is not what the function of these names takes."""
    from framegan.validation import check_call as check_values

    check_values(as_dict(cfg), as_dict(cfg, resolve=False), function)


def as_dict(cfg: DictConfig, *, resolve: bool = True) -> dict[str, Any]:
    """Return a configuration as plain containers."""
    return OmegaConf.to_container(cfg, resolve=resolve)  # type: ignore[return-value]


def as_shown(cfg: DictConfig) -> dict[str, Any]:
    """Return a configuration as loggers may have it: resolved, but for what comes from the environment and the like."""
    from framegan.trust import map_strings, resolves_more

    def hide(text: str) -> str:
        return text.replace("$", HIDDEN) if resolves_more(text) else text

    hidden = OmegaConf.create(map_strings(as_dict(cfg, resolve=False), hide))
    return map_strings(as_dict(hidden), lambda text: text.replace(HIDDEN, "$"))


def refuse_secrets(arguments: Sequence[str]) -> None:
    """Stop where a secret was typed: what is typed is kept in the run folder, and W&B records the command line."""
    for argument in arguments:
        if found := SECRET.search(argument):
            stop(f"{argument[: found.end(1)]} is not typed, for it would be kept; set it in the environment instead")


def run_folder(path: str | Path) -> Path:
    """Return the run folder that is meant by a run folder or by a checkpoint in one; stop where it is neither.

    It may come from somebody else: one with links in it is refused.
    """
    path = Path(path)
    folder = path.parent.parent if path.suffix == ".ckpt" else path
    if not path.exists():
        stop(f"{path} does not exist; give a run folder, or a checkpoint in one")
    if not saved_config(folder).exists():
        stop(f"{folder} is not a run folder: it has no .hydra/config.yaml; give the folder that train.py printed")
    refuse_links(folder)
    return folder.resolve()


def refuse_links(folder: Path) -> None:
    """Stop where a run folder holds a link, through which a file outside of it would be overwritten.

    In wandb/ nothing is written but by W&B, which makes links of its own.
    """
    for place, folders, files in os.walk(folder):
        for path in (Path(place) / name for name in [*folders, *files]):
            if path.is_symlink():
                stop(
                    f"{path} is a link to {path.readlink()}, and what is written to a run folder has to stay in it; "
                    "put there what it links to, or remove it"
                )
        if place == str(folder) and "wandb" in folders:
            folders.remove("wandb")


def saved_config(folder: Path) -> Path:
    """Return where a run folder keeps its configuration."""
    return folder / ".hydra" / "config.yaml"


def checkpoint_of(path: str | Path, preferences: Sequence[str]) -> Path:
    """Return the checkpoint meant by a path: itself, or the first of the preferred ones in a run folder."""
    path = Path(path)
    if path.suffix == ".ckpt":
        return path.resolve()
    candidates = [run_folder(path) / "checkpoints" / f"{name}.ckpt" for name in preferences]
    for candidate in candidates:
        if candidate.exists():
            return candidate
    stop(f"{path} holds no checkpoint: {' or '.join(str(candidate) for candidate in candidates)} is missing")


def read_config(folder: Path, trusted: Collection[str], *parts: str) -> DictConfig:
    """Return the configuration of a run folder, which is data; see `run_config.read`."""
    import run_config

    return run_config.read(saved_config(folder), trusted, parts)


def refuse_strangers(folder: Path, arguments: Sequence[str]) -> None:
    """Stop where Hydra would find more in a run folder than a configuration that builds what is trusted.

    Args:
        arguments: of the command line, where trust=[...] may be.
    """
    import run_config

    with plain_errors():
        run_config.check_alone(saved_config(folder))
        run_config.read(saved_config(folder), run_config.trusted_by(arguments))


def generator_of(cfg: DictConfig, checkpoint: Path, weights: Literal["ema", "raw"], device: str) -> tuple[Any, int]:
    """Return the generator of a run with the weights of a checkpoint, and its samples_seen.

    Args:
        cfg: what `read_config` returned.
        device: auto, cpu or cuda.
    """
    from torch import nn

    from framegan import sampling
    from framegan.validation import check as check_containers

    config, raw = as_dict(cfg)["model"]["generator"], as_dict(cfg, resolve=False)["model"]["generator"]
    try:
        check_containers({"model": {"generator": config}}, {"model": {"generator": raw}}, {"model.generator"})
        generator = build(cfg.model.generator)
        if not isinstance(generator, nn.Module) or not hasattr(generator, "shape"):
            raise TypeError(f"model.generator is a {type(generator).__name__}, not a network that makes samples")
    except Exception as error:  # whatever a constructor says of values from somewhere
        raise ValueError(
            f"the configuration of {checkpoint.parent.parent} builds no generator: {_first_line(error)}; "
            "give a run folder as train.py has written it"
        ) from error
    samples_seen = sampling.load_weights(generator, checkpoint, weights)
    return generator.to(device_of(device)), samples_seen


def device_of(device: str) -> str:
    """Return cpu or cuda where auto leaves it to the machine."""
    import torch

    uses_cuda = device != "cpu" and (device == "cuda" or torch.cuda.is_available())
    return "cuda" if uses_cuda else "cpu"


def save_config(cfg: DictConfig, folder: Path) -> None:
    """Write .hydra/config.yaml of a run folder, as composed."""
    target = saved_config(folder)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".part")
    OmegaConf.save(OmegaConf.merge(cfg, {"resume": None, "resume_changes": False, "trust": []}), partial)
    partial.replace(target)


def save_choices(folder: Path) -> None:
    """Write what was typed and Hydra's own part of the configuration beside config.yaml."""
    target = saved_config(folder)
    target.parent.mkdir(parents=True, exist_ok=True)
    OmegaConf.save(HydraConfig.get().overrides.task, target.with_name("overrides.yaml"))
    OmegaConf.save(HydraConfig.instance().cfg, target.with_name("hydra.yaml"))


def configured_by(folder: Path) -> list[str]:
    """Return the arguments with which a script takes its configuration from the config.yaml in a folder."""
    return ["--config-path", str(folder), "--config-name", "config"]


def running_in(folder: str | Path) -> list[str]:
    """Return the arguments with which a script runs in a folder that is there already."""
    return [f"hydra.run.dir={quoted(folder)}", "hydra.output_subdir=null"]


def value_of(argument: str) -> Any:
    """Return what Hydra understands by the value in KEY=VALUE; None where it understands nothing."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        return OverridesParser.create().parse_override(argument).value()
    except HydraException:
        return None


def to_type(key: str, path: str | Path) -> str:
    """Return KEY=PATH as it is typed in a shell, quoted for the shell and for Hydra where they need it."""
    plain = f"{key}={path}"
    return shlex.quote(plain if value_of(plain) == str(path) else f"{key}={quoted(path)}")


def quoted(path: str | Path) -> str:
    """Return a path in the quotes of Hydra's grammar."""
    mark = '"' if "'" in str(path) else "'"
    escaped = re.sub(rf"(\\*)({mark}|$)", lambda found: found[1] * 2 + (f"\\{mark}" if found[2] else ""), str(path))
    return f"{mark}{escaped}{mark}"


def end_sweep_if_stopped(status: str) -> None:
    """End a sweep whose jobs run here, one after the other, where a signal has stopped the one at hand."""
    hydra_config = HydraConfig.get()
    one_by_one = hydra_config.launcher._target_.endswith(".BasicLauncher")
    if status.startswith("stopped by") and hydra_config.mode == RunMode.MULTIRUN and one_by_one:
        folder = to_type("hydra.sweep.dir", hydra_config.sweep.dir)
        raise SystemExit(
            f"error: the sweep was {status}; one over a grid goes on with the same and resume=auto {folder}"
        )


def run_ranks(script: str, cfg: DictConfig, num_ranks: int, num_nodes: int = 1) -> None:
    """Run a script as several ranks of this very job, which take its configuration and not its command line."""
    from framegan.launcher import RankFailedError, run_ranks

    quiet = ["hydra/job_logging=disabled", "hydra/hydra_logging=disabled"]
    with TemporaryDirectory() as folder, plain_errors(RankFailedError):
        OmegaConf.save(cfg, Path(folder) / "config.yaml")
        arguments = [*configured_by(Path(folder)), *running_in(HydraConfig.get().runtime.output_dir), *quiet]
        run_ranks([sys.executable, str(Path(script).resolve()), *arguments], num_ranks, num_nodes)
