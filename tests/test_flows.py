"""Flows: each layer and each whole model is inverted, and its log-determinant is that of autograd's Jacobian."""

import math

import pytest
import torch
from commands import train
from small_runs import SHORT, narrow, state

from framegan.networks import glow, realnvp
from framegan.networks.flow import Chain, Coupling, Mixing, Scaling, checkerboard
from framegan.networks.likelihoods import LEVEL


def moved(module, by=0.1):
    """Return a module whose parameters have left their start, in double precision."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += by * torch.randn_like(parameter)
    return module.double()


def network(inputs, outputs):
    return torch.nn.Conv2d(inputs, outputs, 3, padding=1)


LAYERS = {
    "scaling": lambda: Scaling(4),
    "mixing": lambda: Mixing(4),
    "checkerboard": lambda: Coupling(4, network(4, 8), checkerboard(2, 4, is_odd=True)),
    "first half": lambda: Coupling(4, network(2, 4)),
    "second half": lambda: Coupling(4, network(2, 4), is_second=True),
    "chain": lambda: Chain(Mixing(4), Coupling(4, network(2, 4)), Scaling(4)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_is_inverted_and_knows_its_determinant(name):
    torch.manual_seed(0)
    layer = moved(LAYERS[name]())
    features = torch.randn(2, 4, 2, 4).double()
    made, log_det = layer(features)
    torch.testing.assert_close(layer.inverse(made), features, rtol=0, atol=1e-10)
    for row in range(2):
        one = features[row : row + 1]
        jacobian = torch.autograd.functional.jacobian(lambda x: layer(x)[0].flatten(), one).view(32, 32)
        assert torch.linalg.slogdet(jacobian)[1].item() == pytest.approx(log_det[row].item(), abs=1e-9)


FLOWS = {
    "realnvp": lambda shape: realnvp.Generator(shape, width=4, blocks=1),
    "realnvp_plain": lambda shape: realnvp.Generator(shape, width=4, blocks=1, logit=0.0),
    "glow": lambda shape: glow.Generator(shape, steps=2, width=8),
    "glow_logit": lambda shape: glow.Generator(shape, steps=2, width=8, logit=0.001),
}


@pytest.mark.parametrize("name", FLOWS)
def test_the_likelihood_of_a_flow_is_that_of_its_jacobian(name):
    torch.manual_seed(0)
    flow = moved(FLOWS[name]((1, 4, 8)))
    images = torch.rand(2, 1, 4, 8).double() * 1.8 - 0.9
    latents, log_det = flow.transformed(images)
    normal = torch.distributions.Normal(0.0, 1.0)
    for row in range(2):
        jacobian = torch.autograd.functional.jacobian(lambda x: flow.transformed(x)[0][0], images[row : row + 1])
        expected = torch.linalg.slogdet(jacobian.view(32, 32))[1]
        assert expected.item() == pytest.approx(log_det[row].item(), abs=1e-8)
        by_hand = normal.log_prob(latents[row]).sum() + expected + 32 * math.log(LEVEL)
        weight = flow.log_weights(images, torch.zeros(2).long(), torch.rand(2))[row]
        assert weight.item() == pytest.approx(by_hand.item(), abs=1e-6)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (3, 64, 64), (1, 6, 10)], ids=str)
@pytest.mark.parametrize("name", FLOWS)
def test_a_flow_is_inverted(name, shape):
    torch.manual_seed(0)
    flow = moved(FLOWS[name](shape), by=0.02).float().eval()
    images = torch.rand(2, *shape) * 2 - 1
    latents = flow.encode(images)
    assert latents.shape == (2, flow.latent_dim)
    torch.testing.assert_close(flow(latents), images, rtol=0, atol=1e-5)
    torch.testing.assert_close(flow(latents, truncation=0.5), flow(latents * 0.5))
    flow.loss(flow.observed(images, torch.tensor([0.25, 0.5])), None, None)["loss"].sum().backward()
    assert all(parameter.grad is not None for parameter in flow.parameters())


@pytest.mark.parametrize("name", FLOWS)
def test_a_flow_begins_with_features_of_mean_0_and_deviation_1(name):
    torch.manual_seed(0)
    flow, images = FLOWS[name]((3, 8, 8)).double(), torch.rand(64, 3, 8, 8).double()
    images[:, 0] = 0.5  # of which only the noise differs
    first, *_, last = (layer for layer in flow.modules() if isinstance(layer, Scaling))
    first.offset.data.fill_(0.25)  # learned before, which stays
    last.log_gain.requires_grad_(False)  # frozen
    kept = []
    flow.begin(images)
    for layer in flow.modules():
        if isinstance(layer, Scaling):
            layer.register_forward_hook(
                lambda layer, given, made: kept.append((layer, made[0].transpose(0, 1).flatten(1)))
            )
    flow.transformed(flow.observed(images, torch.arange(64) / 64))
    assert len(kept) > 3
    for layer, features in kept:
        if layer in (first, last):
            assert not layer.log_gain.any()
            continue
        torch.testing.assert_close(features.mean(1), torch.zeros(len(features)).double(), rtol=0, atol=1e-9)
        torch.testing.assert_close(features.std(1, correction=0), torch.ones(len(features)).double(), rtol=1e-9, atol=0)


def test_one_sample_of_one_pixel_a_channel_is_something_to_begin_with():
    flow = FLOWS["glow"]((1, 2, 2))
    flow.begin(torch.zeros(1, 1, 2, 2))
    assert all(parameter.isfinite().all() for parameter in flow.parameters())


def test_a_run_begins_with_what_it_trains_on(tmp_path):
    still = ("model.generator_optimizer.lr=0", "model.ema_half_life=1_000_000_000", "model.ema_rampup=1e9")
    words = (*narrow("glow"), *SHORT, "model.generator.steps=1", *still)
    assert train(*words, "total_samples=16", f"hydra.run.dir={tmp_path}") is None
    weights = state(tmp_path)["state_dict"]
    gains = {name: value for name, value in weights.items() if name.endswith("log_gain")}
    assert len(gains) == 6
    for name, gain in gains.items():
        assert gain.abs().min() > 0
        assert torch.equal(gain, weights[name.replace("generator_ema", "generator")])


@pytest.mark.parametrize("name", FLOWS)
def test_mixed_precision_rounds_nothing_of_what_is_carried(name):
    """Only what the networks of couplings say, which is nothing at the start."""
    flow = FLOWS[name]((3, 8, 8))
    images = torch.rand(2, 3, 8, 8)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = flow.encode(images)
        back = flow(mixed)
    assert torch.equal(mixed, flow.encode(images))
    assert torch.equal(back, flow(mixed))
    assert mixed.abs().max() > 0.1


def test_what_is_seen_is_spread_over_its_level():
    flow = FLOWS["glow"]((1, 4, 4))
    images = torch.zeros(2, 1, 4, 4)
    observed = flow.observed(images, torch.tensor([0.25, 0.5]))
    assert observed.abs().max() <= LEVEL / 2 and not torch.equal(observed[0], observed[1])


@pytest.mark.parametrize("family", [glow, realnvp])
def test_a_flow_says_what_it_can_not_make(family):
    with pytest.raises(ValueError, match="makes images .* Choose model=vae for clips"):
        family.Generator((3, 4, 16, 16))
    with pytest.raises(ValueError, match="15x15 pixels can't be halved; set data.resolution to an even number"):
        family.Generator((3, 15, 15))
