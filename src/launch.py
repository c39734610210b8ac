"""What the entry scripts share: from a command line to a checked configuration, and plain errors on the way.

Only this file and the scripts beside it know Hydra; nothing here imports a heavy library, so that `--help`,
`--cfg job` and completion answer at once.
"""

import io
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from inspect import signature
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, NoReturn

from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import CompactHydraException, InstantiationException
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

import command_line
from framegan.quoting import to_type

PROJECT = Path(__file__).resolve().parent.parent
CONFIGURATIONS = str(PROJECT / "conf")
USER_ERRORS: tuple[type[Exception], ...] = (ValueError, OSError, ImportError, OmegaConfBaseException)
FILLED_IN = {"data.shape", "data.num_classes", "data.fingerprint", "data.frames_per_second"}
"""What the configuration of a data set leaves to the data."""
SECRET = re.compile(
    r"((?:api|access|secret)_?key|(?:access|auth|hf)_?token|password|secret)['\"]?\s*[=:](?!\s*['\"]?\\?\$)",
    re.IGNORECASE,
)
"""A setting that is called so and given here, unless it is to be read from the environment."""
NO_MEMORY = re.compile("out of memory|(can't|cannot) allocate memory|not enough memory|alloc_failed", re.IGNORECASE)
"""What allocators say; a pointer that is astray has to do with memory too."""
HIDDEN = "\ufdd0"
"""Stands for a $ that is not to be resolved; no text has this character."""


class JobFailedError(CompactHydraException):
    """A job of a sweep has ended with a message; Hydra runs the next one, and says in the end which failed."""


def stop(message: str, *, ends_sweep: bool = False) -> NoReturn:
    """End the program with one message, or in a sweep the job. Where several ranks have to say it, it is said once."""
    if "TORCHELASTIC_RUN_ID" in os.environ:
        from framegan.ranks import fail

        fail(message)
    if HydraConfig.initialized() and HydraConfig.get().mode == RunMode.MULTIRUN and not ends_sweep:
        print(f"error: {message}", file=sys.stderr, flush=True)
        raise JobFailedError(message)
    raise SystemExit(f"error: {message}")


def run(name: str, main: Callable[[], Any]) -> None:
    """Run a script by its command line; what it prints may name files whose names aren't UTF-8."""
    import arguments
    from framegan.lifetime import run_and_leave

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")

    def start() -> None:
        sys.argv[1:] = arguments.prepared(name, sys.argv[1:])
        main()

    run_and_leave(start)


def flush_denormals() -> None:
    """Have numbers next to zero be zero, as weights that fade away would make a processor crawl.

    A thread takes this from the one that has started it: called first of all, it holds in all of PyTorch's.
    """
    import torch

    torch.set_flush_denormal(True)


@contextmanager
def plain_errors(*kinds: type[Exception]) -> Iterator[None]:
    """End the program with the message alone where one of these exceptions says what the user can fix.

    HYDRA_FULL_ERROR=1 shows the whole traceback.
    """
    try:
        yield
    except Exception as error:
        message = str(error) if isinstance(error, USER_ERRORS + kinds) else out_of_memory(error)
        if message is None or os.environ.get("HYDRA_FULL_ERROR") == "1":
            raise
        stop(message)


def out_of_memory(error: Exception) -> str | None:
    """Return what to do where an allocator says that there isn't enough memory; None where it is another error."""
    if not isinstance(error, MemoryError) and not (isinstance(error, RuntimeError) and NO_MEMORY.search(str(error))):
        return None
    wanted = "ask for smaller networks, samples, batches or data"
    return f"there isn't enough memory for that; {wanted} ({_first_line(error)})"


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0] or type(error).__name__


def build(node: DictConfig, **arguments: Any) -> Any:
    """Instantiate a node; what its constructor raises comes out as it was raised."""
    try:
        return instantiate(node, _convert_="all", **arguments)
    except InstantiationException as error:
        cause = error.__cause__
        if isinstance(cause, TypeError) and _is_of_the_call(cause):
            raise ValueError(f"{node._target_} can't be built: {cause}") from None
        if isinstance(cause, Exception):
            raise cause from None
        raise ValueError(str(error)) from None


