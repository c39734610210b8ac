"""Clips from a run folder alone: by seed, by category, with a part held, at any length, in every format."""

import errno
import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from commands import PROJECT, run, train
from PIL import Image
from small_runs import narrow, started, wait_for, wait_until
from test_video_files import read_back

import framegan
from framegan import media
from framegan.cli.generate_rows import _classes

CLIPS = ("data=shape_motion", "data.resolution=16", "data.num_frames=4", "trainer=debug")
RATE = 12.5
"""Frames a second of the run's clips: every second frame of videos of 25."""


@pytest.fixture
def folder(run_of_clips):
    return run_of_clips


def generated(folder, out, *arguments):
    """Return the clips by seed that a command writes, (T, H, W, C) each, without loss."""
    assert run("generate", f"checkpoint={folder}", f"out={out}", "format=npy", *arguments) is None
    return {int(path.stem.removeprefix("seed_")): np.load(path) for path in out.glob("seed_*.npy")}


def test_a_run_of_clips_shows_them(folder):
    names = {path.name for path in (folder / "samples").iterdir()}
    assert {f"{name}{ending}" for name in ("real", "fake_0", "fake_8") for ending in (".png", ".mp4", ".webp")} <= names
    assert {"content_motion_0.webp", "content_motion_8.mp4"} <= names
    strip = Image.open(folder / "samples" / "fake_8.png")
    assert strip.size == (4 * 18 + 2, 8 * 18 + 2)


def test_clips_play_as_fast_as_the_data_and_as_is_asked(folder, tmp_path):
    for name in ("real.mp4", "fake_8.webp"):
        _, seconds = read_back(folder / "samples" / name)
        assert seconds == pytest.approx([number / RATE for number in range(4)], abs=1e-3)
    for options, rate in (((), RATE), (("frames_per_second=50",), 50)):
        out = tmp_path / f"at_{rate:.0f}"
        assert run("generate", f"checkpoint={folder}", f"out={out}", "num_samples=1", "format=gif", *options) is None
        for file in (out / "seed_000000.gif", tmp_path / f"{out.name}_grid.mp4"):
            assert read_back(file)[1] == pytest.approx([number / rate for number in range(4)], abs=1e-3)


def test_few_samples_are_made_in_small_batches_and_said_so(folder, tmp_path, capsys, monkeypatch):
    from framegan import sampling
    from framegan.networks import mocogan

    made, honest = [], mocogan.Generator.forward

    def counted(generator, latents, labels=None, num_frames=None):
        made.append((len(latents), num_frames))
        return honest(generator, latents, labels, num_frames)

    monkeypatch.setattr(mocogan.Generator, "forward", counted)
    monkeypatch.setattr(sampling, "VALUES_AT_ONCE", 60 * 3 * 16 * 16)
    one = generated(folder, tmp_path / "one", "num_samples=1", "num_frames=20")
    assert one[0].shape == (20, 16, 16, 3)
    assert made == [(1, 20)]
    said = capsys.readouterr().out
    assert "num_frames=20 is more than the 4 trained: " in said
    assert "shows 1 sample at 12.5 frames a second" in said
    assert run("generate", f"checkpoint={folder}", f"out={tmp_path / 'two'}", "num_samples=2") is None
    assert "more than" not in capsys.readouterr().out


def test_a_run_of_vgan_shows_what_clips_are_made_of(tmp_path):
    assert train(*narrow("vgan"), *CLIPS, "evaluate_every=null", f"hydra.run.dir={tmp_path}") is None
    frames, _ = read_back(tmp_path / "samples" / "composition_8.webp")
    assert frames.shape[2] % (4 * 18 + 2) == 0  # clip, mask, foreground, background


