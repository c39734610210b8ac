"""A folder of numbered pictures is a video."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from framegan.data.frame_cache.build import missing, plan, prepare
from framegan.data.frame_cache.layout import StaleCacheError, find
from framegan.data.video_set import FileVideos
from framegan.data.videos.frame_folder import FrameFolder


def save(path: Path, value: int = 0, size: tuple[int, int] = (8, 8), **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, value).save(path, **options)
    return path


def save_video(folder: Path, number: int = 3, pattern: str = "frame_{}.png") -> None:
    """Write frames of the values 0, 10, 20, ..."""
    for frame in range(number):
        save(folder / pattern.format(frame), 10 * frame)


def values(videos: FrameFolder, index: int, frames: list[int]) -> list[int]:
    """Return the value of each of these frames."""
    clip = videos.read(index, frames)
    assert (clip.shape, clip.dtype) == ((len(frames), videos.resolution, videos.resolution, videos.channels), np.uint8)
    return clip[:, 4, 4, 0].tolist()


def test_what_a_set_of_videos_offers(tmp_path):
    for name, number in {"b/1": 3, "a/2": 12, "a/deep/3": 2}.items():
        save_video(tmp_path / name, number)
    save(tmp_path / "a" / "2" / ".hidden.png")
    (tmp_path / "a" / "2" / "notes.txt").touch()
    videos = FrameFolder(str(tmp_path), 8)
    assert isinstance(videos, FileVideos)
    assert [videos.name(index) for index in range(len(videos))] == ["a/2", "a/deep/3", "b/1"]
    assert [videos.label(index) for index in range(3)] == [0, 0, 1]
    assert [videos.num_frames(index) for index in range(3)] == [12, 2, 3]
    assert (videos.classes, videos.num_classes, videos.split) == (["a", "b"], 2, "all")
    assert (videos.channels, videos.resolution, videos.root) == (3, 8, tmp_path)
    assert videos.frame_times(0) is None
    assert videos.recipe == {"resolution": 8, "channels": 3, "resize": "crop", "filter": "area"}
    assert values(videos, 0, [0, 2, 9, 10, 11]) == [0, 20, 90, 100, 110]


def test_videos_right_in_the_root_are_one_class(tmp_path):
    save_video(tmp_path / "video_1")
    save_video(tmp_path / "video_2")
    videos = FrameFolder(str(tmp_path), 8)
    assert (len(videos), videos.num_classes) == (2, 1)


ORDERS = {
    "numbers": ["frame_2.png", "frame_10.png", "frame_100.png"],
    "zeros before them": ["0009.png", "10.png", "0011.png"],
    "two numbers": ["1_9.png", "1_10.png", "2_1.png"],
    "names before numbers": ["2.png", "a1.png", "a10.png", "b.png"],
    "equal numbers": ["01.png", "1.png", "2.png"],
    "negative numbers": ["-10.png", "-2.png", "-1.png", "0.png", "3.png"],
    "negative numbers behind letters": ["t-10.png", "t-1.png", "t0.png", "t3.png"],
    "signs of both kinds": ["t-10.png", "t-1.png", "t+0.png", "t+1.png", "t+3.png"],
    "a plus and nothing": ["-1.png", "0.png", "+1.png", "2.png"],
    "negative numbers alone": ["x_-3.png", "x_-2.png", "x_-1.png"],
    "lines that are no signs": ["frame-1.png", "frame-2.png", "frame-10.png"],
    "dates": ["2024-01-02.png", "2024-01-10.png", "2024-02-01.png"],
    "decimals": ["0.25.png", "0.5.png", "1.125.png", "1.25.png", "10.0.png"],
    "negative decimals": ["f_-1.5.png", "f_-1.25.png", "f_-0.5.png", "f_0.0.png", "f_0.5.png"],
    "small decimals": ["1e-05.png", "0.001.png", "0.5.png"],
    "two numbers with a point": ["s1.8.png", "s1.9.png", "s1.10.png", "s2.1.png"],
    "versions": ["v1.2.9.png", "v1.2.10.png", "v1.10.0.png"],
    "many digits": [f"{10**30}.png", f"{10**30 + 1}.png"],
}


@pytest.mark.parametrize("names", ORDERS.values(), ids=ORDERS)
def test_frames_are_in_the_order_of_their_numbers(names, tmp_path):
    for place, name in reversed(list(enumerate(names))):
        save(tmp_path / "video" / name, place)
    assert values(FrameFolder(str(tmp_path), 8), 0, list(range(len(names)))) == list(range(len(names)))


def test_frames_of_a_video_may_be_of_any_kind(tmp_path):
    save(tmp_path / "v" / "0.png", 10, (30, 20))
    save(tmp_path / "v" / "1.jpg", 20, (9, 40), quality=95)
    save(tmp_path / "v" / "2.gif", 30, format="PNG")
    assert values(FrameFolder(str(tmp_path), 8, channels=1), 0, [0, 1, 2]) == [10, 20, 30]


def test_the_stamp_is_of_all_frames(tmp_path):
    save_video(tmp_path / "v")
    paths = sorted((tmp_path / "v").iterdir())
    before = FrameFolder(str(tmp_path), 8).stamp(0)
    assert before == FrameFolder(str(tmp_path), 8).stamp(0)
    assert before[0] == sum(path.stat().st_size for path in paths)
    os.utime(paths[1], ns=(0, 5_000_000_000 * 10**9))
    assert FrameFolder(str(tmp_path), 8).stamp(0) != before


@pytest.mark.parametrize(
    ("moves", "order"),
    [([(0, 9)], [10, 20, 0]), ([(0, 9), (1, 0), (9, 1)], [10, 0, 20])],
    ids=["the first becomes the last", "two are swapped"],
)
def test_frames_that_are_renumbered_are_no_longer_those_of_a_cache(moves, order, tmp_path):
    """Renaming keeps the size and the time of every file."""
    data, folder = tmp_path / "data", tmp_path / "cache"
    save_video(data / "v")
    before = FrameFolder(str(data), 8)
    prepare(plan(before, folder), num_workers=0)
    assert find(before, folder) is not None
    for old, new in moves:
        (data / "v" / f"frame_{old}.png").rename(data / "v" / f"frame_{new}.png")
    after = FrameFolder(str(data), 8)
    assert values(after, 0, [0, 1, 2]) == order
    with pytest.raises(StaleCacheError, match="v has changed"):
        find(after, folder)
    assert missing(plan(after, folder)) == [0]


def test_images_right_in_the_root_are_refused(tmp_path):
    save_video(tmp_path / "a" / "1")
    save(tmp_path / "cover.png")
    with pytest.raises(ValueError, match=r"itself holds images, such as cover.png; .* or set data=strips"):
        FrameFolder(str(tmp_path), 8)


def test_bad_videos_are_named_all_at_once_or_left_out(tmp_path, capsys):
    for name in ("a/good", "a/empty", "b/text"):
        save_video(tmp_path / name)
    (tmp_path / "a" / "empty" / "frame_2.png").write_bytes(b"")
    (tmp_path / "b" / "text" / "frame_0.png").write_text("hello")
    with pytest.raises(ValueError) as caught:
        FrameFolder(str(tmp_path), 8)
    assert str(caught.value).splitlines()[1:] == [
        "  a/empty: frame_2.png: empty file",
        "  b/text: frame_0.png: not an image that can be read",
    ]
    videos = FrameFolder(str(tmp_path), 8, on_error="skip", max_bad_fraction=0.7)
    assert (len(videos), videos.name(0), videos.num_classes) == (1, "a/good", 2)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[2] == "skipped  nothing is left of class b: none of its videos can be read"
    assert values(videos, 0, [1]) == [10]


def test_a_frame_that_goes_wrong_later_is_named(tmp_path):
    save_video(tmp_path / "v")
    (tmp_path / "v" / "frame_1.png").write_text("hello")
    videos = FrameFolder(str(tmp_path), 8)
    assert values(videos, 0, [0, 2]) == [0, 20]
    with pytest.raises(ValueError, match="^frame_1.png: not an image"):
        videos.read(0, [0, 1])
