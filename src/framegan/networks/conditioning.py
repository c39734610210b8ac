"""How networks are given the class of a sample: as further inputs, by normalisation, by projection, or to predict.

Networks take `num_classes` from the data and `conditional` from the model; both together say whether classes are used.
"""

from collections.abc import Sequence
from typing import Literal, TypeVar

import torch
from torch import Tensor, nn

Conditional = bool | Literal["auto"]
"""Whether a network is given the class; "auto": if the data have several."""
Conditioning = Literal["concatenation", "projection", "auxiliary", "auxiliary_projection"]
"""What a critic does with the class: takes it as further channels of its input (Mirza & Osindero 2014), adds the logit
of the class asked for (Miyato & Koyama 2018, Equation 3), predicts it (Odena et al. 2017), or both with one logit."""


Layer = TypeVar("Layer", bound=nn.Module)


def of_classes(layer: Layer, first: int = 0) -> Layer:
    """Return a layer, marked: from row `first` on, its rows are the classes', in the order of their numbers.

    Another run that starts from its weights then finds the rows of the classes that both know.
    """
    layer.first_class_row = first  # type: ignore[assignment]
    return layer


def classes_used(num_classes: int, conditional: Conditional) -> int:
    """Return how many classes a network tells apart; 0 = it is unconditional."""
    return num_classes if conditional and num_classes > 1 else 0


class ClassInput(nn.Module):
    """An embedding of the class, put behind the features as further channels.

    Args:
        num_classes: 0 = the features are returned as they are.
        dim: channels of the embedding.
    """

    def __init__(self, num_classes: int, dim: int):
        super().__init__()
        self.channels = dim if num_classes else 0
        if num_classes:
            self.embedding = of_classes(nn.Embedding(num_classes, dim))

    def forward(self, features: Tensor, labels: Tensor | None) -> Tensor:
        """Return (N, C + channels, ...) of (N, C, ...) features and (N,) labels."""
        if not self.channels:
            return features
        assert labels is not None, "a conditional network takes labels"
        given = self.embedding(labels).to(features)  # (N, dim)
        given = given.view(*given.shape, *[1] * (features.ndim - 2)).expand(-1, -1, *features.shape[2:])
        return torch.cat([features, given], dim=1)


class ClassGenerator(nn.Module):
    """A generator that takes the class beside its latents: it passes them through `given`, to `num_inputs` values.

    Args:
        shape: of a sample.
        num_classes: classes of the data.
        conditional: see `Conditional`.
        class_dim: size of its embedding.
    """

    def __init__(
        self, shape: Sequence[int], latent_dim: int, num_classes: int, conditional: Conditional, class_dim: int
    ):
        super().__init__()
        self.shape = tuple(shape)
        self.latent_dim = latent_dim
        self.num_classes = classes_used(num_classes, conditional)
        self.given = ClassInput(self.num_classes, class_dim)
        self.num_inputs = latent_dim + self.given.channels


class ClassNormalization(nn.Module):
    """Batch normalisation whose gain and offset are those of the class (Dumoulin et al. 2017; de Vries et al. 2017)."""

    def __init__(self, channels: int, num_classes: int):
        super().__init__()
        self.normalization = nn.BatchNorm2d(channels, affine=num_classes == 0)
        self.num_classes = num_classes
        if num_classes:
            self.gain, self.offset = (of_classes(nn.Embedding(num_classes, channels)) for _ in range(2))
            nn.init.ones_(self.gain.weight)
            nn.init.zeros_(self.offset.weight)

    def forward(self, features: Tensor, labels: Tensor | None) -> Tensor:
        """Return (N, C, H, W) features, normalised and scaled by (N,) labels."""
        normalized = self.normalization(features)
        if not self.num_classes:
            return normalized
        assert labels is not None, "a conditional network takes labels"
        gain, offset = (table(labels)[:, :, None, None] for table in (self.gain, self.offset))  # (N, C, 1, 1)
        return gain * normalized + offset


class ClassCritic(nn.Module):
    """A discriminator that judges a sample as one of its class; the base of every critic.

    A critic passes its input through `given`, gives its last layer `num_outputs` channels, of which those behind the
    first are the classes' (`of_classes`), and returns `logits`.

    Args:
        num_classes: classes of the data.
        conditional: see `Conditional`.
        conditioning: see `Conditioning`.
        class_dim: channels of the embedding, of a concatenation.
    """

    def __init__(self, num_classes: int, conditional: Conditional, conditioning: Conditioning, class_dim: int):
        super().__init__()
        self.num_classes = classes_used(num_classes, conditional)
        self.conditioning = conditioning if self.num_classes else None
        self.given = ClassInput(self.num_classes if self.conditioning == "concatenation" else 0, class_dim)
        self.predicts = self.conditioning in ("auxiliary", "auxiliary_projection")
        self.projects = self.conditioning in ("projection", "auxiliary_projection")
        self.num_outputs = 1 + (self.num_classes if self.predicts or self.projects else 0)

    def logits(self, outputs: Tensor, labels: Tensor | None) -> dict[str, Tensor]:
        """Return {"sample": (N, K) logits} and, where it predicts the class, {"class": (N, num_classes)}.

        Args:
            outputs: (N, num_outputs, K); the first logit is that of the sample, the others are the classes'.
        """
        sample, of_class = outputs[:, 0], outputs[:, 1:]  # (N, K), (N, num_classes, K)
        predicted = {"class": of_class.mean(2)} if self.predicts else {}
        if self.projects:
            assert labels is not None, "a conditional network takes labels"
            sample = sample + of_class[torch.arange(len(labels), device=labels.device), labels]
        return {"sample": sample, **predicted}
