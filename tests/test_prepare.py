"""`python src/prepare.py` says what it will do, does it, and says what to type next; train.py finds the frames."""

import errno
import re
import shutil
import signal
import subprocess
import sys
from collections import namedtuple
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from commands import PROJECT, run
from filelock import FileLock
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from PIL import Image
from small_clips import write_frame_folders, write_npy, write_strips, write_ucf101, write_videos
from small_files import write_images
from test_frame_cache import Pictures, write

from framegan.cli import preparing
from framegan.data.frame_cache import strip_writer
from framegan.data.frame_cache.read import CachedVideos
from framegan.data.images import image_files, image_folder, kept
from framegan.files import atomic

FILES = {
    "video_folder": write_videos,
    "frame_folder": write_frame_folders,
    "strips": write_strips,
    "npy": write_npy,
    "ucf101": write_ucf101,
}
CONFIG = """
defaults:
  - /video_files@_here_
  - _self_

root: ???
resolution: 8
num_frames: 4

datamodule:
  source:
    videos:
      _target_: test_prepare.pictures
      root: ${data.root}
      resolution: ${data.resolution}
      channels: ${data.channels}
      resize: ${data.resize}
      filter: ${data.filter}
"""

TRAIN = f"python {PROJECT / 'src' / 'train.py'}"
"""How the script is typed from any other folder."""


def pictures(root: str, resolution: int, channels: int, resize: str, filter: str) -> Pictures:
    assert (resolution, resize, filter) == (8, "crop", "area")
    return Pictures(Path(root), channels)


class Folders(Pictures):
    """The same videos, named as if they lay in folders."""

    labels = (0, 1, 0, 1, 0, 1)
    names = ("walk/0.avi", "run/1.avi", "walk/2.avi", "run/3.avi", "walk/4.avi", "run/5.avi")

    def name(self, index):
        return self.names[index]

    def label(self, index):
        return self.labels[index]


def folders(root: str, resolution: int, channels: int, resize: str, filter: str) -> Folders:
    return Folders(Path(root), channels)


class Flat(Folders):
    names = ("0.avi", "1.avi", "2.avi", "0.mp4", "4.avi", "5.avi")


def flat(root: str, resolution: int, channels: int, resize: str, filter: str) -> Flat:
    return Flat(Path(root), channels)


class Split(Folders):
    names = tuple(f"train/{name}" for name in Folders.names)


def split(root: str, resolution: int, channels: int, resize: str, filter: str) -> Split:
    return Split(Path(root), channels)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with videos, clips/, and data=pictures to read them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)
    (tmp_path / "conf" / "data").mkdir(parents=True)
    (tmp_path / "conf" / "data" / "pictures.yaml").write_text(CONFIG)
    write(tmp_path / "clips")
    return tmp_path


def prepare(*arguments: str) -> str | None:
    return run(
        "prepare",
        "--config-dir",
        "conf",
        "data=pictures",
        "data.root=clips",
        "data.batch_size=2",
        "num_workers=0",
        *arguments,
    )


def cache(project: Path) -> Path:
    (folder,) = (project / "clips.framegan").iterdir()
    return folder


def test_what_it_says_and_what_train_finds(project, capsys):
    assert prepare() is None
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "data     6 videos, 75 frames of 8x8x3, all"
    assert lines[1] == f"cache    {cache(project)}: 0.00 GB of raw frames, about 1 s with 1 processes"
    assert lines[2].startswith("done     75 frames, 0.00 GB, in ")
    settings = ("model=NAME", "data=pictures", "data.root=clips", "data.batch_size=2")
    assert lines[3] == f"train    {TRAIN} {' '.join(settings)}"
    assert {path.name for path in cache(project).iterdir()} == {
        ".lock",
        "manifest.json",
        "origin.json",
        "shard-00000.json",
        "shard-00000.u8",
    }
    assert prepare() is None
    assert capsys.readouterr().out.splitlines()[1] == f"cache    {cache(project)} is up to date"


def test_train_reads_the_cache(project, capsys, monkeypatch):
    assert prepare() is None
    capsys.readouterr()
    monkeypatch.setattr(Pictures, "read", lambda self, index, frames: pytest.fail("decoded"))
    words = ("--config-dir", "conf", "model=mlp", "data=pictures", "data.root=clips", "trainer=debug")
    assert run("train", *words, "data.batch_size=2", "total_samples=4") is None
    assert f"cache    {cache(project)} (raw)" in capsys.readouterr().out


