"""Errors as one message: what the user can fix ends the program, or a job of a sweep, with its message alone."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from hydra.core.hydra_config import HydraConfig
from hydra.errors import CompactHydraException
from hydra.types import RunMode
from omegaconf.errors import OmegaConfBaseException

from framegan import own_code

USER_ERRORS: tuple[type[Exception], ...] = (ValueError, OSError, ImportError, OmegaConfBaseException)
NO_MEMORY = re.compile("out of memory|(can't|cannot) allocate memory|not enough memory|alloc_failed", re.IGNORECASE)
"""What allocators say; a pointer that is astray has to do with memory too."""


class JobFailedError(CompactHydraException):
    """A job of a sweep has ended with a message; Hydra runs the next one, and says in the end which failed."""


def stop(message: str, *, ends_sweep: bool = False) -> NoReturn:
    """End the program with one message, or in a sweep the job. Where several ranks have to say it, it is said once."""
    if "TORCHELASTIC_RUN_ID" in os.environ:
        from framegan.processes.ranks import fail

        fail(message)
    if HydraConfig.initialized() and HydraConfig.get().mode == RunMode.MULTIRUN and not ends_sweep:
        print(f"error: {message}", file=sys.stderr, flush=True)
        raise JobFailedError(message)
    raise SystemExit(f"error: {message}")


@contextmanager
def plain_errors(*kinds: type[Exception]) -> Iterator[None]:
    """End the program with the message alone where one of these exceptions says what the user can fix.

    HYDRA_FULL_ERROR=1 shows the whole traceback.
    """
    try:
        yield
    except Exception as error:
        message = str(error) if isinstance(error, kinds) else out_of_memory(error) or own_code.story(error)
        if message is None and isinstance(error, USER_ERRORS):
            message = str(error)
            if isinstance(error, OmegaConfBaseException) and error.full_key:
                message = f"{error.full_key}: {first_line(error)}"
        if message is None or wants_traceback():
            raise
        stop(message)


def wants_traceback() -> bool:
    """Say whether the user has asked for whole tracebacks."""
    return os.environ.get("HYDRA_FULL_ERROR") == "1"


def out_of_memory(error: Exception) -> str | None:
    """Return what to do where an allocator says that there isn't enough memory; None where it is another error."""
    if not isinstance(error, MemoryError) and not (isinstance(error, RuntimeError) and NO_MEMORY.search(str(error))):
        return None
    return f"there isn't enough memory for that ({first_line(error)}); set smaller networks, samples, batches or data"


def not_deterministic(error: Exception) -> str | None:
    """Return what to do where trainer.deterministic=true forbids an operation; None where it is another error."""
    name, is_that, _ = str(error).partition(" does not have a deterministic implementation")
    if not isinstance(error, RuntimeError) or not is_that:
        return None
    rule = "trainer.deterministic=true allows only what gives the same numbers each time"
    return f"{rule}, which {name} doesn't on this device; leave out what needs it, or set trainer.deterministic=false"


def not_recorded(error: Exception) -> str | None:
    """Return what `framegan.replays` says of a step that a GPU can't replay; None where it is another error."""
    return str(error) if isinstance(error, RuntimeError) and str(error).startswith("a step can't be recorded") else None


def one_line(error: BaseException) -> str:
    """Return what an exception says, on one line, without the places that Hydra has searched."""
    return " ".join(str(error).partition("\nConfig search path:")[0].split())


def first_line(error: BaseException) -> str:
    """Return the first line of what an exception says, or its kind where it says nothing."""
    return str(error).partition("\n")[0] or type(error).__name__
