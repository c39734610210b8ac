"""Losses against their closed forms: value at the optimum, sign of the gradient, mean over a patch map."""

import math

import pytest
import torch

from framegan import losses

zero = torch.zeros(3, 1)
real, fake = torch.tensor([[2.0]]), torch.tensor([[-1.0]])


def softplus(x: float) -> float:
    return math.log1p(math.exp(x))


VALUES = {
    losses.NonSaturating(): (softplus(-2) + softplus(-1), softplus(1)),
    losses.Minimax(): (softplus(-2) + softplus(-1), -softplus(-1)),
    losses.LeastSquares(): (((2 - 1) ** 2 + 1) / 2, (-1 - 1) ** 2 / 2),
    losses.Hinge(): (0.0, 1.0),
    losses.Wasserstein(): (-1 - 2.0, 1.0),
    losses.Relativistic(): (softplus(-1 - 2), softplus(2 + 1)),
}
"""Of the discriminator and of the generator, at the logits `real` and `fake`."""
each = pytest.mark.parametrize("loss", VALUES, ids=lambda loss: type(loss).__name__)


@each
def test_values(loss):
    values = loss.discriminator(real, fake).item(), loss.generator(real, fake).item()
    assert values == pytest.approx(VALUES[loss], rel=1e-6, abs=1e-7)


@pytest.mark.parametrize(
    ("loss", "value"),
    [
        (losses.NonSaturating(), 2 * math.log(2)),  # -log 4 of the paper, with its sign turned
        (losses.Relativistic(), math.log(2)),
        (losses.Hinge(), 2.0),
        (losses.Wasserstein(), 0.0),
    ],
)
def test_a_blind_discriminator_is_at_the_value_of_the_game(loss, value):
    torch.testing.assert_close(loss.discriminator(zero, zero), torch.full((3,), value))


def test_least_squares_is_at_its_optimum_on_its_targets():
    loss = losses.LeastSquares()
    assert loss.discriminator(torch.ones(2, 1), torch.zeros(2, 1)).tolist() == [0, 0]
    assert loss.generator(None, torch.ones(2, 1)).tolist() == [0, 0]


@each
def test_signs(loss):
    """The discriminator wants real logits up and fake ones down, the generator fake ones up."""
    r, f = torch.full((4, 1), 0.3, requires_grad=True), torch.full((4, 1), 0.2, requires_grad=True)
    gradient_real, gradient_fake = torch.autograd.grad(loss.discriminator(r, f).sum(), (r, f))
    assert (gradient_real < 0).all()
    assert (gradient_fake > 0).all()
    (gradient,) = torch.autograd.grad(loss.generator(r, f).sum(), f)
    assert (gradient < 0).all()


@each
def test_a_patch_map_counts_as_the_mean_of_its_patches(loss):
    r, f = torch.randn(5, 6), torch.randn(5, 6)
    patches = torch.stack([loss.discriminator(r[:, k : k + 1], f[:, k : k + 1]) for k in range(6)])
    torch.testing.assert_close(loss.discriminator(r, f), patches.mean(0))
    assert loss.generator(r, f).shape == (5,)


@each
def test_margins_are_measured_from_where_the_discriminator_is_undecided(loss):
    """Of losses that have such a logit both sides are alike about it; to the others a constant makes no difference."""
    r, f = torch.randn(5, 6), torch.randn(5, 6)
    of_real, of_fake = losses.margins(loss, r, f)
    value, moved = loss.discriminator(r, f), loss.discriminator(r + 7, f + 7)
    if loss.undecided is None:
        torch.testing.assert_close(moved, value)
        assert torch.equal(of_real, r - f)
        assert torch.equal(of_fake, r - f)
    else:
        assert not torch.allclose(moved, value)
        mirrored = loss.discriminator(2 * loss.undecided - f, 2 * loss.undecided - r)
        torch.testing.assert_close(mirrored, value)
        assert torch.equal(of_real > 0, r > loss.undecided)
        assert torch.equal(of_fake > 0, f < loss.undecided)


def test_only_the_relativistic_generator_needs_real_logits():
    for loss in VALUES:
        if not loss.generator_sees_real:
            torch.testing.assert_close(loss.generator(None, fake), loss.generator(real, fake))
    assert [type(loss) for loss in VALUES if loss.generator_sees_real] == [losses.Relativistic]


def test_the_textbook_generator_saturates_and_the_usual_one_does_not():
    confident = torch.tensor([[-20.0]], requires_grad=True)
    (saturating,) = torch.autograd.grad(losses.Minimax().generator(None, confident).sum(), confident)
    (usual,) = torch.autograd.grad(losses.NonSaturating().generator(None, confident).sum(), confident)
    assert abs(saturating.item()) < 1e-8
    assert usual.item() == pytest.approx(-1, abs=1e-6)
