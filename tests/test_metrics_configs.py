"""Every choice of metrics= measures a generator under the keys it promises; published networks have random weights."""

import re
import shlex

import pytest
import torch
from commands import PROJECT, run, train
from random_weights import randomize
from small_files import write_mnist
from small_runs import narrow
from test_evaluate import evaluated

from framegan.metrics import weights
from framegan.metrics.classifier import Classifier
from framegan.metrics.inception_i3d import InceptionI3D
from framegan.metrics.inception_v3 import InceptionV3

CHOICES = sorted(path.stem for path in (PROJECT / "conf" / "metrics").glob("*.yaml"))
IMAGES = {"fid", "fid_10k", "fid_50k_full"}
CLIPS = {"fvd", "fvd_styleganv", "fvd_styleganv_128f", "fvd_cdfvd", "fvd_videogpt"}
OTHERS = {
    "classifier",
    "copies",
    "likelihood",
    "modes",
    "prediction",
    "random_conv",
    "shape_motion",
    "super_resolution",
}
FID_SCORES = ("fid", "kid", "is", "precision", "recall", "density", "coverage")
SHORT = ("trainer=debug", "evaluate_every=null")


def test_every_choice_is_known_here():
    assert set(CHOICES) == IMAGES | CLIPS | OTHERS


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images") / "run"
    assert train(*narrow("mlp"), "data=synthetic", *SHORT, f"hydra.run.dir={folder}") is None
    return folder


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips") / "run"
    data = ("data=shape_motion", "data.resolution=16", "data.num_frames=16", "data.batch_size=2")
    assert train(*narrow("mocogan"), *data, *SHORT, f"hydra.run.dir={folder}") is None
    return folder


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """State dicts with the layout of the published ones."""
    folder = tmp_path_factory.mktemp("weights")
    for name, network in {"fid": InceptionV3(), "fvd": InceptionI3D()}.items():
        torch.save(randomize(network).state_dict(), folder / f"{name}.pt")
    return {name: folder / f"{name}.pt" for name in ("fid", "fvd")}


@pytest.mark.parametrize(
    ("choice", "scores", "protocol"),
    [
        ("fid", FID_SCORES, "6"),
        ("fid_50k_full", ("fid", "kid", "is"), "10_full"),
    ],
)
def test_images(choice, scores, protocol, images, files, tmp_path):
    number = protocol.partition("_")[0]
    few = {"6": [f"~metrics.{choice}.scores.inception_score"]}.get(number, [])
    words = [f"metrics={choice}", f"metrics.{choice}.embedding.weights={files['fid']}", f"num_samples={number}"]
    data = ["data=synthetic", "data.datamodule.source.num_samples=10"]
    found = evaluated(tmp_path, f"checkpoint={images}", *data, *words, *few)
    embedding = f"inception_{weights.fingerprint_of_file(files['fid'])}"
    expected = [score for score in scores if not (few and score == "is")]
    assert list(found) == [f"{score}_{embedding}_{protocol}" for score in expected]


@pytest.mark.parametrize(
    ("choice", "protocol", "correction"),
    [("fvd_cdfvd", "cdfvd_2_full_16f", 0), ("fvd_videogpt", "videogpt_2_16f", 1)],
)
def test_clips(choice, protocol, correction, clips, files, tmp_path):
    two = "data.datamodule.source.videos.num_videos=2"
    data = ["data=shape_motion", "data.resolution=16", "data.num_frames=16", two]
    words = [f"metrics=[{choice}]", f"metrics.{choice}.embedding.weights={files['fvd']}", "num_samples=2"]
    found = evaluated(tmp_path, f"checkpoint={clips}", *data, *words)
    embedding = f"i3d_plain_{weights.fingerprint_of_file(files['fvd'])}"
    assert {f"fvd_{embedding}_{protocol}", f"kvd_{embedding}_{protocol}"} <= set(found)
    assert f"correction={correction}" in found[f"fvd_{embedding}_{protocol}"]["protocol"]["scores"]["frechet"]


