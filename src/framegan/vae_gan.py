"""The training step of VAE/GAN: an autoencoder that a critic teaches, by its verdict and by its features.

The likelihood of a real sample is a normal one, of scale 1, of a layer's features. The encoder descends that and the
divergence from the prior, in nats; the decoder the same reconstruction times a weight, and the generator's loss; the
critic its own loss alone (Larsen et al. 2016, Algorithm 1).
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from framegan import noise
from framegan.gan import GAN
from framegan.rules import require, require_parts
from framegan.sampling import uncompiled

POSTERIOR, KIND = 8, 9
"""Parts of the noise of a key: augmentations and penalties have those before. The kind of a fake sample is which of
both a critic is shown."""


class VAEGAN(GAN):
    """A GAN whose generator is an autoencoder, such as that of `framegan.networks.vae_gan`.

    Beside each real sample the critic is shown one of the prior or the real one's reconstruction, by chance, where
    Algorithm 1 has both.
    """

    def begin(self, freeze: Sequence[str] | None) -> None:
        generator: Any = self.generator
        needed, rule = "encode drawn feature_layer reconstruction_weight", "take framegan.networks.vae_gan.Generator"
        require_parts(generator, needed, "model.generator", rule)
        layers = layers_of(self.discriminator)
        said = f"model.generator.feature_layer got {generator.feature_layer!r}, no layer of the discriminator"
        require(generator.feature_layer in layers, said, f"set one of {', '.join(layers)}")
        rule = "each network's step makes half of its fake samples from encoded real ones; set model.share_fakes=false"
        require(not self.share_fakes, "model.share_fakes=true", rule)
        super().begin(freeze)

    def why_not_replayed(self) -> str:
        return "a step of this model draws the same numbers twice"

    def discriminator_loss(self, real: Tensor, labels: Tensor, latents: Tensor, mixing: Tensor, step: int) -> Tensor:
        with torch.no_grad():
            codes, _ = self.generator.drawn(real, labels, mixing, POSTERIOR)  # type: ignore[operator]
        return super().discriminator_loss(real, labels, of_both(latents, codes, mixing), mixing, step)

    def generator_loss(self, real: Tensor, labels: Tensor, latents: Tensor, mixing: Tensor, step: int) -> Tensor:
        generator: Any = self.generator
        codes, divergence = generator.drawn(real, labels, mixing, POSTERIOR)  # (N, latent_dim) each
        loss = super().generator_loss(real, labels, of_both(latents, codes.detach(), mixing), mixing, step)
        weight = generator.reconstruction_weight
        faded = codes.detach() + (codes - codes.detach()) / weight  # the encoder descends the reconstruction as it is
        made = generator(faded, labels)
        difference = self._features(real, labels, mixing) - self._features(made, labels, mixing)
        reconstruction = difference.to(real.dtype).square().sum(1) / 2  # (N,)
        self.measured.mean("generator/reconstruction", reconstruction)
        self.measured.mean("generator/divergence", divergence.sum(1))
        return loss + weight * reconstruction + divergence.sum(1)

    def _features(self, samples: Tensor, labels: Tensor, keys: Tensor) -> Tensor:
        """Return a layer's output of (N, *shape) samples, (N, D); of the same keys a critic draws the same."""
        found: list[Tensor] = []
        layer = self.discriminator.get_submodule(str(self.generator.feature_layer))
        handle = layer.register_forward_hook(lambda _, __, output: found.append(output.clone()))
        noise.seed_modules(self.seed, self.trainer.global_rank, int(self.samples_seen))
        try:
            with uncompiled():
                self.discriminator(samples, labels, **self._drawing(keys, "generator"))
        finally:
            handle.remove()
        return found[0].reshape(len(samples), -1)  # a critic of frames has several of each


def layers_of(network: nn.Module) -> list[str]:
    """Return the names of the layers that turn features into features, those that hold no further ones."""
    leaves = []
    for name, module in network.named_modules():
        inside = {child for child, _ in module.named_children()} - {"parametrizations"}
        if name and not inside and "parametrizations" not in name and not isinstance(module, nn.Embedding):
            leaves.append(name)
    return leaves


def of_both(latents: Tensor, codes: Tensor, keys: Tensor) -> Tensor:
    """Return (N, D) rows, each of the latents or of the codes with the same chance, by (N,) keys in [0, 1)."""
    return torch.where(noise.uniform_of_keys(keys, 1, KIND) < 0.5, latents, codes)
