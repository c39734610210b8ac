"""From frames to frames: what is given stays as it is, what follows is measured by hand, and whole runs."""

import json
import math
import re
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from commands import run, train
from one_rank import built
from PIL import Image
from small_clips import write_mp4, write_videos
from small_runs import narrow, rows, state
from worlds import fit, real_batches
from worlds import tiny_clip_gan as tiny

import framegan
from framegan import inputs, media, noise, sampling, showing
from framegan.callbacks.watchdog import Watchdog
from framegan.data.datamodule import DataModule
from framegan.data.given import frames_of
from framegan.data.held_out import held_out
from framegan.data.source import TensorSource
from framegan.data.videos.clips import Clips
from framegan.data.videos.video_folder import VideoFolder
from framegan.evaluation.fake_samples import FakeSamples
from framegan.evaluation.real_samples import RealSamples
from framegan.metrics.comparison import Comparison
from framegan.metrics.prediction import Prediction, measured
from framegan.metrics.random_conv import RandomConv
from framegan.metrics.scores import Kernel
from framegan.metrics.shape_motion import ShapeMotion
from framegan.metrics.similarity import psnr, ssim
from framegan.metrics.unseen import check_unseen
from framegan.networks.beginnings import Beginnings
from framegan.networks.predictor import Generator
from framegan.reconstruction import OTHERS, Reconstruction

SHAPE = (1, 6, 16, 24)


def generator(given_frames=2, shape=SHAPE, **options):
    torch.manual_seed(0)
    network = Generator(shape, given_frames, width=8, **options)
    clips = torch.rand(9, *shape, generator=torch.Generator().manual_seed(1)) * 2 - 1
    network.beginnings.fill(clips, torch.arange(9) % 3)
    for parameter in network.parameters():
        if parameter.ndim > 2:
            torch.nn.init.normal_(parameter, 0, 0.1)
    return network.eval()


def test_one_that_takes_no_classes_has_none_of_the_clips_that_it_begins_with():
    assert inputs.kept_classes(generator(num_classes=3, conditional=True)) == {0, 1, 2}
    assert not inputs.kept_classes(generator())


@pytest.mark.parametrize("shape", [(1, 6, 16, 24), (3, 3, 28, 28), (2, 4, 32, 32), (4, 5, 64, 64)], ids=str)
def test_given_frames_come_out_untouched_and_the_rest_is_of_any_length(shape):
    network = generator(2, shape)
    given = torch.rand(2, shape[0], 2, *shape[2:]) * 2 - 1
    clips = network(torch.randn(2, network.latent_dim), given=given)
    assert clips.shape == (2, *shape) and clips.abs().max() <= 1
    assert torch.equal(clips[:, :, :2], given)
    short, long = (sampling.sample(network, [0, 1], num_frames=n, given=given) for n in (shape[1], shape[1] + 3))
    torch.testing.assert_close(long[:, :, : shape[1]], short, rtol=0, atol=1e-5)
    assert torch.equal(long[:, :, :2], given)


def test_an_untrained_network_repeats_the_frame_before():
    network = Generator(SHAPE, 2, width=8)
    clips = sampling.sample(network, [0], given=torch.full((1, 2, 16, 24), 0.5))
    assert (clips - 0.5).abs().max() < 0.3


def test_an_untrained_network_draws_no_pattern_within_a_cell():
    network = Generator((3, 3, 64, 64), 1, width=8)  # whose cells have sides of 4 pixels
    outputs = network.decoder(torch.randn(2, 8 + 4, 16, 16))
    for drawn in outputs.split(network.outputs, dim=1)[:2]:
        cells = torch.nn.functional.pixel_shuffle(drawn, 4).unfold(2, 4, 4).unfold(3, 4, 4).flatten(4)
        assert torch.allclose(cells, cells[..., :1].expand_as(cells)) and cells[..., 0].std() > 0


