"""One function in several processes that can talk to each other, without a trainer."""

import os
import socket
from collections.abc import Callable
from typing import Any, TypeVar

import torch
import torch.distributed
import torch.multiprocessing
from pydantic import PositiveInt

Result = TypeVar("Result")


class Processes:
    """Runs a function in several processes of this machine, each with a GPU of its own where there are GPUs.

    Args:
        devices: how many.
    """

    def __init__(self, devices: PositiveInt = 1):
        self.devices = devices

    def run(self, function: Callable[..., Result], *args: Any) -> Result:
        """Return function(*args) as this process, rank 0, computes it while the other ranks compute it too.

        Args:
            function: importable, and picklable as the args are.
        """
        if self.devices == 1:
            return function(*args)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        others = torch.multiprocessing.start_processes(
            _other_rank, (self.devices, port, function, args), self.devices - 1, join=False, start_method="spawn"
        )
        assert others is not None
        try:
            result = _as_rank(0, self.devices, port, function, args)
            while not others.join():
                pass
            return result
        finally:
            for process in others.processes:
                process.terminate()


def _other_rank(index: int, *task: Any) -> None:
    _as_rank(index + 1, *task)


def _as_rank(rank: int, num_ranks: int, port: int, function: Callable[..., Result], args: tuple[Any, ...]) -> Result:
    if torch.cuda.is_available():
        torch.cuda.set_device(rank)
    os.environ["LOCAL_RANK"] = str(rank)
    torch.distributed.init_process_group(init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=num_ranks)
    try:
        return function(*args)
    finally:
        torch.distributed.destroy_process_group()
        del os.environ["LOCAL_RANK"]
