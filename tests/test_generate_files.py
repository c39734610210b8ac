"""What `framegan generate` writes: every kind of file is read back, says how it was made, and is made again by that."""

import io
import json
import shutil
import tarfile
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest
from commands import run
from PIL import Image
from test_video_files import read_back

import framegan
from framegan import media, notes, outputs
from framegan.cli import generate_rows
from framegan.cli.evaluate import trained_on
from framegan.data.images.image_tars import ImageTars
from framegan.runs import run_folder, saved_config

SEEDS = "interpolate=[0,3]"


def generate(folder, *settings):
    assert run("generate", f"checkpoint={folder}", *settings) is None


def frames_of(generator, **choices):
    """Return the pixels of samples, (N, [T,] H, W, C)."""
    return media.to_frames(generator.sample(**choices))


def real_of(folder):
    """Return the real samples of a run, as pixels, and their classes."""
    data = trained_on(saved_config.plain(run_folder.saved_config(folder)).data, folder, "")
    return data.batch(range(data.num_samples))


def pixels(path):
    return np.asarray(Image.open(path))


def test_one_sample_alone_has_no_border_and_the_size_that_is_asked_for(run_of_images, run_of_clips, tmp_path):
    generate(run_of_images, f"out={tmp_path / 'seed7.png'}", "num_samples=1", "seed=7", "category=1")
    (image,) = frames_of(framegan.load(run_of_images), seed=7, category=1)
    assert np.array_equal(pixels(tmp_path / "seed7.png"), image)
    (clip,) = frames_of(framegan.load(run_of_clips), seed=7)
    one = ("num_samples=1", "seed=7")
    for name, settings, made in (
        ("a.webp", (), clip),
        ("b.webp", ("scale=3",), clip.repeat(3, 1).repeat(3, 2)),
        ("c.apng", ("size=40", "resampling=lanczos"), media.resized(clip, 40, 40, "lanczos")),
        ("d.webp", ("loop=pingpong",), clip[[0, 1, 2, 3, 2, 1]]),
        ("e.mp4", ("size=64", "codec=hevc", "crf=0", "pixel_format=yuv444p", "frames_per_second=20"), None),
    ):
        generate(run_of_clips, f"out={tmp_path / name}", *one, *settings)
        frames, seconds = read_back(tmp_path / name)
        if made is not None:
            assert np.array_equal(frames, made)
    assert np.abs(frames.astype(float) - clip.repeat(4, 1).repeat(4, 2)).mean() < 3
    assert seconds == pytest.approx([number / 20 for number in range(4)], abs=1e-3)
    with av.open(tmp_path / "e.mp4") as container:
        assert container.streams.video[0].codec_context.name == "hevc"
    generate(run_of_clips, f"out={tmp_path / 'f.png'}", *one)
    assert pixels(tmp_path / "f.png").shape == (18 + 2, 4 * 18 + 2, 3), "a row for each clip, a column for each frame"


def test_samples_side_by_side_may_touch_and_be_enlarged(run_of_images, tmp_path):
    generate(run_of_images, f"out={tmp_path / 'x.png'}", "num_samples=4", "margin=0", "scale=2", "category=2")
    images = frames_of(framegan.load(run_of_images), num_samples=4, category=2).repeat(2, 1).repeat(2, 2)
    assert np.array_equal(
        pixels(tmp_path / "x.png"), np.block([[[images[0]], [images[1]]], [[images[2]], [images[3]]]])
    )