@pytest.mark.parametrize(("data", "write_some"), FILES.items())
def test_every_set_of_files(data, write_some, project, capsys):
    write_some(project / data)
    words = (f"data={data}", f"data.root={data}", "data.resolution=16", "data.num_frames=4", "data.batch_size=2")
    assert run("prepare", *words, "num_workers=0") is None
    assert "skipped" not in capsys.readouterr().out
    with initialize_config_dir(str(PROJECT / "conf"), version_base="1.3"):
        cached, decoding = (
            instantiate(compose("train", [*words, f"data.cache={cache}"]).data.datamodule.source, _convert_="all")
            for cache in ("auto", "none")
        )
    assert isinstance(cached.videos, CachedVideos) and not isinstance(decoding.videos, CachedVideos)
    tickets = [(index, 7) for index in range(len(decoding))]
    for one, other in zip(cached.batch(tickets), decoding.batch(tickets), strict=True):
        assert torch.equal(one, other)


def test_a_dry_run_writes_nothing(project, capsys):
    assert prepare("dry_run=true", "format=jpeg") is None
    assert "about 0.00 GB of jpeg frames, about 1 s" in capsys.readouterr().out
    assert not (project / "clips.framegan").exists()


@pytest.mark.parametrize("dry_run", ["true", "false"])
def test_what_train_refuses_is_refused(dry_run, project):
    dry_run = f"dry_run={dry_run}"
    assert "6 of 6 videos are too short for data.num_frames=40" in prepare("data.num_frames=40", dry_run)
    assert "data.target_fps needs the frames' times" in prepare("data.target_fps=8", dry_run)
    assert not (project / "clips.framegan").exists()


def test_fewer_videos_than_a_batch(project, capsys):
    assert "fewer than one batch: data.batch_size=7" in prepare("data.batch_size=7", "dry_run=true")
    capsys.readouterr()
    assert prepare("data.batch_size=7") is None
    assert capsys.readouterr().out.endswith("data.batch_size=7 data.clips_per_video=2\n")


@pytest.mark.parametrize("dry_run", ["true", "false"])
def test_the_cache_of_other_data_is_left_alone(dry_run, project, capsys):
    assert prepare("data.cache_dir=frames") is None
    before = {path.name: path.read_bytes() for path in (project / "frames").iterdir()}
    write(project / "other", smooth=True)
    others = ("data.root=other", "data.cache_dir=frames")
    assert "frames holds frames of " in prepare(*others, f"dry_run={dry_run}")
    assert {path.name: path.read_bytes() for path in (project / "frames").iterdir()} == before
    assert prepare(*others, "replace=true") is None


def test_all_classes_are_prepared(project):
    """The frames of some would take the place of all of them."""
    assert "leave out data.classes here" in run("prepare", "data=strips", "data.root=clips", "data.classes=[a]")


def test_strips_are_not_written_among_others(project):
    assert prepare("strips=strips") is None
    for dry_run in ("true", "false"):
        assert "strips holds 6 PNG files already; " in prepare("strips=strips", f"dry_run={dry_run}")
        said = prepare("strips=clips/strips", f"dry_run={dry_run}")
        assert "strips=clips/strips lies in data.root=" in said and "would be read as data" in said


def test_a_full_disk_is_refused(project, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 10**9, 0))
    message = prepare()
    assert message.endswith(
        "needs 0.00 GB, and its disk has 0.00 GB free; choose another place with data.cache_dir=FOLDER, "
        "a smaller data.resolution, or format=jpeg"
    )
    assert not (project / "clips.framegan").exists()


def test_a_disk_that_gets_full_is_told_in_one_message(project, monkeypatch):
    def full(path):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(atomic, "sync", full)
        message = prepare()
    assert message.startswith(f"error: {cache(project)} can't be written: [Errno 28] No space left on device: '")
    assert message.endswith("; make room, and the same command resumes with what is missing")
    assert [path.name for path in cache(project).iterdir()] == [".lock"]
    assert prepare() is None


def test_ctrl_c_is_told_with_what_to_do(project, monkeypatch):
    """The scripts begin with a Ctrl-C that ends them unsaid, so that no import has a traceback."""

    def interrupted(*_):
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(Pictures, "read", interrupted)
            assert prepare() == "error: interrupted; the same command resumes with what is missing"
    finally:
        signal.signal(signal.SIGINT, before)
    assert prepare() is None


def test_a_second_one_is_refused(project):
    (project / "frames").mkdir()
    with FileLock(project / "frames" / ".lock"):
        assert "another process is preparing frames; wait until it is done" in prepare("data.cache_dir=frames")


