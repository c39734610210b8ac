"""A folder of videos: each file is decoded once, ever; what can't be read is named; any process can read it."""

import json
import multiprocessing
import os
import pickle
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from odd_videos import BROKEN, FRAMES, RATE, WHOLE, encode, number_of, picture
from rich.console import Console

from framegan.data import cache_places
from framegan.data.cache_places import beside, places
from framegan.data.video_set import FileVideos
from framegan.data.videos import decode, video_index
from framegan.data.videos.decode import read
from framegan.data.videos.video_folder import VideoFolder
from framegan.data.videos.video_index import index
from framegan.files import live

NAMES = ("b/2.mp4", "a/deep/1.mp4", "a/3.avi", "a/4.MKV", "c/.hidden.mp4")


def short(path: Path, start: int = 0, frames: int = 6) -> Path:
    """Write a few frames from this number on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return encode(path, "mpeg4", pictures=[picture(start + number) for number in range(frames)])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "videos"
    for start, name in enumerate(NAMES):
        short(root / name, start)
    return root


@pytest.fixture
def probed(monkeypatch) -> list[str]:
    """Return a list that takes the name of every file that is decoded for the index."""
    seen: list[str] = []
    probe = video_index.probe

    def noting(path: Path) -> video_index.VideoInfo:
        seen.append(path.name)
        return probe(path)

    monkeypatch.setattr(video_index, "probe", noting)
    return seen


def test_what_a_set_of_videos_offers(root: Path):
    videos = VideoFolder(str(root), 48, resize="stretch")
    assert isinstance(videos, FileVideos)
    assert [videos.name(k) for k in range(len(videos))] == ["a/3.avi", "a/4.MKV", "a/deep/1.mp4", "b/2.mp4"]
    assert (videos.classes, videos.num_classes, videos.split) == (["a", "b"], 2, "all")
    assert [videos.label(k) for k in range(4)] == [0, 0, 0, 1]
    assert [videos.num_frames(k) for k in range(4)] == [6] * 4
    times = videos.frame_times(3)
    assert times is not None
    np.testing.assert_allclose(times, np.arange(6) / RATE, atol=1e-3)
    clip = videos.read(2, [0, 2, 5])
    assert (clip.shape, clip.dtype) == ((3, 48, 48, 3), np.uint8)
    assert [number_of(frame) for frame in clip] == [1, 3, 6]
    status = (root / "b/2.mp4").stat()
    assert videos.stamp(3) == (status.st_size, status.st_mtime_ns)
    assert videos.recipe == {
        "resolution": 48,
        "channels": 3,
        "resize": "stretch",
        "filter": "area",
        "pixel_aspect": True,
        "rotate": True,
    }


def test_runs_on_large_videos_that_were_taken_for_bt_601_are_told(tmp_path: Path):
    small, large = (VideoFolder(str(one_of(tmp_path / str(side), side)), 16) for side in (64, 1280))
    assert large.inventory()["matrix_of_large"] == "BT.709" and "matrix_of_large" not in small.inventory()
    assert large.recipe == small.recipe, "so that a part of the data has the cache of all"


def one_of(folder: Path, width: int) -> Path:
    folder.mkdir()
    encode(folder / "one.mp4", pictures=[np.zeros((16, width, 3), np.uint8)] * 2)
    return folder


def test_grey_videos(root: Path):
    assert VideoFolder(str(root), 16, channels=1).read(0, [1]).shape == (1, 16, 16, 1)


def test_bad_files_are_named_all_at_once(root: Path, capsys):
    for number in range(12):
        BROKEN["text"][0](root).rename(root / f"{number:02}.mp4")
    with pytest.raises(ValueError, match=r"(?s)12 of 16 .*data.on_error=skip:\n  00.mp4: not a.*and 2 more$"):
        VideoFolder(str(root), 16)
    with pytest.raises(ValueError, match=r"more than data.max_bad_fraction=0.5 allows.*\n  00.mp4: not a"):
        VideoFolder(str(root), 16, on_error="skip", max_bad_fraction=0.5)
    capsys.readouterr()
    videos = VideoFolder(str(root), 16, on_error="skip", max_bad_fraction=0.8)
    assert (len(videos), videos.name(0), videos.label(0)) == (4, "a/3.avi", 1)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 13
    assert lines[12] == "skipped  nothing is left of class .: none of its videos can be read"
    assert lines[0].startswith("skipped  00.mp4: not a video")


def test_only_new_and_changed_files_are_decoded(root: Path, probed: list[str]):
    first = VideoFolder(str(root), 16)
    assert sorted(probed) == ["1.mp4", "2.mp4", "3.avi", "4.MKV"]
    probed.clear()
    again = VideoFolder(str(root), 16)
    assert probed == []
    assert [again.num_frames(k) for k in range(4)] == [first.num_frames(k) for k in range(4)]
    assert np.array_equal(again.read(1, [0, 5]), first.read(1, [0, 5]))
    short(root / "a" / "new.mp4")
    short(root / "b" / "2.mp4", frames=9)
    (root / "a" / "3.avi").unlink()
    changed = VideoFolder(str(root), 16)
    assert sorted(probed) == ["2.mp4", "new.mp4"]
    assert [changed.num_frames(k) for k in range(4)] == [6, 6, 6, 9]
    probed.clear()
    os.utime(root / "b" / "2.mp4", ns=(0, 0))
    VideoFolder(str(root), 16, split="b")
    assert probed == ["2.mp4"]
    VideoFolder(str(root), 16)
    assert probed == ["2.mp4"]


def test_the_index_keeps_everything(tmp_path: Path, probed: list[str]):
    root = tmp_path / "kinds"
    root.mkdir()
    kinds = ("turned by 90", "pixels not square", "h264, avi", "variable rate", "one frame", "awkward name")
    files = sorted(WHOLE[kind](root).name for kind in kinds)
    fresh, _ = index(root, files)
    assert len(probed) == len(kinds)
    stored, problems = index(root, files)
    assert (len(probed), problems) == (len(kinds), {})
    for file in files:
        old, new = vars(fresh[file].info), vars(stored[file].info)
        assert np.array_equal(old.pop("pts"), new.pop("pts"))
        assert old == new


def lines_of(root: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (beside(root) / "index.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(("damage", "decoded"), [(b"", 8), (b"not an index", 8), (b"\xff\n{}", 8), (None, 5)])
def test_a_damaged_index_is_rebuilt_as_far_as_it_is_damaged(
    root: Path, probed: list[str], damage: bytes | None, decoded: int
):
    VideoFolder(str(root), 16)
    path = beside(root) / "index.jsonl"
    path.write_bytes(path.read_bytes()[:-60] if damage is None else damage)
    assert len(VideoFolder(str(root), 16)) == 4
    assert len(probed) == decoded
    VideoFolder(str(root), 16)
    assert len(probed) == decoded


OF_INFO = {
    "width": [0, "wide"],
    "orientation": [0, 9, "90 degrees"],
    "pixel_aspect": [0, "1:1 ", float("nan"), 1e9],
    "time_base": [-1, "second", float("inf")],
    "pts": [
        [],
        1,
        [0.5, 1, 5],
        [0, -1, 5],
        [0, 0, 5],
        [0, 1, -5],
        [0, 1, 1 << 40],
        [0, 1, 1 << 62, 1, 1 << 62],
        [1 << 70],
    ],
}
OF_LINE = {
    "a number as a stamp": {"stamp": 1},
    "another stamp": {"stamp": [1, 1]},
    "a file of another kind": {"file": ["3.avi"]},
    "no info": {"info": None},
    **{f"{name} of {value}": {"info": {name: value}} for name, values in OF_INFO.items() for value in values},
}


@pytest.mark.parametrize("change", OF_LINE.values(), ids=OF_LINE)
def test_a_line_of_an_index_that_says_what_can_not_be_is_rebuilt(root: Path, probed: list[str], change: dict[str, Any]):
    VideoFolder(str(root), 16)
    schema, *rows = lines_of(root)
    for row in rows:
        row.update(change if change.get("info", 0) is None or "info" not in change else {})
        if change.get("info"):
            row["info"].update(change["info"])
    (beside(root) / "index.jsonl").write_text("".join(json.dumps(row) + "\n" for row in [schema, *rows]))
    assert len(VideoFolder(str(root), 16)) == 4
    assert len(probed) == 8


def test_deep_nesting_is_no_line_of_an_index(root: Path, probed: list[str]):
    VideoFolder(str(root), 16)
    with (beside(root) / "index.jsonl").open("a") as file:
        file.write("[" * 100_000)
    short(root / "a" / "new.mp4")
    assert len(VideoFolder(str(root), 16)) == 5
    assert len(probed) == 5


@pytest.mark.parametrize("time_base", [0, 5e-324])
def test_times_that_can_not_be_looked_for_are_counted(root: Path, time_base: float, monkeypatch):
    monkeypatch.setattr(decode, "SECONDS_BACK", (1,))
    videos = VideoFolder(str(root), 48, resize="stretch")
    info = replace(videos.entries[2].info, time_base=time_base)
    assert [number_of(frame) for frame in read(root / "a/deep/1.mp4", info, [0, 5], videos.fit)] == [1, 6]


def test_an_index_of_another_schema_is_rebuilt(root: Path, probed: list[str], monkeypatch):
    VideoFolder(str(root), 16)
    monkeypatch.setattr(video_index, "SCHEMA", "another")
    VideoFolder(str(root), 16)
    assert len(probed) == 8


def test_each_file_is_kept_as_soon_as_it_is_decoded(root: Path, monkeypatch):
    """Whatever ends the run: the process ends here, as if it were killed, once one other file is known."""
    probe = video_index.probe

    def killed(path: Path) -> video_index.VideoInfo:
        if path.name == "2.mp4":  # the last one
            while len(lines_of(root)) < 4:
                time.sleep(0.01)
            os._exit(3)
        return probe(path)

    monkeypatch.setattr(video_index, "probe", killed)
    child = multiprocessing.get_context("fork").Process(target=VideoFolder, args=(str(root), 16))
    child.start()
    child.join(30)
    assert child.exitcode == 3
    monkeypatch.setattr(
        video_index, "probe", lambda path: probe(path) if path.name == "2.mp4" else pytest.fail(f"{path} was known")
    )
    assert len(VideoFolder(str(root), 16)) == 4


def test_progress_is_shown_from_the_first_file_and_nothing_where_all_are_known(root: Path, monkeypatch, capsys):
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setattr(live, "Console", partial(Console, force_terminal=True))
    VideoFolder(str(root), 16)
    assert "decoding new videos" in capsys.readouterr().err
    VideoFolder(str(root), 16)
    assert capsys.readouterr() == ("", "")


def test_it_lies_beside_the_data_or_else_in_the_cache_of_the_user(tmp_path: Path, monkeypatch):
    root = tmp_path / "videos"
    assert beside(root) == tmp_path / "videos.framegan"
    monkeypatch.setattr(cache_places.os, "access", lambda path, mode: False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = beside(root)
    assert folder.parent == tmp_path / "cache" / "framegan"
    assert folder != beside(tmp_path / "others")
    short(root / "1.mp4")
    VideoFolder(str(root), 16)
    assert (folder / "index.jsonl").is_file()
    assert not (tmp_path / "videos.framegan").exists()
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert beside(root).parent == Path("~/.cache/framegan").expanduser()


def test_where_nothing_can_be_kept_it_works_all_the_same(root: Path, monkeypatch, tmp_path: Path, capsys):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr(video_index, "beside", lambda root: tmp_path / "file" / "folder")
    assert len(VideoFolder(str(root), 16)) == 4
    assert "index.jsonl can't be written" in capsys.readouterr().err


def test_what_others_found_is_used_where_nothing_can_be_written(root: Path, probed: list[str], monkeypatch, tmp_path):
    VideoFolder(str(root), 16)
    monkeypatch.setattr(cache_places.os, "access", lambda path, mode: False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    shared, own = places(root)
    assert (len(VideoFolder(str(root), 16)), len(probed)) == (4, 4)
    assert not own.exists()
    short(root / "a" / "new.mp4")
    before = (shared / "index.jsonl").read_bytes()
    for _ in range(2):
        assert (len(VideoFolder(str(root), 16)), len(probed)) == (5, 5)
    assert (shared / "index.jsonl").read_bytes() == before


@pytest.mark.skipif(sys.platform == "darwin", reason="names have to be UTF-8")
def test_any_name_is_kept(root: Path, probed: list[str]):
    for name in (b"caf\xe9.mp4", b"two\nlines.mp4", "\u2028 \N{GRINNING FACE}.mp4".encode()):
        short(root / os.fsdecode(name))
    for _ in range(2):
        videos = VideoFolder(str(root), 16)
        assert (len(videos), len(probed)) == (7, 7)
    assert videos.read([os.fsencode(videos.name(k)) for k in range(7)].index(b"caf\xe9.mp4"), [0]).shape == (
        1,
        16,
        16,
        3,
    )
    assert len(video_index.index(root, ["null\0byte.mp4"])[1]) == 1


def read_all(root: str) -> list[int]:
    videos = VideoFolder(root, 48, resize="stretch")
    return [number_of(videos.read(k, [videos.num_frames(k) - 1])[0]) for k in range(len(videos))]


def test_many_processes_may_make_the_index_at_once(root: Path):
    with ProcessPoolExecutor(3, multiprocessing.get_context("fork")) as processes:
        results = list(processes.map(read_all, [str(root)] * 3))
    assert results == [[7, 8, 6, 5]] * 3
    assert sorted(path.name for path in beside(root).iterdir()) == [".index.lock", "index.jsonl"]


def last_frame(videos: VideoFolder) -> np.ndarray:
    return videos.read(0, [FRAMES - 1])


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_other_processes_read_the_same(tmp_path: Path, method: str):
    root = tmp_path / "videos"
    root.mkdir()
    WHOLE["h264, open GOP, mp4"](root)
    videos = VideoFolder(str(root), 32)
    here = last_frame(videos)  # the parent has decoded before it forks
    with ProcessPoolExecutor(1, multiprocessing.get_context(method)) as processes:
        assert np.array_equal(processes.submit(last_frame, videos).result(timeout=60), here)
    assert len(pickle.dumps(videos)) < 5_000
