"""One function in several processes that can talk to each other, without a trainer."""

import os
import socket
from collections.abc import Callable
from typing import Any, TypeVar

import torch
import torch.distributed
import torch.multiprocessing

Result = TypeVar("Result")


def run_on(num_processes: int, function: Callable[..., Result], *args: Any) -> Result:
    """Return function(*args) as this process, rank 0, computes it while the other ranks compute it too.

    Each rank has a GPU of its own where there are GPUs.

    Args:
        function: importable, and picklable as the args are.
    """
    if num_processes == 1:
        return function(*args)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    others = torch.multiprocessing.start_processes(
        _other_rank, (num_processes, port, function, args), num_processes - 1, join=False, start_method="spawn"
    )
    assert others is not None
    try:
        result = _as_rank(0, num_processes, port, function, args)
        while not others.join():
            pass
        return result
    finally:
        for process in others.processes:
            process.terminate()


def _other_rank(index: int, num_processes: int, port: int, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    _as_rank(index + 1, num_processes, port, function, args)


def _as_rank(
    rank: int, num_processes: int, port: int, function: Callable[..., Result], args: tuple[Any, ...]
) -> Result:
    uses_cuda = torch.cuda.is_available()
    if uses_cuda:
        torch.cuda.set_device(rank)
    os.environ["LOCAL_RANK"] = str(rank)
    torch.distributed.init_process_group(
        "nccl" if uses_cuda else "gloo", f"tcp://127.0.0.1:{port}", rank=rank, world_size=num_processes
    )
    try:
        return function(*args)
    finally:
        torch.distributed.destroy_process_group()
        del os.environ["LOCAL_RANK"]
