"""Super-resolution: kernels are Pillow's, an untrained network is bicubic, and trained ones are nearer to the truth."""

import json

import numpy as np
import pytest
import torch
from commands import run, train
from one_rank import built
from PIL import Image
from small_runs import narrow, state, summary
from worlds import fit, real_batches

from framegan import media, sampling, showing
from framegan.evaluation.fake_samples import FakeSamples
from framegan.metrics.similarity import psnr, ssim
from framegan.metrics.super_resolution import likeness
from framegan.networks.espcn import Generator
from framegan.play import directions
from framegan.reconstruction import Reconstruction, distance
from framegan.resampling import reduced, resized

WAYS = {"bicubic": Image.Resampling.BICUBIC, "lanczos": Image.Resampling.LANCZOS}


@pytest.mark.parametrize("kernel", WAYS)
@pytest.mark.parametrize("size", [(5, 7), (24, 16), (48, 32), (31, 9)])
def test_kernels_are_those_of_pillow(kernel, size):
    pixels = torch.randint(0, 256, (24, 16), generator=torch.Generator().manual_seed(0)).float()
    found = resized(pixels, *size, kernel)
    theirs = Image.fromarray(pixels.numpy(), mode="F").resize(size[::-1], WAYS[kernel])
    assert np.abs(found.numpy() - np.asarray(theirs)).max() < 1e-3


@pytest.mark.parametrize(("shape", "scale"), [((1, 16, 24), 2), ((3, 12, 12), 3), ((2, 3, 16, 16), 4)])
def test_an_untrained_network_is_bicubic(shape, scale):
    torch.manual_seed(0)
    generator, real = Generator(shape, scale, width=8), real_batches(1, 3, shape)[0]
    small, made, bicubic, lanczos = showing.enlarged_again(generator, real)
    assert torch.equal(small, reduced(real, scale)) and small.shape[-1] == shape[-1] // scale
    assert made.shape == bicubic.shape == lanczos.shape == real.shape
    assert (media.to_pixels(made).int() - media.to_pixels(bicubic).int()).abs().max() <= 1
    assert not torch.equal(media.to_pixels(lanczos), media.to_pixels(bicubic))


def test_frames_are_enlarged_one_by_one_and_at_any_size():
    torch.manual_seed(0)
    generator = Generator((1, 3, 8, 8), 2, width=8).eval()
    clips = torch.rand(2, 1, 5, 6, 10) * 2 - 1
    made = generator.enlarged(clips)
    assert made.shape == (2, 1, 5, 12, 20) and made.abs().max() <= 1
    torch.testing.assert_close(made[:, :, 4], generator.enlarged(clips[:, :, 4]))


def test_a_seed_is_a_small_sample_that_is_kept():
    generator = Generator((3, 8, 8), 2, width=8, num_classes=2, conditional=True).eval()
    real = real_batches(1, 6, (3, 8, 8))[0]
    generator.beginnings.fill(real, torch.arange(6) % 2)
    every = generator.enlarged(reduced(real, 2))
    for category in (0, 1):
        for sample in sampling.sample(generator, range(4), category=category):
            assert (every[category::2] - sample).abs().flatten(1).amax(1).min() < 1e-6
    with pytest.raises(ValueError, match="num_frames=5, but this generator makes clips of 3 frames only"):
        sampling.sample(Generator((1, 3, 8, 8), 2, width=8), [0], num_frames=5)


def test_sides_that_can_not_be_reduced():
    with pytest.raises(ValueError, match=r"scale=4, but samples of 30 x 32 .* data\.resolution to a multiple of 4"):
        Generator((1, 30, 32), 4)


def test_distances_by_hand():
    fake, real = torch.tensor([[0.0, 0.5], [0.0, 0.0]]), torch.tensor([[0.0, 0.0], [0.0, 0.003]])
    assert distance(fake, real, "l1").tolist() == pytest.approx([0.25, 0.0015])
    assert distance(fake, real, "mse").tolist() == pytest.approx([0.125, 4.5e-6])
    by_hand = [(1e-3 + (0.25 + 1e-6) ** 0.5) / 2, (1e-3 + (9e-6 + 1e-6) ** 0.5) / 2]
    assert distance(fake, real, "charbonnier").tolist() == pytest.approx(by_hand)


def test_the_critic_and_the_distance_see_what_is_made_of_the_real_samples():
    gan = built("espcn_gan", (1, 16, 16), num_classes=1)
    seen = []
    gan.generator.register_forward_hook(lambda _, inputs, options, made: seen.append(options), with_kwargs=True)
    batches = real_batches(1, 4, (1, 16, 16))
    fit(gan, batches)
    assert len(seen) == 2 and all(torch.equal(options["given"], batches[0]) for options in seen)
    assert "penalty/reconstruction" in gan.measured
    with pytest.raises(ValueError, match=r"best_of=2, but enlarging has one result; set it to 1"):
        built("espcn_gan", (1, 16, 16), "+model.reconstruction.best_of=2")
    assert Reconstruction(norm="mse")(gan.generator, batches[0], batches[0], None, None, None).tolist() == [0.0] * 4


def test_likeness_is_the_mean_over_frames():
    true = torch.randint(0, 256, (2, 1, 3, 12, 12), dtype=torch.uint8)
    made = true.clone()
    made[:, :, 0] = 255 - made[:, :, 0]
    found, frames = likeness(made, true), [(made[:, :, t], true[:, :, t]) for t in range(3)]
    expected = [sum(value(*frame) for frame in frames) / 3 for value in (psnr, ssim)]
    torch.testing.assert_close(found, torch.stack(expected, dim=1).float())