def test_pixels_move_as_their_kernels_say():
    network = Generator((1, 3, 16, 16), 1, width=8)  # where a cell is one pixel, and pixels come from up to 2 away
    kernels = torch.full((1, 5, 16, 16), -30.0)
    kernels[:, 3] = 30.0
    frame = torch.rand(1, 1, 16, 16)
    moved = network._moved(network._moved(frame, kernels, axis=2), kernels, axis=3)
    torch.testing.assert_close(moved[..., :-1, :-1], frame[..., 1:, 1:])


def test_the_guided_frames_follow_on_the_true_ones():
    network, real = generator(guided=1.0), torch.rand(2, *SHAPE) * 2 - 1
    latents = torch.randn(2, network.latent_dim)
    by_itself, guided = network(latents, given=real[:, :, :2]), network(latents, given=real)
    assert torch.equal(guided[:, :, :3], by_itself[:, :, :3]) and not torch.equal(guided[:, :, 3], by_itself[:, :, 3])
    other = real.clone()
    other[:, :, 4:] = 0
    assert torch.equal(network(latents, given=other)[:, :, :5], guided[:, :, :5])
    network.least_guided = -math.inf
    assert torch.equal(network(latents, given=real), by_itself)
    some = generator(guided=0.25)
    coins = noise.normal((10_000,), seed=0, stream=noise.SAMPLES, counter=0)
    assert (coins < some.least_guided).float().mean() == pytest.approx(0.25, abs=0.02)


def test_a_seed_is_a_beginning_and_a_motion():
    network = generator()
    clips = sampling.sample(network, range(8))
    beginnings = media.to_samples(network.beginnings.pixels)
    chosen = [int((beginnings == clip[:, :2]).flatten(1).all(1).nonzero()[0]) for clip in clips]
    assert len(set(chosen)) > 3
    alone = sampling.sample(network, [5])
    assert torch.equal(alone[0], clips[5])
    held = sampling.sample(network, range(8), held={"content": 3})
    assert torch.equal(held[:, :, :2], clips[3:4, :, :2].expand(8, -1, -1, -1, -1))
    assert torch.equal(held[3], clips[3]) and not torch.equal(held[0, :, 2:], held[1, :, 2:])
    given = clips[2, :, :2]
    animated = sampling.sample(network, range(8), given=given, held={"motion": 3})
    assert torch.equal(animated[0], animated[7])
    assert torch.equal(sampling.sample(network, [3], given=given)[0], animated[3])
    each = sampling.sample(network, range(8), given=clips[:, :, :2])
    assert torch.equal(each, clips)


def test_one_content_seed_is_one_beginning_with_classes_too():
    clips = sampling.sample(generator(num_classes=3), range(8), held={"content": 3})
    assert torch.equal(clips[:, :, :2], clips[:1, :, :2].expand(8, -1, -1, -1, -1))
    assert len({clip.numpy().tobytes() for clip in clips}) == 8


def test_clips_are_continued_alike_in_any_batches(monkeypatch):
    network, clips = generator(), torch.rand(5, *SHAPE) * 2 - 1
    whole = showing.continued(network, clips, torch.zeros(5).long(), range(5))
    assert torch.equal(whole[:, :, :2], clips[:, :, :2])
    monkeypatch.setattr(sampling, "batch_size_of", lambda generator, num_frames=None: 2)
    assert torch.allclose(showing.continued(network, clips, torch.zeros(5).long(), range(5)), whole, atol=1e-5)


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"given": torch.full((1, 2, 16, 24), 255.0)}, r"the given frames reach 255; they should be in \[-1, 1\]"),
        ({"given": torch.full((1, 2, 16, 24), math.nan)}, "the given frames reach nan"),
        ({"num_frames": 2}, "num_frames=2, but the first 2 are given; set it to 3 or more"),
    ],
)
def test_what_no_sample_can_begin_with(choices, message):
    with pytest.raises(ValueError, match=message):
        sampling.sample(generator(), range(2), **choices)


def test_given_frames_may_be_of_any_precision():
    given = torch.rand(1, 2, 16, 24) * 2 - 1
    assert torch.equal(
        sampling.sample(generator(), [0], given=given.double()), sampling.sample(generator(), [0], given=given)
    )


