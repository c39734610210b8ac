"""A command run by Python code: the same words and checks; what would end a program is raised, and nothing else stays.

Of the process that calls, everything is afterwards as it was: its arguments and folder, signals, warnings, loggers,
random numbers and PyTorch's settings, and the Hydra program that it may be. What stays is CUBLAS_WORKSPACE_CONFIG after
trainer.deterministic=true, for cuBLAS has read it, and threads of PyTorch that take numbers next to zero for zero.
"""

import importlib
import logging
import signal
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hydra import version
from hydra._internal.hydra import Hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.singleton import Singleton
from hydra.core.utils import JobRuntime
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from framegan.cli import arguments, command_line
from framegan.cli.slips.known import Known
from framegan.processes.lifetime import EndedBySignal, Interrupted, interrupt

QUIETED = ("lightning.pytorch", "lightning.fabric")
ONE_AT_A_TIME = threading.RLock()
"""Held by the thread that runs a command: what is set for it holds in the whole process."""


def call(
    command: str, words: Sequence[str], main: Callable[[DictConfig], None] | None = None
) -> tuple[Path, DictConfig]:
    """Run a command in this process, and return Hydra's folder, which is that of a run, and the configuration.

    Args:
        main: what is done with the configuration. None = what the command does.

    Raises:
        ValueError: the message with which the command stops.
        KeyboardInterrupt: Ctrl-C, where the command has no clean end.
    """
    with undisturbed():
        for word in words:
            what = "an option of the command" if isinstance(word, str) else "no text"
            if not isinstance(word, str) or (word.startswith("-") and not word.startswith("--config-dir=")):
                raise ValueError(f"{word} is {what}; settings are KEY=VALUE, each a text of its own")
        options, settings = command_line.split(arguments.prepared(command, words))
        if command_line.is_multirun(options, settings):
            raise ValueError("hydra.mode=MULTIRUN is for the command; in Python, call this once for each job")
        known = Known(command, options)
        hydra = Hydra(task_name=command, config_loader=known.loader)
        GlobalHydra.instance().initialize(hydra)
        main = main or importlib.import_module(f"framegan.cli.{command}").main.__wrapped__
        done = hydra.run(known.name, main, settings, with_log_configuration=False)
        assert done.hydra_cfg is not None
        assert done.cfg is not None
        return Path(done.hydra_cfg.hydra.runtime.output_dir), done.cfg


@contextmanager
def undisturbed() -> Iterator[None]:
    """Leave this process afterwards as it was; see the module."""
    with ONE_AT_A_TIME, _own_hydra(), _own_settings(), _interruptible(), raised():
        yield


@contextmanager
def raised() -> Iterator[None]:
    """Raise as a ValueError what would end the program with a message."""
    try:
        yield
    except SystemExit as stop:
        if isinstance(stop, EndedBySignal) and stop.number == signal.SIGINT:
            raise Interrupted from None
        raise ValueError(str(stop.code).removeprefix("error: ")) from None
    except (HydraException, OmegaConfBaseException) as error:
        raise ValueError(str(error)) from error


@contextmanager
def _own_hydra() -> Iterator[None]:
    """Let the block be a Hydra program, whatever it is called by."""
    own: tuple[type, ...] = (GlobalHydra, HydraConfig, JobRuntime, version.VersionBase)
    instances = Singleton._instances
    before = {kind: instances.pop(kind) for kind in own if kind in instances}
    try:
        version.setbase("1.3")
        yield
    finally:
        for kind in own:
            instances.pop(kind, None)
        instances.update(before)


@contextmanager
def _own_settings() -> Iterator[None]:
    """Keep what the block sets of PyTorch, of warnings and of Lightning's loggers to it.

    What the caller has set of PyTorch, such as no_grad or autocast, doesn't hold in the block.
    """
    import torch

    from framegan.sampling import flushing_denormals

    levels = {name: logging.getLogger(name).level for name in QUIETED}
    deterministic = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    benchmark = torch.backends.cudnn.benchmark
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    dtype, accelerator = torch.get_default_dtype(), "cuda" if torch.cuda.is_available() else "cpu"
    with (
        warnings.catch_warnings(),
        torch.random.fork_rng(devices),
        flushing_denormals(),
        torch.inference_mode(False),
        torch.enable_grad(),
        torch.autocast("cpu", enabled=False),
        torch.autocast(accelerator, enabled=False),
    ):
        torch.set_default_dtype(torch.float32)
        try:
            yield
        finally:
            torch.set_default_dtype(dtype)
            torch.use_deterministic_algorithms(deterministic[0], warn_only=deterministic[1])
            torch.backends.cudnn.benchmark = benchmark
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Raise KeyboardInterrupt at Ctrl-C, with everything in between closed as at any other error."""
    in_main_thread = threading.current_thread() is threading.main_thread()
    is_ours = in_main_thread and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    try:
        if is_ours:
            signal.signal(signal.SIGINT, interrupt)
        yield
    except Interrupted:
        raise KeyboardInterrupt from None
    finally:
        if is_ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)