def test_bad_files_are_listed(project, capsys):
    for name in ("1.png", "4.png"):
        (project / "clips" / name).write_bytes(b"")
    assert prepare() is None
    assert (
        "skipped  2 that can't be decoded; fix or remove them, or train with data.on_error=skip:\n"
        "           1.png: no picture\n"
        "           4.png: no picture\n"
    ) in capsys.readouterr().out


def test_nothing_but_bad_files_is_an_error(project):
    for path in (project / "clips").iterdir():
        path.write_bytes(b"")
    assert "0.png can't be read: no picture" in prepare()


def test_damage_is_told(project, capsys):
    prepare()
    shard = cache(project) / "shard-00000.u8"
    shard.write_bytes(bytes(shard.stat().st_size))
    assert prepare("verify=true") is None
    assert "damaged  shard 0: rebuilt" in capsys.readouterr().out
    assert any(shard.read_bytes())


def test_tars_are_prepared_once_they_are_unpacked(project):
    said = run("prepare", "data=image_tars", "data.root=tars")
    assert "images in tar files can be prepared once they are unpacked, for data=image_folder" in said
    assert f"To train on them: {TRAIN} model=NAME data=image_tars " in said


@pytest.mark.parametrize("data", ["mnist", "synthetic", "cifar10", "shape_motion", "moving_digits"])
def test_data_without_videos_are_refused(data, project):
    assert (
        "these data need no preparing: there are no videos to decode. Train on them right away: "
        f"{TRAIN} model=NAME data={data}"
    ) in run("prepare", f"data={data}")


def test_mistakes_have_one_clear_message(project):
    assert "no data was chosen; set data=NAME to one of: cifar10," in run("prepare")
    assert prepare("format=png") == "error: format got 'png'; it should be 'raw' or 'jpeg'"
    assert "quality got 0" in prepare("quality=0")
    assert "num_workers got 'many'" in prepare("num_workers=many")
    assert "shard_mb got 0" in prepare("shard_mb=0")
    assert "data.clips_per_video got 0" in prepare("data.clips_per_video=0")


@pytest.mark.parametrize(
    ("videos", "places"),
    [
        ("folders", ["run/1.png", "run/3.png", "run/5.png", "walk/0.png", "walk/2.png", "walk/4.png"]),
        ("split", ["run/1.png", "run/3.png", "run/5.png", "walk/0.png", "walk/2.png", "walk/4.png"]),
        ("flat", ["0/0.avi.png", "0/2.avi.png", "0/4.avi.png", "1/0.mp4.png", "1/1.avi.png", "1/5.avi.png"]),
    ],
)
def test_strips(videos, places, project, capsys):
    config = project / "conf" / "data" / "pictures.yaml"
    config.write_text(config.read_text().replace("test_prepare.pictures", f"test_prepare.{videos}"))
    assert prepare("strips=strips", "dry_run=true") is None
    assert not (project / "strips").exists()
    assert prepare("strips=strips") is None
    assert capsys.readouterr().out.endswith("data=strips data.root=strips data.resolution=8 data.batch_size=2\n")
    files = sorted(path.relative_to("strips").as_posix() for path in Path("strips").rglob("*.png"))
    assert files == places
    third = np.asarray(Image.open(project / "strips" / places[-1]))
    source = Pictures(project / "clips")
    index = 5 if videos == "flat" else 4
    assert third.shape == (8, 8 * (10 + index), 3)
    np.testing.assert_array_equal(third[:, 16:24], source.read(index, [2])[0])


def test_strips_are_trained_on_as_was_chosen(project, capsys):
    """What says how the videos were read is left out, and grey strips are read as such."""
    of_frames = "data.channels=1", "data.resize=crop", "data.filter=area"
    assert prepare("strips=strips", *of_frames, "data.frame_stride=[1,2]", "data.flip=true") is None
    line = capsys.readouterr().out.splitlines()[-1]
    settings = "data.resolution=8 data.channels=1 data.batch_size=2 'data.frame_stride=[1,2]' data.flip=true"
    assert line == f"train    {TRAIN} model=NAME data=strips data.root=strips {settings}"
    assert "by which data.target_fps=8 would choose some; leave it out" in prepare("strips=others", "data.target_fps=8")
    assert not (project / "others").exists()


