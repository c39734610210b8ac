"""The autoencoder: its bounds by hand and in closed form, what is held out from training, and whole runs."""

import json
import math
from functools import partial

import numpy as np
import pytest
import torch
from commands import run, train
from small_runs import SHORT, narrow, rows, state
from torch import nn
from worlds import fit, flat, real_batches

from framegan import interpolation, sampling, showing
from framegan.data.datamodule import DataModule
from framegan.data.drawn.shape_motion import ShapeMotion
from framegan.data.held_out import held_out
from framegan.data.source import TensorSource
from framegan.data.stream import BalancedStream, TicketStream
from framegan.data.videos.clips import Clips
from framegan.evaluation.fake_samples import FakeSamples
from framegan.evaluation.real_samples import RealSamples
from framegan.maximum_likelihood import MaximumLikelihood
from framegan.metrics.likelihood import Likelihood
from framegan.networks import vae
from framegan.networks.likelihoods import LEVEL

LABELS, KEYS = torch.tensor([0, 1]), torch.tensor([0.25, 0.5])
SHAPES = [(1, 28, 28), (3, 32, 32), (1, 64, 64), (2, 4, 4), (3, 8, 32, 32), (1, 16, 64, 64), (1, 5, 16, 24)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_samples_to_latents_and_back(shape):
    generator = vae.Generator(shape, latent_dim=6, width=4, num_classes=2, conditional=True)
    samples = torch.rand(2, *shape) * 2 - 1
    observed = generator.observed(samples, KEYS)
    parts = generator.loss(observed, LABELS, KEYS)
    parts["loss"].sum().backward()
    assert all(parameter.grad is not None for parameter in generator.parameters())
    assert generator.encode(samples, LABELS).shape == (2, 6)
    made = generator(torch.randn(2, 6), LABELS)
    assert made.shape == samples.shape and made.abs().max() <= 1
    known, between = showing.reconstructions(generator, samples, LABELS)
    assert known.shape == (4, *shape) and between.shape == (interpolation.STEPS, *shape)
    torch.testing.assert_close(between[0], known[2])  # the others have its class
    nothing = generator(torch.randn(2, 6), LABELS, truncation=0.0)
    torch.testing.assert_close(nothing, generator(torch.zeros(2, 6), LABELS))


def test_a_clip_of_another_length_is_refused():
    generator = vae.Generator((1, 4, 16, 16), width=4)
    with pytest.raises(ValueError, match="num_frames=8, but this generator makes clips of 4 frames"):
        sampling.sample(generator, [0], num_frames=8)


def linear_vae(values, latent_dim=2):
    """Return an autoencoder that is the best linear one of (N, D) values, and the log-density of each of them.

    That is probabilistic principal component analysis (Tipping & Bishop 1999, Equations 7 and 8, and Section 3.3).
    """
    num_samples, size = values.shape
    mean = values.mean(0)
    eigenvalues, vectors = torch.linalg.eigh((values - mean).T @ (values - mean) / num_samples)
    eigenvalues, vectors = eigenvalues.flip(0), vectors.flip(1)
    variance = eigenvalues[latent_dim:].mean()
    loadings = vectors[:, :latent_dim] * (eigenvalues[:latent_dim] - variance).sqrt()
    inverse = (loadings.T @ loadings + variance * torch.eye(latent_dim).double()).inverse()  # diagonal here
    generator = vae.Generator((1, 4, size // 4), latent_dim, width=4, likelihood="gaussian").double()
    encoder, decoder = nn.Linear(size, 2 * latent_dim).double(), nn.Linear(latent_dim, 2 * size).double()
    with torch.no_grad():
        encoder.weight.copy_(torch.cat([inverse @ loadings.T, torch.zeros(latent_dim, size).double()]))
        scales = inverse.diagonal().mul(variance).log() / 2
        encoder.bias.copy_(torch.cat([-inverse @ loadings.T @ mean, scales]))
        decoder.weight.copy_(torch.cat([loadings, torch.zeros_like(loadings)]))
        decoder.bias.copy_(torch.cat([mean, variance.log().expand(size) / 2]))
    generator.encoder = nn.Sequential(nn.Flatten(), encoder)
    generator.decoder = nn.Sequential(decoder, nn.Unflatten(1, (2, 4, size // 4)))
    covariance = loadings @ loadings.T + variance * torch.eye(size).double()
    return generator, torch.distributions.MultivariateNormal(mean, covariance).log_prob(values)


def test_a_linear_autoencoder_is_probabilistic_principal_component_analysis():
    torch.manual_seed(0)
    values = torch.randn(500, 3).double() @ torch.randn(3, 16).double() + 0.3 * torch.randn(500, 16).double()
    generator, expected = linear_vae(values)
    expected = expected + 16 * math.log(LEVEL)
    observed, labels, keys = values.view(500, 1, 4, 4), torch.zeros(500).long(), torch.rand(500)
    weights = generator.log_weights(observed, labels, keys)  # whatever is drawn, as the posterior is the true one
    torch.testing.assert_close(weights, expected, rtol=1e-5, atol=1e-5)
    losses = [generator.loss(observed, labels, torch.rand(500))["loss"].mean() for _ in range(20)]
    assert -torch.stack(losses).mean().item() == pytest.approx(expected.mean().item(), abs=0.05)


def test_beta_and_free_bits_by_hand():
    torch.manual_seed(0)
    generator = vae.Generator((1, 8, 8), latent_dim=3, width=4, beta=2.0, free_bits=0.1)
    with torch.no_grad():
        generator.encoder[-1].weight.zero_()
        generator.encoder[-1].bias.copy_(torch.tensor([1.0, 0.0, 0.1, math.log(0.5), 0.0, 0.0]))
    by_hand = torch.tensor([(1 + 0.25 - 1) / 2 - math.log(0.5), 0.0, 0.005])
    parts = generator.loss(torch.zeros(2, 1, 8, 8), LABELS, KEYS)
    torch.testing.assert_close(parts["divergence"], by_hand.sum().expand(2))
    charged = by_hand[0] + 2 * 0.1 * math.log(2)
    torch.testing.assert_close(parts["loss"], parts["reconstruction"] + 2 * charged)
    (gradient,) = torch.autograd.grad((parts["loss"] - parts["reconstruction"]).sum(), generator.encoder[-1].bias)
    assert gradient[[1, 2, 4, 5]].abs().max() == 0 and gradient[0] != 0


@pytest.mark.parametrize("likelihood", ["gaussian", "bernoulli", "discretized_logistic"])
def test_the_bound_of_many_importance_samples_is_the_tighter_one(likelihood):
    torch.manual_seed(0)
    generator = vae.Generator((1, 8, 8), latent_dim=3, width=4, likelihood=likelihood).eval()
    samples, numbers = torch.rand(6, 1, 8, 8) * 2 - 1, list(range(6))
    nats = Likelihood(importance_samples=400).bounds(generator, samples, torch.zeros(6).long(), numbers)
    assert (nats[:, 1] < nats[:, 0]).all()
    again = Likelihood(importance_samples=400).bounds(generator, samples[3:], torch.zeros(3).long(), numbers[3:])
    torch.testing.assert_close(again, nats[3:])
    if likelihood == "discretized_logistic":  # which observes the samples themselves
        keys = torch.linspace(0, 1, 402)[1:-1]
        losses = generator.loss(samples[:1].expand(400, -1, -1, -1), torch.zeros(400).long(), keys)["loss"]
        assert losses.mean().item() == pytest.approx(nats[0, 0].item(), rel=0.02)


def test_what_is_held_out_is_never_trained_on():
    source = TensorSource(torch.zeros(100, 1, 4, 4, dtype=torch.uint8), torch.arange(100) % 3, 3)
    left_out = held_out(source, 0.1)
    assert len(left_out) == 10 == len(set(left_out.tolist()))
    data = DataModule(source, held_out=0.1, batch_size=9)
    stream = TicketStream(90, 9, seed=0, numbers=data.trained_on)
    epoch = [stream.ticket(position)[0] for position in range(90)]
    assert sorted([*epoch, *left_out]) == list(range(100))
    labels = source.labels.numpy()[data.trained_on]
    balanced = BalancedStream(labels, 9, seed=0, numbers=data.trained_on)
    drawn = [balanced.ticket(position)[0] for position in range(300)]
    assert not set(drawn) & set(left_out.tolist())
    assert np.bincount(source.labels[drawn]).tolist() == [100, 100, 100]
    with pytest.raises(ValueError, match="has 90 samples to train on"):
        DataModule(source, held_out=0.1, batch_size=91).check_batch_fits(1)


def test_all_clips_of_a_video_are_held_out():
    source = Clips(ShapeMotion(num_videos=20, video_frames=8, resolution=16), num_frames=4, clips_per_video=3)
    numbers = held_out(source, 0.1)
    assert len(numbers) == 6
    assert {number // 3 for number in numbers} == {numbers[0] // 3, numbers[3] // 3}


def test_pieces_of_a_batch_give_the_result_of_the_whole():
    def trained(micro_batches):
        torch.manual_seed(0)
        generator = vae.Generator((1, 8, 8), latent_dim=3, width=4)
        model = MaximumLikelihood(generator, partial(torch.optim.Adam, lr=1e-3))
        return fit(model, real_batches(3), micro_batches=micro_batches)

    whole, pieces = trained(1), trained(3)
    assert int(whole.samples_seen) == 24
    torch.testing.assert_close(flat(whole.generator), flat(pieces.generator), rtol=0, atol=1e-5)
    assert whole.measured["generator/loss"].item() == pytest.approx(pieces.measured["generator/loss"].item(), rel=1e-4)


VAE = (*narrow("vae"), *SHORT[:-1], "model.generator.latent_dim=4", "evaluate_every=96", "metrics=likelihood")
FEW = ("metrics.likelihood.num_samples=12", "metrics.likelihood.importance_samples=3", "checkpoint_every=96")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run of 192 samples."""
    folder = tmp_path_factory.mktemp("vae") / "run"
    assert train(*VAE, *FEW, "total_samples=192", f"hydra.run.dir={folder}") is None
    return folder


def test_a_resumed_run_ends_like_one_never_stopped(folder, tmp_path):
    assert train(*VAE, *FEW, "total_samples=96", "model.generator_schedule.total_samples=192",
                 f"hydra.run.dir={tmp_path}") is None  # fmt: skip
    again = (f"resume={tmp_path}", "total_samples=192", "resume_changes=true")
    assert train(*again) is None
    first, second = state(folder), state(tmp_path)
    for name, value in first["state_dict"].items():
        assert torch.equal(value, second["state_dict"][name]), name
    timing = ("samples_per_second", "data_wait_fraction")
    assert rows(folder, *timing) == rows(tmp_path, *timing)


def test_a_run_is_judged_by_what_it_has_not_seen(folder, tmp_path):
    records = json.loads((folder / "evaluations" / "192.json").read_text())
    keys = ["negative_elbo", "bits_per_dim_elbo", "negative_iwae_3", "bits_per_dim_iwae_3"]
    assert [record["key"] for record in records] == [f"{key}_8bit_held_out_12" for key in keys]
    nats, bits = records[0]["value"], records[1]["value"]
    assert bits == pytest.approx(nats / (3 * 32 * 32 * math.log(2)), rel=1e-6)
    last = folder / "checkpoints" / "last.ckpt"
    scored = ("metrics=likelihood", *FEW[:2], f"checkpoint={last}")
    assert run("evaluate", *scored, f"out={tmp_path}") is None
    again = json.loads((tmp_path / "evaluation.json").read_text())
    assert [r["key"] for r in again] == [r["key"] for r in records]
    assert [r["value"] for r in again] == pytest.approx([r["value"] for r in records], rel=1e-6)
    assert run("evaluate", *scored, f"out={tmp_path}", "data=synthetic", "data.datamodule.source.seed=1") is None
    named = json.loads((tmp_path / "evaluation.json").read_text())
    assert named[0]["key"] == "negative_elbo_8bit_all_12"
    assert run("evaluate", *scored, f"out={tmp_path}", "data=synthetic") is None
    named_again = json.loads((tmp_path / "evaluation.json").read_text())
    assert [(r["key"], r["value"]) for r in named_again] == [(r["key"], r["value"]) for r in again]
    pictures = {path.stem for path in (folder / "samples").glob("*.png")}
    assert {"reconstruction_192", "interpolation_192", "fake_192"} <= pictures
    assert run("generate", f"checkpoint={folder}", "truncation=0.5", f"out={tmp_path / 'a.png'}") is None


def test_keys_say_where_a_model_is_told_the_class():
    source = TensorSource(torch.zeros(4, 1, 8, 8, dtype=torch.uint8), torch.arange(4) % 2, 2, classes=("a", "b"))
    real = RealSamples(lambda: source, None, {"split": "test"})
    keys = []
    for conditional in (False, True):
        generator = vae.Generator((1, 8, 8), latent_dim=2, width=4, num_classes=2, conditional=conditional)
        (record, *_) = Likelihood(4, 2)(real, FakeSamples(generator, {}, classes=("a", "b")))
        keys.append(record.key)
    assert keys == ["negative_elbo_8bit_test_4", "negative_elbo_8bit_given_class_test_4"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (("model=mlp", "metrics=likelihood"), "metrics=likelihood judges models that have one"),
        (("model=vae", "metrics.likelihood.held_out=0"), "no samples were held out from training"),
        (
            ("model=vae", "metrics.likelihood.held_out=1.5"),
            "metrics.likelihood.held_out got 1.5; it should be less than 1",
        ),
        (("model=vae", "model.conditional=true", "data.num_classes=1"), "model.conditional=true, but the data have"),
    ],
)
def test_what_can_not_be_stops_before_the_first_batch(settings, message, tmp_path):
    said = train(*settings, *SHORT[:-1], f"hydra.run.dir={tmp_path}")
    assert message in str(said)
