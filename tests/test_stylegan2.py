"""StyleGAN2's parts against what the papers say they are."""

import copy
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F

from framegan import inputs, sampling
from framegan.generator_regularizers import PathLength
from framegan.networks import stylegan2
from framegan.networks.style_layers import EqualizedLinear, ModulatedConvolution, demodulation, smoothed

SHAPE = (3, 16, 24)


def generator(**options):
    """Return a narrow one whose noise is seen, the same every time."""
    torch.manual_seed(0)
    made = stylegan2.Generator(SHAPE, **{"style_dim": 16, "mapping_depth": 2, "width": 8, **options})
    for layer in made.layers:
        torch.nn.init.constant_(layer.noise_strength, 0.3)
    return made


@pytest.mark.parametrize(("width", "in_generator", "in_critic"), [(16, 25, 24), (32, 30, 29)])
def test_the_published_numbers_of_parameters(width, in_generator, in_critic):
    """Millions, of configurations E and F at 1024 x 1024 (Karras et al. 2020, Section 4.2)."""
    with torch.device("meta"):
        networks = stylegan2.Generator((3, 1024, 1024), width=width), stylegan2.Discriminator((3, 1024, 1024), width)
    numbers = [sum(parameter.numel() for parameter in network.parameters()) for network in networks]
    assert [round(number / 1e6) for number in numbers] == [in_generator, in_critic]
    if width == 32:  # by hand: mapping, base, first size, the others; then first, blocks, the rest
        widths = [512] * 5 + [256, 128, 64, 32]
        pairs = list(pairwise(widths))
        mapping, to_scales = 8 * (512 * 512 + 512), {c: 512 * c + c for c in widths}
        layers = [(512, 512), *(layer for a, b in pairs for layer in ((a, b), (b, b)))]
        made = sum(9 * a * b + b + 1 + to_scales[a] for a, b in layers) + sum(3 * c + 3 + to_scales[c] for c in widths)
        assert numbers[0] == mapping + 16 * 512 + made == 30_370_060
        blocks = sum(9 * b * b + b + 9 * b * a + a + b * a for a, b in pairs)
        rest = 9 * 513 * 512 + 512 + 16 * 512 * 512 + 512 + 513
        assert numbers[1] == 3 * 32 + 32 + blocks + rest == 29_012_513


