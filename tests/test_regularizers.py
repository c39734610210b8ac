"""Penalties against closed forms on critics whose gradient is known."""

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from framegan import regularizers
from framegan.networks.style_layers import EqualizedLinear

weights = torch.tensor([[3.0, 4.0]])
samples = torch.randn(7, 2, requires_grad=True)


def linear(x):
    return x @ weights.T


@pytest.mark.parametrize("penalty", [regularizers.R1(gamma=10), regularizers.R2(gamma=10)])
def test_a_linear_critic_gives_the_squared_norm_of_its_weights(penalty):
    torch.testing.assert_close(penalty.penalty(samples, linear(samples)), torch.full((7,), 25.0))
    assert penalty.weight == 5  # gamma / 2


def test_wgan_gp_of_a_linear_critic_is_its_distance_from_slope_one():
    penalty = regularizers.WGANGP(weight=10).penalty(samples, linear(samples))
    torch.testing.assert_close(penalty, torch.full((7,), (5.0 - 1) ** 2))


def test_r1_of_a_quadratic_critic_is_four_times_the_squared_sample():
    logits = samples.square().sum(1, keepdim=True)
    torch.testing.assert_close(
        regularizers.R1(gamma=1).penalty(samples, logits), 4 * samples.detach().square().sum(1), check_stride=False
    )


def test_r1_has_a_gradient_for_the_critics_weights():
    critic = nn.Linear(2, 1)
    penalty = regularizers.R1(gamma=1).penalty(samples, critic(samples)).mean()
    (gradient,) = torch.autograd.grad(penalty, critic.weight)
    torch.testing.assert_close(gradient, 2 * critic.weight.detach())


def test_wgan_gp_is_finite_where_the_critic_is_flat():
    flat = nn.Linear(2, 1)
    nn.init.zeros_(flat.weight)
    penalty = regularizers.WGANGP(weight=1).penalty(samples, flat(samples)).mean()
    penalty.backward()
    assert penalty.item() == pytest.approx(1)
    assert torch.isfinite(flat.weight.grad).all()


def test_clips_are_penalised_like_images():
    clips = torch.randn(2, 3, 4, 5, 5, requires_grad=True)
    penalty = regularizers.R1(gamma=1).penalty(clips, 2 * clips.flatten(1).sum(1, keepdim=True))
    torch.testing.assert_close(penalty, torch.full((2,), 4.0 * 3 * 4 * 25))


def test_weight_clipping_puts_every_weight_into_its_box():
    critic = nn.Linear(50, 50)
    inside = critic.weight.detach().abs() < 0.01
    before = critic.weight.detach().clone()
    regularizers.WeightClipping(limit=0.01).constrain(critic)
    assert critic.weight.abs().max() <= 0.01
    assert torch.equal(critic.weight.detach()[inside], before[inside])


@pytest.mark.parametrize("constraint", [regularizers.WeightClipping(), regularizers.SingularValueClipping()])
def test_a_constraint_that_can_not_hold_a_critic_is_refused(constraint):
    constraint.check(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 1)))
    with pytest.raises(ValueError, match="the discriminator's 0 "):
        constraint.check(nn.Sequential(spectral_norm(nn.Conv2d(3, 4, 3))))


def test_singular_values_of_other_layers_are_not_cut_unsaid():
    with pytest.raises(ValueError, match="the discriminator's 1 is EqualizedLinear; leave it out, or choose another"):
        regularizers.SingularValueClipping().check(nn.Sequential(nn.Linear(3, 4), EqualizedLinear(4, 1)))


def test_lazy_penalties_come_every_so_many_steps():
    penalty = regularizers.R1(gamma=1, every=4)
    assert [step for step in range(10) if penalty.due(step)] == [0, 4, 8]


def test_singular_values_are_cut_to_one():
    torch.manual_seed(0)
    critic = nn.Sequential(nn.Conv3d(2, 6, 3), nn.BatchNorm3d(6), nn.Linear(4, 5))
    critic[0].weight.data.mul_(5)
    small = critic[2].weight.data.div_(10).clone()
    critic[1].running_var.copy_(torch.tensor([4.0, 4, 4, 0.25, 0.25, 0.25]))
    critic[1].weight.data.copy_(torch.tensor([1.0, 3, -1, 1, 0.001, 0.3]))
    regularizers.SingularValueClipping().constrain(critic)
    values = torch.linalg.svdvals(critic[0].weight.flatten(1))
    assert values.max().item() == pytest.approx(1, abs=1e-5)
    torch.testing.assert_close(critic[2].weight.data, small)
    torch.testing.assert_close(critic[1].weight.data, torch.tensor([1, 2, 0.02, 0.5, 0.005, 0.3]), rtol=0, atol=1e-4)
