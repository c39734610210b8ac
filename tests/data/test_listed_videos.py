"""What video files, strips and folders of frames have in common: names, splits, classes, copies in other processes."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from odd_videos import encode, picture
from PIL import Image

from framegan.data.videos.frame_folder import FrameFolder
from framegan.data.videos.strips import Strips
from framegan.data.videos.video_folder import VideoFolder


def write_file(path: Path, pictures: list[np.ndarray]) -> None:
    encode(path.with_suffix(".mp4"), "mpeg4", pictures=pictures)


def write_strip(path: Path, pictures: list[np.ndarray]) -> None:
    Image.fromarray(np.concatenate(pictures, 1)).save(path.with_suffix(".png"))


def write_folder(path: Path, pictures: list[np.ndarray]) -> None:
    path.mkdir()
    for number, pixels in enumerate(pictures):
        Image.fromarray(pixels).save(path / f"{number}.png")


KINDS = {
    "videos": (VideoFolder, write_file, ".mp4"),
    "strips": (Strips, write_strip, ".png"),
    "frames": (FrameFolder, write_folder, ""),
}


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


def write(kind: str, root: Path, **lengths: int) -> None:
    for name, length in lengths.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        KINDS[kind][1](path, [picture(number, 32, 32) for number in range(length)])


def test_a_split_is_a_folder_and_names_begin_at_the_root(kind, tmp_path):
    reader, _, ending = KINDS[kind]
    write(kind, tmp_path, train__a__1=3, test__b__1=5)
    videos = reader(str(tmp_path), 8, split="test")
    assert (videos.split, videos.name(0), videos.num_frames(0)) == ("test", f"test/b/1{ending}", 5)
    assert (len(videos), videos.classes) == (1, ["b"])
    assert np.array_equal(videos.read(0, [4]), reader(str(tmp_path / "test"), 8).read(0, [4]))
    with pytest.raises(ValueError, match=r"no folder 'val'; .*\['test', 'train'\]"):
        reader(str(tmp_path), 8, split="val")


def test_labels_of_a_list(kind, tmp_path):
    reader = KINDS[kind][0]
    write(kind, tmp_path, **{"1": 3, "2": 3})
    (tmp_path / "classes.csv").write_text("1,run\n2,walk\n")
    videos = reader(str(tmp_path), 8, labels="classes.csv")
    assert [videos.classes[videos.label(index)] for index in range(2)] == ["run", "walk"]
    assert reader(str(tmp_path), 8, labels=None).num_classes == 1


def test_nothing_to_read(kind, tmp_path):
    with pytest.raises(ValueError, match=rf"no {kind} in .*{KINDS[kind][2] or '.png'}"):
        KINDS[kind][0](str(tmp_path), 8)


def test_a_pickled_copy_reads_the_same(kind, tmp_path):
    write(kind, tmp_path, a__1=3)
    videos = KINDS[kind][0](os.path.relpath(tmp_path), 8)
    assert np.array_equal(pickle.loads(pickle.dumps(videos)).read(0, [1]), videos.read(0, [1]))
