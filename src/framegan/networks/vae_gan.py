"""The autoencoder of VAE/GAN (Larsen et al. 2016): a critic's features say how alike samples are, no likelihood does.

`framegan.vae_gan` is how it is trained.
"""

from collections.abc import Sequence

from pydantic import NonNegativeInt, PositiveFloat, PositiveInt
from torch import Tensor

from framegan.networks.conditioning import Conditional
from framegan.networks.vae import Autoencoder


class Generator(Autoencoder):
    """An autoencoder that makes samples as a GAN's generator does.

    Args:
        shape: this and what isn't named here as in `framegan.networks.vae.Autoencoder`.
        feature_layer: the layer of the critic whose output is compared.
        reconstruction_weight: of that for the decoder, beside the generator's loss: gamma in the paper.
    """

    def __init__(
        self,
        shape: Sequence[PositiveInt],
        latent_dim: PositiveInt = 128,
        width: PositiveInt = 32,
        blocks: NonNegativeInt = 1,
        feature_layer: str = "layers.5",
        reconstruction_weight: PositiveFloat = 1e-3,
        num_classes: NonNegativeInt = 0,
        conditional: Conditional = False,
        class_dim: PositiveInt = 32,
    ):
        super().__init__(shape, latent_dim, width, blocks, 1, num_classes, conditional, class_dim)
        self.feature_layer, self.reconstruction_weight = feature_layer, reconstruction_weight

    def mean(self, said: Tensor) -> Tensor:
        return said.tanh()
