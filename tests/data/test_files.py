"""Which files are data: what is left out is said, and a folder that seems not to be the one meant is asked about."""

import os
from pathlib import Path

import pytest
from PIL import Image
from small_clips import write_frame_folders

from framegan.data.files import check_root, data_files, root_of, walk
from framegan.data.images.image_folder import ImageFolder
from framegan.data.published.cifar10 import cifar10
from framegan.data.published.idx import mnist
from framegan.data.published.ucf101 import UCF101
from framegan.data.videos.frame_folder import FrameFolder
from framegan.data.videos.npy import NpyVideos
from framegan.data.videos.strips import Strips
from framegan.data.videos.video_folder import VideoFolder

SOURCES = {
    "images": lambda root: ImageFolder(root, 8),
    "videos": lambda root: VideoFolder(root, 8),
    "frames": lambda root: FrameFolder(root, 8),
    "strips": lambda root: Strips(root, 8),
    "array": lambda root: NpyVideos(root, 8),
    "ucf101": lambda root: UCF101(root, 8),
    "mnist": mnist,
    "cifar10": cifar10,
}


def save(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), 90).save(path, format="PNG")
    return root


@pytest.mark.parametrize("root", ["", " ", ".", "./", "/", "/."])
@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_an_unset_variable_is_not_the_current_folder(source, root, tmp_path, monkeypatch):
    monkeypatch.chdir(save(tmp_path, "a/1.png", "b/1.png"))
    with pytest.raises(ValueError, match=r"^data.root got .*; is a variable not set\? Set it to the folder"):
        source(root)


def test_the_current_folder_by_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(save(tmp_path, "a/1.png", "b/1.png"))
    assert len(ImageFolder(str(tmp_path), 8)) == 2
    assert root_of("~/x") == Path.home() / "x"


def test_an_empty_split_is_not_all_of_the_data(tmp_path):
    with pytest.raises(ValueError, match="has no folder ''; set data.split to null"):
        ImageFolder(str(save(tmp_path, "a/1.png", "b/1.png")), 8, split="")


def test_what_systems_leave_behind_is_no_class(tmp_path, capsys):
    save(tmp_path, "a/1.png", "b/1.png", "__MACOSX/a/1.png", "@eaDir/1.png", "a/@eaDir/1.png/x.png", ".git/1.png")
    save(tmp_path, "a/._1.png", "clips.framegan/1.png", "$RECYCLE.BIN/1.png", "a/Thumbs.db", "desktop.ini", ".DS_Store")
    assert ImageFolder(str(tmp_path), 8).files == ["a/1.png", "b/1.png"]
    assert capsys.readouterr().out == "", "nothing else was left out"


def test_what_is_not_read_is_counted_by_ending_and_by_class(tmp_path, capsys):
    save(tmp_path, "a/1.png", "a/2.xyz", "b/1.png", "c/1.xyz", "c/2.XYZ", "c/deep/3", "d/1.abc")
    assert data_files(tmp_path, (".png",), "images", "folder") == ["a/1.png", "b/1.png"]
    assert capsys.readouterr().out == (
        "left out 5 files (3 .xyz, 1 without an ending, 1 .abc) of class c (3), a (1), d (1), which leaves nothing of "
        "c, d: not read as images\n"
    )
    with pytest.raises(ValueError, match=r"no videos in .* end in .mp4 are read; it holds 7 files \(3 .xyz, 2 .png"):
        data_files(tmp_path, (".mp4",), "videos", None)


def test_pipes_and_links_to_themselves_are_no_files(tmp_path):
    os.mkfifo(save(tmp_path, "a/1.png") / "a" / "2.png")
    (tmp_path / "3.png").symlink_to("3.png")
    (tmp_path / "4.png").symlink_to("a/2.png")
    (tmp_path / "a" / "up").symlink_to("..")
    assert walk(tmp_path, (".png",)) == ["3.png", "a/1.png"]  # a link that leads nowhere is named, not left out


def test_a_list_of_labels_is_not_left_out(tmp_path, capsys):
    save(tmp_path, "1.png", "classes.csv")
    for labels in ("classes.csv", str(tmp_path / "classes.csv")):
        assert data_files(tmp_path, (".png",), "strips", labels) == ["1.png"]
    assert capsys.readouterr().out == ""


ASKED = {
    "train and test": (["train/a/1.png", "test/a/1.png"], "holds the parts test, train, .*/train?"),
    "parts without classes": (["train/1.png", "test/1.png"], "/train?"),
    "parts beside others": (["train/a/1.png", "test/a/1.png", "runs/1.png"], "holds the parts test, train, .*/train?"),
    "train alone": (["train/1.png"], "holds only train"),
    "other names": (["Training/a/1.png", "val/a/1.png", "TEST/a/1.png"], "/Training?"),
    "COCO's": (["train2017/1.png", "val2017/1.png"], "/train2017?"),
    "CycleGAN's": (["trainA/1.png", "trainB/1.png", "testA/1.png", "testB/1.png"], "/trainA?"),
    "parts beside a file": (["sample.png", "train/a/1.png", "test/a/1.png"], "holds the parts test, train, .*/train?"),
    "a single folder": (["photos/a/1.png", "photos/b/1.png"], "holds a single folder, photos, .*/photos?"),
    "a single folder beside junk": (["photos/a/1.png", "photos/b/1.png", "__MACOSX/a/1.png"], "/photos?"),
}
NOT_ASKED = {
    "classes": ["a/1.png", "b/1.png"],
    "a class": ["cats/1.png"],
    "no classes": ["1.png", "2.png"],
    "a class beside train": ["train/1.png", "valley/1.png"],
    "files beside a folder": ["1.png", "a/b/2.png"],
}


@pytest.mark.parametrize(("names", "message"), ASKED.values(), ids=ASKED)
def test_a_root_that_seems_not_to_be_the_one_meant_is_asked_about(names, message, tmp_path):
    save(tmp_path, *names)
    with pytest.raises(ValueError, match=message.replace("?", r"\?")):
        ImageFolder(str(tmp_path), 8)
    assert len(ImageFolder(str(tmp_path), 8, split="all")) == len([n for n in names if "MACOSX" not in n])


@pytest.mark.parametrize("names", NOT_ASKED.values(), ids=NOT_ASKED)
def test_a_root_that_is_the_one_meant_is_not(names, tmp_path, capsys):
    assert len(ImageFolder(str(save(tmp_path, *names)), 8)) == len(names)
    assert capsys.readouterr().out == ""


def test_folders_of_frames_are_videos_and_not_classes(tmp_path):
    write_frame_folders(tmp_path / "inner" / "frames", number=2)
    assert FrameFolder(str(tmp_path / "inner" / "frames"), 8).classes == ["0", "1"]
    with pytest.raises(ValueError, match=r"data.root=.*/inner/frames\?"):
        FrameFolder(str(tmp_path / "inner"), 8)
    (tmp_path / "inner" / "frames" / "0").rename(tmp_path / "one class")
    assert FrameFolder(str(tmp_path / "one class"), 8).classes == ["."]


def test_parts_named_in_a_list_are_meant(tmp_path):
    check_root(tmp_path, None, ["train/1.png", "test/1.png"], "classes.csv")
    with pytest.raises(ValueError, match="the parts train, test"):
        check_root(tmp_path, None, ["train/1.png", "test/1.png"], None)


def test_walk_says_nothing(tmp_path, capsys):
    save(tmp_path, "a.png", "b.xyz")
    assert walk(tmp_path, (".png",)) == ["a.png"]
    assert capsys.readouterr().out == ""
