"""Generators are measured while they train, and scored afterwards with the same numbers, on any number of processes."""

import csv
import json
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from commands import run, train
from PIL import Image
from small_clips import write_videos
from small_files import write_images
from small_runs import narrow

from framegan.callbacks.checkpoint import Checkpoint, matching
from framegan.cli import compose, evaluate
from framegan.data.fingerprint import in_common
from framegan.metrics.record import Record
from framegan.metrics.unseen import check_unseen
from framegan.run_state import RunState

SMALL = ("model=mlp", "data=synthetic", "data.resolution=[24,32]", "trainer=cpu", "data.batch_size=16")
KEY = "fd_random_conv2d_aadcc222_100"
OF_CLIPS = ("model=mocogan", "data=shape_motion", "data.resolution=16", "data.num_frames=4", "trainer=debug")


def results(folder):
    """Return what evaluation.json says, by key."""
    return {record["key"]: record for record in json.loads((folder / "evaluation.json").read_text())}


def evaluated(out, *arguments):
    assert run("evaluate", f"out={out}", *arguments) is None
    return results(out)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run that was measured at 64, 128 and 160 samples, and whose best is by that."""
    folder = tmp_path_factory.mktemp("measured") / "run"
    options = ("total_samples=160", "evaluate_every=64", "callbacks.evaluate.num_samples=100", "objective=fd")
    assert train(*SMALL, *options, "checkpoint_every=100", f"hydra.run.dir={folder}") is None
    return folder


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips") / "run"
    assert train(*OF_CLIPS, f"hydra.run.dir={folder}") is None
    return folder


def test_a_run_is_measured_at_fixed_numbers_of_samples_and_at_its_end(folder):
    with (folder / "metrics.csv").open() as file:
        curve = {int(row["samples_seen"]): float(row[KEY]) for row in csv.DictReader(file) if row[KEY]}
    assert curve.keys() == {64, 128, 160}
    assert curve[160] < curve[64], "the generator has learnt something"
    for samples_seen, value in curve.items():
        (record, *_) = json.loads((folder / "evaluations" / f"{samples_seen}.json").read_text())
        assert (record["key"], record["value"]) == (KEY, value)
        assert record["fake"] == {"weights": "ema", "samples_seen": samples_seen, "first_seed": 0}
    summary = json.loads((folder / "summary.json").read_text())
    best = min(curve, key=curve.get)
    assert summary["final"][KEY] == curve[160]
    assert summary["best"][KEY] == {"value": curve[best], "samples_seen": best, "better": "lower"}
    assert summary["objective"] == KEY


def test_the_best_checkpoint_is_the_one_that_was_measured(folder, tmp_path):
    best = json.loads((folder / "summary.json").read_text())["best"][KEY]
    (record, *_) = evaluated(tmp_path, f"checkpoint={folder}", "num_samples=100").values()
    assert record["fake"]["samples_seen"] == best["samples_seen"]
    assert record["value"] == pytest.approx(best["value"], rel=1e-9)
    last = evaluated(tmp_path, f"checkpoint={folder / 'checkpoints' / 'last.ckpt'}", "num_samples=100")
    (measured, *_) = json.loads((folder / "evaluations" / "160.json").read_text())
    assert last[KEY]["value"] == pytest.approx(measured["value"], rel=1e-9)
    assert last[KEY]["real"] == measured["real"]


@pytest.mark.parametrize(
    ("monitor", "key"),
    [
        (None, None),
        ("fid", "fid_inception_10k"),
        ("fid_inception_50k", "fid_inception_50k"),
        ("shape_motion/accuracy", "shape_motion_16/accuracy"),
        ("shape_motion_16", "shape_motion_16/accuracy"),
        ("discriminator", "discriminator/loss"),
        ("shape_motion/loss", None),
        ("fi", None),
        ("fid/loss", None),
    ],
)
def test_an_objective_is_how_the_parts_of_a_key_begin(monitor, key):
    keys = ("discriminator/loss", "fid_inception_10k", "fid_inception_50k", "shape_motion_16/accuracy")
    assert matching(keys, monitor) == key


def test_an_objective_is_of_a_metric_even_before_that_was_measured():
    checkpoint, key = Checkpoint(every=None, monitor="class_accuracy"), "class_accuracy_classifier_100"
    checkpoint.run = RunState(metrics={"class_accuracy/real": 0.9}, names=["class_accuracy_classifier"])
    assert not checkpoint._is_best(), "the step's own value, of which less is better, is another one"
    checkpoint.run.metrics[key], checkpoint.run.measured_at = 0.8, 64
    checkpoint.run.best[key] = {"value": 0.8, "samples_seen": 64, "better": "higher"}
    assert checkpoint._key() == key
    of_the_step = Checkpoint(every=None, monitor="class_accuracy/real")
    of_the_step.run = checkpoint.run
    assert of_the_step._key() == "class_accuracy/real"


def test_two_processes_find_what_one_does(folder, tmp_path):
    options = (f"checkpoint={folder}", "num_samples=150")
    one, two = (evaluated(tmp_path, *options, f"trainer.devices={number}") for number in (1, 2))
    assert one == two


def test_other_seeds_and_weights_give_other_values(folder, tmp_path):
    options = (f"checkpoint={folder}", "num_samples=100")
    values = {evaluated(tmp_path, *options, other)[KEY]["value"] for other in ("seed=0", "seed=1000", "weights=raw")}
    assert len(values) == 3


def test_the_data_are_not_needed_where_their_features_were_kept(tmp_path):
    write_images(tmp_path / "photos", 40)
    folder = tmp_path / "run"
    data = ("data=image_folder", f"data.root={tmp_path / 'photos'}", "data.resolution=16")
    options = ("total_samples=16", "callbacks.evaluate.num_samples=30")
    assert train("model=mlp", *data, "trainer=cpu", "data.batch_size=16", *options, f"hydra.run.dir={folder}") is None
    (tmp_path / "photos").rename(tmp_path / "elsewhere")
    assert evaluated(tmp_path, f"checkpoint={folder}", "num_samples=30")
    message = run("evaluate", f"out={tmp_path}", f"checkpoint={folder}", "num_samples=20")
    assert f"the real samples are needed, and {tmp_path / 'photos'} is not a folder; " in message
    named = message.rpartition("name them: ")[2].replace("PLACE", str(tmp_path / "elsewhere")).split()
    assert named[:2] == ["data=image_folder", f"data.root={tmp_path / 'elsewhere'}"]
    assert evaluated(tmp_path, f"checkpoint={folder}", "num_samples=25", *named)
    message = run("generate", f"checkpoint={folder}", "real=true", f"out={tmp_path / 'a.png'}")
    assert (
        "photos is not a folder; real=true and neighbours show what the run was trained on: put that there" in message
    )
    write_images(tmp_path / "photos", 41)
    message = run("evaluate", f"out={tmp_path}", f"checkpoint={folder}", "num_samples=20")
    assert "the data have changed since the run was trained" in message


def test_named_data_are_made_as_the_data_of_the_run_unless_that_is_named(tmp_path, monkeypatch):
    write_images(tmp_path / "photos", 40)
    data = ("data=image_folder", f"data.root={tmp_path / 'photos'}", "data.resolution=16")
    alike, other = ("data.classes=[cats]", "data.resize=pad"), ("data.classes=null", "data.resize=crop")
    options = ("trainer=cpu", "data.batch_size=16", "total_samples=16", "evaluate_every=null")
    assert train("model=mlp", *data, *alike, *options, f"hydra.run.dir={tmp_path / 'run'}") is None
    scored = (f"checkpoint={tmp_path / 'run'}", "num_samples=20")
    assert run("evaluate", f"out={tmp_path}", *scored, *data, "data.labels=folder") == (
        "error: the run was trained with 'data.classes=[cats]' data.resize=pad, and these data would have "
        "data.classes=null data.resize=crop; set the former to compare like with like, or the latter if that is meant"
    )
    assert {record["num_real"] for record in evaluated(tmp_path, *scored, *data, *alike).values()} == {20}
    assert evaluated(tmp_path, *scored, *data, *other)
    assert evaluated(tmp_path, *scored, "data=synthetic", "data.resolution=16"), "they have no such settings"
    started = []
    monkeypatch.setattr(compose, "run_ranks", lambda *asked: started.append(asked))
    assert run("evaluate", f"out={tmp_path}", *scored, *data, "trainer.devices=2") is not None
    assert run("evaluate", f"out={tmp_path}", *scored, *data, *other, "trainer.devices=2") is None
    assert len(started) == 1


def test_the_videos_of_a_run_that_are_named_again_are_its_own_whatever_clips_are_drawn_from_them(tmp_path, monkeypatch):
    """The clips of a run are drawn by its seed, those that are named by the one of the first fake sample."""
    write_videos(tmp_path / "videos")
    videos = ("data=video_folder", f"data.root={tmp_path / 'videos'}", "data.resolution=16", "data.num_frames=4")
    options = ("trainer=debug", "evaluate_every=null", "data.held_out=0.25", "data.clips_per_video=2", "seed=1")
    assert train(*narrow("mocogan"), *videos, *options, f"hydra.run.dir={tmp_path / 'run'}") is None
    judged, of_run = [], evaluate.of_run
    monkeypatch.setattr(evaluate, "of_run", lambda *asked: judged.append(of_run(*asked)) or judged[-1])
    for settings in (), (*videos, "data.clips_per_video=2"), videos, (*videos, "data.short=loop"):
        evaluated(tmp_path, f"checkpoint={tmp_path / 'run'}", "num_samples=8", *settings)
    of_the_run, again, others, unlike = [real.held_out_numbers for real, _ in judged]
    assert of_the_run == again and len(again) == 4
    assert others == [number // 2 for number in again[::2]], "one clip of each video in place of two"
    assert unlike is None, "they may be others than the run was trained on"
    assert [real.trained_on() for real, _ in judged] == ["", "", "", "6 of 8 samples"]
    with pytest.raises(ValueError, match="its weights were trained on 6 of 8 samples of these, in this run or before"):
        check_unseen(*judged[-1], "prediction")
    (tmp_path / "videos" / "right" / "0.mp4").rename(tmp_path / "away.mp4")
    evaluated(tmp_path, f"checkpoint={tmp_path / 'run'}", "num_samples=6", *videos)
    assert judged[-1][0].trained_on().endswith(" of 7 samples")


def test_the_seed_of_fake_samples_draws_no_other_real_ones(clips, tmp_path):
    data = [argument for argument in OF_CLIPS if argument.startswith("data")]
    made = (f"out={tmp_path / 'made'}", "num_samples=16", "format=frames")
    assert run("generate", f"checkpoint={clips}", *made) is None
    for scored in f"checkpoint={clips}", f"fake={tmp_path / 'made'}":
        found = [evaluated(tmp_path, scored, "num_samples=16", *data, f"seed={seed}") for seed in (0, 5)]
        assert len({record["real"]["data"] for records in found for record in records.values()}) == 1


@pytest.mark.parametrize("changed", [{"seed": 1}, {"per_video": 3}, {"digits": ["b"]}, {"drawn": "moving shapes"}])
def test_what_is_drawn_from_one_seed_is_known_however_it_is_cut(changed):
    trained = {"drawn": "moving digits", "digits": ["a"], "per_video": 2, "seed": 0, "clips": {"strides": [1, 1]}}
    cut = trained | {"clips": {"strides": [2, 2]}, "num_videos": 9}
    assert in_common(trained, cut) == "the same samples"
    assert in_common(trained, cut | changed) == ""
    assert in_common({"samples": "a", "labels": "b"}, {"samples": "a", "labels": "c"}) == "the same samples"
    assert in_common({"samples": "a", "labels": "b"}, {"samples": "d", "labels": "b"}) == ""


@pytest.mark.parametrize("kind", ["folder", "clips"])
def test_files_of_samples_score_like_their_generator(kind, request, tmp_path):
    """PNG loses nothing, so that the files hold the very samples that the generator is scored by."""
    run_folder, files = request.getfixturevalue(kind), tmp_path / "files"
    options = (f"format={'png' if kind == 'folder' else 'frames'}", "num_samples=100", "batch_size=64")
    assert run("generate", f"checkpoint={run_folder}", f"out={files}", *options) is None
    of_generator = evaluated(tmp_path, f"checkpoint={run_folder}", "num_samples=100")
    data = [argument for argument in (SMALL if kind == "folder" else OF_CLIPS) if argument.startswith("data")]
    of_files = evaluated(tmp_path, *data, f"fake={files}", "num_samples=100")
    key, record = next(iter(of_generator.items()))
    assert of_files[key]["value"] == pytest.approx(record["value"], rel=1e-9)
    assert "shape_motion_100/motion_accuracy" not in of_files, "files don't say which motion was asked for"


def test_debug_measures_a_few_samples_by_every_metric(clips):
    (file,) = (clips / "evaluations").iterdir()
    records = json.loads(file.read_text())
    assert {record["num_fake"] for record in records} == {16}
    assert len(records) > 5


def test_several_metrics_at_once(clips, tmp_path):
    found = evaluated(tmp_path, f"checkpoint={clips}", "metrics=[random_conv,shape_motion]", "num_samples=20")
    assert {key.partition("_")[0] for key in found} == {"fd", "kd", "precision", "recall", "shape"}


def test_what_is_printed_says_which_direction_is_better_and_what_the_interval_is(folder, tmp_path, capsys):
    (record, *_) = evaluated(tmp_path, f"checkpoint={folder}", "num_samples=100").values()
    header, line, *_ = capsys.readouterr().out.splitlines()[-6:]
    assert header.split("  ")[0] == "score"
    for title, value in [("95 % interval", " to "), ("better", "lower"), ("fake", "100"), ("real", "100")]:
        assert value in line[header.index(title) :]
    low, high = record["interval"]
    assert 0 <= low <= record["value"] <= high
    assert record["protocol"]["shape"] == [3, 24, 32]


def test_classes_are_asked_for_in_the_proportions_of_the_data(tmp_path):
    """While training and afterwards, with the data and without them."""
    for number in range(24):
        path = tmp_path / "strips" / ("rare" if number < 4 else "usual") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 100, (16, 64, 3)) + 100 * (number < 4)
        Image.fromarray(pixels.astype(np.uint8)).save(path)
    run_folder = tmp_path / "run"
    data = ("data=strips", f"data.root={tmp_path / 'strips'}", "data.resolution=16", "data.num_frames=4")
    options = ("model.generator.width=8", "trainer=debug", f"hydra.run.dir={run_folder}")
    assert train("model=mocogan", *data, *options) is None
    (file,) = (run_folder / "evaluations").iterdir()
    (measured, *_) = json.loads(file.read_text())
    assert measured["fake"]["class_counts"] == [4, 20]
    words = (f"checkpoint={run_folder}", "num_samples=16")
    with_data = evaluated(tmp_path / "a", *words, *data)
    other_order = (f"resume={run_folder}", "data.classes=[usual,rare]", "resume_changes=true")
    assert "are rare, usual, and those of the data usual, rare now" in train(*other_order)
    (tmp_path / "strips").rename(tmp_path / "elsewhere")
    kept = json.loads((run_folder / "data.json").read_text())
    kept["classes"] = dict(reversed(kept["classes"].items()))  # as of a run that was resumed so by an earlier version
    (run_folder / "data.json").write_text(json.dumps(kept))
    without = evaluated(tmp_path / "b", *words)
    for found, *_ in (with_data.values(), without.values()):
        assert found["value"] == pytest.approx(measured["value"], rel=1e-6)
        assert found["fake"]["class_counts"] == [4, 20]
    kept["classes"] = {"other": 4, "usual": 20}
    (run_folder / "data.json").write_text(json.dumps(kept))
    said = run("evaluate", *words, f"out={tmp_path / 'c'}")
    assert "the run has other classes now than this checkpoint, rare, usual, and it isn't known" in said


def test_evaluation_by_the_clock(tmp_path):
    options = ("total_samples=640", "evaluate_every=auto", "callbacks.evaluate.num_samples=16")
    assert train(*SMALL, *options, "trainer.log_every_n_steps=1", f"hydra.run.dir={tmp_path}") is None
    at = {int(path.stem) for path in (tmp_path / "evaluations").iterdir()}
    assert {16, 640} <= at
    assert len(at) < 40


def test_a_run_that_is_resumed_with_another_metric_takes_the_best_by_that(tmp_path):
    """As with one of an earlier version, whose default metric has another fingerprint."""
    options = ("total_samples=32", "callbacks.evaluate.num_samples=50", f"hydra.run.dir={tmp_path}")
    assert train(*SMALL, *options) is None
    first = json.loads((tmp_path / "summary.json").read_text())["objective"]
    assert train(f"resume={tmp_path}", "total_samples=64", "callbacks.evaluate.num_samples=40") is None
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["objective"] == f"{first.removesuffix('50')}40"
    assert {first, summary["objective"]} < summary["best"].keys()
    assert first not in summary["final"]


@dataclass
class Told:
    """A measure whose value and protocol are set."""

    value: float
    protocol: int

    def check(self, real, fake):
        pass

    def with_num_samples(self, num_samples):
        return self

    def __call__(self, real, fake):
        how = {"interval": None, "better": "lower", "num_real": 1, "num_fake": 1, "protocol": {"k": self.protocol}}
        return [Record(key="told", value=self.value, real={"data": real.fingerprint}, fake={}, **how)]


def test_what_is_measured_in_another_way_is_not_compared_with_what_was_best(tmp_path):
    own = ("metrics=[]", f"+metrics.told._target_={__name__}.Told", "+metrics.told.value=1", "+metrics.told.protocol=3")
    assert train(*SMALL, *own, "total_samples=32", f"hydra.run.dir={tmp_path}") is None

    def best_after(samples_seen, *changes):
        words = (f"total_samples={samples_seen}", "trust=test_evaluate", *changes)
        assert train(f"resume={tmp_path}", *words) is None
        weights = torch.load(tmp_path / "checkpoints" / "best.ckpt", weights_only=True)["state_dict"]
        best = json.loads((tmp_path / "summary.json").read_text())["best"]["told"]
        assert weights["samples_seen"] == best["samples_seen"]
        return best["value"], best["samples_seen"]

    assert best_after(64, "metrics.told.value=2") == (1, 32)
    assert best_after(96, "metrics.told.value=3", "metrics.told.protocol=5") == (3, 96)
    assert best_after(128, "metrics.told.value=4", "seed=1", "resume_changes=true") == (4, 128), "other data"
    assert best_after(160, "metrics.told.value=5") == (4, 128)


class CannotMeasure:
    """A measure that finds out late that it can't be computed."""

    def check(self, real, fake):
        pass

    def with_num_samples(self, num_samples):
        return self

    def __call__(self, real, fake):
        record = {"interval": None, "better": "lower", "num_real": 1, "num_fake": 1, "protocol": {}}
        if fake.origin["samples_seen"] < 64:
            return [Record(key="mine", value=1.0, real={}, fake={}, **record)]
        if fake.origin["samples_seen"] < 96:
            return [Record(key="mine", value=value, real={}, fake={}, **record) for value in (1.0, 2.0)]
        raise ValueError("all samples are the same")


