"""Distributed data parallel for networks that take turns.

Lightning wraps the whole module in one DistributedDataParallel, which an alternating step breaks: each backward leaves
the other network's parameters unused. Here generator and discriminator are wrapped apart, so that each step averages
the gradients of its own network only. Forwards to train go through the wrappers (`GAN._trained`), and the other
network is frozen or in no_grad meanwhile. A module that Lightning optimises, all at once, is wrapped as it would.
"""

from typing import Any

import torch
import torch.distributed
from lightning.pytorch.strategies import DDPStrategy
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from framegan.network_state import moving_buffers

HOW: dict[str, Any] = {"broadcast_buffers": False, "gradient_as_bucket_view": True}
"""Networks are wrapped: each rank keeps its own buffers, which `average_buffers` brings together."""


class GANStrategy(DDPStrategy):
    """DDP with a wrapper for each network of a `framegan.model.Model` with manual optimisation, else with one for all.

    Batch normalisation runs on each rank's own batch, as usual; its running statistics are averaged over the ranks
    whenever the state dict is collected, and by `average_buffers` before sampling.

    Args:
        as_one: one wrapper for all networks nevertheless, whose unused parameters are looked for in each backward.
    """

    def __init__(self, *, as_one: bool = False, **options: Any):
        super().__init__(**options, **HOW, find_unused_parameters=as_one)
        self.as_one = as_one

    @property
    def model_of_run(self) -> Any:
        """The module that trains; `Model` can't be named here, it knows the strategy through its trainer."""
        return self.lightning_module

    def configure_ddp(self) -> None:
        module = self.model_of_run
        if module.automatic_optimization or self.as_one:
            super().configure_ddp()
            return
        names = module.networks
        strangers = [
            name for name, p in module.named_parameters() if p.requires_grad and name.partition(".")[0] not in names
        ]
        if strangers:
            raise ValueError(
                f"parameters outside {' and '.join(names)} would train apart on each rank: {strangers}; "
                "put them in one of these, or use trainer.strategy=ddp_find_unused_parameters_true"
            )
        devices = self.determine_ddp_device_ids()
        for name, network in module.of_name().items():
            module.wrappers[name] = DistributedDataParallel(network, device_ids=devices, **HOW)

    def lightning_module_state_dict(self) -> dict[str, Any]:
        average_buffers(self.model_of_run)
        return super().lightning_module_state_dict()

    def teardown(self) -> None:
        if self.lightning_module is not None:
            self.model_of_run.wrappers.clear()
        super().teardown()


@torch.no_grad()
def average_buffers(module: nn.Module) -> None:
    """Replace every floating-point buffer that moves by its mean over the ranks, all of which must call it."""
    if not torch.distributed.is_initialized():
        return
    for buffer in moving_buffers(module):
        torch.distributed.all_reduce(buffer)
        buffer.div_(torch.distributed.get_world_size())
