"""UCF101: the official lists decide, and never divide a group."""

from pathlib import Path

import pytest
from odd_videos import encode, picture

from framegan.data.held_out import held_out
from framegan.data.published.ucf101 import UCF101
from framegan.data.videos.clips import Clips

TRAIN = ["Archery/v_Archery_g02_c01.avi 2", "Swing/v_swing_g02_c01.avi 1", "Swing/v_swing_g02_c02.avi 1"]
TEST = ["Swing/v_swing_g01_c01.avi", "Archery/v_Archery_g01_c01.avi"]
CLASSES = "1 Swing\n2 Archery\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    lists = tmp_path / "ucfTrainTestlist"
    lists.mkdir()
    (lists / "classInd.txt").write_text(CLASSES)
    for number, (train, test) in enumerate([(TRAIN, TEST), (TEST, TRAIN), (TRAIN[1:], TEST[:1])], 1):
        (lists / f"trainlist0{number}.txt").write_text("\r\n".join(train) + "\r\n\r\n")
        (lists / f"testlist0{number}.txt").write_text("\n".join(test))
    for line in TRAIN + TEST:
        path = tmp_path / "UCF-101" / line.split()[0]
        path.parent.mkdir(parents=True, exist_ok=True)
        encode(path, "mpeg4", pictures=[picture(0), picture(1)])
    return tmp_path


@pytest.mark.parametrize(
    ("split", "number"),
    [("train1", 3), ("test1", 2), ("train2", 2), ("test2", 3), ("train3", 2), ("test3", 1), ("all", 5)],
)
def test_the_lists_decide(root: Path, split, number: int):
    videos = UCF101(str(root), 16, split)
    assert (len(videos), videos.split, videos.classes) == (number, split, ["Swing", "Archery"])
    names = [videos.name(k) for k in range(number)]
    assert names == sorted(names)
    assert [videos.label(k) for k in range(number)] == [int("Archery" in name) for name in names]
    assert videos.read(0, [0, 1]).shape == (2, 16, 16, 3)


def test_training_and_test_share_nothing(root: Path):
    train, test = ({videos.name(k) for k in range(len(videos))} for videos in splits(root, "train1", "test1"))
    assert not train & test


def splits(root: Path, *names) -> list[UCF101]:
    return [UCF101(str(root), 16, name) for name in names]


def test_a_group_is_held_out_as_a_whole(root: Path):
    """Also once the videos are in memory; the two videos of one stay together."""
    clips = Clips(UCF101(str(root), 16, "all"), 2, clips_per_video=2)
    assert clips.groups[::2] == ["Archery g01", "Archery g02", "Swing g01", "Swing g02", "Swing g02"]
    for source in (clips, clips.in_memory()):
        for share in (0.25, 0.5, 0.75):
            left_out = held_out(source, share)
            sides = [{source.groups[k] for k in range(10) if (k in left_out) == side} for side in (True, False)]
            assert len(sides[0]) == 4 * share and not sides[0] & sides[1]
    flat = UCF101(str(root / "UCF-101"), 16, "all")
    assert Clips(flat, 2, clips_per_video=2).groups == clips.groups


def test_the_folders_may_also_lie_flat_or_side_by_side(root: Path):
    assert len(UCF101(str(root / "UCF-101"), 16)) == 3
    for path in [*(root / "UCF-101").iterdir(), *(root / "ucfTrainTestlist").iterdir()]:
        path.rename(root / path.name)
    (root / "UCF-101").rmdir()
    assert UCF101(str(root), 16).name(0) == "Archery/v_Archery_g02_c01.avi"


def test_a_divided_group_is_refused(root: Path):
    with (root / "ucfTrainTestlist" / "testlist01.txt").open("a") as file:
        file.write("\nArchery/v_Archery_g02_c02.avi")
    for split in ("train1", "test1", "all"):
        with pytest.raises(ValueError, match=r"divide 1 groups .* such as Archery g02"):
            UCF101(str(root), 16, split)
    assert len(UCF101(str(root), 16, "train2")) == 2


def test_missing_videos_are_named(root: Path):
    (root / "UCF-101" / "Swing" / "v_swing_g02_c02.avi").unlink()
    with pytest.raises(ValueError, match=r"1 of 3 .*\n  UCF-101/Swing/v_swing_g02_c02.avi: there is no such file"):
        UCF101(str(root), 16)


def test_missing_lists_are_named(root: Path):
    (root / "ucfTrainTestlist" / "testlist01.txt").unlink()
    with pytest.raises(ValueError, match=r"testlist01.txt can't be read: No such file"):
        UCF101(str(root), 16)
    (root / "ucfTrainTestlist" / "classInd.txt").unlink()
    with pytest.raises(ValueError, match=r"classInd.txt is neither in .* unpack UCF101TrainTestSplits"):
        UCF101(str(root), 16)


@pytest.mark.parametrize("classes", ["0 Swing\n1 Archery\n", "1 Swing\n3 Archery\n", "1 Swing\n", "Swing\nArchery\n"])
def test_wrong_classes_are_named(root: Path, classes: str):
    (root / "ucfTrainTestlist" / "classInd.txt").write_text(classes)
    with pytest.raises(ValueError, match="classInd.txt"):
        UCF101(str(root), 16)


def test_wrong_names_are_named(root: Path):
    with (root / "ucfTrainTestlist" / "trainlist01.txt").open("a") as file:
        file.write("Archery/video.avi 2\n")
    with pytest.raises(ValueError, match="Archery/video.avi is listed, but names no group"):
        UCF101(str(root), 16)