@pytest.mark.parametrize("ending", ["npz", "npy"])
def test_an_array_of_all_samples(ending, run_of_images, run_of_clips, tmp_path):
    for folder, category in ((run_of_images, "[2,0]"), (run_of_clips, "null")):
        out = tmp_path / f"{folder.parent.name}.{ending}"
        generate(folder, f"out={out}", "num_samples=5", "seed=3", f"category={category}", "batch_size=4")
        generator, classes = framegan.load(folder), (2, 0) if category == "[2,0]" else (None,)
        made = [frames_of(generator, num_samples=5, seed=3, category=one, batch_size=4) for one in classes]
        rows = [name for name in ("3 petals", "disc") for _ in range(5)] if len(classes) > 1 else []
        with np.load(out) if ending == "npz" else io.BytesIO() as archive:
            samples = archive["samples"] if ending == "npz" else np.load(out)
            assert np.array_equal(samples, np.concatenate(made))
            if ending == "npz":
                assert archive["seeds"].tolist() == [3, 4, 5, 6, 7] * len(classes)
                drawn = [int(framegan.inputs.draw(generator.network, [seed])[1]) for seed in range(3, 8)]
                assert archive.get("rows", np.array([])).tolist() == rows
                assert archive["classes"].tolist() == generator.classes
                assert archive["labels"].tolist() == ([2] * 5 + [0] * 5 if len(classes) > 1 else drawn)
        assert [path.name for path in tmp_path.iterdir() if path.name.startswith(out.stem)] == [out.name]
        before = out.read_bytes()
        generate(
            folder, f"out={out}", "num_samples=5", "seed=3", f"category={category}", "batch_size=4", "overwrite=true"
        )
        assert out.read_bytes() == before


def test_an_array_of_what_lies_between_seeds_has_no_seeds(run_of_images, tmp_path):
    generate(run_of_images, f"out={tmp_path / 'x.npz'}", "interpolate=5,9", "steps=2")
    with np.load(tmp_path / "x.npz") as archive:
        assert sorted(archive) == ["classes", "labels", "samples", "steps"]
        assert archive["steps"].tolist() == [0, 1, 2]


