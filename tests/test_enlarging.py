"""A super-resolution run used by its name: an edit of files, of samples and in Python, frame by frame, if trusted."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from commands import run
from edited import clip
from PIL import Image

import framegan
from framegan import media, notes, showing
from framegan.cli import edit
from framegan.cli.enlarger import NetworkEnlarger
from framegan.networks.espcn import Generator
from framegan.pictures import Clip


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def enlarged(folder, frames):
    """Return what the network of a run makes of uint8 (T, H, W, 3) frames, one by one."""
    network = framegan.load(folder).network
    samples = media.to_samples(torch.from_numpy(frames).movedim(-1, 1))
    with torch.no_grad():
        return np.concatenate([media.to_frames(network.enlarged(frame)) for frame in samples.split(1)])


def test_a_clip_is_enlarged_frame_by_frame(run_that_enlarges, monkeypatch, capsys):
    frames = clip(5, (18, 26))
    np.save("in.npy", frames)
    wanted, seen = enlarged(run_that_enlarges, frames), []
    whole = Generator.enlarged
    monkeypatch.setattr(Generator, "enlarged", lambda self, small: seen.append(small.shape) or whole(self, small))
    edit.main(["in.npy", "out.npy", f"super_resolution={run_that_enlarges}"])
    assert np.array_equal(np.load("out.npy"), wanted)
    assert seen == [(1, 3, 18, 26)] * 5
    assert "out.npy has 5 frames of 52x36" in capsys.readouterr().out
    edit.main(["in.npy", "bicubic.npy", "scale=2", "scale.kernel=bicubic"])
    assert np.abs(np.load("bicubic.npy") - wanted.astype(int)).max() > 4, "it isn't the kernel alone"
    edit.main(["in.npy", "out.webp", f"super_resolution={run_that_enlarges}/checkpoints/last.ckpt", "flip"])
    assert json.loads(notes.read(Path("out.webp")))["edits"] == ["super_resolution=last.ckpt", "flip"]
    made = Clip(frames, 8.0).edited("flip", f"super_resolution={run_that_enlarges}").frames
    assert np.array_equal(made, enlarged(run_that_enlarges, np.ascontiguousarray(frames[:, :, ::-1])))


def test_frames_go_one_by_one_through_a_recurrent_network_too():
    torch.manual_seed(0)
    network = Generator((3, 4, 8, 8), 2, width=8, recurrent=True).eval()
    with torch.no_grad():
        network.layers[-1].weight.mul_(1000)
    frames = clip(4, (10, 12))
    whole = showing.enlarged(network, media.to_samples(torch.tensor(frames).movedim(-1, 0)[None]))
    enlarger = NetworkEnlarger(network, 3, 2)
    for _ in range(2):  # nothing of a clip stays for the next one
        enlarge = enlarger.begin()
        assert np.abs(np.stack([enlarge(frame) for frame in frames]) - media.to_frames(whole)[0].astype(int)).max() <= 1


def test_generated_samples_are_enlarged(run_of_images, run_that_enlarges):
    by_name = f"postprocess=[super_resolution={run_that_enlarges}]"
    assert run("generate", str(run_of_images), "num_samples=3", "out=a.npy", by_name) is None
    images = framegan.load(run_of_images).images(3)
    pixels = np.stack([np.asarray(image) for image in images])
    assert np.array_equal(np.load("a.npy"), enlarged(run_that_enlarges, pixels))
    edited = images.edited(f"super_resolution={run_that_enlarges}")
    assert np.array_equal(np.stack([np.asarray(image) for image in edited]), np.load("a.npy"))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("missing", "super_resolution=missing: missing does not exist; give a run folder, or a checkpoint in one"),
        ("", "super_resolution=: . is not a run folder"),
        (
            "other",
            "super_resolution=other: this run's model makes samples and enlarges none; name a run of model=espcn",
        ),
        (
            "deep",
            "super_resolution=deep: this run enlarges samples of 6 channels; pictures have 1, grey, or 3, colours",
        ),
        ("grey", "the run has learned to enlarge grey pictures, and these have colours; put grey before it"),
        ("strange", "got 'my_package.Own', not a part of framegan; if you trust it, set trust=my_package"),
    ],
)
def test_a_slip_leaves_nothing(name, said, run_of_images, run_that_enlarges, tmp_path):
    Image.new("RGB", (8, 8)).save("in.png")
    if name == "other":
        shutil.copytree(run_of_images, "other")
    elif name in ("deep", "grey", "strange"):
        copied(run_that_enlarges, tmp_path / name, name)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(ValueError, match=re.escape(said)):
        edit.main(["in.png", "out.png", f"super_resolution={name}"])
    assert said in run("generate", str(run_of_images), "out=x.png", f"postprocess=['super_resolution={name}']")
    assert sorted(tmp_path.iterdir()) == before


def copied(folder, place, kind):
    """Copy a run, and have it say that it is of another kind."""
    shutil.copytree(folder, place)
    file = place / ".hydra" / "config.yaml"
    config = yaml.safe_load(file.read_text())
    generator = config["model"]["generator"]
    if kind == "strange":
        generator["_target_"] = "my_package.Own"
    else:
        generator["shape"] = [6 if kind == "deep" else 1, 16, 16]
        network = Generator(generator["shape"], width=generator["width"], depth=generator["depth"])
        checkpoint = torch.load(place / "checkpoints" / "last.ckpt", weights_only=True)
        checkpoint["state_dict"] |= {f"generator_ema.{name}": value for name, value in network.state_dict().items()}
        torch.save(checkpoint, place / "checkpoints" / "last.ckpt")
    file.write_text(yaml.safe_dump(config))


def test_a_network_of_ones_own_has_to_be_trusted(run_of_images, run_that_enlarges, tmp_path, monkeypatch):
    copied(run_that_enlarges, tmp_path / "strange", "strange")
    Path("my_package.py").write_text("from framegan.networks import espcn\n\nclass Own(espcn.Generator):\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    np.save("in.npy", clip(2, (10, 12)))
    edit.main(["in.npy", "out.npy", "super_resolution=strange", "trust=my_package"])
    assert np.array_equal(np.load("out.npy"), enlarged(run_that_enlarges, np.load("in.npy")))
    by_name = ("postprocess=[super_resolution=strange]", "trust=my_package")
    assert run("generate", str(run_of_images), "num_samples=1", "out=a.png", *by_name) is None
    assert Image.open("a.png").size == (32, 32)
    made = Clip(np.load("in.npy"), 8.0).edited("super_resolution=strange", trust=["my_package"])
    assert np.array_equal(made.frames, np.load("out.npy"))
