"""The edits of `framegan generate`, and of pictures and clips in Python; files say them, and have no other one read."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from commands import run
from PIL import Image
from test_generate_files import frames_of, hostile
from test_video_files import read_back

import framegan
from framegan import media, notes
from framegan.edits.samples import postprocess

DOUBLED = "postprocess=[scale=2,scale.kernel=nearest,flip]"


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def generate(folder, *settings):
    assert run("generate", f"checkpoint={folder}", *settings) is None


def doubled(pixels):
    return pixels.repeat(2, -3).repeat(2, -2)[..., ::-1, :]


def test_images_are_edited_before_they_are_side_by_side(run_of_images):
    images = frames_of(framegan.load(run_of_images), seeds=[0, 1, 2], category=1)
    generate(run_of_images, "num_samples=3", "category=1", "out=all", DOUBLED)
    generate(run_of_images, "num_samples=3", "category=1", "out=all.npy", DOUBLED, "scale=2")
    found = [np.asarray(Image.open(f"all/seed_{seed:06}.png")) for seed in range(3)]
    assert np.array_equal(found, doubled(images))
    assert np.array_equal(np.asarray(Image.open("all_grid.png")), media.tiled(doubled(images)))
    assert np.array_equal(np.load("all.npy"), doubled(images.repeat(2, 1).repeat(2, 2))), "after size and scale"


def test_images_are_painted(run_of_images):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (12, 12, 3), dtype=np.uint8)).save("style.png")
    painted = ["style_like=style.png", "style_like.steps=2"]
    generate(run_of_images, "num_samples=1", "seed=4", "out=a.npy", f"postprocess=[{','.join(painted)}]")
    found = np.load("a.npy")[0]
    assert found.shape == (16, 16, 3)
    image = framegan.load(run_of_images).images(seeds=[4]).edited(*painted)[0]
    assert np.array_equal(found, np.asarray(image))


def test_clips_are_edited(run_of_clips):
    (clip,) = frames_of(framegan.load(run_of_clips), seed=7)
    one = ("num_samples=1", "seed=7", "frames_per_second=10")
    generate(run_of_clips, *one, "out=a.webp", "postprocess=reverse,speed=2")
    frames, seconds = read_back(Path("a.webp"))
    assert np.array_equal(frames, clip[::-1])
    assert seconds == pytest.approx([0, 0.05, 0.1, 0.15])
    generate(run_of_clips, *one, "out=b.npy", "postprocess=[rate=20,trim=0.1-]", "num_frames=6")
    assert np.load("b.npy").shape == (1, 10, *clip.shape[1:])
    generate(run_of_clips, *one, "out=c.apng", "postprocess=rate=20", "num_frames=4", "loop=pingpong")
    assert read_back(Path("c.apng"))[0].shape[0] == 14


def test_a_walk_is_edited_as_one_clip(run_of_images):
    generate(run_of_images, "interpolate=0,3", "steps=8", "out=a.webp", "frames_per_second=8")
    generate(run_of_images, "interpolate=0,3", "steps=8", "out=b.webp", "frames_per_second=8", "postprocess=reverse")
    assert np.array_equal(read_back(Path("b.webp"))[0], read_back(Path("a.webp"))[0][::-1])
    said = run("generate", str(run_of_images), "interpolate=0,3", "out=a.png", "postprocess=reverse")
    assert "postprocess: reverse needs a clip, and this is a picture" in said
    said = run("generate", str(run_of_images), "interpolate=0,3", "out=c.gif", "postprocess=speed=9")
    assert said.endswith(
        "a .gif shows 0.01 to 50 frames a second, got 216; set the last edit to rate=50 or choose .mp4"
    )
    generate(run_of_images, "interpolate=0,3", "steps=4", "out=c.gif", "postprocess=speed=9,rate=50")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("postprocess=[blurr=2]", "postprocess: blurr is no edit; did you mean blur?"),
        ("postprocess=[crop=99x9]", "postprocess: crop=99x9 goes beyond pictures of 16x16"),
        ("postprocess=[concatenate]", "postprocess: concatenate joins several, and there is one"),
        ("postprocess=[speed=2]", "postprocess: speed needs a clip, and this is a picture; leave it out"),
        ("postprocess=[lut=missing.cube]", "postprocess: lut got 'missing.cube'; it should be a file that exists"),
    ],
)
def test_a_slip_leaves_nothing(words, said, run_of_images, tmp_path):
    assert said in run("generate", str(run_of_images), "out=x.png", words)
    assert not list(tmp_path.iterdir())


def test_a_file_says_its_edits_and_is_made_again(run_of_images, tmp_path):
    shutil.copytree(run_of_images, "run")
    caption = "caption=$5: 'a', \"b\" [c]\n{d}"
    listed = json.dumps(["scale=8", caption, "caption.size=9"], ensure_ascii=False).replace("\\n", "\n")
    assert run("generate", "run", "num_samples=1", "seed=3", "out=a.png", f"postprocess={listed}") is None
    assert json.loads(notes.read(tmp_path / "a.png"))["settings"]["postprocess"][1] == caption
    assert run("generate", "--from", "a.png", "out=b.png") is None
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()
    image = framegan.load("run").images(seeds=[3]).edited("scale=8", caption, "caption.size=9")[0]
    assert np.array_equal(np.asarray(image), np.asarray(Image.open("a.png")))


def test_a_file_names_no_folder_and_has_none_read(run_of_images, tmp_path):
    (tmp_path / "secret").mkdir()
    Image.new("RGB", (3, 3), "red").save("secret/logo.png")
    shutil.copytree(run_of_images, "run")
    marked = f"postprocess=[watermark={tmp_path}/secret/logo.png,watermark.margin=1]"
    assert run("generate", "run", "num_samples=1", "out=a.png", marked) is None
    assert "secret" not in notes.read(tmp_path / "a.png")
    said = run("generate", "--from", "a.png", "out=b.png")
    assert "a.png was made with watermark=logo.png, which reads a file; say all edits: 'postprocess=[" in said
    assert run("generate", "--from", "a.png", "out=b.png", marked) is None
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()


@pytest.mark.parametrize(
    ("edits", "said"),
    [
        (["watermark=/etc/hostname"], "reads a file"),
        (["scale=2", "watermark.file=/etc/hostname"], "reads a file"),
        (["caption=x", "caption.font=/etc/hostname"], "reads a file"),
        (["lut=/etc/passwd"], "reads a file"),
        (["super_resolution=/etc"], "reads a file"),
        (["lut=\n/etc/passwd"], "reads a file"),
        ("lut=/etc/passwd", "sets postprocess, which is no setting"),
        ([["lut=/etc/passwd"]], "sets postprocess, which is no setting"),
        (["scale=${oc.env:HOME}"], "scale got '${oc.env:HOME}'"),
        (["movie=/etc/passwd"], "movie is no edit"),
        (["scale=2,movie=/etc/passwd"], "scale got '2,movie=/etc/passwd'"),
    ],
)
def test_a_hostile_file_reads_nothing(edits, said, run_of_images, tmp_path):
    Path("run").symlink_to(run_of_images)
    seen = framegan.load(run_of_images).samples_seen
    note = hostile(samples_seen=seen, settings={"num_samples": 1, "postprocess": edits})
    media.write_png(Path("x.png"), np.zeros((4, 4, 3), np.uint8), note)
    assert said in run("generate", "--from", "x.png", "out=y.png")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "x.png"]


def test_clips_in_python(run_of_clips):
    clip = framegan.load(run_of_clips).clip(seed=1)
    slow = clip.edited("speed=0.5", "scale=2", "scale.kernel=nearest")
    assert slow.frames_per_second == clip.frames_per_second / 2
    assert np.array_equal(slow.frames, clip.frames.repeat(2, 1).repeat(2, 2))
    assert np.array_equal(clip.edited("reverse").frames, clip.frames[::-1])
    with pytest.raises(ValueError, match="did you mean speed"):
        clip.edited("sped=2")


def test_samples_of_other_channels_are_refused():
    with pytest.raises(ValueError, match="samples of 6 channels can't be edited"):
        postprocess(["flip"], (8, 8, 6), None, 8.0, Path)