@pytest.mark.parametrize(("classes", "is_right"), [(["a", "b"], True), (["b", "c"], False), (["a", "b", "c"], False)])
def test_the_true_clips_are_of_the_classes_that_the_model_knows(classes, is_right):
    fake = SimpleNamespace(num_classes=2, classes=["a", "b"])
    real = SimpleNamespace(
        num_classes=len(classes), classes=classes, held_out_numbers=[0, 1], trained_on=str, origin={}
    )
    with (
        nullcontext()
        if is_right
        else pytest.raises(ValueError, match="it was trained on a, b .* Name data with the same")
    ):
        check_unseen(real, fake, "prediction")


def test_a_beginning_of_the_class_that_is_asked_for():
    network = generator(num_classes=4)
    keys = noise.latents_of_seeds(range(40), 1)[:, 0]
    for category in range(3):
        found = network.beginnings(keys, torch.full((40,), category))
        rows = [(media.to_samples(network.beginnings.pixels) == one).flatten(1).all(1).nonzero()[0] for one in found]
        assert {int(network.beginnings.labels[row]) for row in rows} == {category}
        assert len({int(row) for row in rows}) > 1
    assert {int(one) for one in inputs.draw(network, range(40))[1]} == {0, 1, 2}  # but not 3, of which there is none
    assert {int(one) for one in inputs.draw(network, range(40), class_counts=[0, 1, 0, 9])[1]} == {1}
    assert {int(one) for one in inputs.draw(network, range(40), is_given=True)[1]} == {0, 1, 2, 3}
    network.class_names = ["a", "b", "c", "d"]
    with pytest.raises(ValueError, match=r"category=d: no clip of it was kept .* name one of a, b, c"):
        sampling.sample(network, [0], category="d")
    assert sampling.sample(network, [0], category="d", given=torch.zeros(1, 2, 16, 24)).shape == (1, *SHAPE)
    assert torch.equal(network.beginnings(keys.double(), None), network.beginnings(keys, None).double())


def test_as_many_beginnings_as_fit():
    assert len(Beginnings((1, 10, 32, 32), 4)) == 256
    assert len(Beginnings((3, 16, 64, 64), 4)) == 21
    assert len(Beginnings((3, 16, 128, 128), 8)) == 16
    assert len(Beginnings((3, 16, 64, 64), 4, num_classes=101)) == 101


@pytest.mark.parametrize("are_listed", [True, False])
def test_a_beginning_of_every_class_that_the_data_have(are_listed):
    """Unseen where one of the class is held out, else one that training has."""
    labels = torch.tensor([0] * 50 + [1] * 40 + [4] * 8 + [3] * 2)
    samples = torch.arange(100, dtype=torch.uint8).view(-1, 1, 1, 1, 1).expand(-1, 1, 4, 4, 4).contiguous()
    source = TensorSource(samples, labels, 5)
    data = DataModule(source if are_listed else Unlabelled(source), held_out=0.1, batch_size=4)
    clips, found = data.examples.unseen(12, of_every_class=True)
    numbers = media.to_pixels(clips)[:, 0, 0, 0, 0].tolist()
    left_out = set(held_out(source, 0.1).tolist())
    unseen = {int(labels[number]) for number in left_out}
    assert found.tolist() == labels[numbers].tolist() and set(found.tolist()) == {0, 1, 3, 4} > unseen
    assert all((number in left_out) == (int(label) in unseen) for number, label in zip(numbers, found, strict=True))


@pytest.mark.parametrize("of_every_class", [False, True])
def test_of_few_videos_there_are_several_beginnings_each(of_every_class, tmp_path):
    write_videos(tmp_path, number=8, num_frames=20)
    data = DataModule(Clips(VideoFolder(str(tmp_path), 16), num_frames=4), held_out=0.25, batch_size=2)
    clips, _ = data.examples.unseen(40, of_every_class=of_every_class)
    kept = Beginnings(data.shape, 1)
    kept.fill(clips, torch.zeros(40, dtype=torch.int64))
    assert len(clips) == 40 and 8 < kept.num_different <= 40


