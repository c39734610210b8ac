"""Builds tiny GANs and runs a few steps of them under the real trainer."""

from functools import partial

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from framegan import losses
from framegan.gan import GAN
from framegan.networks import dcgan
from framegan.trainer import GANTrainer

SHAPE = (1, 8, 8)


def real_batches(num_batches: int, batch_size: int = 8, shape: tuple[int, ...] = SHAPE) -> Tensor:
    """Return (num_batches, batch_size, *shape) samples in [-1, 1]."""
    generator = torch.Generator().manual_seed(0)
    return torch.rand(num_batches, batch_size, *shape, generator=generator) * 2 - 1


def tiny_gan(normalization: str = "batch", **options) -> GAN:
    """Return a small DCGAN with the same weights every time."""
    torch.manual_seed(0)
    options = {
        "generator": dcgan.Generator(SHAPE, latent_dim=6, width=8, normalization=normalization),
        "discriminator": dcgan.Discriminator(SHAPE, width=8, normalization=normalization),
        "generator_optimizer": partial(torch.optim.Adam, lr=1e-2, betas=(0.5, 0.999)),
        "discriminator_optimizer": partial(torch.optim.Adam, lr=1e-2, betas=(0.5, 0.999)),
        "loss": losses.NonSaturating(),
        **options,
    }
    return GAN(**options)


def fit(gan: GAN, batches: Tensor, **options) -> GAN:
    """Train on (num_batches, N, *shape) real samples, one batch a step, and return the GAN."""
    data = [(batch, torch.zeros(len(batch), dtype=torch.int64)) for batch in batches]
    loader = DataLoader(data, batch_size=None)
    trainer = GANTrainer(accelerator="cpu", max_batches=len(batches), **options)
    trainer.fit(gan, loader)
    return gan


def flat(module: nn.Module) -> Tensor:
    """Return all parameters as one vector."""
    return torch.cat([parameter.detach().flatten() for parameter in module.parameters()])
