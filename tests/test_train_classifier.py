"""`python src/train_classifier.py` learns from labelled samples, and says where its file is and what to type next."""

import re
import shlex
from pathlib import Path

import pytest
from commands import run
from small_files import write_images, write_mnist
from small_runs import narrow

from framegan.metrics.classifier import Classifier

SMALL = ("data=synthetic", "data.resolution=16", "epochs=1")


def test_a_file_is_written_and_the_way_on_is_told(tmp_path, capsys):
    file = tmp_path / "new" / "flowers.pt"
    assert run("train_classifier", *SMALL, f"out={file}") is None
    embedding = Classifier(str(file))
    embedding.check((3, 16, 16))
    assert (embedding.classes, embedding.data) == (["disc", "2 petals", "3 petals", "4 petals"], "synthetic")
    assert [path.name for path in file.parent.iterdir()] == ["flowers.pt"]
    output = capsys.readouterr().out
    assert f"{embedding.accuracy:.2%} right of the tenth that was held out" in output
    assert f"wrote    {file}" in output
    picture = tmp_path / "flowers.png"
    picture.write_bytes(b"mine")
    assert "flowers.png is there already and no classifier" in run("train_classifier", *SMALL, f"out={picture}")
    assert picture.read_bytes() == b"mine"
    typed = shlex.split(re.search(r"^measure +(.*)$", output, re.MULTILINE)[1])
    assert typed[:3] == ["python", "src/train.py", "model=NAME"]
    assert {*SMALL[:2], "metrics=classifier", f"metrics.classifier.embedding.weights={file}"} == {*typed[3:]}