def test_reconstruction_by_hand():
    network, real = generator(), real_batches(1, 3, SHAPE)[0]
    labels, keys = torch.zeros(3).long(), torch.tensor([0.25, 0.5, 0.75])
    latents = torch.randn(3, network.latent_dim)
    fake = network(latents, given=real)
    for norm, power in (("l1", 1), ("mse", 2)):
        by_hand = (fake - real)[:, :, 2:].abs().pow(power).mean((1, 2, 3, 4))
        torch.testing.assert_close(Reconstruction(1, norm)(network, fake, real, labels, latents, keys), by_hand)
        drawn = noise.normal_of_uniform(noise.uniform_of_keys(keys, network.latent_dim, OTHERS)).float()
        other = network(torch.cat([drawn[:, :-4], latents[:, -4:]], dim=1), given=real)
        others = (other - real)[:, :, 2:].abs().pow(power).mean((1, 2, 3, 4))
        found = Reconstruction(1, norm, best_of=2)(network, fake, real, labels, latents, keys)
        torch.testing.assert_close(found, torch.where(by_hand <= others, 2 * by_hand, 0.0))
    with torch.no_grad():
        network.of_noise.weight.zero_()  # all latents make the same
    fake = network(latents, given=real)
    alone, best = (Reconstruction(1, "l1", k)(network, fake, real, labels, latents, keys) for k in (1, 3))
    torch.testing.assert_close(alone, best)


def test_both_networks_get_the_beginnings_of_the_real_clips():
    gan = built("predictor", SHAPE, "model.ema_half_life=0", num_classes=1)
    seen = []
    gan.generator.register_forward_hook(lambda _, inputs, options, made: seen.append((options, made)), with_kwargs=True)
    batches = real_batches(1, 4, SHAPE)
    fit(gan, batches)
    assert len(seen) == 3  # of the critics, of the generator itself, and the other one of the best of two
    for options, made in seen:
        assert torch.equal(options["given"], batches[0])
        assert torch.equal(made[:, :, :2], batches[0][:, :, :2])
    assert "penalty/reconstruction" in gan.measured


def test_likeness_by_hand():
    true = torch.zeros(3, 1, 12, 16, dtype=torch.uint8)
    frames = true.clone()
    frames[0], frames[1, :, :6] = 51, 255  # a fifth of the range everywhere; all of it in half of the pixels
    assert psnr(frames, true).tolist() == pytest.approx(
        [20 * np.log10(5), 10 * np.log10(2), 10 * np.log10(255**2 * 12)]
    )
    assert ssim(true, true).tolist() == pytest.approx([1.0] * 3)
    light = (0.01 * 255) ** 2
    assert ssim(frames, true)[0].item() == pytest.approx(light / (51**2 + light), rel=1e-6)  # both are flat


def test_ssim_is_that_of_torchmetrics_where_windows_lie_within_the_frame():
    from torchmetrics.functional.image import structural_similarity_index_measure

    first, second = torch.randint(0, 256, (2, 4, 3, 20, 31), dtype=torch.uint8).unbind(0)
    second = (first.float() * 0.7 + second.float() * 0.3).to(torch.uint8)
    _, likeness = structural_similarity_index_measure(
        first.double(), second.double(), data_range=255.0, reduction="none", sigma=1.5, return_full_image=True
    )
    theirs = likeness[..., 5:-5, 5:-5].flatten(1).mean(1)
    torch.testing.assert_close(ssim(first, second), theirs, rtol=1e-6, atol=1e-6)


def test_the_copy_is_the_last_given_frame_and_the_best_is_chosen_by_its_clip():
    clips = torch.zeros(2, 1, 5, 12, 12, dtype=torch.uint8)
    clips[:, :, 1], clips[:, :, 2:] = 100, 151
    made = clips.unsqueeze(1).repeat(1, 3, 1, 1, 1, 1)
    made[0, 0, :, 2:] += 10
    made[0, 1, :, 2:] += 5
    made[0, 2, :, 2] += 0
    made[0, 2, :, 3:] += 40
    made[1, :, :, 2:] += 10
    found = measured(clips, made, 2, RandomConv(2))
    assert found.shape == (2, 9, 3)
    of_error = lambda error: 20 * np.log10(255 / error)  # noqa: E731
    assert found[:, 0].flatten().tolist() == pytest.approx([of_error(10)] * 6)
    assert found[:, 3].flatten().tolist() == pytest.approx([of_error(5)] * 3 + [of_error(10)] * 3)
    assert found[:, 6].flatten().tolist() == pytest.approx([of_error(51)] * 6)


