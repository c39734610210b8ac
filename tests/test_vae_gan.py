"""VAE/GAN: each part descends what it should, by hand, and a whole run."""

from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from commands import run, train
from one_rank import built
from small_runs import SHORT, TIMING, narrow, rows, state
from torch import nn
from worlds import fit, real_batches

from framegan import vae_gan
from framegan.measured import Measured

SHAPE = (1, 16, 16)
NUM_SAMPLES = 6


class Judge(nn.Module):
    """A critic whose features are the samples themselves, and whose verdict is their mean."""

    def __init__(self):
        super().__init__()
        self.features, self.scale = nn.Identity(), nn.Parameter(torch.ones(()))

    def forward(self, samples, labels=None):
        return {"sample": self.scale * self.features(samples).flatten(1).mean(1, keepdim=True)}


def step_of(weight, trainer):
    """Return an untrained GAN with that critic, the loss of its generator, and what that is a function of."""
    gan = built("vae_gan", SHAPE, f"model.generator.reconstruction_weight={weight}", num_classes=1)
    gan.discriminator, gan.generator.feature_layer = Judge(), "features"
    gan.trainer, gan.measured = trainer, Measured(NUM_SAMPLES, True)
    real, labels = real_batches(1, NUM_SAMPLES, SHAPE)[0], torch.zeros(NUM_SAMPLES).long()
    latents, keys = torch.randn(NUM_SAMPLES, gan.generator.latent_dim), torch.arange(NUM_SAMPLES) / 64
    return gan, gan.generator_loss(real, labels, latents, keys, 0), (real, labels, latents, keys)


@pytest.mark.parametrize("weight", [0.01, 4.0])
def test_encoder_and_decoder_descend_what_they_should(weight):
    """The encoder the reconstruction and the divergence, whatever the weight; the decoder no divergence."""
    trainer = SimpleNamespace(global_rank=0, world_size=1)
    gan, loss, (real, labels, latents, keys) = step_of(weight, trainer)
    generator = gan.generator
    codes, divergence = generator.drawn(real, labels, keys, vae_gan.POSTERIOR)
    reconstruction = (real - generator(codes)).square().flatten(1).sum(1) / 2
    shown = generator(vae_gan.of_both(latents, codes.detach(), keys))
    adversarial = F.softplus(-shown.flatten(1).mean(1))
    torch.testing.assert_close(loss, adversarial + weight * reconstruction + divergence.sum(1))
    wanted = {"encoder": reconstruction + divergence.sum(1), "decoder": adversarial + weight * reconstruction}
    for name, value in wanted.items():
        parameters = [*getattr(generator, name).parameters()]
        found, by_hand = (torch.autograd.grad(one.sum(), parameters, retain_graph=True) for one in (loss, value))
        for one, other in zip(found, by_hand, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(gan.measured["generator/divergence"], divergence.sum(1).mean())


def test_a_critic_is_shown_samples_and_reconstructions_alike():
    keys = torch.rand(4000)
    shown = vae_gan.of_both(torch.zeros(4000, 3), torch.ones(4000, 3), keys)
    assert set(map(tuple, shown.tolist())) == {(0.0,) * 3, (1.0,) * 3}
    assert shown.mean().item() == pytest.approx(0.5, abs=0.03)
    torch.testing.assert_close(vae_gan.of_both(torch.zeros(7, 3), torch.ones(7, 3), keys[:7]), shown[:7])


def test_clips_and_a_critic_that_draws_frames():
    """It draws the same ones of a clip and of its reconstruction, so that equal clips don't differ."""
    shape = (1, 8, 16, 16)
    gan = built("vae_gan", shape, "model/discriminator=frame", "model.generator.feature_layer=tower.layers.2")
    gan.discriminator.num_frames = 2
    fit(gan, real_batches(2, 4, shape))
    clips, keys = torch.rand(4, *shape), torch.rand(4)
    features = gan._features(clips, None, keys)
    assert torch.equal(features, gan._features(clips, None, keys)) and len(features) == 4
    assert gan.sample([0]).shape == (1, *shape)


VAE_GAN = (*narrow("vae_gan"), *SHORT[:-1], "evaluate_every=null", "model.generator.latent_dim=4")


def test_a_resumed_run_ends_like_one_never_stopped(tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert train(*VAE_GAN, "total_samples=96", f"hydra.run.dir={whole}") is None
    assert train(*VAE_GAN, "total_samples=48", f"hydra.run.dir={parts}") is None
    assert train(f"resume={parts}", "total_samples=96") is None
    first, second = state(whole)["state_dict"], state(parts)["state_dict"]
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    assert rows(whole, *TIMING)[-1] == rows(parts, *TIMING)[-1]
    assert float(rows(whole)[-1]["generator/reconstruction"]) > 0
    pictures = {path.stem for path in (whole / "samples").glob("*.png")}
    assert {"reconstruction_96", "interpolation_96", "fake_96"} <= pictures
    assert run("generate", f"checkpoint={whole}", "truncation=0.5", f"out={tmp_path / 'a.png'}") is None
    message = run("evaluate", f"checkpoint={whole}", "metrics=likelihood", f"out={tmp_path / 'scores'}")
    assert "metrics=likelihood judges models that have one" in message


def test_the_layers_own_output_is_compared_not_what_is_written_over_it():
    gan = built("vae_gan", SHAPE, "model.generator.feature_layer=layers.0", num_classes=1)
    fit(gan, real_batches(1, 4, SHAPE))
    samples, critic = torch.rand(4, *SHAPE), gan.discriminator
    assert critic.layers[2].inplace
    torch.testing.assert_close(gan._features(samples, None, torch.rand(4)), critic.layers[0](samples).flatten(1))


def test_layers_are_named_where_weights_are_normalised_too():
    options = ("model.discriminator.spectral_norm=true", "model.generator.feature_layer=layers.3")
    gan = built("vae_gan", SHAPE, *options, num_classes=1)
    assert vae_gan.layers_of(gan.discriminator)[:2] == ["given", "layers.0"]
    assert not [name for name in vae_gan.layers_of(gan.discriminator) if "parametrizations" in name]


def test_a_critic_with_several_heads():
    shape = (1, 8, 16, 16)
    layer = "heads.clip.tower.layers.2"
    gan = built("vae_gan", shape, "model/discriminator=mocogan", f"model.generator.feature_layer={layer}")
    fit(gan, real_batches(2, 4, shape))
    assert (
        set(gan.head_weights) == {"frame", "clip"}
        and gan._features(torch.rand(4, *shape), None, torch.rand(4)).ndim == 2
    )


def test_a_layer_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match=r"feature_layer got 'layers.99', no layer .*; set one of .*layers\.5"):
        built("vae_gan", SHAPE, "model.generator.feature_layer=layers.99")
