"""How far samples are from the real ones that they were made of: continued clips, and enlarged samples."""

from typing import Literal

import torch
from pydantic import NonNegativeFloat, PositiveInt
from torch import Tensor, nn

from framegan import noise

OTHERS = 8
"""The first part of the numbers of a key that further latents are made of; augmentations and penalties have those
before."""


Norm = Literal["l1", "mse", "charbonnier"]
SMOOTH = 1e-3
"""Below which Charbonnier's loss is like a square (Lai et al. 2017); half a level of 8 bits is 4e-3."""


class Reconstruction:
    """The distance of what wasn't given from the true frames or images: what holds a prediction to its clip.

    With `best_of` above 1 a generator isn't asked that every latent give the one clip that there was, only that one of
    some does (Bhattacharyya et al. 2018; Gupta et al. 2018): otherwise it would come to ignore them. The others are
    made without gradients: the sample that the critic judges pays, `best_of` times, where it is the best of them all,
    which on average is the gradient of the best one. Of several that are as good each pays its part.

    Args:
        weight: of the distance in the generator's loss.
        norm: see `distance`.
        best_of: samples of each clip.
    """

    def __init__(self, weight: NonNegativeFloat = 10.0, norm: Norm = "l1", best_of: PositiveInt = 1):
        self.weight, self.norm, self.best_of = weight, norm, best_of

    def __call__(
        self, generator: nn.Module, fake: Tensor, real: Tensor, labels: Tensor, latents: Tensor, keys: Tensor
    ) -> Tensor:
        """Return the unweighted distance of each sample, (N,).

        Args:
            fake: (N, *shape), made from the first frames of the real ones, or from these reduced, and the latents.
            keys: (N,) in [0, 1), of which the other latents are a function, but for those that only training uses.
        """
        given = int(getattr(generator, "given_frames", 0))
        found = self._distance(fake, real, given)
        is_best, equals = torch.ones_like(found), torch.ones_like(found)
        for place in range(OTHERS, OTHERS + self.best_of - 1):
            with torch.no_grad():
                uniform = noise.uniform_of_keys(keys, latents.shape[1], place)
                drawn = noise.normal_of_uniform(uniform).to(latents)
                other = generator(torch.where(_is_kept(generator), latents, drawn), labels, given=real)
                distance_of_other = self._distance(other, real, given)
                is_best *= found <= distance_of_other
                equals += found == distance_of_other
        return self.best_of * found * is_best / equals

    def _distance(self, fake: Tensor, real: Tensor, given: int) -> Tensor:
        return distance(fake[:, :, given:], real[:, :, given:], self.norm)


def distance(fake: Tensor, real: Tensor, norm: Norm) -> Tensor:
    """Return how far each of (N, ...) samples is from the real one, (N,).

    Args:
        norm: l1: mean absolute difference, which blurs less; mse: mean squared one, which is what PSNR measures;
            charbonnier: l1, but smooth where it is 0 (Charbonnier et al. 1994).
    """
    difference = (fake - real).flatten(1)
    if norm == "charbonnier":
        return (difference.square() + SMOOTH**2).sqrt().mean(1)
    return (difference.abs() if norm == "l1" else difference.square()).mean(1)


def _is_kept(generator: nn.Module) -> Tensor:
    """Return which latents only training uses, (latent_dim,): those of parts whose names begin with _."""
    parts: dict[str, int] = generator.latent_parts(generator.shape[1])  # type: ignore[operator,index]
    device = next(generator.parameters()).device
    return torch.cat([torch.full((size,), name.startswith("_"), device=device) for name, size in parts.items()])
