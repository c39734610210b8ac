"""Every network: shapes, ranges, and that every parameter takes part. A new network is one more row."""

import pytest
import torch

from framegan.networks import dcgan, mlp

IMAGES = [(1, 28, 28), (3, 32, 32), (1, 64, 64), (2, 16, 32)]
CLIPS = [(3, 4, 16, 16)]
ROWS = [(mlp, shape) for shape in IMAGES + CLIPS] + [(dcgan, shape) for shape in [*IMAGES, (1, 4, 4), (3, 24, 24)]]


@pytest.mark.parametrize(("family", "shape"), ROWS, ids=lambda value: getattr(value, "__name__", str(value)))
def test_latents_to_samples_to_logits(family, shape):
    generator, discriminator = family.Generator(shape, latent_dim=10), family.Discriminator(shape)
    samples = generator(torch.randn(2, generator.latent_dim))
    assert samples.shape == (2, *shape)
    assert samples.abs().max() <= 1
    (logits,) = discriminator(samples).values()
    assert logits.shape == (2, 1)
    logits.square().sum().backward()
    for network in (generator, discriminator):
        assert all(parameter.grad is not None for parameter in network.parameters())


@pytest.mark.parametrize("shape", [(3, 30, 30), (1, 3, 3), (1, 32, 33)])
def test_dcgan_says_which_sides_it_can_make(shape):
    with pytest.raises(ValueError, match=r"can't make .*4 \* 2\^k"):
        dcgan.Generator(shape)


def test_dcgan_sends_clips_elsewhere():
    with pytest.raises(ValueError, match="another model"):
        dcgan.Discriminator((3, 16, 64, 64))


def test_dcgan_starts_28_pixels_from_a_base_of_7():
    assert dcgan.base_and_doublings((1, 28, 28)) == ((7, 7), 2)
    assert dcgan.base_and_doublings((1, 64, 64)) == ((4, 4), 4)


def test_dcgan_starts_from_the_published_distribution():
    torch.manual_seed(0)
    generator = dcgan.Generator((3, 64, 64))
    kernel = generator.layers[3].weight
    assert kernel.mean().abs() < 1e-4
    assert kernel.std().item() == pytest.approx(0.02, rel=0.01)
    gains = torch.cat([m.weight for m in generator.modules() if isinstance(m, torch.nn.BatchNorm2d)])
    assert gains.mean().item() == pytest.approx(1, abs=0.005)
    assert gains.std().item() == pytest.approx(0.02, rel=0.2)


def test_spectral_norm_bounds_every_layer():
    torch.manual_seed(0)
    discriminator = dcgan.Discriminator((1, 16, 16), width=8, normalization="none", spectral_norm=True)
    for _ in range(50):
        discriminator(torch.randn(1, 1, 16, 16))
    discriminator.eval()
    for layer in discriminator.layers:
        if isinstance(layer, torch.nn.Conv2d):
            assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1, rel=0.02)
