"""The adversarial step as one would write it by hand in plain PyTorch, in fp32, without a framework."""

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class PlainLoop:
    """Two networks, two Adams as they are, the non-saturating loss of each head, and an average of the generator."""

    def __init__(self, generator: nn.Module, discriminator: nn.Module, lr: float = 2e-4, ema_half_life: float = 10_000):
        self.generator, self.discriminator = generator, discriminator
        self.generator_ema = copy.deepcopy(generator).eval().requires_grad_(False)
        self.ema_half_life = ema_half_life
        self.generator_optimizer = torch.optim.Adam(generator.parameters(), lr=lr, betas=(0.5, 0.999))
        self.discriminator_optimizer = torch.optim.Adam(discriminator.parameters(), lr=lr, betas=(0.5, 0.999))
        self.samples_seen = 0

    def to(self, device: torch.device) -> None:
        """Move all networks to a device, before the first step."""
        for network in (self.generator, self.discriminator, self.generator_ema):
            network.to(device)

    def step(self, real: Tensor, latents: Tensor, generator_latents: Tensor | None = None) -> None:
        """Train both networks on one batch of real samples and the latents of as many fake ones for each.

        Args:
            generator_latents: None = the generator learns by the fake samples that the discriminator has seen.
        """
        with torch.set_grad_enabled(generator_latents is None):
            fake = self.generator(latents)
        real_logits, fake_logits = self.discriminator(real), self.discriminator(fake.detach())
        loss = sum(F.softplus(-real_logits[k]).mean() + F.softplus(fake_logits[k]).mean() for k in real_logits)
        self.discriminator_optimizer.zero_grad()
        loss.backward()
        self.discriminator_optimizer.step()

        self.discriminator.requires_grad_(False)
        fake = fake if generator_latents is None else self.generator(generator_latents)
        loss = sum(F.softplus(-logits).mean() for logits in self.discriminator(fake).values())
        self.generator_optimizer.zero_grad()
        loss.backward()
        self.generator_optimizer.step()
        self.discriminator.requires_grad_(True)

        half_life = min(self.ema_half_life, 0.05 * self.samples_seen)
        weight = 1 - 0.5 ** (len(real) / half_life) if half_life else 1.0
        with torch.no_grad():
            torch._foreach_lerp_(list(self.generator_ema.parameters()), list(self.generator.parameters()), weight)
            for average, buffer in zip(self.generator_ema.buffers(), self.generator.buffers(), strict=True):
                average.lerp_(buffer, weight) if buffer.is_floating_point() else average.copy_(buffer)
        self.samples_seen += len(real)
