"""The processes that measure together: one of many, or the only one."""

from collections.abc import Callable
from typing import Any, TypeVar

import torch.distributed

Value = TypeVar("Value")


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
        except Exception as error:
            outcome[1] = error
    torch.distributed.broadcast_object_list(outcome)
    value, failure = outcome
    if failure is not None:
        raise failure
    return value