DIGITS = ("data=digits", "data.resolution=16", "trainer=cpu", "data.batch_size=32")
KEYS = [f"{value}{way}_2x_held_out_20" for way in ("", "_bicubic", "_lanczos") for value in ("psnr", "ssim")]


@pytest.fixture(scope="module")
def enlarger(tmp_path_factory):
    """A run that has learned digits for 20 steps, and the same of 10."""
    folder = tmp_path_factory.mktemp("enlarger")
    words = (*narrow("espcn"), *DIGITS, "metrics=super_resolution", "metrics.super_resolution.num_samples=20")
    words += ("callbacks.samples.num_samples=4", "schedule@model.generator_schedule=constant")
    assert train(*words, "total_samples=640", f"hydra.run.dir={folder / 'whole'}") is None
    assert train(*words, "total_samples=320", f"hydra.run.dir={folder / 'parts'}") is None
    return folder


def test_a_run_measures_itself_beside_kernels_and_is_resumed_exactly(enlarger):
    final = summary(enlarger / "whole")["final"]
    assert [key for key in final if key.startswith(("psnr", "ssim"))] == KEYS
    assert final[KEYS[0]] > final[KEYS[2]] > 10
    assert Image.open(enlarger / "whole" / "samples" / "enlarged_640.png").width == 4 * 18 + 2
    resumed = (f"resume={enlarger / 'parts'}", "total_samples=640", "resume_changes=true")
    assert train(*resumed) is None
    whole, parts = (state(enlarger / name)["state_dict"] for name in ("whole", "parts"))
    assert summary(enlarger / "parts")["samples_seen"] == 640
    assert all(torch.equal(whole[key], parts[key]) for key in whole)


def test_a_run_is_evaluated_and_makes_samples(enlarger, tmp_path):
    whole = enlarger / "whole"
    words = (f"checkpoint={whole}", "metrics=super_resolution", "num_samples=20", f"out={tmp_path / 'e'}")
    assert run("evaluate", *words) is None
    (file,) = (tmp_path / "e").rglob("*.json")
    found = {record["key"]: record["value"] for record in json.loads(file.read_text())}
    assert found[KEYS[0]] == pytest.approx(summary(whole)["final"][KEYS[0]], abs=1e-3)
    assert run("generate", f"checkpoint={whole}", "num_samples=3", f"out={tmp_path / 'made'}") is None
    assert len(list((tmp_path / "made").glob("seed_*.png"))) == 3


def test_few_kept_samples_are_no_collapse(tmp_path):
    """Seeds stand for the same ones then; keys say that samples are made of real ones."""
    words = ("metrics=[random_conv]", "metrics.super_resolution.held_out=0.01", "callbacks.evaluate.num_samples=4")
    words += ("callbacks.watchdog.every=64", "total_samples=64", "callbacks.summary.report=false")
    assert train(*narrow("espcn"), *DIGITS, *words, f"hydra.run.dir={tmp_path}") is None
    final = summary(tmp_path)["final"]
    assert all(0.8 < final[f"watchdog/{value}"] < 1.2 for value in ("diversity", "nearest"))
    assert any(key.startswith("fd_") and key.endswith("_enlarged2") for key in final)
    records = json.loads((tmp_path / "evaluations" / "64.json").read_text())
    (origin,) = {json.dumps(record["fake"]["enlarged"]) for record in records if record["key"].startswith("fd_")}
    assert json.loads(origin) == {"scale": 2, "small_samples": 17}


def test_nothing_lies_between_small_samples_and_clips_are_cut():
    network = Generator((1, 4, 8, 8), 2, width=8)
    assert directions.find(network) == {}
    assert FakeSamples(network, {}).cut(2, 1).batch([0, 1])[0].shape == (2, 1, 2, 8, 8)


def test_other_models_do_not_enlarge(tmp_path):
    said = str(train("model=mlp", "data=synthetic", "trainer=cpu", "metrics=super_resolution"))
    assert "metrics=super_resolution judges models that enlarge, model=espcn or espcn_gan" in said


def test_a_share_that_can_not_be_held_out_is_said_by_the_name_it_was_set_by():
    said = str(train(*narrow("espcn"), *DIGITS, "metrics=super_resolution", "metrics.super_resolution.held_out=1.5"))
    assert "metrics.super_resolution.held_out got 1.5; it should be less than 1" in said


def test_a_recurrent_network_gets_the_frame_before_as_it_was_enlarged():
    torch.manual_seed(0)
    generator = Generator((1, 3, 8, 8), 2, width=8, recurrent=True).eval()
    clips = torch.rand(2, 1, 4, 6, 10) * 2 - 1
    height, width = 12, 20
    torch.testing.assert_close(generator.enlarged(clips), resized(clips, height, width).clamp(-1, 1), atol=4e-3, rtol=0)
    with torch.no_grad():
        generator.layers[-1].weight.mul_(1000)
    made, before = generator.enlarged(clips), None
    for place in range(4):
        before = generator.enlarged(clips[:, :, place], before=before)
        torch.testing.assert_close(made[:, :, place], before)
    other = clips.clone()
    other[:, :, 0] *= -1
    assert (generator.enlarged(other)[:, :, 1:] - made[:, :, 1:]).abs().amax((0, 1, 3, 4)).min() > 0
    assert torch.equal(generator.enlarged(clips[:, :, :2]), made[:, :, :2]), "nothing of what comes later is used"
    with pytest.raises(ValueError, match=r"recurrent=true is for clips, and these are images; set it to false"):
        Generator((1, 8, 8), recurrent=True)