class FolderCheck(Callback):
    """Makes the folder of a run or a sweep before Hydra does, and stops with one message where that can't be done."""

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        self._make(config.hydra.run.dir, "hydra.run.dir")

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        self._make(config.hydra.sweep.dir, "hydra.sweep.dir")

    def _make(self, folder: str, key: str) -> None:
        try:
            Path(folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SystemExit(f"error: {folder} can't be made: {error}; set {key} to another folder") from None


def _is_of_the_call(error: TypeError) -> bool:
    """Say whether an error is about the arguments of a call and not from what was called."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_globals.get("__name__", "").startswith("hydra.")


def require_choice(cfg: DictConfig, group: str) -> None:
    """Stop where nothing was chosen from a group, and list what there is."""
    if cfg.get(group) is None:
        stop(no_choice(group, GlobalHydra.instance().config_loader().get_group_options(group)))


def no_choice(group: str, options: Sequence[str]) -> str:
    return f"no {group} was chosen; set {group}=NAME to one of: {', '.join(options)}"


def check(cfg: DictConfig, *read_by_script: str, function: Callable[..., Any] | None = None) -> None:
    """Stop where the configuration has a key or a value that it can't have, before anything is built.

    Args:
        read_by_script: keys that the script reads itself.
        function: whose arguments are settings too.
    """
    from framegan.validation import check as check_containers

    read = {*read_by_script, *FILLED_IN, *(signature(function).parameters if function else ())}
    check_containers(as_dict(cfg), as_dict(cfg, resolve=False), read)


def arguments_of(function: Callable[..., Any], cfg: DictConfig) -> dict[str, Any]:
    """Return the arguments that a configuration has for a function; stop where a value is not what it takes."""
    from framegan.validation import check_call

    settings = OmegaConf.masked_copy(cfg, [str(name) for name in cfg if name in signature(function).parameters])
    check_call(as_dict(settings), as_dict(settings, resolve=False), function)
    return as_dict(settings)


def as_dict(cfg: DictConfig, *, resolve: bool = True) -> dict[str, Any]:
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
            stop(
                f"don't pass {argument[: found.end(1)]} on the command line: it would be saved in the run folder; "
                "set it in the environment instead"
            )


def generator_of(cfg: DictConfig, checkpoint: Path, weights: Literal["ema", "raw"], device: str) -> tuple[Any, int]:
    """Return the generator of a run with the weights of a checkpoint, and its samples_seen.

    Args:
        cfg: what `run_config.read` returned.
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


def end_sweep_if_stopped(status: str) -> None:
    """End a sweep whose jobs run here, one after the other, where a signal has stopped the one at hand."""
    hydra_config = HydraConfig.get()
    one_by_one = hydra_config.launcher._target_.endswith(".BasicLauncher")
    if status.startswith("stopped by") and hydra_config.mode == RunMode.MULTIRUN and one_by_one:
        folder = to_type("hydra.sweep.dir", hydra_config.sweep.dir)
        raise SystemExit(
            f"error: the sweep was {status}; one over a grid is resumed by the same line with resume=auto {folder}"
        )


def run_ranks(script: str, cfg: DictConfig, num_ranks: int, num_nodes: int = 1) -> None:
    """Run a script as several ranks of this very job, which take its configuration and not its command line."""
    from framegan.launcher import RankFailedError, run_ranks

    quiet = ["hydra/job_logging=disabled", "hydra/hydra_logging=disabled"]
    with TemporaryDirectory() as folder, plain_errors(RankFailedError):
        OmegaConf.save(cfg, Path(folder) / "config.yaml")
        place = command_line.running_in(HydraConfig.get().runtime.output_dir)
        arguments = [*command_line.configured_by(Path(folder)), *place, *quiet]
        run_ranks([sys.executable, str(Path(script).resolve()), *arguments], num_ranks, num_nodes)
