"""Distributed data parallel for two networks.

Lightning wraps the whole module in one DistributedDataParallel, which an alternating step breaks: each backward leaves
the other network's parameters unused. Here generator and discriminator are wrapped apart, so that each step averages
the gradients of its own network only. Forwards to train go through the wrappers (`GAN._trained`), and the other
network is frozen or in no_grad meanwhile.
"""

from typing import Any, Literal

import torch
import torch.distributed
from lightning.pytorch.strategies import DDPStrategy
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from framegan.network_state import moving_buffers

Network = Literal["generator", "discriminator"]
NETWORKS: tuple[Network, Network] = ("generator", "discriminator")


class GANStrategy(DDPStrategy):
    """DDP with one wrapper for the generator and one for the discriminator.

    Batch normalisation runs on each rank's own batch, as usual; its running statistics are averaged over the ranks
    whenever the state dict is collected, and by `average_buffers` before sampling.
    """

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


@torch.no_grad()
def average_buffers(module: nn.Module) -> None:
    """Replace every floating-point buffer that moves by its mean over the ranks, all of which must call it."""
    if not torch.distributed.is_initialized():
        return
    for buffer in moving_buffers(module):
        torch.distributed.all_reduce(buffer)
        buffer.div_(torch.distributed.get_world_size())