@pytest.mark.parametrize("folder", [None, "weights"])
def test_where_it_goes_by_itself(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("FRAMEGAN_WEIGHTS", raising=False)
    if folder:
        monkeypatch.setenv("FRAMEGAN_WEIGHTS", str(tmp_path / folder))
    assert run("train_classifier", *SMALL) is None
    below = tmp_path / (folder or ".cache/framegan")
    (file,) = (below / "classifiers").iterdir()
    assert re.fullmatch(r"synthetic_3x16x16_[0-9a-f]{20}\.pt", file.name)


def test_the_metric_finds_it_by_itself(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FRAMEGAN_WEIGHTS", str(tmp_path / "weights"))
    tiny = ("model.generator.widths=[16]", "model.discriminator.widths=[16]", "trainer=cpu", "total_samples=64")
    measured = ("metrics=classifier", "callbacks.evaluate.num_samples=20", f"hydra.run.dir={tmp_path / 'run'}")
    training = ("model=mlp", *SMALL[:2], "data.num_classes=3", *tiny, *measured)
    stopped = run("train", *training)
    said = re.search(r"needs a classifier of these data, and \S+ has none; train one, then repeat .*: (.*)$", stopped)
    words = shlex.split(said[1])
    assert words == ["python", "src/train_classifier.py", *SMALL[:2], "data.num_classes=3"]
    assert run("train_classifier", *words[2:], "epochs=1") is None
    output = capsys.readouterr().out
    assert "metrics=classifier\n" in output
    assert run("train", *training) is None
    (file,) = (tmp_path / "weights" / "classifiers").iterdir()
    assert f"fd_classifier_{Classifier(str(file)).fingerprint}_20" in capsys.readouterr().out
    file.unlink()
    assert "data.num_classes=3" in run("evaluate", f"checkpoint={tmp_path / 'run'}", "metrics=classifier")


RECIPE = """# @package _global_
defaults:
  - override /model: mlp
  - override /data: synthetic
seed: 3
data:
  resolution: 16
  batch_size: 16
  datamodule:
    source:
      num_samples: 200
model:
  generator:
    widths: [16]
  discriminator:
    widths: [16]
"""


def test_what_a_recipe_sets_of_the_data_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FRAMEGAN_WEIGHTS", str(tmp_path / "weights"))
    (tmp_path / "conf" / "experiments").mkdir(parents=True)
    (tmp_path / "conf" / "experiments" / "few.yaml").write_text(RECIPE)
    measured = ("metrics=classifier", "callbacks.evaluate.num_samples=20", "hydra.run.dir=run")
    training = ("experiments=few", "data.num_classes=3", "trainer=cpu", "total_samples=64", *measured)
    words = shlex.split(run("train", *training).rpartition(": ")[2])
    of_recipe = ("data.resolution=16", "data.datamodule.source.num_samples=200", "seed=3")
    assert sorted(words[2:]) == sorted(["data=synthetic", "data.num_classes=3", *of_recipe])
    assert run("train_classifier", *words[2:], "epochs=1") is None
    assert run("train", *training) is None
    (file,) = (tmp_path / "weights" / "classifiers").iterdir()
    file.unlink()
    again = run("evaluate", "checkpoint=run", "metrics=classifier")
    assert shlex.split(again.rpartition(": ")[2])[2:] == words[2:]


@pytest.mark.parametrize(("data", "write"), [("mnist", write_mnist), ("image_folder", write_images)])
def test_files(data, write, tmp_path):
    write(tmp_path / "data")
    arguments = (f"data={data}", f"data.root={tmp_path / 'data'}", "data.resolution=16", "epochs=1")
    assert run("train_classifier", *arguments, f"out={tmp_path / 'out.pt'}") is None
    assert Classifier(str(tmp_path / "out.pt")).data == data


def test_pictures_with_alpha_are_seen_over_white(tmp_path, monkeypatch):
    monkeypatch.setenv("FRAMEGAN_WEIGHTS", str(tmp_path / "weights"))
    write_images(tmp_path / "data", 40)
    data = ("data=image_folder", f"data.root={tmp_path / 'data'}", "data.resolution=16", "data.channels=4")
    training = (*narrow("dcgan"), "model.conditional=true", *data, "data.batch_size=16", "trainer=debug")
    measured = ("metrics=classifier", "callbacks.evaluate.num_samples=20", f"hydra.run.dir={tmp_path / 'run'}")
    stopped = run("train", *training, *measured)
    words = shlex.split(stopped.rpartition(": ")[2])
    assert run("train_classifier", *words[2:], "epochs=1") is None
    (file,) = (tmp_path / "weights" / "classifiers").iterdir()
    assert Classifier(str(file)).shape == (3, 16, 16)
    assert run("train", *training, *measured) is None


@pytest.mark.parametrize(("num_frames", "shape"), [(1, (3, 16, 16)), (4, (3, 4, 16, 16))])
def test_clips_and_their_frames(num_frames, shape, tmp_path, capsys):
    clips = ("data=shape_motion", "data.resolution=16", "data.datamodule.source.videos.num_videos=40", "epochs=1")
    assert run("train_classifier", *clips, f"data.num_frames={num_frames}", f"out={tmp_path / 'out.pt'}") is None
    Classifier(str(tmp_path / "out.pt")).check(shape)
    assert "right of the tenth that was held out, 4 of 40 videos\n" in capsys.readouterr().out


def test_the_same_command_gives_the_same_weights(tmp_path):
    first, again, other = (tmp_path / f"{k}.pt" for k in range(3))
    for file, seed in ((first, 0), (again, 0), (other, 1)):
        assert run("train_classifier", *SMALL, f"seed={seed}", f"out={file}") is None
    prints = [Classifier(str(file)).fingerprint for file in (first, again, other)]
    assert prints[0] == prints[1] != prints[2]


MISTAKES = [
    ((), "no data was chosen; set data=NAME to one of: cifar10, digits, "),
    ((*SMALL, "data.num_classes=1"), "at least 2 classes, these data have 1; choose labelled data"),
    (("data=synthetic", "data.resolution=8"), "at least 16 pixels a side, these are 3x8x8"),
    (("data=shape_motion", "data.resolution=8"), "clips of at least 16 pixels a side, these are 3x8x8x8"),
    ((*SMALL[:2], "epochs=0"), "epochs got 0; it should be greater than 0"),
    ((*SMALL[:2], "batch_size=many"), "batch_size got 'many'; it should be a valid integer"),
    ((*SMALL, "out=."), "out got .*, a folder; give the file to write"),
    ((*SMALL, "+data.flipp=true"), "data.flipp is not a setting; did you mean data.flip?"),
]


@pytest.mark.parametrize(("arguments", "message"), MISTAKES, ids=lambda value: " ".join(value) or "nothing")
def test_one_clear_message(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    stopped_with = run("train_classifier", *arguments)
    assert re.search(message, stopped_with), stopped_with
    assert stopped_with.startswith("error: ")
    assert not list(Path(tmp_path).rglob("*.pt*"))