def test_strips_that_were_interrupted_begin_again(project, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    for what, said in ((interrupted, "error: interrupted"), (full, "; make room, and")):
        monkeypatch.setattr(Pictures, "read", what)
        message = prepare("strips=strips")
        assert said in message
        assert message.endswith(" the same command begins again once strips is empty")


def test_a_video_too_long_for_a_strip_is_named(project, capsys, monkeypatch):
    monkeypatch.setattr(strip_writer, "MAX_PIXELS", 14 * 64)
    assert prepare("strips=strips") is None
    assert "5.png: 15 frames are too many for a strip; cut it into videos of 14" in capsys.readouterr().out


def test_help_needs_no_heavy_import():
    code = "from framegan.cli import prepare; import sys; print({'torch', 'av', 'numpy'} & {*sys.modules})"
    assert subprocess.check_output([sys.executable, "-c", code], text=True, cwd=PROJECT) == "set()\n"
    command = [sys.executable, str(PROJECT / "src" / "prepare.py"), "--help"]
    assert "Decode videos, or a large folder of images, once and for all" in subprocess.check_output(command, text=True)


@pytest.fixture
def photos(tmp_path, monkeypatch) -> Path:
    """A folder of few images, which is prepared all the same."""
    monkeypatch.setattr(kept, "FEW", 1)
    monkeypatch.setattr(kept, "SETTLED", -1.0)
    write_images(tmp_path / "photos")
    return tmp_path / "photos"


def prepare_photos(photos, *settings):
    return run("prepare", "data=image_folder", f"data.root={photos}", "data.resolution=8", *settings)


def test_images_are_decoded_once_and_trained_on(photos, tmp_path, capsys, monkeypatch):
    assert prepare_photos(photos, "dry_run=true") is None
    assert not list(tmp_path.rglob("*.npy"))
    assert prepare_photos(photos) is None
    told = capsys.readouterr().out
    assert re.search(r"data     \d+ images of 8x8x\d, all\ncache    .*photos.framegan/images: 0.0 MB of decoded", told)
    assert re.search(rf"train    python .*train.py model=NAME data=image_folder data.root={photos} data.res", told)
    monkeypatch.setattr(image_files, "decode", None)  # nothing is decoded any more
    assert prepare_photos(photos) is None
    assert "images is up to date" in capsys.readouterr().out
    small = ("model=mlp", "data=image_folder", f"data.root={photos}", "data.resolution=8", "data.batch_size=4")
    large = "data.datamodule.keep_on_device_mb=0"  # as if they didn't go into memory
    how = ("trainer=cpu", "evaluate_every=null", "total_samples=32", f"hydra.run.dir={tmp_path / 'run'}")
    assert run("train", *small, large, *how) is None


@pytest.mark.parametrize("settings", [(), ("verify=true",)])
def test_prepared_images_that_are_damaged_are_made_again(settings, photos, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(kept, "SUMMED", 0 if settings else kept.SUMMED)  # as if there were too many to look at all
    prepare_photos(photos)
    (file,) = tmp_path.rglob("*.npy")
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert prepare_photos(photos, *settings) is None
    assert "damaged  what lies in" in capsys.readouterr().out
    assert file.read_bytes() == whole


def test_mistakes_in_preparing_images(photos, monkeypatch, tmp_path):
    assert prepare_photos(photos, "format=jpeg").startswith("error: format=jpeg is for clips; images are kept as they")
    assert prepare_photos(photos, "strips=s").startswith("error: strips=s is for clips")
    assert prepare_photos(photos, "num_workers=2").startswith("error: num_workers=2 is for clips")
    assert prepare_photos(photos, "data.cache=none") == "error: data.cache=none keeps nothing; leave it out"
    monkeypatch.setattr(kept, "FEW", 1000)
    assert "there is nothing to prepare: they are few" in prepare_photos(photos)
    monkeypatch.setattr(kept, "FEW", 1)
    monkeypatch.setattr(preparing.shutil, "disk_usage", lambda _: Mock(free=10))
    assert "and its disk has 0.00 GB free; make room, or set a smaller data.resolution" in prepare_photos(photos)
    assert not list(tmp_path.rglob("*.npy"))


def test_images_that_can_not_be_read_are_named_before_anything_is_prepared(photos):
    (photos / "bad.png").write_bytes(b"no picture")
    for settings in ((), ("dry_run=true",)):
        said = prepare_photos(photos, "data.on_error=skip", "data.max_bad_fraction=0.5", *settings)
        assert "1 of the images in" in said
        assert "and all are kept or none; fix or remove them:\n  bad.png: " in said


def test_preparing_images_may_be_interrupted(photos, monkeypatch, tmp_path):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(image_folder.ImageFolder, "_decode_into", interrupted)
    assert prepare_photos(photos) == "error: interrupted; nothing is kept, and the same command begins again"
    assert not [*tmp_path.rglob("*.npy"), *tmp_path.rglob("*.part")]
