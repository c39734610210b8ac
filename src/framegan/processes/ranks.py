"""The processes that work together, seen from one of them: one of several, or the only one.

Several know each other by the environment that torchrun gives. `framegan.processes.spawn` gives the same one, and
`framegan.processes.scheduler` gives it to the tasks of a scheduler, so that there is one way to be a rank.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import torch.distributed
from pydantic import PositiveFloat, PositiveInt

from framegan.processes.lifetime import end_after

Value = TypeVar("Value")

REPORT = "FRAMEGAN_RANK_REPORT"
"""Environment variable of the file in which a rank leaves a message for `processes.spawn`, which started it."""

LEFT_BEHIND = 75
"""Exit status of a rank that has nothing to tell but that another one is gone."""


class OtherRankError(Exception):
    """This rank has to end because another one is gone or hangs."""


@dataclass
class Processes:
    """How many processes work together without a trainer.

    Args:
        devices: processes on this machine, a GPU each where there are GPUs.
        timeout: seconds that a rank waits for the others before it gives up.
    """

    devices: PositiveInt = 1
    timeout: PositiveFloat = 1800.0


def is_rank() -> bool:
    """Say whether this process was started as one of several, by whatever launcher."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def is_first() -> bool:
    """Say whether this process is rank 0, which alone writes and prints, or on its own."""
    return os.environ.get("RANK", "0") == "0"


def say(line: str) -> None:
    """Print a line on rank 0."""
    if is_first():
        print(line, flush=True)


def was_typed() -> bool:
    """Say whether the user's command line is that of this process, and this is the first of those it is that of."""
    return REPORT not in os.environ and os.environ.get("RANK", os.environ.get("NODE_RANK", "0")) == "0"


@contextmanager
def joined(timeout: float) -> Iterator[None]:
    """Join the other ranks, if any, and leave them in the end; each waits `timeout` seconds for the others."""
    if not is_rank():
        yield
        return
    if REPORT in os.environ:
        end_after(_launcher_is_gone)
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]) % torch.cuda.device_count())
    torch.distributed.init_process_group(timeout=timedelta(seconds=timeout))
    try:
        with said_of_others(timeout):
            yield
    finally:
        torch.distributed.destroy_process_group()


@contextmanager
def said_of_others(timeout: float) -> Iterator[None]:
    """Raise OtherRankError where PyTorch says, wherever this rank just is, that another one doesn't answer.

    Where the launcher will tell how that one ended, this one ends without a word.
    """
    try:
        yield
    except RuntimeError as error:
        said = str(error)
        if "Timed out waiting" in said:
            seconds = f"trainer.timeout={timeout:g} seconds"
            raise OtherRankError(f"another rank hangs: nothing came from it for {seconds}") from error
        if not isinstance(error, torch.distributed.DistError) and "gloo" not in said:
            raise
        if REPORT in os.environ:
            sys.exit(LEFT_BEHIND)
        raise OtherRankError("another rank is gone") from error


def fail(message: str) -> None:
    """Leave a message for the launcher, which says it once for all ranks, and end; return where there is none."""
    if REPORT in os.environ:
        Path(os.environ[REPORT]).write_text(message)
        sys.exit(1)


def rank_and_number() -> tuple[int, int]:
    """Return this process's rank and how many there are."""
    if not torch.distributed.is_initialized():
        return 0, 1
    return torch.distributed.get_rank(), torch.distributed.get_world_size()


def from_rank_zero(function: Callable[[], Value]) -> Value:
    """Return on every rank what a function gives on rank 0, where alone it is called; all of them have to call this.

    What it raises there is raised on all ranks, so that none is left waiting.
    """
    rank, num_ranks = rank_and_number()
    if num_ranks == 1:
        return function()
    outcome: list[Any] = [None, None]
    if rank == 0:
        try:
            outcome[0] = function()
        except (Exception, SystemExit) as error:
            outcome[1] = error
    torch.distributed.broadcast_object_list(outcome)
    if outcome[1] is not None:
        raise outcome[1]
    return outcome[0]


def _launcher_is_gone() -> None:
    """Return when the process that started this one is gone, which closes the pipe that is standard input here."""
    while os.read(0, 1):
        pass