def test_a_tar_of_samples_with_their_classes(run_of_images, run_of_clips, tmp_path):
    generate(run_of_images, f"out={tmp_path / 'a.tar'}", "num_samples=3", "category=[1,3]")
    generate(run_of_images, f"out={tmp_path / 'b.tar'}", "num_samples=3", "category=[1,3]")
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()
    generator = framegan.load(run_of_images)
    with tarfile.open(tmp_path / "a.tar") as archive:
        for member in archive.getmembers():
            content, seed = archive.extractfile(member).read(), int(member.name.rpartition("_")[2].partition(".")[0])
            category = [1, 3][archive.getnames().index(member.name) // 6]
            if member.name.endswith(".cls"):
                assert content.decode() == generator.classes[category]
            else:
                assert np.array_equal(
                    pixels(io.BytesIO(content)), frames_of(generator, seed=seed, category=category)[0]
                )
    generate(run_of_clips, f"out={tmp_path / 'c.tar'}", "num_samples=2", "format=frames")
    with tarfile.open(tmp_path / "c.tar") as archive:
        assert len(archive.getnames()) == 2 * (4 + 1)
        assert [name.partition(".")[0] for name in archive.getnames()] == ["seed_000000"] * 5 + ["seed_000001"] * 5
        found = [archive.extractfile(name).read().decode() for name in archive.getnames() if name.endswith(".cls")]
    drawn = framegan.inputs.draw(framegan.load(run_of_clips).network, [0, 1])[1]
    assert found == [framegan.load(run_of_clips).classes[number] for number in drawn]


def test_a_tar_of_samples_is_read_with_the_classes_that_were_asked_for(tmp_path):
    """Numbers may be names too: those of the folders 7, 0 and 3 are not the numbers 0, 1 and 2 of their classes."""
    to = outputs.target(str(tmp_path / "x.tar"), "auto", tmp_path, makes_clips=False, moves=False)
    grey = [np.full((8, 8, 1), 40 * label, np.uint8) for label in range(3)]
    with outputs.opened(to, outputs.Style(8), "seed", 3, ("7", "0", "3")) as add:
        for label, pixels in enumerate(grey):
            add("", label, pixels, label, "")
    read = ImageTars(str(tmp_path / "x.tar"), 8, channels=1)
    found = {read.classes[label]: int(pixels[0, 0, 0]) for pixels, label in (read[number] for number in range(3))}
    assert found == {"7": 0, "0": 40, "3": 80}


def test_a_walk_between_images_is_a_video_a_picture_or_files(run_of_images, tmp_path):
    generator, walk = framegan.load(run_of_images), ("category=1", SEEDS)
    generate(run_of_images, f"out={tmp_path / 'walk.webp'}", *walk, "steps=6")
    between = media.to_frames(generator.interpolate([0, 3], 6, category=1))
    frames, seconds = read_back(tmp_path / "walk.webp")
    assert np.array_equal(frames, between)
    assert seconds == pytest.approx([number / 24 for number in range(7)], abs=1e-3)
    generate(run_of_images, f"out={tmp_path / 'loop.webp'}", *walk, "loop=closed", "interpolation=linear", "steps=3")
    closed = generator.interpolate([0, 3], 3, category=1, closed=True, interpolation="linear")
    assert np.array_equal(read_back(tmp_path / "loop.webp")[0], media.to_frames(closed))
    generate(run_of_images, f"out={tmp_path / 'back.webp'}", *walk, "loop=pingpong", "steps=3")
    assert np.array_equal(read_back(tmp_path / "back.webp")[0], between[[0, 2, 4, 6, 4, 2]])
    generate(run_of_images, f"out={tmp_path / 'walk.mp4'}", "interpolate=0,3,9", "category=[1,2]")
    assert read_back(tmp_path / "walk.mp4")[0].shape == (49, 18 + 2, 2 * 18 + 2, 3)
    generate(run_of_images, f"out={tmp_path / 'walk.png'}", "category=1", "interpolate=[0,3,9]", "steps=6", "margin=0")
    strip = pixels(tmp_path / "walk.png")
    assert strip.shape == (2 * 16, 7 * 16, 3), "a row for each pair of seeds"
    assert np.array_equal(strip[:16], np.concatenate([*between], axis=1))
    generate(run_of_images, f"out={tmp_path / 'steps'}", *walk, "steps=6")
    assert np.array_equal(pixels(tmp_path / "steps" / "step_000004.png"), between[4])
    assert len(list((tmp_path / "steps").iterdir())) == 7


def test_a_walk_between_clips_plays_on_as_it_changes(run_of_clips, tmp_path):
    generator, walk = (
        framegan.load(run_of_clips),
        ("interpolate=[0,3]", "motion_seed=5", "category=left", "loop=closed"),
    )
    generate(run_of_clips, f"out={tmp_path / 'walk.webp'}", *walk)
    held = {"motion": 5}
    clips = media.to_frames(generator.interpolate([0, 3], 6, held=held, category="left", closed=True))
    frames, seconds = read_back(tmp_path / "walk.webp")
    assert np.array_equal(frames, np.stack([clip[[0, 1, 2, 3, 2, 1][place % 6]] for place, clip in enumerate(clips)]))
    assert seconds[1] == pytest.approx(1 / 12.5, abs=1e-3)
    generate(run_of_clips, f"out={tmp_path / 'walk.png'}", *walk, "steps=2")
    assert pixels(tmp_path / "walk.png").shape == (4 * 18 + 2, 4 * 18 + 2, 3), "a row for each step"
    generate(run_of_clips, f"out={tmp_path / 'walk.npz'}", *walk, "steps=6")
    with np.load(tmp_path / "walk.npz") as archive:
        assert np.array_equal(archive["samples"], clips)


def test_nothing_is_overwritten_unasked(run_of_clips, tmp_path):
    command = (f"out={tmp_path / 'clips'}", "format=npy", "num_samples=2", "num_frames=2")
    generate(run_of_clips, *command)
    grid = tmp_path / "clips_grid.mp4"
    for settings, there in (
        (command, tmp_path / "clips" / "seed_000000.npy"),
        ((*command, "seed=1"), tmp_path / "clips" / "seed_000001.npy"),
        ((*command, "seed=2"), f"{grid} is there already; set overwrite=true, or out to another place (grid_samples=0"),
        ((f"out={grid}", "num_samples=1"), grid),
    ):
        before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
        assert str(there) in run("generate", f"checkpoint={run_of_clips}", *settings)
        assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    generate(run_of_clips, *command, "seed=2", "grid_samples=0")
    assert len(list((tmp_path / "clips").iterdir())) == 4
    generate(run_of_clips, f"out={grid}", "num_samples=1", "overwrite=true")


def test_runs_and_their_weights_are_shown_beside_each_other(run_of_images, tmp_path, capsys, monkeypatch):
    other = Path(shutil.copytree(run_of_images, tmp_path / "other"))
    both = (f"beside=[{other}]", "weights=[raw,ema]", "num_samples=3", "category=1", "margin=0")
    generate(run_of_images, f"out={tmp_path / 'x.png'}", *both)
    rows = [frames_of(framegan.load(run_of_images, weights=one), num_samples=3, category=1) for one in ("raw", "ema")]
    picture = np.concatenate([np.concatenate([*row], axis=1) for row in rows * 2])
    assert np.array_equal(pixels(tmp_path / "x.png"), picture)
    assert not np.array_equal(*rows)
    assert "shows 3 samples of each of 4 rows" in capsys.readouterr().out
    generate(run_of_images, f"out={tmp_path / 'each'}", *both)
    said = json.loads(notes.read(tmp_path / "x.png"))
    assert said["beside_samples_seen"] == [8]
    media.write_png(tmp_path / "y.png", pixels(tmp_path / "x.png"), json.dumps(said | {"beside_samples_seen": [9]}))
    monkeypatch.chdir(tmp_path)
    again = (str(run_of_images), "out=z.png")
    assert "other/checkpoints/last.ckpt has seen 8 samples, not samples_seen=9" in run(
        "generate", "--from", "y.png", *again
    )
    assert run("generate", "--from", "x.png", *again) is None
    assert np.array_equal(pixels(tmp_path / "z.png"), picture)
    names = {f"{name}_{weights}" for name in (run_of_images.name, "other") for weights in ("raw", "ema")}
    assert {path.name for path in (tmp_path / "each").iterdir()} == names
    assert np.array_equal(pixels(tmp_path / "each" / "other_raw" / "seed_000002.png"), rows[0][2])


def test_runs_that_make_others_are_not_shown_beside_each_other(run_of_images, run_of_clips):
    said = run("generate", f"checkpoint={run_of_images}", f"beside=[{run_of_clips}]")
    assert "can't be shown beside" in said and "its shape is [3, 4, 16, 16], not [3, 16, 16]" in said


def test_clips_of_another_pace_are_not_shown_beside_each_other_unless_one_is_set(run_of_clips, tmp_path):
    other = shutil.copytree(run_of_clips, tmp_path / "other")
    config = other / ".hydra" / "config.yaml"
    config.write_text(config.read_text().replace("frames_per_second: 12.5", "frames_per_second: 25.0"))
    asked = (f"checkpoint={run_of_clips}", f"beside=[{other}]", "num_samples=1", f"out={tmp_path}/x.mp4")
    said = run("generate", *asked)
    assert "its data have frames_per_second=25.0, not 12.5; leave it out, or set frames_per_second" in said
    assert run("generate", *asked, "frames_per_second=10") is None


@pytest.mark.parametrize("ending", ["png", "webp", "mp4", "webm", "gif", "apng"])
def test_a_file_is_made_again_by_what_it_says(ending, run_of_images, run_of_clips, tmp_path, monkeypatch, capsys):
    shutil.copytree(run_of_images if ending == "png" else run_of_clips, tmp_path / "runs" / "mine")
    monkeypatch.chdir(tmp_path)
    kept = ("num_samples=3", "seed=2", "scale=2", "category=[1,0]", "weights=raw", "margin=1", "crf=3")
    generate("runs/mine", f"out=a.{ending}", *(kept if ending in ("mp4", "webm") else kept[:-1]))
    note = notes.read(tmp_path / f"a.{ending}")
    said = json.loads(note)
    assert (said["run"], said["checkpoint"], said["samples_seen"]) == ("runs/mine", "last.ckpt", 8)
    assert said["settings"]["seed"] == 2
    assert said["command"].startswith("framegan generate runs/mine ")
    assert str(tmp_path) not in note and str(Path.home()) not in note
    capsys.readouterr()
    assert run("generate", "--from", f"a.{ending}", f"out=b.{ending}") is None
    assert f"a.{ending} says: runs/mine, last.ckpt after 8 samples; " in capsys.readouterr().out
    assert Path(f"a.{ending}").read_bytes() == Path(f"b.{ending}").read_bytes()


def test_one_of_many_is_made_again_alone(run_of_images, run_of_clips, tmp_path):
    generate(run_of_images, f"out={tmp_path / 'many'}", "category=[1,0]", "num_samples=3", "weights=[ema,raw]")
    for weights in ("ema", "raw"):
        one, again = tmp_path / "many" / weights / "2 petals" / "seed_000002.png", tmp_path / f"{weights}.png"
        assert run("generate", str(run_of_images), f"--from={one}", f"out={again}") is None
        assert np.array_equal(pixels(again), pixels(one))
        assert one.read_bytes() == again.read_bytes()
    generate(run_of_clips, f"out={tmp_path / 'walk.mp4'}", "interpolate=[0,5]", "content_seed=1", "steps=3")
    of_sweep = shutil.copytree(run_of_clips, tmp_path / "lr=0.1,width=8" / "run")
    assert run("generate", str(of_sweep), f"--from={tmp_path / 'walk.mp4'}", f"out={tmp_path / 'b.mp4'}") is None
    assert (tmp_path / "b.mp4").read_bytes() == (tmp_path / "walk.mp4").read_bytes()


def test_a_file_in_its_run_finds_it_and_a_run_that_has_moved_on_is_refused(run_of_images, tmp_path):
    folder = Path(shutil.copytree(run_of_images, tmp_path / run_of_images.name))
    generate(folder, "num_samples=1")
    made = folder / "generated" / "seed_000000.png"
    assert run("generate", f"--from={made}", f"out={tmp_path / 'again.png'}") is None
    assert np.array_equal(pixels(made), pixels(tmp_path / "again.png"))
    said = run("generate", f"--from={made}", "samples_seen=7", f"out={tmp_path / 'c.png'}")
    assert "last.ckpt has seen 8 samples, not samples_seen=7: it makes other samples" in said


def test_the_command_that_a_file_says_names_a_checkpoint_that_the_folder_doesnt_mean(run_of_images, tmp_path):
    folder = Path(shutil.copytree(run_of_images, tmp_path / "run"))
    last = folder / "checkpoints" / "last.ckpt"
    shutil.copy(last, last.with_name("best.ckpt"))
    for place, named in ((folder, "run"), (last, "run/checkpoints/last.ckpt")):
        generate(place, f"out={tmp_path / 'a.png'}", "num_samples=1", "overwrite=true")
        said = json.loads(notes.read(tmp_path / "a.png"))
        assert said["command"] == f"framegan generate {named} num_samples=1"


def test_classes_share_no_folder():
    generator = SimpleNamespace(num_classes=3, class_names=["cat", "a/b", "Cat"])
    assert list(generate_rows._classes(generator, [0, 1])) == ["cat", "class_1"]
    assert list(generate_rows._classes(generator, [0, 2])) == ["class_0", "class_2"]


def hostile(**changes):
    honest = {"run": "run", "checkpoint": "last.ckpt", "samples_seen": 8, "settings": {"seed": 1}}
    return json.dumps({**honest, **changes})


@pytest.mark.parametrize(
    ("note", "message"),
    [
        ("", "doesn't say how it was made: it isn't from framegan generate"),
        ("[" * 5000, "doesn't say how it was made"),
        ("[]", "doesn't say how it was made"),
        (hostile(settings=3), "in a way that framegan generate doesn't write"),
        (hostile(beside_samples_seen=["8"]), "in a way that framegan generate doesn't write"),
        (hostile(settings={"beside": ["../other"]}), "names a run outside the working folder"),
        (hostile(settings={"beside": "~/other"}), "names a run outside the working folder"),
        (hostile(samples_seen="8"), "in a way that framegan generate doesn't write"),
        (hostile(run="/etc"), "names a run outside the working folder; give the run"),
        (hostile(run="../other"), "names a run outside the working folder"),
        (hostile(checkpoint="../../x.ckpt"), "names a run outside the working folder"),
        (hostile(run="a\x1b[2J"), "in a way that framegan generate doesn't write"),
        (hostile(settings={"trust": ["os"]}), "sets trust, which is no setting of framegan generate or no value"),
        (hostile(settings={"out": "x"}), "sets out, which is no setting of framegan generate or no value"),
        (hostile(settings={"hydra.run.dir": "x"}), "sets hydra.run.dir, which is no setting"),
        (hostile(settings={"overwrite": True}), "sets overwrite, which is no setting"),
        (hostile(settings={"category": "${oc.env:HOME}"}), "category=${oc.env:HOME}, but this generator has "),
        (hostile(settings={"category": {"_target_": "os.system"}}), "sets category, which is no setting"),
        (hostile(settings={"seed": "x"}), "seed got 'x'; it should be a valid integer"),
        (hostile(settings={"given": "clip.mp4"}), "was made with given=clip.mp4; say where that is: given=PATH"),
        (
            hostile(run="gone"),
            "was made by the run gone, whose last.ckpt isn't here; name the run: framegan generate RUN",
        ),
    ],
)
def test_what_a_file_says_is_checked_and_never_run(note, message, run_of_images, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("run").symlink_to(run_of_images)
    media.write_png(Path("x.png"), np.zeros((4, 4, 3), np.uint8), note)
    assert message in run("generate", "--from", "x.png", "out=y.png")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "x.png"]


def test_a_file_that_is_none_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("x.txt").write_text("seed=3")
    for words, message in (
        (("--from",), "--from takes one file that framegan generate has made"),
        (("--from", "a.png", "--from", "b.png"), "--from takes one file"),
        (("--from", "none.png"), "--from got none.png, which is no file"),
        (("--from", "x.txt"), "x.txt can't be read as a picture or a video"),
    ):
        assert message in run("generate", *words)


OF_IMAGES = [
    (("steps=3",), "steps=3 is for what lies between seeds; set interpolate=[0,5,9]"),
    (("interpolation=linear",), "interpolation=linear is for what lies between seeds"),
    (("interpolate=[3]",), "interpolate got [3]; it should be two seeds or more, such as [0,5,9]"),
    (("interpolate=[1,x]",), "interpolate got [1, 'x']"),
    (("interpolate=[1,2]", "seed=4"), "interpolate=[1, 2] says which seeds; leave out seed=4"),
    (("loop=closed",), "loop=closed leads back to the first seed; set interpolate=[0,5,9], or loop=pingpong"),
    (("loop=pingpong",), "loop=pingpong is for videos, and this generator makes images"),
    (("loop=round",), "loop got 'round'; it should be 'pingpong' or 'closed'"),
    (("size=32", "scale=2"), "size=32 and scale=2 both say how large; leave one out"),
    (("scale=0",), "scale got 0; it should be greater than 0"),
    (("scale=inf",), "scale got inf; it should be a finite number"),
    (("interpolate=[]",), "interpolate got []; it should be two seeds or more, such as [0,5,9]"),
    (("size=20000",), "samples of 20000x20000 are too large; set size to at most 16,383"),
    (("resampling=lanczos",), "resampling=lanczos is for another size; set scale=4 or size=512"),
    (("out=x.mp4",), "out got x.mp4; images go to a file that ends in .png, .npz, .npy or .tar"),
    (("out=x.png", "grid_samples=0"), "grid_samples=0, but out=x.png is a grid; leave it out"),
    (("codec=hevc",), "codec=hevc, but a .png has none; leave it out, or write .mp4 or .webm"),
    (("out=x.tar", "crf=3"), "crf=3, but a .png has none"),
    (("out=x.mp4", "interpolate=[0,1]", "crf=60"), "crf got 60; for h264 it should be 0, nearly without loss, to 51"),
    (("out=x.webm", "interpolate=[0,1]", "codec=h264"), "codec=h264, but a .webm holds vp9 or av1"),
    (("weights=[]",), "weights got []; it should be ema, raw or [ema,raw]"),
    (("weights=[ema,rwa]",), "weights got ['ema', 'rwa']"),
    (("beside=[nowhere]",), "nowhere does not exist"),
    (("samples_seen=9",), "has seen 8 samples, not samples_seen=9"),
    (("margin=-1",), "margin got -1"),
    (
        ("interpolate=[0,1]", "num_samples=2"),
        "num_samples=2 would change nothing: interpolate",
    ),
    (("interpolate=[0,1]", "grid_samples=2"), "grid_samples=2 would change nothing: all that lies between"),
    (
        ("grid_samples=0", "out=x.tar"),
        "grid_samples=0 would change nothing: x.tar gets no grid",
    ),
    (
        ("grid_samples=0", "margin=3"),
        "margin=3 would change nothing: nothing is side by side; leave",
    ),
]


@pytest.mark.parametrize(("settings", "message"), OF_IMAGES, ids=lambda value: " ".join(value)[:40])
def test_one_clear_message(settings, message, run_of_images, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = sorted(run_of_images.parent.rglob("*"))
    assert message in run("generate", f"checkpoint={run_of_images}", *settings)
    assert sorted(run_of_images.parent.rglob("*")) == before
    assert list(tmp_path.iterdir()) == []


def test_lists_need_no_brackets(run_of_images, tmp_path):
    listed = ("category=1,0", "weights=ema,raw", "num_samples=2")
    generate(run_of_images, f"out={tmp_path / 'a.png'}", *listed)
    bracketed = ("category=[1,0]", "weights=[ema,raw]", "num_samples=2")
    generate(run_of_images, f"out={tmp_path / 'b.png'}", *bracketed)
    assert np.array_equal(pixels(tmp_path / "a.png"), pixels(tmp_path / "b.png"))


OF_CLIPS = [
    (
        ("out=x.npz", "frames_per_second=9"),
        "frames_per_second=9 would change nothing: what goes",
    ),
    (("format=frames", "grid_samples=0", "frames_per_second=9"), "frames_per_second=9 would change nothing"),
    (
        ("content_seed=1", "motion_seed=2", "num_samples=2", "category=0"),
        "leave nothing to vary; leave one",
    ),
    (("content_seed=1", "motion_seed=2", "num_samples=2"), "leave nothing to vary"),
    (("content_seed=1", "motion_seed=2", "category=0", "interpolate=[0,1]"), "leave nothing to vary"),
    (("neighbours=2", "out=x.png"), "neighbours=2 shows clips beside each other, which needs a video; set out=x.mp4"),
    (("neighbours=2", "out=x.npz"), "set out=neighbours.mp4"),
    (("out=x.mp4", "margin=1", "pixel_format=yuv420p"), "h264, got 411x411; leave it out, or set scale=2 margin=2"),
    (("out=x.mp4", "num_samples=1", "codec=hevc"), "codec=hevc needs even sides of at least 64 pixels, got 16x16"),
]


@pytest.mark.parametrize(
    ("settings", "size"),
    [
        (("num_samples=4",), (456, 456)),
        (("num_samples=2", "real=true"), (456, 456)),
        (("num_samples=2", "neighbours=1"), (304, 448)),
        (("interpolate=[0,1]", "steps=2", "weights=[ema,raw]", "size=64"), (68, 134)),
    ],
    ids=str,
)
def test_a_codec_gets_the_size_of_all_samples_side_by_side(settings, size, run_of_clips, tmp_path):
    generate(run_of_clips, f"out={tmp_path / 'x.mp4'}", "codec=hevc", *settings)
    with av.open(tmp_path / "x.mp4") as container:
        assert (container.streams.video[0].height, container.streams.video[0].width) == size


def test_of_long_videos_it_says_which_clips_were_looked_at(run_of_clips, tmp_path, capsys):
    generate(run_of_clips, f"out={tmp_path / 'x.mp4'}", "num_samples=2", "neighbours=1")
    said = " of 2 may be copies of the one clip of each video that was looked at: training saw other parts too; dist"
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(("settings", "message"), OF_CLIPS, ids=lambda value: " ".join(value)[:40])
def test_what_clips_would_not_show_is_refused(settings, message, run_of_clips, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert message in run("generate", f"checkpoint={run_of_clips}", *settings)
    assert not [*tmp_path.iterdir()]


def test_clips_too_long_for_memory_are_written_frame_by_frame(run_of_clips, tmp_path, monkeypatch):
    def made(place):
        long = ("num_samples=2", "num_frames=20", "loop=pingpong")
        generate(run_of_clips, f"out={place / 'side_by_side.webp'}", *long)
        for kind in ("webp", "frames", "npy"):
            generate(run_of_clips, f"out={place / kind}", f"format={kind}", *long)
        frames = [pixels(path) for path in sorted((place / "frames" / "seed_000001").iterdir())]
        of_one = [read_back(place / "webp" / "seed_000001.webp")[0], np.stack(frames)]
        return [read_back(place / "side_by_side.webp")[0], np.load(place / "npy" / "seed_000001.npy"), *of_one]

    whole = made(tmp_path / "whole")
    monkeypatch.setattr(framegan.sampling, "VALUES_AT_ONCE", 7 * 3 * 16 * 16)
    monkeypatch.setattr(framegan.sampling, "sample", None)
    for one, other in zip(whole, made(tmp_path / "pieces"), strict=True):
        assert one.shape == other.shape and len(one) == 38
        assert np.abs(one.astype(int) - other).max() <= 1
    assert not list((tmp_path / "pieces").glob("*_grid*")), "whose clips would have to be made once more"


def test_real_samples_are_shown_below(run_of_images, run_of_clips, tmp_path):
    generate(run_of_images, f"out={tmp_path / 'a.png'}", "num_samples=5", "category=[1,2]", "real=true", "margin=0")
    rows = np.split(pixels(tmp_path / "a.png"), 4)
    real, labels = real_of(run_of_images)
    of_class = [{one.numpy().tobytes() for one in real[labels == number]} for number in (1, 2)]
    for row, known in zip(rows[2:], of_class, strict=True):
        for one in np.split(row, 5, axis=1):
            assert np.atleast_3d(one).transpose(2, 0, 1).tobytes() in known
    generate(run_of_clips, f"out={tmp_path / 'b.webp'}", "num_samples=3", "real=true", "margin=0", "size=17")
    assert read_back(tmp_path / "b.webp")[0].shape[:3] == (4, 34, 51)


def test_nearest_real_samples_with_their_distances(run_of_images, tmp_path, capsys, monkeypatch):
    real, _ = real_of(run_of_images)
    honest = framegan.sampling.batches

    def with_a_copy(generator, seeds, *rest, **choices):
        for some, samples in honest(generator, seeds, *rest, **choices):
            if 1 in some:
                samples[some.index(1)] = media.to_samples(real[7])
            yield some, samples

    monkeypatch.setattr(framegan.sampling, "batches", with_a_copy)
    generate(run_of_images, f"out={tmp_path / 'near.png'}", "num_samples=2", "neighbours=3", "margin=0")
    _, copy = np.split(pixels(tmp_path / "near.png"), 2)
    tiles = np.split(copy, 7, axis=1)
    assert np.array_equal(tiles[0], tiles[1]) and np.array_equal(tiles[0], tiles[4])
    first, second = json.loads((tmp_path / "near.json").read_text())
    assert second["by_pixels"][0] == {"number": 7, "distance": 0.0, "file": ""} and second["may_be_a_copy"]
    sample = media.to_pixels(framegan.load(run_of_images).sample(1)[0]).float()
    by_hand = (real.float() - sample).square().flatten(1).mean(1).sqrt().sort()
    assert [one["number"] for one in first["by_pixels"]] == by_hand.indices[:3].tolist()
    assert [one["distance"] for one in first["by_pixels"]] == pytest.approx(by_hand.values[:3].tolist(), rel=1e-4)
    said = capsys.readouterr().out
    assert "seed 1: by pixels 0 (sample 7), " in said and "it may be a copy" in said


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (("real=true", "out=folder"), "real=true is for samples in one picture or video; set out=real.png"),
        (("neighbours=3", "out=x.npz"), "neighbours=3 is for samples in one picture or video; set out=neighbours.png"),
        (("neighbours=3", "real=true", "out=x.png"), "both show real samples; leave one out"),
        (("neighbours=3", "category=[1,2]", "out=x.png"), "neighbours=3 is for one generator and one class"),
        (("neighbours=3000", "out=x.png"), "neighbours=3000, but the data have"),
    ],
)
def test_real_samples_that_cannot_be_shown(settings, message, run_of_images, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert message in run("generate", f"checkpoint={run_of_images}", *settings)
    assert not list(tmp_path.iterdir())