def test_a_classifier_of_the_data_and_the_modes_of_stacked_digits(tmp_path, monkeypatch):
    write_mnist(tmp_path / "mnist", "train", 200)
    root, size = f"data.root={tmp_path / 'mnist'}", "data.resolution=16"
    digits = tmp_path / "digits.pt"
    assert run("train_classifier", "data=mnist", root, size, "epochs=1", f"out={digits}") is None

    folder = tmp_path / "grey"
    options = ("metrics=classifier", f"metrics.classifier.embedding.weights={digits}")
    model = ("model=mlp", "model.conditional=true")
    assert train(*model, "data=mnist", root, size, "trainer=debug", *options, f"hydra.run.dir={folder}") is None
    found = evaluated(tmp_path, f"checkpoint={folder}", *options, "num_samples=100")
    names = {key.split("_classifier_")[0] for key in found}
    scores = {"fd", "kd", "precision", "recall", "classifier_score", "modes", "mode_divergence_from_real"}
    assert names == {*scores, "class_accuracy"}
    assert {record["protocol"]["classifier_of"] for record in found.values()} == {"mnist"}
    said = [record["protocol"]["scores"].get("modes") for record in found.values()]
    assert sorted(filter(None, said)) == ["ModeCoverage(expected='real')"] * 2

    folder = tmp_path / "stacked"
    options = ("metrics=modes", f"metrics.modes.embedding.weights={digits}")
    data = ("data=stacked_mnist", root, size)
    assert train("model=mlp", *data, "trainer=debug", *options, f"hydra.run.dir={folder}") is None
    found = evaluated(tmp_path, f"checkpoint={folder}", *options, "num_samples=100")
    assert {key.split("_stacked_digits_")[0] for key in found} == {"modes", "mode_divergence"}
    assert 1 <= next(iter(found.values()))["value"] <= 100


def test_a_classifier_of_clips_is_found_by_a_run(tmp_path, monkeypatch):
    monkeypatch.setenv("FRAMEGAN_WEIGHTS", str(tmp_path / "weights"))
    few = "data.datamodule.source.videos.num_videos=60"
    data = ("data=shape_motion", "data.resolution=16", "data.num_frames=4", few, "seed=2")
    training = (*narrow("mocogan"), "model.conditional=true", *data, "data.batch_size=2", *SHORT)
    assert train(*training, f"hydra.run.dir={tmp_path / 'run'}") is None
    asked = (f"checkpoint={tmp_path / 'run'}", "metrics=classifier", "num_samples=40")
    stopped = run("evaluate", f"out={tmp_path}", *asked)
    words = shlex.split(stopped.rpartition(": ")[2])
    assert {*data} <= {*words}
    assert run("train_classifier", *words[2:], "epochs=1") is None
    (file,) = (tmp_path / "weights" / "classifiers").iterdir()
    found = evaluated(tmp_path, *asked)
    scores = {"fd", "kd", "precision", "recall", "classifier_score", "modes", "class_accuracy"}
    scores |= {"mode_divergence_from_real"}
    fingerprint = Classifier(str(file)).fingerprint
    assert {*found} == {f"{score}_classifier_{fingerprint}_40_4f" for score in scores}
    assert {*found[f"class_accuracy_classifier_{fingerprint}_40_4f"]["by_class"]} == {"vertical", "horizontal"}


@pytest.mark.parametrize(("choice", "data"), [("classifier", "data=synthetic"), ("modes", "data=mnist")])
def test_a_classifier_has_to_be_trained_first(choice, data, images, tmp_path, monkeypatch):
    monkeypatch.setenv("FRAMEGAN_WEIGHTS", str(tmp_path))
    message = run("evaluate", f"out={tmp_path}", f"checkpoint={images}", f"metrics={choice}")
    assert re.search(f"[Tt]rain one.*: python src/train_classifier.py {data}", message)


def test_what_a_protocol_of_clips_refuses(images, clips, files, tmp_path):
    options = ("metrics=fvd_cdfvd", f"metrics.fvd_cdfvd.embedding.weights={files['fvd']}", "num_samples=2")
    assert "are images" in run("evaluate", f"out={tmp_path}", f"checkpoint={images}", *options)
    longer = run("evaluate", f"out={tmp_path}", f"checkpoint={clips}", *options, "metrics.fvd_cdfvd.num_frames=17")
    assert "too short for the 17 frames that are compared at frame_stride=1" in longer
    shorter = run("evaluate", f"out={tmp_path}", f"checkpoint={clips}", *options, "metrics.fvd_cdfvd.num_frames=8")
    assert "needs clips of at least 9 frames, these have 8" in shorter
    assert not (tmp_path / "evaluation.json").exists()
