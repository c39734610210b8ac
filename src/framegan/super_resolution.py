"""Training that makes enlarged samples like the large ones they were reduced from, pixel by pixel, without a critic.

Where the distance is a norm that is maximum likelihood too, of what the small samples leave open (Dong et al. 2014).
"""

from typing import Any

from torch import Tensor

from framegan import contracts
from framegan.maximum_likelihood import MaximumLikelihood
from framegan.reconstruction import distance
from framegan.rules import require_parts


class SuperResolution(MaximumLikelihood):
    """A generator that enlarges, such as that of `framegan.networks.espcn`, and its distance to the real samples."""

    def check_generator(self, generator: Any) -> None:
        contracts.check_generator(generator)
        require_parts(generator, "enlarged scale norm", "model.generator", "take framegan.networks.espcn.Generator")

    def losses(self, real: Tensor, labels: Tensor, keys: Tensor) -> dict[str, Tensor]:
        norm: Any = self.generator.norm
        made = self.generator(keys.unsqueeze(1), labels, given=real)
        return {"loss": distance(made, real, norm)}
