"""The page "Use a trained generator": every command on it makes what the page says, without the data."""

import re
import shlex
import shutil

import numpy as np
import pytest
from commands import PROJECT, prepared, run
from PIL import Image
from test_video_files import read_back

import framegan
from framegan import media, notes
from framegan.cli import edit

COMMANDS = re.findall(
    r"framegan (?:generate|edit|play|export) [^`\n]*", (PROJECT / "docs/use_a_generator.md").read_text()
)
SMALL = {"num_samples=1000": "num_samples=10", "num_frames=500": "num_frames=50", "size=512": "size=64"}
NEEDS_DATA = "neighbours=5"


@pytest.fixture(scope="module")
def made(run_of_images, run_of_clips, run_that_enlarges, tmp_path_factory):
    """The folder in which the commands have run in their order, smaller than on the page."""
    here = tmp_path_factory.mktemp("use")
    (here / "runs").mkdir()
    shutil.copytree(run_of_images, here / "runs" / "pets")
    shutil.copytree(run_of_clips, here / "runs" / "clips")
    shutil.copytree(run_that_enlarges, here / "runs" / "photos")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        for command in COMMANDS:
            name, *words = shlex.split(command)[1:]
            words = [SMALL.get(word, word.replace("cat,dog", "1,2")) for word in words]
            if name == "play":
                assert "checkpoint=runs/pets" in prepared("play", words)
            elif name == "edit":
                edit.main(words)
            elif NEEDS_DATA not in words:
                assert run(name, *words) is None, command
    return here


def test_the_page_has_the_commands():
    assert len(COMMANDS) == 17


def test_pictures(made):
    generator = framegan.load(made / "runs" / "pets")
    side, sizes = generator.shape[-1], {}
    for name in ("pets", "seed7", "rows", "large", "enlarged"):
        with Image.open(made / f"{name}.png") as image:
            sizes[name] = image.size
        assert "framegan generate runs/pets" in notes.read(made / f"{name}.png")
    assert sizes["pets"] == sizes["rows"] == (8 * (side + 2) + 2, 2 * (side + 2) + 2)
    assert sizes["enlarged"] == (2 * (2 * side + 2) + 2,) * 2
    assert sizes["large"] == (2 * (4 * side + 2) + 2,) * 2
    (seventh,) = media.to_frames(generator.sample(seed=7))
    assert np.array_equal(np.asarray(Image.open(made / "seed7.png")), seventh.repeat(4, 0).repeat(4, 1))
    assert len(list((made / "many").glob("seed_*.png"))) == len(np.load(made / "pets.npz")["samples"]) == 10


VIDEOS = {"walk.mp4": (49, 24), "again.mp4": (49, 24), "clips.mp4": (4, 12.5), "long.mp4": (50, 12.5)}
VIDEOS |= {"motions.webp": (4, 12.5), "loop.gif": (6, 12.5), "slow.mp4": (50, 6.25)}


@pytest.mark.parametrize(("name", "num_frames", "rate"), [(name, *said) for name, said in VIDEOS.items()])
def test_videos(name, num_frames, rate, made):
    frames, seconds = read_back(made / name)
    assert len(frames) == num_frames
    assert np.diff(seconds) == pytest.approx(1 / rate, abs=0.011 if name.endswith(".gif") else 0.002)
    if name in ("long.mp4", "slow.mp4"):
        assert frames.shape[1:3] == {"long.mp4": (64, 64), "slow.mp4": (128, 128)}[name]
    if name.startswith(("walk", "long", "clips", "motions")):
        assert "framegan generate runs/" in notes.read(made / name)


def test_an_export(made):
    pytest.importorskip("onnxruntime")
    files = {path.name for path in (made / "runs" / "pets" / "export").iterdir()}
    assert {"generator.onnx", "generator.pt2", "generator.safetensors", "README.md", "example.py"} <= files