@pytest.mark.parametrize("format", ["mp4", "webm", "gif", "webp", "apng"])
def test_a_file_for_each_clip_in_every_format(format, folder, tmp_path):
    out = tmp_path / "clips"
    arguments = (f"out={out}", f"format={format}", "num_samples=3", "frames_per_second=12.5", "num_frames=6")
    assert run("generate", f"checkpoint={folder}", *arguments) is None
    assert {path.name for path in out.iterdir()} == {f"seed_{k:06}.{format}" for k in range(3)}
    assert {path.name for path in tmp_path.iterdir()} == {"clips", "clips_grid.mp4"}
    frames, seconds = read_back(out / f"seed_000001.{format}")
    assert frames.shape[1:] == (16, 16, 3)
    assert seconds[-1] == pytest.approx(5 / 12.5, abs=0.01)


def test_samples_of_another_command_are_not_passed_over(folder, tmp_path, capsys):
    again = ("num_samples=3", "batch_size=2")
    (tmp_path / "clips 1.5").mkdir()
    more = (*again, "seed=7", "overwrite=true")
    for others, arguments in (("", again), ("", (*again, "overwrite=true")), (", beside 3 that were there", more)):
        generated(folder, tmp_path / "clips 1.5", *arguments)
        assert f"all 3 are in {tmp_path / 'clips 1.5'}{others}\n" in capsys.readouterr().out


def test_a_full_disk_is_named(folder, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("framegan.video_files.write", full)
    message = run("generate", f"checkpoint={folder}", f"out={tmp_path / 'clips'}", "num_samples=2")
    assert message == (
        f"error: {tmp_path / 'clips'} can't be written: [Errno 28] No space left on device; make room, or set "
        "out to another folder"
    )


def test_ctrl_c_leaves_no_traceback(folder, tmp_path):
    command = [sys.executable, PROJECT / "src" / "generate.py", f"checkpoint={folder}", f"out={tmp_path}", "format=npy"]
    with started([*command, "num_samples=1000000"], stderr=subprocess.PIPE, text=True) as running:
        wait_for(tmp_path / "seed_000000.npy")
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=60)
    assert (running.returncode, said) == (-signal.SIGINT, "")


@pytest.mark.parametrize("name", ["a.tar", "a.npz"])
def test_ctrl_c_leaves_no_half_file(name, folder, tmp_path):
    command = [sys.executable, PROJECT / "src" / "generate.py", f"checkpoint={folder}", f"out={tmp_path / name}"]
    places = os.environ | {"TMPDIR": str(tmp_path)}
    with started([*command, "num_samples=1000000"], env=places) as running:
        wait_until(lambda: (tmp_path / f"{name}.part").exists() and (tmp_path / f"{name}.part").stat().st_size > 9999)
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=60)
    assert running.returncode == -signal.SIGINT
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_frames_for_each_clip(folder, tmp_path):
    assert run("generate", f"checkpoint={folder}", f"out={tmp_path}", "format=frames", "num_samples=2") is None
    frames = [np.asarray(Image.open(tmp_path / "seed_000001" / f"frame_{k:06}.png")) for k in range(4)]
    assert np.array_equal(np.stack(frames), generated(folder, tmp_path / "npy", "num_samples=2")[1])


@pytest.mark.parametrize("ending", ["mp4", "webm", "gif", "webp", "apng"])
def test_a_grid_alone(ending, folder, tmp_path):
    assert run("generate", f"checkpoint={folder}", f"out={tmp_path / 'new' / f'x.{ending}'}", "num_samples=4") is None
    assert [path.name for path in (tmp_path / "new").iterdir()] == [f"x.{ending}"]
    frames, _ = read_back(tmp_path / "new" / f"x.{ending}")
    assert frames.shape[1] == frames.shape[2] >= 200


def test_a_seed_gives_the_same_clip_alone_and_among_others(folder, tmp_path):
    among = generated(folder, tmp_path / "a", "num_samples=9", "batch_size=4")
    alone = generated(folder, tmp_path / "b", "num_samples=1", "seed=7", "batch_size=4")
    assert np.array_equal(alone[7], among[7])