@pytest.mark.parametrize(
    ("every", "message"), [(64, "two scores are both called mine"), (96, "all samples are the sam")]
)
@pytest.mark.parametrize("longer", [0, 32], ids=["at the end", "before"])
def test_what_can_not_be_measured_ends_a_run_that_is_kept(every, message, longer, tmp_path):
    options = (f"evaluate_every={every}", f"total_samples={every + longer}", f"hydra.run.dir={tmp_path}")
    said = train(*SMALL, "metrics=[]", f"+metrics.own._target_={__name__}.CannotMeasure", *options)
    assert f"no metrics after {every} samples: {message}" in str(said)
    resume = f"python src/train.py resume={tmp_path} trust={__name__} evaluate_every=null objective=null"
    assert f"; to train on without them: {resume}" in said
    assert ("test_evaluate.py" in said.splitlines()[-1]) == (every == 96), "where code of one's own fails"
    last = torch.load(tmp_path / "checkpoints" / "last.ckpt", weights_only=True)
    assert last["state_dict"]["samples_seen"] == every
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert (summary["status"], message in summary["reason"]) == ("failed", True)
    if longer:
        assert train(*resume.split()[2:]) is None


def test_too_much_evaluation_is_told(tmp_path, capsys):
    options = (
        "total_samples=48",
        "evaluate_every=16",
        "callbacks.evaluate.num_samples=200",
        "trainer.log_every_n_steps=1",
    )
    assert train(*SMALL, *options, f"hydra.run.dir={tmp_path}") is None
    share = json.loads((tmp_path / "summary.json").read_text())["evaluation_fraction"]
    assert 0.1 < share <= 1, "what is done at the start is a part of the time too"
    assert f"evaluation took {share:.0%} of the time; set evaluate_every=" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give a run folder, or set fake=FOLDER"),
        (("checkpoint=RUN", "fake=FILES"), "give a run folder, or set fake=FOLDER"),
        (("fake=FILES",), "no data was chosen; set data=NAME"),
        (("checkpoint=nowhere",), "nowhere does not exist"),
        (("checkpoint=RUN", "num_samples=0"), "num_samples got 0"),
        (("checkpoint=RUN", "trainer.devices=0"), "trainer.devices got 0"),
        (("checkpoint=RUN", "+metrics.random_conv.num_fakes=5"), "did you mean num_fake?"),
        (("checkpoint=RUN", "data=synthetic", "data.resolution=64"), "only samples of one shape can be compared"),
        (("data=image_folder", "data.root=FILES", "fake=FILES"), "set num_samples=5"),
        (("data=synthetic", "fake=FILES"), "1.png is 30x21 (width x height), and these data come to 32x32 in a way of"),
        (("data=synthetic", "fake=RUN"), "is a run; to score its generator: "),
        (("data=synthetic", "fake=nowhere"), "fake='nowhere' does not exist; set fake to the folder"),
        (("data=image_folder", "data.root=gone", "fake=nowhere"), "fake='nowhere' does not exist"),
        (("data=image_folder", "data.root=gone", "fake=nowhere"), "gone is not a folder; set data.root"),
        (("checkpoint=RUN", "metrics=random_conv", "metrics.random_conv.num_frames=16"), "images"),
        (("checkpoint=RUN", "metrics=likelihood", "metrics.likelihood.held_out=0.2"), "settled when a run is scored"),
        (("checkpoint=RUN", "data=synthetic", "data.held_out=0.2"), "data.held_out says what training leaves out"),
    ],
)
def test_one_clear_message(arguments, message, folder, tmp_path):
    write_images(tmp_path / "files", 5)
    places = {"RUN": str(folder), "FILES": str(tmp_path / "files")}
    words = [argument.replace("RUN", places["RUN"]).replace("FILES", places["FILES"]) for argument in arguments]
    assert message in run("evaluate", f"out={tmp_path / 'out'}", *words)
    assert not (tmp_path / "out").exists()
