"""What `framegan new` writes: of each kind of part a class, the YAML that names it, and a test."""

FOLDERS = {"model": "model", "loss": "model/loss", "data": "data", "metric": "metrics"}
"""Of each kind the folder in conf/ for its YAML."""

CODE = {
    "model": '''"""A generator."""

import math
from collections.abc import Sequence

from pydantic import PositiveInt
from torch import Tensor, nn


class CLASS(nn.Module):
    """Two layers from latents to pixels.

    Args:
        shape: of a sample, (C, H, W).
        latent_dim: numbers that a sample is made of.
        width: of the layer between them.
    """

    def __init__(self, shape: Sequence[int], latent_dim: PositiveInt = 32, width: PositiveInt = 128):
        super().__init__()
        self.shape = tuple(shape)
        self.latent_dim = latent_dim
        self.layers = nn.Sequential(
            nn.Linear(latent_dim, width), nn.ReLU(), nn.Linear(width, math.prod(shape)), nn.Tanh()
        )

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return samples (N, *shape) in [-1, 1] of latents (N, latent_dim)."""
        return self.layers(latents).view(-1, *self.shape)
''',
    "loss": '''"""A loss."""

import torch.nn.functional as F
from pydantic import PositiveFloat
from torch import Tensor


class CLASS:
    """The hinge loss: of logits (N, K), higher for more real, one loss a sample, (N,), to descend.

    Args:
        margin: that the discriminator is to keep between real and fake samples.
    """

    generator_sees_real = False

    def __init__(self, margin: PositiveFloat = 1.0):
        self.margin = margin

    def discriminator(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        return F.relu(self.margin - real_logits).mean(1) + F.relu(self.margin + fake_logits).mean(1)

    def generator(self, real_logits: Tensor | None, fake_logits: Tensor) -> Tensor:
        return -fake_logits.mean(1)
''',
    "data": '''"""A data set."""

import torch
from pydantic import PositiveInt
from torch import Tensor


class CLASS:
    """Bright squares on black, small ones and large ones.

    Args:
        resolution: height and width.
        num_samples: how many there are.
    """

    num_classes = 2
    classes = ("small", "large")
    split = "all"

    def __init__(self, resolution: PositiveInt = 32, num_samples: PositiveInt = 512):
        self.shape = (1, resolution, resolution)
        self.num_samples = num_samples

    def __len__(self) -> int:
        return self.num_samples

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        """Return a sample, uint8 of this shape, and its class."""
        label = index % self.num_classes
        side = self.shape[-1] // (4 - 2 * label)
        place = index % (self.shape[-1] - side + 1)
        image = torch.zeros(self.shape, dtype=torch.uint8)
        image[:, place : place + side, place : place + side] = 255
        return image, label
''',
    "metric": '''"""A score."""

from typing import Any

from framegan.metrics.estimate import Estimate
from torch import Tensor


class CLASS:
    """How much the features of fake samples vary, beside those of real ones: 1 where they vary as much."""

    def __call__(self, real: Any, fake: Tensor, embedding: Any) -> dict[str, Estimate]:
        """Return values by name, of the features (N, D) of either side: real.bank and fake."""
        ratio = float(fake.std(0).mean() / real.bank.std(0).mean())
        return {"NAME": Estimate(ratio, None, better="higher", why_no_interval="none is computed")}
''',
}

YAML = {
    "model": """# framegan train model=NAME data=digits
defaults:
  - /gan@_here_
  - loss: non_saturating
  - regularizers: []
  - /optimizer@generator_optimizer: adam
  - /optimizer@discriminator_optimizer: adam
  - /schedule@generator_schedule: constant
  - /schedule@discriminator_schedule: constant
  - _self_

generator:
  _target_: PACKAGE.NAME.CLASS
  shape: ${data.shape}
  latent_dim: 32
  width: 128

discriminator:
  _target_: framegan.networks.dcgan.Discriminator
  shape: ${data.shape}
  width: 16
""",
    "loss": """# framegan train model=dcgan data=digits model/loss=NAME
_target_: PACKAGE.NAME.CLASS
margin: 1
""",
    "data": """# framegan train model=dcgan data=NAME
defaults:
  - /datamodule@_here_
  - _self_

resolution: 32
shape: [1, "${data.resolution}", "${data.resolution}"]
num_classes: 2

datamodule:
  source:
    _target_: PACKAGE.NAME.CLASS
    resolution: ${data.resolution}
""",
    "metric": """# framegan train model=dcgan data=digits metrics=NAME
NAME:
  _target_: framegan.metrics.comparison.Comparison
  embedding:
    _target_: framegan.metrics.random_conv.RandomConv
  num_real: 1_000
  num_fake: 1_000
  scores:
    NAME:
      _target_: PACKAGE.NAME.CLASS
""",
}

TESTS = {
    "model": """import torch

from PACKAGE.NAME import CLASS


def test_samples_have_the_shape_and_range_of_the_data():
    generator = CLASS(shape=(1, 32, 32))
    samples = generator(torch.randn(4, generator.latent_dim))
    assert samples.shape == (4, 1, 32, 32)
    assert samples.abs().max() <= 1
""",
    "loss": """import torch

from PACKAGE.NAME import CLASS


def test_each_side_gains_where_it_is_right():
    loss, low, high = CLASS(), torch.full((4, 1), -1.0), torch.full((4, 1), 1.0)
    right, wrong = loss.discriminator(high, low), loss.discriminator(low, high)
    assert right.shape == (4,)
    assert (right < wrong).all()
    assert (loss.generator(None, high) < loss.generator(None, low)).all()
""",
    "data": """import torch

from PACKAGE.NAME import CLASS


def test_each_sample_has_its_shape_and_class():
    source = CLASS()
    for index in range(len(source)):
        sample, label = source[index]
        assert sample.shape == source.shape
        assert sample.dtype == torch.uint8
        assert 0 <= label < source.num_classes
""",
    "metric": """from types import SimpleNamespace

import pytest
import torch

from PACKAGE.NAME import CLASS


def test_samples_that_vary_half_as_much_score_a_half():
    features = torch.randn(100, 8)
    score = CLASS()(SimpleNamespace(bank=features), features / 2, None)
    assert score["NAME"].value == pytest.approx(0.5)
""",
}