def test_given_frames_are_marked_in_colour_beside_grey_data():
    clips = torch.zeros(2, 1, 4, 8, 8)
    strip = media.strips(clips, given_frames=2)
    assert strip.shape == (22, 42, 3)
    assert (strip[0, :21] == media.GIVEN).all() and (strip[0, 21:] == 255).all()
    assert (strip[2:10, 2:10] == 128).all()
    video = media.grid(clips, 2, given_frames=2)
    assert (video[:2, 0, 0] == media.GIVEN).all() and (video[2:, 0, 0] == 255).all()
    assert media.grid(torch.zeros(2, 2, 4, 8, 8), 2, 1).shape[-1] == 4


def test_the_watchdog_looks_at_what_follows_and_not_at_beginnings_that_repeat():
    network, watchdog = generator(), Watchdog(1, num_samples=12)
    network.beginnings.fill(torch.zeros(1, *SHAPE), torch.zeros(1).long())
    source = TensorSource(torch.randint(0, 256, (40, *SHAPE), dtype=torch.uint8), torch.zeros(40).long(), 1)
    watchdog.model = SimpleNamespace(generator=network)
    watchdog.trainer = SimpleNamespace(datamodule=DataModule(source, batch_size=4))
    assert min(watchdog._diversity()) > 0.3
    network._next = lambda before, features: torch.zeros_like(before)
    assert watchdog._diversity() == (0, 0)


def test_keys_say_that_clips_begin_with_frames_of_real_ones():
    source = TensorSource(torch.randint(0, 256, (6, *SHAPE), dtype=torch.uint8), torch.zeros(6).long(), 1)
    real, fake = RealSamples(lambda: source, None, {}), FakeSamples(generator(), {})
    (record,) = Comparison(RandomConv(2), {"kd": Kernel(num_subsets=None)}, num_fake=6, num_real=6)(real, fake)
    assert record.key.endswith("_6_1f_given2")
    assert {record.key.partition("/")[0] for record in ShapeMotion(6)(real, fake)} == {"shape_motion_6_given2"}


class Unlabelled:
    """A source that doesn't list its labels."""

    def __init__(self, source):
        self.source, self.shape, self.num_classes, self.split = source, source.shape, source.num_classes, "all"

    def __len__(self):
        return len(self.source)

    def __getitem__(self, index):
        return self.source[index]


