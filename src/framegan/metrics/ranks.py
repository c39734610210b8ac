"""The processes that measure together: one of many, or the only one."""

from typing import TypeVar

import torch.distributed

Value = TypeVar("Value")


def rank_and_number() -> tuple[int, int]:
    """Return this process's rank and how many there are."""
    if not torch.distributed.is_initialized():
        return 0, 1
    return torch.distributed.get_rank(), torch.distributed.get_world_size()


def of_rank_zero(value: Value) -> Value:
    """Return rank 0's value on every rank; all of them have to call it."""
    if not torch.distributed.is_initialized():
        return value
    values = [value]
    torch.distributed.broadcast_object_list(values)
    return values[0]