@pytest.mark.parametrize("num_frames", [4, 100, 300, 400, 500, 1400])
def test_batches_have_a_size_in_which_all_samples_are_rounded_alike(num_frames):
    """In batches of 2 or 3, or an odd number, the last samples of some generators differ from the first."""
    from framegan import sampling
    from framegan.networks import mocogan

    generator = mocogan.Generator((3, 4, 32, 32), width=8)
    assert sampling.batch_size_of(generator, num_frames) in (1, 4, 8, 16, 32, 64)


def test_frames_of_a_longer_clip_do_not_stay_in_the_folder_of_a_shorter_one(folder, tmp_path, monkeypatch):
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "out")
    for num_frames in (6, 3):
        clips = ("format=frames", "num_samples=1", f"num_frames={num_frames}", "overwrite=true")
        assert run("generate", f"checkpoint={folder}", "out=.", *clips) is None
        names = sorted(path.name for path in (tmp_path / "out" / "seed_000000").iterdir())
        assert names == [f"frame_{number:06}.png" for number in range(num_frames)]
    assert (tmp_path / "out_grid.mp4").exists()


def test_a_longer_clip_begins_as_the_shorter_one(folder, tmp_path):
    short, long = (generated(folder, tmp_path / str(t), "num_samples=2", f"num_frames={t}") for t in (3, 20))
    assert long[1].shape == (20, 16, 16, 3)
    assert np.abs(long[1][:3].astype(int) - short[1]).max() <= 1


def test_content_motion_and_category_are_held(folder, tmp_path, capsys):
    free = generated(folder, tmp_path / "free", "num_samples=2", "category=0")
    same_content = generated(folder, tmp_path / "content", "num_samples=2", "category=0", "content_seed=0")
    assert np.array_equal(same_content[0], free[0])
    assert not np.array_equal(same_content[1], free[1])
    held = ("category=0", "content_seed=0", "motion_seed=0")
    both = generated(folder, tmp_path / "both", "num_samples=1", "seed=1", *held)
    assert np.array_equal(both[1], free[0])
    other = generated(folder, tmp_path / "other", "num_samples=1", "category=1")
    assert not np.array_equal(other[0], free[0])
    by_name = generated(folder, tmp_path / "name", "num_samples=1", "category=right")
    assert np.array_equal(by_name[0], other[0])
    assert "category 1: right\n" in capsys.readouterr().out


def test_several_classes_have_a_folder_and_a_row_each(folder, tmp_path, capsys):
    one = {name: generated(folder, tmp_path / name, "num_samples=3", f"category={name}") for name in ("left", "right")}
    capsys.readouterr()
    out, few = tmp_path / "both", ("num_samples=3", "format=npy", "grid_samples=5")
    assert run("generate", f"checkpoint={folder}", f"out={out}", "category=[right,0]", *few) is None
    for name in ("left", "right"):
        assert {path.name for path in (out / name).iterdir()} == {f"seed_{k:06}.npy" for k in range(3)}
        assert all(np.array_equal(np.load(out / name / f"seed_{k:06}.npy"), one[name][k]) for k in range(3))
    said = capsys.readouterr().out
    assert "categories 1: right, 0: left\n" in said
    assert "shows 2 samples of each of 2 categories at 12.5 frames a second; all 6 are in" in said
    assert f"{out}, a folder for each category\n" in said
    grid = tmp_path / "grid.gif"
    assert run("generate", f"checkpoint={folder}", f"out={grid}", "category=[right,left]", "num_samples=3") is None
    assert len(list(tmp_path.iterdir())) == 3 + 4
    assert read_back(grid)[0].shape[1:3] == (8 * (2 * 18 + 2), 8 * (3 * 18 + 2))


def test_a_class_whose_name_is_no_folder_has_its_number():
    names = ["T-shirt/top", "..", "Ankle boot", "class_0", ""]
    generator = SimpleNamespace(num_classes=5, class_names=names)
    found = _classes(generator, [f"number:{number}" for number in range(5)])
    assert [*found] == ["class_0", "class_1", "Ankle boot", "class_3", "class_4"]