OF_CLIPS = ("data=moving_digits", "data.resolution=16", "data.num_frames=6", "trainer=cpu")
PREDICTOR = (*narrow("predictor"), *OF_CLIPS)
FEW = ("data.datamodule.source.videos.num_videos=120", "data.given_frames=2", "data.batch_size=4", "metrics=prediction")
EVERY = ("metrics.prediction.num_samples=8", "metrics.prediction.best_of=3", "checkpoint_every=8", "evaluate_every=16")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run of 16 samples."""
    folder = tmp_path_factory.mktemp("predictor") / "run"
    assert train(*PREDICTOR, *FEW, *EVERY, "total_samples=16", "sample_every=16", f"hydra.run.dir={folder}") is None
    return folder


def test_a_resumed_run_ends_like_one_never_stopped(folder, tmp_path):
    parts = ("generator", "discriminator")
    longer = (f"model.{part}_schedule.total_samples=16" for part in parts)
    options = ("total_samples=8", "sample_every=null", f"hydra.run.dir={tmp_path}")
    assert train(*PREDICTOR, *FEW, *EVERY, *longer, *options) is None
    assert train(f"resume={tmp_path}", "total_samples=16", "resume_changes=true") is None
    first, second = state(folder), state(tmp_path)
    for name, value in first["state_dict"].items():
        assert torch.equal(value, second["state_dict"][name]), name
    timing = ("samples_per_second", "data_wait_fraction")
    assert rows(folder, *timing)[-1] == rows(tmp_path, *timing)[-1]


@pytest.mark.parametrize(("conditional", "which"), [(False, "all"), (True, "given_class_all")])
def test_keys_say_where_a_model_is_told_the_class(conditional, which):
    source = TensorSource(torch.zeros(3, *SHAPE, dtype=torch.uint8), torch.arange(3), 3)
    real = RealSamples(lambda: source, None, {})
    fake = FakeSamples(generator(num_classes=3, conditional=conditional), {})
    (record, *_) = Prediction(RandomConv(2), 3, 2)(real, fake)
    assert record.key == f"psnr_2to4_{which}_3"


def test_a_run_is_judged_by_clips_it_has_not_seen(folder, tmp_path, capsys):
    records = {record["key"]: record for record in json.loads((folder / "evaluations" / "16.json").read_text())}
    embedding = f"{RandomConv(2).name}_{RandomConv(2).fingerprint}_distance"
    names = [f"{n}{of}" for of in ("", "_best_of_3", "_copy") for n in ("psnr", "ssim", embedding)]
    assert list(records) == [f"{name}_2to4_held_out_8" for name in names]
    value = {name: records[f"{name}_2to4_held_out_8"]["value"] for name in names}
    assert value["psnr_best_of_3"] >= value["psnr"]
    steps = records["psnr_2to4_held_out_8"]["by_class"]
    assert list(steps) == ["3", "4", "5", "6"]
    assert np.mean([one["value"] for one in steps.values()]) == pytest.approx(value["psnr"])
    scored = ("metrics=prediction", *EVERY[:2], f"checkpoint={folder / 'checkpoints' / 'last.ckpt'}")
    assert run("evaluate", *scored, f"out={tmp_path}") is None
    assert "of each frame, 2to4_held_out_8" in capsys.readouterr().out
    again = json.loads((tmp_path / "evaluation.json").read_text())
    assert [r["value"] for r in again] == pytest.approx([r["value"] for r in records.values()], rel=1e-6)
    given = again[0]["fake"]["given"]
    assert (
        given["frames"] == 2
        and given["beginnings"]
        == state(folder)["state_dict"]["generator_ema.beginnings.pixels"].flatten(1).unique(dim=0).shape[0]
    )
    pictures = {path.name for path in (folder / "samples").glob("*_16.*")}
    assert {"prediction_16.png", "prediction_16.mp4", "prediction_16.webp", "content_motion_16.webp"} <= pictures
    assert "True, and predicted" in (folder / "report.html").read_text()


def test_frames_of_ones_own_are_continued(folder, tmp_path):
    frames = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), dtype=np.uint8)
    write_mp4(tmp_path / "a.mp4", frames)
    for number, frame in enumerate(frames):
        (tmp_path / "frames").mkdir(exist_ok=True)
        Image.fromarray(frame).save(tmp_path / "frames" / f"{number + 8}.png")
    (tmp_path / "frames" / "._8.png").write_bytes(b"of another system")
    for name in ("a.mp4", "frames"):
        made = ("num_samples=2", "format=npy", "overwrite=true", f"out={tmp_path / 'made'}", f"given={tmp_path / name}")
        assert run("generate", f"checkpoint={folder}", *made) is None
        clips = [np.load(tmp_path / "made" / f"seed_{seed:06}.npy") for seed in (0, 1)]
        wanted = frames_of(tmp_path / name, (1, 6, 16, 16), 2, {})[0].permute(1, 2, 3, 0).numpy()
        assert (clips[0][:2] == wanted).all() and (clips[1][:2] == wanted).all()
        assert not (clips[0] == clips[1]).all()
    assert (wanted[..., 0] == np.array([Image.fromarray(f).convert("L") for f in frames[:2]])).all()
    trained = framegan.load(folder)
    assert trained.given_frames == 2 and trained.latent_parts["content"] == 1
    given = torch.zeros(1, 2, 16, 16)
    assert torch.equal(trained.sample(3, given=given)[:, :, :2], given.expand(3, -1, -1, -1, -1))
    with pytest.raises(ValueError, match=r"should be float \(C, T, H, W\) \(1, 2, 16, 16\)"):
        trained.sample(3, given=torch.zeros(1, 1, 16, 16))


def test_a_picture_is_a_strip_where_the_data_are_strips(tmp_path):
    strip = np.repeat(np.arange(6, dtype=np.uint8) * 10, 8)[None].repeat(8, axis=0)  # 6 frames of 8x8
    Image.fromarray(strip).save(tmp_path / "strip.png")
    for settings in {"frame_length": None}, {"frame_length": 8, "frame_stride": 2}:
        frames, chosen = frames_of(tmp_path / "strip.png", (1, 4, 8, 8), 2, settings)
        assert frames.amax((0, 2, 3)).tolist() == frames.amin((0, 2, 3)).tolist() == [10 * place for place in chosen]
        assert chosen == [0, settings.get("frame_stride", 1)]
    for width, shown in ((48, 8), (16, 8), (20, 8)):  # a strip, a wide picture, one that is no strip at all
        Image.fromarray(strip[:, :width]).save(tmp_path / "one.png")
        known = {"frame_length": None}
        (taken,), _ = frames_of(tmp_path / "one.png", (1, 4, 8, 8), 1, known)
        as_picture, _ = frames_of(tmp_path / "one.png", (1, 4, 8, 8), 1, {})
        assert torch.equal(taken[0], as_picture[0, 0]) == (width < 3 * shown)
    Image.fromarray(strip[:, :8]).save(
        tmp_path / "moving.webp", save_all=True, append_images=[Image.fromarray(strip[:, 8:16])]
    )
    with pytest.raises(ValueError, match="it holds several pictures; .* to read a video"):
        frames_of(tmp_path / "moving.webp", (1, 4, 8, 8), 2, {})


@pytest.mark.parametrize(
    ("number", "length", "settings", "chosen"),
    [
        (3, 9, {}, [0, 1, 2]),
        (3, 9, {"frame_stride": 2}, [0, 2, 4]),
        (3, 9, {"frame_stride": [4, 6]}, [0, 4, 8]),
        (3, 3, {"frame_stride": 2}, [0, 1, 2]),  # no more than that: as they are
        (
            3,
            4,
            {"frame_stride": 2},
            "it has 4 frames, too few for 3 at data.frame_stride=2, as trained; give exactly 3, or at least 5",
        ),
        (3, 9, {"target_fps": 12.5}, [0, 2, 4]),
        (3, 9, {"target_fps": 50.0}, [0, 0, 1]),  # of the data's videos too slow ones are repeated like this
        (3, 9, {"target_fps": 5}, "it has 9 frames, too few for 3 at data.target_fps=5"),
        (1, 9, {"target_fps": 5, "frame_stride": 1}, [0]),
    ],
)
def test_given_frames_are_as_far_apart_as_those_of_the_data(number, length, settings, chosen, tmp_path):
    """Of a folder too, whose pictures have no times."""
    frames = np.full((length, 16, 16, 3), 20, np.uint8) * np.arange(length, dtype=np.uint8).reshape(-1, 1, 1, 1)
    write_mp4(tmp_path / "a.mp4", frames)  # of 25 frames a second
    (tmp_path / "frames").mkdir()
    for place, frame in enumerate(frames):
        Image.fromarray(frame).save(tmp_path / "frames" / f"{place}.png")
    for name in ("a.mp4", "frames"):
        has_times = "target_fps" not in settings or name == "a.mp4"
        wanted = chosen if has_times else f"{length} pictures tell no times; give exactly {number} at that rate, or a v"
        if isinstance(wanted, str):
            with pytest.raises(ValueError, match=wanted):
                frames_of(tmp_path / name, (3, 6, 16, 16), number, settings)
            continue
        pixels, places = frames_of(tmp_path / name, (3, 6, 16, 16), number, settings)
        assert places == wanted
        assert pixels.float().mean((0, 2, 3)).tolist() == pytest.approx([20 * place for place in wanted], abs=3)


@pytest.mark.parametrize(
    ("given", "more", "message"),
    [
        ("none.mp4", (), "there is no such file; it should be a video, a picture, or a folder of pictures"),
        ("one.png", (), "it has 1 frame, too few for 2"),
        ("one.mp4", (), "it has 1 frame, too few for 2"),
        ("", (), "given= is empty; is a variable not set?"),
        ("one.mp4", ("out={given}",), "one.mp4 is the file that is given, which would be lost; set out to another"),
        (
            "one.png",
            ("content_seed=1",),
            "the frames that clips begin with are given; leave out seed 1 of the",
        ),
        (
            "two.mp4",
            ("motion_seed=1", "num_samples=2"),
            "motion_seed=1 leave nothing to vary",
        ),
    ],
)
def test_what_can_not_be_continued(given, more, message, folder, tmp_path):
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(tmp_path / "one.png")
    write_mp4(tmp_path / "one.mp4", np.zeros((1, 16, 16, 3), np.uint8))
    write_mp4(tmp_path / "two.mp4", np.zeros((2, 16, 16, 3), np.uint8))
    path = str(tmp_path / given) if given else ""
    out = [one.format(given=path) for one in more if one.startswith("out")] or [f"out={tmp_path / 'made'}"]
    options = (f"given={path}", *out, *(one for one in more if not one.startswith("out")))
    assert message in str(run("generate", f"checkpoint={folder}", *options))
    assert {file.name for file in tmp_path.iterdir()} <= {"one.png", "one.mp4", "two.mp4"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            ("data.given_frames=3", "data.frame_stride=2"),
            "data.given_frames=3, but the generator was trained with 2 given frames",
        ),
        (
            (),
            "trained with data.frame_stride=1, and these data would have data.frame_stride=2; set the former",
        ),
        (("data.frame_stride=2",), "its weights were trained on the same samples of these"),
        (("data.frame_stride=2", "data.datamodule.source.videos.seed=5"), None),
    ],
)
def test_other_clips_are_at_the_pace_of_the_run_or_at_one_that_is_named(
    settings, message, folder, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "conf" / "data").mkdir(parents=True)
    faster = "defaults: [/data/moving_digits@_here_, _self_]\nframe_stride: 2\n"
    (tmp_path / "conf" / "data" / "faster.yaml").write_text(faster)
    data = ("data=faster", "data.resolution=16", "data.num_frames=6")
    scored = ("metrics=prediction", *EVERY[:2], f"checkpoint={folder}", f"out={tmp_path}")
    said = run("evaluate", *scored, *data, *settings)
    assert said is None if message is None else message in str(said), said


MLP = ("model=mlp", "data=synthetic", "trainer=cpu")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ((*PREDICTOR, "data.given_frames=0"), r"predictor: data\.given_frames=0, but predictor continues frames"),
        ((*PREDICTOR, "data.given_frames=6"), "clips of 6 frames, and none would be left to predict; set it below"),
        (("model=mocogan", *OF_CLIPS, "data.given_frames=2"), "makes whole clips; set it to 0, or choose"),
        ((*MLP, "data.given_frames=1"), r"data\.given_frames=1, but the samples are images"),
        ((*MLP, "metrics=prediction"), "metrics=prediction judges models that continue"),
        ((*PREDICTOR, *FEW, "metrics.prediction.held_out=0"), r"no samples were held out .* metrics\.prediction\.held"),
        ((*PREDICTOR, *FEW, "metrics.prediction.held_out=1.5"), r"metrics\.prediction\.held_out got 1.5; it should be"),
    ],
)
def test_what_can_not_be_stops_before_the_first_batch(settings, message, tmp_path):
    assert re.search(message, str(train(*settings, f"hydra.run.dir={tmp_path}")))


def test_reconstruction_asks_for_given_frames():
    with pytest.raises(ValueError, match=r"model\.reconstruction is set, but no frames are given"):
        tiny(reconstruction=Reconstruction())
    with pytest.raises(ValueError, match="frames are given, but this generator makes whole clips"):
        tiny().sample([0], given=torch.zeros(1, 1, 8, 8))
