"""Builds tiny GANs and runs a few steps of them under the real trainer."""

import copy
from functools import partial

import torch
from lightning.pytorch import Callback
from torch import Tensor, nn
from torch.utils.data import DataLoader

from framegan import losses
from framegan.gan import GAN
from framegan.networks import critics, dcgan, mocogan
from framegan.trainer import GANTrainer

SHAPE = (1, 8, 8)
CLIP = (1, 4, 8, 8)


class Record(Callback):
    """Keeps what each step measured, and a copy of chosen state after it."""

    def __init__(self, state=lambda gan: None):
        self.state = state
        self.measured = []
        self.states = []

    def on_train_batch_end(self, trainer, gan, outputs, batch, batch_idx):
        self.measured.append(outputs)
        self.states.append(copy.deepcopy(self.state(gan)))


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
        "generator_optimizer": partial(torch.optim.Adam, lr=1e-2, betas=(0.5, 0.999), fused=True),
        "discriminator_optimizer": partial(torch.optim.Adam, lr=1e-2, betas=(0.5, 0.999), fused=True),
        "loss": losses.NonSaturating(),
        **options,
    }
    return GAN(**options)


def tiny_clip_gan(**options) -> GAN:
    """Return a small MoCoGAN of two categories, with critics of all frames and of the clip, the same every time."""
    torch.manual_seed(0)
    heads = {
        "frame": critics.FrameCritic(CLIP, num_frames=None, width=4, normalization="none"),
        "clip": critics.ClipCritic(CLIP, 2, conditioning="auxiliary", width=4, normalization="none"),
    }
    networks = {
        "generator": mocogan.Generator(CLIP, num_classes=2, content_dim=4, motion_dim=3, width=4),
        "discriminator": critics.Heads(heads),
    }
    return tiny_gan(**{**networks, **options})


def fit(gan: GAN, batches: Tensor, **options) -> GAN:
    """Train on (num_batches, N, *shape) real samples of two classes, one batch a step, and return the GAN."""
    data = [(batch, torch.arange(len(batch)) % 2) for batch in batches]
    loader = DataLoader(data, batch_size=None)
    trainer = GANTrainer(accelerator="cpu", max_batches=len(batches), **options)
    trainer.fit(gan, loader)
    return gan


def flat(module: nn.Module) -> Tensor:
    """Return all parameters as one vector."""
    return torch.cat([parameter.detach().flatten() for parameter in module.parameters()])
