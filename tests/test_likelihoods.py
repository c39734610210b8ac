"""Likelihoods against their definitions."""

import pytest
import torch

from framegan.networks.likelihoods import LEVEL, Bernoulli, DiscretizedLogistic, Gaussian

VALUES = (torch.arange(256, dtype=torch.float64) / 127.5 - 1).view(256, 1, 1, 1)


@pytest.mark.parametrize("mean", [-1.0, 0.3, 1.2])
@pytest.mark.parametrize("log_scale", [-9.0, -4.0, 0.0, 3.0])
def test_a_discretized_logistic_adds_up_to_1_over_the_256_values(mean, log_scale):
    said = torch.tensor([mean, log_scale], dtype=torch.float64).view(1, 2, 1, 1).expand(256, -1, -1, -1)
    probabilities = DiscretizedLogistic().log_prob(VALUES, said).exp()
    assert probabilities.sum().item() == pytest.approx(1, abs=1e-9)
    scale = max(log_scale, -7.0)
    above, below = (torch.sigmoid((VALUES.flatten() - mean + step) / torch.tensor(scale).exp())
                    for step in (LEVEL / 2, -LEVEL / 2))  # fmt: skip
    above[-1], below[0] = 1, 0
    torch.testing.assert_close(probabilities, above - below, rtol=0, atol=1e-6)


def test_a_gaussian_is_the_density_of_levels():
    said = torch.randn(3, 4, 5, 5, dtype=torch.float64)
    observed = torch.randn(3, 2, 5, 5, dtype=torch.float64)
    normal = torch.distributions.Normal(said[:, :2], said[:, 2:].exp())
    expected = (normal.log_prob(observed) + torch.tensor(LEVEL).log()).sum((1, 2, 3))
    torch.testing.assert_close(Gaussian().log_prob(observed, said), expected, rtol=1e-6, atol=1e-4)


def test_dequantised_values_fill_their_level():
    uniform = torch.rand(256, 1, 1, 1, dtype=torch.float64)
    spread = Gaussian().observed(VALUES, uniform)
    assert ((spread - VALUES).abs() <= LEVEL / 2).all()
    assert (((spread + 1) / LEVEL).round().flatten() == torch.arange(256)).all()


def test_black_and_white_is_drawn_with_the_values_as_probabilities():
    grey = torch.full((1, 1, 200, 200), 0.2)
    observed = Bernoulli().observed(grey, torch.rand_like(grey))
    assert set(observed.unique().tolist()) == {-1, 1}
    assert (observed > 0).float().mean().item() == pytest.approx(0.6, abs=0.01)
    logits = torch.randn(4, 1, 3, 3)
    white = torch.randint(0, 2, logits.shape).float()
    expected = torch.distributions.Bernoulli(logits=logits).log_prob(white).sum((1, 2, 3))
    torch.testing.assert_close(Bernoulli().log_prob(2 * white - 1, logits), expected)
    torch.testing.assert_close(Bernoulli().mean(logits), 2 * logits.sigmoid() - 1)