MISTAKES = [
    (("category=[]",), "category got []; it should be one class or more, each once"),
    (("category=[left,0]",), "category got ['left', 0]; it should be one class or more, each once"),
    (("category=[left,rihgt]",), "category=rihgt, but this generator has the categories left, right; did you mean rig"),
    (("category=2",), "category=2, but this generator has the categories left, right"),
    (("truncation=0.7",), "truncation=0.7, but this generator takes none; leave it out, or train one that does"),
    (
        ("out=x.avi",),
        "out got x.avi; clips go to a file that ends in .png, .mp4, .webm, .gif, .webp, .apng, .npz, .npy ",
    ),
    (("format=avi",), "format got 'avi'; it should be 'png'"),
    (("num_frames=0",), "num_frames got 0"),
    (
        ("format=png",),
        "format=png, but this generator makes clips; set format to mp4 or webm or gif or webp or apng or",
    ),
    (("out=x.mp4", "format=gif"), "out=x.mp4 is one file, and its ending says its format; leave out format=gif"),
    (("format=gif", "frames_per_second=60"), "a .gif shows 0.01 to 50 frames a second, got 60; set frames_per_second"),
    (("format=npy", "frames_per_second=2000"), "a .mp4 shows 0.01 to 1000 frames a second, got 2000"),
    (("out=/",), "out=/ has no folder above it, where the grid is written"),
    (("out=x.webp", "frames_per_second=91"), "a .webp shows 0.01 to 90 frames a second, got 91"),
]


@pytest.mark.parametrize(("arguments", "message"), MISTAKES, ids=lambda value: " ".join(value))
def test_one_clear_message(arguments, message, folder):
    before = sorted(folder.parent.rglob("*"))
    assert message in run("generate", f"checkpoint={folder}", *arguments)
    assert sorted(folder.parent.rglob("*")) == before, "no folder is left behind"


def test_styles_are_truncated_as_in_python(tmp_path):
    small = ("model.generator.width=4", "model.generator.style_dim=8")
    assert train("model=stylegan2", "data=synthetic", "trainer=debug", f"hydra.run.dir={tmp_path}", *small) is None
    command = ("generate", f"checkpoint={tmp_path}", "num_samples=4", "format=npy")
    assert run(*command, "truncation=0.5") is None
    samples = framegan.load(tmp_path).sample(4, truncation=0.5)
    for seed, pixels in enumerate(media.to_frames(samples)):
        assert (np.load(tmp_path / "generated" / f"seed_{seed:06}.npy") == pixels).all()
    assert samples.std(0).max() < framegan.load(tmp_path).sample(4).std(0).max()
    for truncation in (-1, float("nan"), "half"):
        assert "truncation got " in run(*command, f"truncation={truncation}")
    with pytest.raises(ValueError, match=r"truncation got True; it should be a number from 0, the mean style, to 1"):
        framegan.load(tmp_path).sample(truncation=True)


def test_an_image_model_has_nothing_to_hold(tmp_path):
    assert train("model=mlp", "data=synthetic", "trainer=debug", f"hydra.run.dir={tmp_path}") is None
    for setting in ("num_frames=3", "frames_per_second=3"):
        assert f"{setting}, but this generator makes images" in run("generate", f"checkpoint={tmp_path}", setting)
    held = run("generate", f"checkpoint={tmp_path}", "content_seed=3")
    assert "['content'] can't be held: what this generator's samples depend on is ['latents']" in held
    assert "format=gif, but this generator makes images; set format to png or npy" in run(
        "generate", f"checkpoint={tmp_path}", "format=gif"
    )
    out = tmp_path / "out"
    for format in ("npy", "auto"):
        assert (
            run(
                "generate",
                f"checkpoint={tmp_path}",
                f"out={out}",
                "num_samples=2",
                f"format={format}",
                "overwrite=true",
            )
            is None
        )
    assert np.array_equal(np.load(out / "seed_000001.npy"), np.asarray(Image.open(out / "seed_000001.png")))
