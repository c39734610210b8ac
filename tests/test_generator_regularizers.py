"""Path length against finite differences, and what the step needs of a regularizer of the generator."""

from functools import partial

import pytest
import torch
from torch import nn
from worlds import Record, fit, real_batches, tiny_gan

from framegan import noise
from framegan.generator_regularizers import DIRECTIONS, PathLength
from framegan.networks import stylegan2

KEYS = torch.tensor([0.25, 0.625], dtype=torch.double)


def penalty_and_mean(samples, styles, **options):
    penalty = PathLength(**options)
    penalty.mean_length.fill_(0.5)
    penalty.applications.fill_(200)
    return penalty.penalty(samples, styles, KEYS), penalty


def direction_of(key, samples):
    uniform = noise.uniform_of_keys(key[None], samples.numel(), DIRECTIONS)
    return noise.normal_of_uniform(uniform).view_as(samples)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 8, 12)])
def test_path_length_of_a_network_is_that_of_finite_differences(shape):
    torch.manual_seed(0)
    network = stylegan2.Generator(shape, style_dim=4, mapping_depth=1, width=4).double()
    latents = torch.randn(2, network.latent_dim).double()
    styles = torch.randn(2, 4, 4).double()  # of four layers

    def made(given):
        network._mixed = lambda *_: given
        return network(latents)

    found, _ = penalty_and_mean(made(styles.requires_grad_()), styles)
    with torch.no_grad():
        for row in range(2):
            direction, squares = direction_of(KEYS[row], made(styles)[row]), []
            for place in range(16):
                step = torch.zeros(2, 16).double()
                step[row, place] = 1e-5
                there, back = (made(styles + sign * step.view(2, 4, 4))[row] for sign in (1, -1))
                squares.append((((there - back) * direction).sum() / 2e-5).square())
            length = (torch.stack(squares).sum() / 4 / (shape[1] * shape[2])).sqrt()
            assert found[row].item() == pytest.approx((length - 0.5).square().item(), rel=1e-6)

    def of_weights(base):
        network._mixed = lambda *_: styles
        samples = torch.func.functional_call(network, {"base": base}, (latents,))
        return penalty_and_mean(samples, styles)[0]

    assert torch.autograd.gradcheck(of_weights, network.base.detach().clone().requires_grad_(), fast_mode=True)


def test_path_length_of_a_linear_map_of_clips_is_closed():
    torch.manual_seed(0)
    matrix = torch.randn(5, 2 * 3 * 4 * 4).double()
    styles = torch.randn(2, 5).double().requires_grad_()
    samples = (styles @ matrix).view(2, 2, 3, 4, 4)
    found, penalty = penalty_and_mean(samples, styles)
    lengths = torch.stack([(matrix @ direction_of(key, samples[0]).flatten()).norm() / 48**0.5 for key in KEYS])
    torch.testing.assert_close(found, (lengths - 0.5).square())
    penalty.adapt()
    assert penalty.mean_length.item() == pytest.approx(0.99 * 0.5 + 0.01 * lengths.mean().item())
    assert penalty.lengths.tolist() == [0, 0]


def test_the_mean_length_begins_as_that_of_all():
    penalty, styles = PathLength(decay=0.75), torch.ones(2, 3).double().requires_grad_()
    lengths = []
    for number in range(8):
        samples = (styles * (number + 1)).square()[:, :, None, None]
        found = penalty.penalty(samples, styles, KEYS + number / 64)
        assert (found == 0).all() == (number == 0)
        lengths.append(penalty.lengths[0].item() / 2)
        before = penalty.mean_length.item()
        penalty.adapt()
        expected = sum(lengths) / len(lengths) if number < 4 else 0.75 * before + 0.25 * lengths[-1]
        assert penalty.mean_length.item() == pytest.approx(expected)


def test_the_step_applies_it_when_it_is_due_and_its_mean_is_saved():
    torch.manual_seed(0)
    generator = stylegan2.Generator((1, 8, 8), style_dim=4, mapping_depth=1, width=4)
    record = Record(lambda gan: gan.generator_regularizers["path_length"].mean_length.item())
    options = {"generator": generator, "generator_regularizers": {"path_length": PathLength(every=2)}}
    gan = tiny_gan(**options, discriminator_steps=2)
    fit(gan, real_batches(8), callbacks=[record])
    assert [a != b for a, b in zip([0, *record.states], record.states, strict=False)] == [0, 1, 0, 0, 0, 1, 0, 0]
    measured = ["penalty/path_length" in (step or {}) for step in record.measured]
    assert measured == [False, True, False, False, False, True, False, False]
    assert "generator_regularizers.path_length.mean_length" in gan.state_dict()


def test_it_asks_for_a_generator_with_styles():
    for made, message in [
        ({"x": PathLength()}, "generator_regularizers.x is set, but model.generator leaves no styles; choose one"),
        ({"x": nn.Identity()}, "generator_regularizers.x is a Identity without weight, every"),
    ]:
        with pytest.raises(ValueError, match=message):
            tiny_gan(generator_regularizers=made)


@pytest.mark.parametrize("options", [{"compile_networks": True}, {"precision": "bf16-mixed"}, {"micro_batches": 3}])
def test_it_goes_with_the_options_of_the_step(options):
    torch._dynamo.reset()
    torch.manual_seed(0)
    generator = stylegan2.Generator((1, 8, 8), style_dim=4, mapping_depth=1, width=4)
    discriminator = stylegan2.Discriminator((1, 8, 8), width=4)
    of_gan = {key: options.pop(key) for key in ("compile_networks",) if key in options}
    penalties = {"path_length": PathLength(every=2)}
    gan = tiny_gan(generator=generator, discriminator=discriminator, generator_regularizers=penalties, **of_gan)
    for network in (generator, discriminator):
        network.compile = partial(network.compile, backend="aot_eager")
    fit(gan, real_batches(3, batch_size=12), **options)
    assert all(parameter.isfinite().all() for parameter in gan.parameters())
    assert gan.generator_regularizers["path_length"].mean_length > 0


def test_halved_styles_have_precise_lengths():
    styles = torch.randn(4, 3, 8, generator=torch.Generator().manual_seed(0)).bfloat16().requires_grad_()
    samples = styles.float().sum(1).view(4, 1, 2, 4)
    assert PathLength().penalty(samples, styles, torch.linspace(0.1, 0.9, 4)).dtype == torch.float32