@pytest.mark.parametrize("doubles", [False, True])
def test_modulation_is_a_convolution_with_weights_of_each_sample(doubles):
    torch.manual_seed(0)
    layer = ModulatedConvolution(4, 5, 6, 3, doubles=doubles).double()
    features, styles = torch.randn(3, 4, 6, 8).double(), torch.randn(3, 6).double()
    for one, style, made in zip(features, styles, layer(features, styles), strict=True):
        weight = layer.weight / 36**0.5 * layer.to_scales(style[None])[0].view(1, -1, 1, 1)  # Equation 1
        weight = weight / (weight.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()  # Equation 3
        if doubles:
            spread = one.new_zeros(4, 13, 17)
            spread[:, :11:2, :15:2] = one
            taps = torch.tensor([1.0, 3, 3, 1]).double() / 4
            full = F.conv2d(F.pad(spread[None], (2, 0, 2, 0)), weight.flip(2, 3))[..., :13, :17]
            kernel = (taps[:, None] * taps).expand(5, 1, 4, 4)
            expected = F.conv2d(full, kernel, padding=1, groups=5)[0]
        else:
            expected = F.conv2d(one[None], weight, padding=1)[0]
        torch.testing.assert_close(made, expected)


def test_demodulated_weights_have_norm_1():
    weight, scales = torch.randn(5, 4, 3, 3), torch.randn(7, 4)
    each = weight * scales.view(7, 1, 4, 1, 1) * demodulation(weight, scales).view(7, 5, 1, 1, 1)
    torch.testing.assert_close(each.flatten(2).norm(dim=2), torch.ones(7, 5))


def test_the_filter_keeps_a_plane_and_has_a_second_gradient():
    plane = torch.arange(8.0).expand(1, 1, 8, 8)  # rises by 1 a column
    torch.testing.assert_close(smoothed(plane, 0), plane[..., 1:-2, 1:-2] + 0.5)
    gradient_twice = torch.randn(1, 1, 5, 6, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda x: smoothed(x, 1).square(), gradient_twice, fast_mode=True)


def test_equalized_weights_begin_normal_and_move_by_their_rate():
    torch.manual_seed(0)
    features = torch.randn(1000, 300)
    for rate in (1.0, 0.01):
        layer = EqualizedLinear(300, 200, rate=rate)
        assert layer.weight.std().item() * rate == pytest.approx(1, rel=0.02)
        assert layer(features).std().item() == pytest.approx(1, rel=0.05)
        before = layer.weight * layer.gain
        optimizer = torch.optim.Adam(layer.parameters(), lr=0.1)
        layer(features).sum().backward()
        optimizer.step()  # moves every parameter by 0.1
        moved = (layer.weight * layer.gain - before).abs().mean().item()
        assert moved * 300**0.5 == pytest.approx(0.1 * rate, rel=1e-3)


def test_parts_of_the_latents_can_be_held():
    network = generator().eval()
    parts = network.latent_parts()
    assert parts == {"style": 16, "noise": 4 * 6 + 2 * 8 * 12 + 2 * 16 * 24, "_mixing": 17}
    plain, same_style = sampling.sample(network, [0, 1]), sampling.sample(network, [0, 1], held={"style": 0})
    same_noise, same = (
        sampling.sample(network, [0, 1], held=dict.fromkeys(held, 0)) for held in (["noise"], ["style", "noise"])
    )
    torch.testing.assert_close(same[0], same[1], rtol=0, atol=0)
    for held in (same_style, same_noise):
        assert torch.equal(held[0], plain[0])
        assert not torch.allclose(held[1], plain[1])
        assert not torch.allclose(held[0], held[1])
    for layer in network.layers:
        torch.nn.init.zeros_(layer.noise_strength)
    same = sampling.sample(network, [0, 1], held={"style": 0})
    torch.testing.assert_close(same[0], same[1])
    with pytest.raises(ValueError, match=r"\['_mixing'\] can't be held: what .* depend on is \['noise', 'style'\]"):
        sampling.sample(network, [0], held={"_mixing": 3})


def test_the_class_goes_with_the_style():
    network = generator(num_classes=3, conditional=True)
    free = inputs.draw(network, range(8))[1]
    assert set(inputs.draw(network, range(8), held={"style": 3})[1].tolist()) == {free[3].item()}
    assert torch.equal(inputs.draw(network, range(8), held={"noise": 3})[1], free)


def test_styles_of_a_frozen_mapping_have_a_path_length():
    network = generator().train()
    network.mapping.requires_grad_(False)
    penalty, images = PathLength(), network(torch.randn(2, network.latent_dim))
    penalty.penalty(images, network.styles, torch.tensor([0.25, 0.5]))
    penalty.adapt()  # the first application is free
    penalty.penalty(images, network.styles, torch.tensor([0.25, 0.5])).sum().backward()
    assert network.layers[0].convolution.weight.grad.abs().max() > 0


def test_styles_are_mixed_in_training_alone():
    network = generator()
    latents = torch.randn(2000, network.latent_dim)
    network(latents)
    styles = network.styles
    other = styles[:, 1:] != styles[:, :-1]
    changes = other.any(2)
    assert styles.shape == (2000, 6, 16)
    assert changes.sum(1).max() == 1, "one place, where the second style takes over for good"
    assert changes.any(1).float().mean().item() == pytest.approx(0.9, abs=0.02)
    torch.testing.assert_close(changes.float().mean(0), torch.full((5,), 0.18), rtol=0, atol=0.03)
    first, second, _ = network.latent_parts().values()
    own = network.mapping(latents[:, :first], None), network.mapping(latents[:, first + second : -1], None)
    torch.testing.assert_close(styles[:, 0], own[0])
    torch.testing.assert_close(styles[changes.any(1), -1], own[1][changes.any(1)])
    network.mixing = 0
    network(latents[:4])
    assert torch.equal(network.styles[:, :1].expand(-1, 6, -1), network.styles)
    network.eval()(latents[:4])
    assert network.styles is None


def test_truncation_goes_to_the_mean_style():
    network = generator()
    for _ in range(3):
        network(torch.randn(8, network.latent_dim))
    network.eval()
    for layer in network.layers:
        torch.nn.init.zeros_(layer.noise_strength)
    mean, half, whole = (sampling.sample(network, [0, 1], truncation=psi) for psi in (0, 0.5, 1))
    assert torch.equal(mean[0], mean[1]), "one style"
    assert torch.equal(whole, sampling.sample(network, [0, 1]))
    assert 0 < (half - mean).abs().mean() < (whole - mean).abs().mean()


def test_samples_are_cut_off_at_the_ends_of_their_range():
    """The network ends without a tanh, as published; whoever takes a sample was promised [-1, 1]."""
    made = generator()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter *= 3
        assert made.eval()(torch.randn(4, made.latent_dim)).abs().max() > 1
    samples = sampling.sample(made, range(4))
    assert samples.min() == -1
    assert samples.max() == 1
    assert (samples.abs() < 1).any()


def test_groups_of_neighbours_are_judged_as_in_the_whole_batch():
    torch.manual_seed(0)
    critic, samples = stylegan2.Discriminator(SHAPE, width=8), torch.randn(16, *SHAPE)
    together = critic(samples)["sample"]
    for parts in (2, 4):
        apart = torch.cat([critic(part)["sample"] for part in samples.chunk(parts)])
        torch.testing.assert_close(apart, together)
    assert not torch.allclose(critic(samples.flip(0)[[0, 5, 9, 13]])["sample"][0], together[-1])
    for number in (1, 2, 5, 7):
        assert critic(samples[:number])["sample"].shape == (number, 1)


def test_the_mean_style_is_a_running_average_and_in_checkpoints():
    network = generator()
    latents = torch.randn(8, network.latent_dim)
    style = network.mapping(latents[:, :16], None).mean(0)
    for _ in range(2):
        network(latents)
    torch.testing.assert_close(network.mean_style, style * (1 - (1 - stylegan2.MEAN_WEIGHT) ** 2))
    before = copy.deepcopy(network.eval().mean_style)
    network(latents)
    assert torch.equal(network.mean_style, before)
    assert "mean_style" in network.state_dict()
