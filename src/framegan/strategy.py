"""Distributed data parallel for two networks.

Lightning wraps the whole module in one DistributedDataParallel, which an alternating step breaks: each backward leaves
the other network's parameters unused. Here generator and discriminator are wrapped apart, so that each step averages
the gradients of its own network only. Forwards to train go through the wrappers (`GAN._trained`), and the other
network is frozen or in no_grad meanwhile.
"""

import os
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import torch
import torch.distributed
from lightning.pytorch.strategies import DDPStrategy
from lightning.pytorch.strategies.launchers.subprocess_script import _SubprocessScriptLauncher
from torch import nn
from torch.nn.parallel import DistributedDataParallel

Result = TypeVar("Result")

NETWORKS = ("generator", "discriminator")


class GANStrategy(DDPStrategy):
    """DDP with one wrapper for the generator and one for the discriminator.

    Batch normalisation runs on each rank's own batch, as usual; its running statistics are averaged over the ranks
    whenever the state dict is collected, and by `average_buffers` before sampling.

    Args:
        child_command: starts one further rank on this machine. None = this process's own command line.
        kwargs: passed on to DDPStrategy, e.g. process_group_backend.
    """

    def __init__(self, child_command: Sequence[str] | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.child_command = child_command

    @property
    def gan(self) -> Any:
        """The module that trains; `GAN` can't be named here, it knows the strategy through its trainer."""
        return self.lightning_module

    def configure_ddp(self) -> None:
        module = self.gan
        strangers = [
            name for name, p in module.named_parameters() if p.requires_grad and name.partition(".")[0] not in NETWORKS
        ]
        if strangers:
            raise ValueError(
                f"parameters outside generator and discriminator would train apart on each rank: {strangers}; "
                "put them in one of the two, or use trainer.strategy=ddp_find_unused_parameters_true"
            )
        for name in NETWORKS:
            module.wrappers[name] = DistributedDataParallel(
                getattr(module, name),
                device_ids=self.determine_ddp_device_ids(),
                broadcast_buffers=False,
                gradient_as_bucket_view=True,
            )

    def lightning_module_state_dict(self) -> dict[str, Any]:
        average_buffers(self.gan)
        return super().lightning_module_state_dict()

    def teardown(self) -> None:
        if self.lightning_module is not None:
            self.gan.wrappers.clear()
        super().teardown()

    def _configure_launcher(self) -> None:
        assert self.cluster_environment is not None
        self._launcher = _Launcher(self.child_command, self.cluster_environment, self.num_processes, self.num_nodes)


class _Launcher(_SubprocessScriptLauncher):
    """Starts the other ranks with a given command: under a sweep, their own command line would replay the sweep."""

    def __init__(self, child_command: Sequence[str] | None, *args: Any):
        super().__init__(*args)
        self.child_command = child_command

    def _call_children_scripts(self) -> None:
        if self.child_command is None:
            super()._call_children_scripts()
            return
        self._check_can_spawn_children()
        cluster = self.cluster_environment
        os.environ.update(
            MASTER_ADDR=cluster.main_address,
            MASTER_PORT=str(cluster.main_port),
            NODE_RANK=str(cluster.node_rank()),
            LOCAL_RANK=str(cluster.local_rank()),
            WORLD_SIZE=str(self.num_processes * self.num_nodes),
        )
        self.procs = [
            subprocess.Popen(self.child_command, env={**os.environ, "LOCAL_RANK": str(rank)})
            for rank in range(1, self.num_processes)
        ]


def is_child() -> bool:
    """Say whether this process was started as a further rank of a run."""
    return int(os.environ.get("LOCAL_RANK", "0")) > 0


@torch.no_grad()
def average_buffers(module: nn.Module) -> None:
    """Replace every floating-point buffer by its mean over the ranks; all ranks must call it. One process: nothing."""
    if not torch.distributed.is_initialized():
        return
    for buffer in module.buffers():
        if buffer.is_floating_point():
            torch.distributed.all_reduce(buffer)
            buffer.div_(torch.distributed.get_world_size())


RANK_VARIABLES = ("LOCAL_RANK", "NODE_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


def run_and_forget_ranks(run: Callable[[], Result]) -> Result:
    """Call `run`, then leave the process group it set up, so that the next job of a sweep starts as a fresh process."""
    before = {name: os.environ.get(name) for name in RANK_VARIABLES}
    try:
        return run()
    finally:
        if torch.distributed.is_initialized():
            with suppress(RuntimeError):
                torch.distributed.destroy_process_group()
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
