"""What was decoded once is read back bit by bit, whatever happened while it was written."""

import json
import math
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from framegan.data.frame_cache import layout
from framegan.data.frame_cache.build import estimate, missing, plan, prepare
from framegan.data.frame_cache.read import CachedVideos
from framegan.data.stream import TicketStream
from framegan.data.ticket_dataset import TicketDataset
from framegan.data.video_set import FileVideos
from framegan.data.videos.clips import Clips

MB = 8 * 8 * 3 / 2**20
"""A frame; so many shard_mb hold one."""


class Pictures:
    """Videos of PNG frames, one file each: the frames one above the other.

    Args:
        seconds: how long reading a video takes at least.
    """

    num_classes = 2
    split = "all"
    resolution = 8

    def __init__(self, root: Path, channels: int = 3, seconds: float = 0.0):
        self.root = root
        self.channels = channels
        self.seconds = seconds
        self.files = sorted(path.name for path in root.glob("*.png"))
        self.recipe = {"resolution": 8, "channels": channels, "crop": (0, 0)}

    def __len__(self):
        return len(self.files)

    def name(self, index):
        return self.files[index]

    def label(self, index):
        return index % 2

    def num_frames(self, index):
        return 10 + int(Path(self.files[index]).stem)

    def frame_times(self, index):
        return None

    def stamp(self, index):
        stat = (self.root / self.files[index]).stat()
        return stat.st_size, stat.st_mtime_ns

    def read(self, index, frames):
        time.sleep(self.seconds)
        try:
            pixels = np.array(Image.open(self.root / self.files[index])).reshape(-1, 8, 8, 3)
        except OSError:
            raise ValueError("no picture") from None
        return pixels[list(frames), ..., : self.channels]


def write(root: Path, number: int = 6, smooth: bool = False) -> Path:
    """Write such videos; return their folder."""
    random = np.random.default_rng(0)
    root.mkdir(parents=True, exist_ok=True)
    for index in range(number):
        size = (10 + index) * 8
        if smooth:
            rows, columns = np.mgrid[:size, :8]
            pixels = np.stack([rows * 255 // size, columns * 30, 0 * rows + 40 * index], -1)
        else:
            pixels = random.integers(0, 256, (size, 8, 3))
        Image.fromarray(pixels.astype(np.uint8)).save(root / f"{index}.png")
    return root


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.name != ".lock"}


@pytest.fixture
def root(tmp_path):
    return write(tmp_path / "videos")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "cache"


def cached(root, folder, **options) -> CachedVideos:
    prepare(plan(Pictures(root), folder, **options), num_workers=0)
    found = layout.find(Pictures(root), folder)
    assert found is not None
    return found


@pytest.mark.parametrize("shard_mb", [MB, 25 * MB, 1])
def test_frames_come_back_as_they_were(shard_mb, root, folder):
    videos, source = cached(root, folder, shard_mb=shard_mb), Pictures(root)
    assert len(videos.shards) == {MB: 6, 25 * MB: 3, 1: 1}[shard_mb]
    for index in range(len(source)):
        numbers = range(0, source.num_frames(index), 3)
        np.testing.assert_array_equal(videos.read(index, numbers), source.read(index, numbers))
        assert (videos.name(index), videos.label(index)) == (source.name(index), source.label(index))


def test_jpeg_is_close(tmp_path, folder):
    root = write(tmp_path / "smooth", smooth=True)
    videos, source = cached(root, folder, format="jpeg", shard_mb=25 * MB), Pictures(root)
    for index in range(len(source)):
        numbers = range(source.num_frames(index))
        difference = videos.read(index, numbers).astype(float) - source.read(index, numbers)
        assert 10 * math.log10(255**2 / np.square(difference).mean()) > 35


def test_grey_jpeg(root, folder):
    grey = Pictures(root, channels=1)
    prepare(plan(grey, folder, format="jpeg", quality=100), num_workers=0)
    assert np.abs(layout.find(grey, folder).read(0, [3]).astype(int) - grey.read(0, [3])).max() <= 2


def batches(clips: Clips, num_workers: int, context: str | None = None) -> list[torch.Tensor]:
    stream = TicketStream(len(clips), 4, seed=1)
    dataset = TicketDataset(clips, flip=True, seed=1)
    loader = DataLoader(
        dataset, batch_sampler=stream, num_workers=num_workers, collate_fn=list, multiprocessing_context=context
    )
    return [samples for (samples, _), _ in zip(loader, range(5), strict=False)]


@pytest.mark.filterwarnings("ignore:This DataLoader will create")
@pytest.mark.parametrize(("num_workers", "context"), [(0, None), (1, "spawn"), (1, "fork"), (4, "fork")])
def test_clips_from_a_cache_are_the_decoded_ones(num_workers, context, root, folder, capsys):
    cached(root, folder, shard_mb=25 * MB)
    how = {"num_frames": 4, "frame_stride": (1, 3), "clips_per_video": 3}
    decoding = Clips(Pictures(root), cache="none", **how)
    reading = Clips(Pictures(root), cache_dir=str(folder), **how)
    assert isinstance(reading.videos, CachedVideos) and not isinstance(decoding.videos, CachedVideos)
    assert capsys.readouterr().out == f"cache    {folder} (raw)\n"
    reading.batch([(0, 0)])  # a map that is open before the workers start
    for one, other in zip(batches(reading, num_workers, context), batches(decoding, 0), strict=True):
        assert torch.equal(one, other)


def test_a_pickled_copy_leaves_the_frames_on_the_disk(root, folder):
    videos = cached(root, folder)
    videos.read(0, [0])
    copy = pickle.dumps(videos)
    assert len(copy) < 2000
    np.testing.assert_array_equal(pickle.loads(copy).read(1, [2]), videos.read(1, [2]))


def test_the_folder_beside_the_data_is_found_by_itself(root):
    videos = Pictures(root)
    folder = layout.cache_folder(videos)
    assert folder.parent == root.parent / "videos.framegan" and folder.name.startswith("frames_8px_all_")
    assert folder != layout.cache_folder(Pictures(root, channels=1))
    prepare(plan(videos, folder), num_workers=0)
    assert isinstance(Clips(videos, num_frames=2).videos, CachedVideos)


SCRIPT = """
import sys, pathlib
from test_frame_cache import Pictures, plan, prepare, MB
videos = Pictures(pathlib.Path(sys.argv[1]), seconds=0.15)
prepare(plan(videos, pathlib.Path(sys.argv[2]), shard_mb=MB), num_workers=int(sys.argv[3]))
"""


def in_a_process(root: Path, folder: Path, num_workers: int) -> subprocess.Popen:
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    command = [sys.executable, "-c", SCRIPT, str(root), str(folder), str(num_workers)]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path}, start_new_session=True)


def until(what, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize(("kill", "num_workers"), [(os.killpg, 2), (os.kill, 1)])
def test_killed_and_resumed_it_ends_with_the_same_bytes(kill, num_workers, tmp_path, folder):
    root = write(tmp_path / "videos", 16)
    job = plan(Pictures(root), tmp_path / "undisturbed", shard_mb=MB)
    prepare(job, num_workers=0)
    process = in_a_process(root, folder, num_workers)
    until(lambda: len(list(folder.glob("*.json"))) > 2)
    kill(process.pid, signal.SIGKILL)
    process.wait()
    with pytest.raises(layout.StaleCacheError, match="not complete"):
        layout.find(Pictures(root), folder)
    done = len(job.shards) - len(missing(plan(Pictures(root), folder, shard_mb=MB)))
    assert 0 < done < len(job.shards)
    time.sleep(0.3)
    report = prepare(plan(Pictures(root), folder, shard_mb=MB), num_workers=0)
    assert len(report.written) <= len(job.shards) - done
    assert files_of(folder) == files_of(tmp_path / "undisturbed")


def test_only_what_changed_is_done_again(root, folder):
    job = plan(Pictures(root), folder, shard_mb=25 * MB)
    assert prepare(job, num_workers=0).written == [0, 1, 2]
    before = files_of(folder)
    assert prepare(job, num_workers=0).written == []
    os.utime(root / "3.png", ns=(1, 1))
    with pytest.raises(layout.StaleCacheError, match="^3.png has changed$"):
        layout.find(Pictures(root), folder)
    job = plan(Pictures(root), folder, shard_mb=25 * MB)
    assert prepare(job, num_workers=0).written == [1]
    assert [name for name, content in files_of(folder).items() if before[name] != content] == ["shard-00001.json"]
    assert layout.find(Pictures(root), folder) is not None


def test_a_stale_cache_is_announced_and_left_alone(root, folder, capsys):
    cached(root, folder)
    write(root, 7)
    clips = Clips(Pictures(root), num_frames=2, cache_dir=str(folder))
    assert isinstance(clips.videos, Pictures)
    line = capsys.readouterr().out
    assert line.startswith(f"cache    {folder} is out of date: ") and "run framegan prepare" in line
    assert line.count("\n") == 1


def test_other_settings_are_named_and_not_overwritten(root, folder):
    cached(root, folder)
    with pytest.raises(layout.StaleCacheError, match="other settings: channels is 1 and was 3$"):
        layout.find(Pictures(root, channels=1), folder)
    before = files_of(folder)
    others = Pictures(root)
    others.name = lambda index: f"other/{index}.png"
    for videos in (Pictures(root, channels=1), others):
        with pytest.raises(
            ValueError, match="holds frames of other videos, or of other settings; set data.cache_dir to"
        ):
            prepare(plan(videos, folder), num_workers=0)
    assert files_of(folder) == before


def test_one_format_takes_the_place_of_another(root, folder):
    cached(root, folder)
    prepare(plan(Pictures(root), folder, format="jpeg"), num_workers=0)
    assert {path.suffix for path in folder.glob("shard*")} == {".json", ".jpegs"}
    assert layout.find(Pictures(root), folder).format == "jpeg"


def test_labels_are_not_in_the_cache(root, folder):
    cached(root, folder)

    class Relabelled(Pictures):
        def label(self, index):
            return 1

    assert layout.find(Relabelled(root), folder).label(0) == 1


def test_a_part_is_read_from_a_cache_of_all(root, folder):
    cached(root, layout.cache_folder(Pictures(root)))
    part = Pictures(root)
    part.files, part.split = ["1.png"], "some/part"
    assert layout.cache_folder(part).name.startswith("frames_8px_some-part_")
    assert isinstance(layout.prepared(part), CachedVideos)
    cached(root, folder)
    np.testing.assert_array_equal(layout.find(part, folder).read(0, [5]), part.read(0, [5]))


def test_bad_files_are_listed_and_not_fatal(root, folder):
    (root / "2.png").write_bytes(b"nothing")
    report = prepare(plan(Pictures(root), folder), num_workers=0)
    assert report.failures == {"2.png": "no picture"}
    assert report.num_frames == 6 * 10 + 15 - 12
    assert json.loads((folder / "manifest.json").read_text())["failures"] == report.failures
    videos, source = layout.find(Pictures(root), folder), Pictures(root)
    np.testing.assert_array_equal(videos.read(3, [1, 2]), source.read(3, [1, 2]))
    with pytest.raises(ValueError, match="no picture"):
        videos.read(2, [0])
    assert prepare(plan(Pictures(root), folder), num_workers=0).written == []


def test_clips_of_a_cache_with_a_bad_file(root, folder):
    (root / "2.png").write_bytes(b"nothing")
    cached(root, folder)
    how = {"num_frames": 2, "cache_dir": str(folder)}
    with pytest.raises(ValueError, match="2.png can't be read: no picture"):
        Clips(Pictures(root), on_error="raise", **how)
    with pytest.raises(ValueError, match="max_bad_fraction=0.01"):
        Clips(Pictures(root), on_error="skip", **how)
    reading = Clips(Pictures(root), on_error="skip", max_bad_fraction=0.2, **how)
    decoding = Clips(Pictures(root), on_error="skip", max_bad_fraction=0.2, num_frames=2, cache="none")
    tickets = [(index, 3) for index in range(6)]
    assert all(
        torch.equal(one, other) for one, other in zip(reading.batch(tickets), decoding.batch(tickets), strict=True)
    )


@pytest.mark.parametrize("format", ["raw", "jpeg"])
def test_damage_is_found_and_mended(format, root, folder):
    job = plan(Pictures(root), folder, format, shard_mb=25 * MB)
    prepare(job, num_workers=0)
    before = files_of(folder)
    path = sorted(folder.glob("shard-00001.[uj][8p]*"))[0]
    damaged = bytearray(path.read_bytes())
    damaged[20] ^= 1
    path.write_bytes(damaged)
    assert prepare(job, num_workers=0).written == []
    report = prepare(job, num_workers=0, verify=True)
    assert (report.damaged, report.written) == ([1], [1])
    assert files_of(folder) == before


def test_a_truncated_shard_is_out_of_date(root, folder):
    cached(root, folder)
    os.truncate(folder / "shard-00000.u8", 100)
    with pytest.raises(layout.StaleCacheError, match="^shard-00000.u8 is missing or damaged$"):
        layout.find(Pictures(root), folder)


def in_depth(content: dict[str, Any], value: object, *keys: Any) -> str:
    """Return JSON whose value below these keys is another one, or gone where it is None."""
    inner = content
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    if value is None:
        del inner[keys[-1]]
    return json.dumps(content)


WRONG_MANIFESTS = {
    "no recipe": (None, "settings", "recipe"),
    "a list as recipe": ([], "settings", "recipe"),
    "text as shards": ("x", "shards"),
    "another format": ("../x", "settings", "format"),
    "no settings": (7, "settings"),
}


@pytest.mark.parametrize("change", [*WRONG_MANIFESTS.values(), None], ids=[*WRONG_MANIFESTS, "deep nesting"])
def test_a_wrong_manifest_is_out_of_date_and_mended(change, root, folder):
    cached(root, folder)
    manifest = folder / "manifest.json"
    before = manifest.read_text()
    manifest.write_text(in_depth(json.loads(before), *change) if change else "[" * 100_000)
    with pytest.raises(layout.StaleCacheError, match="^its manifest.json is damaged or of another version$"):
        layout.find(Pictures(root), folder)
    assert prepare(plan(Pictures(root), folder), num_workers=0).written == []
    assert manifest.read_text() == before


def test_a_shard_that_is_written_anew_under_a_run_is_not_read(root, folder):
    """It may hold other videos by then."""
    cached(root, folder)
    found = layout.find(Pictures(root), folder)
    shard = next(folder.glob("shard-*.u8"))
    state = shard.stat()
    os.utime(shard, ns=(state.st_atime_ns, state.st_mtime_ns + 1_000_000))
    with pytest.raises(ValueError, match="it was rewritten since then: start the run again, or resume it"):
        found.clips([0], [np.arange(2)])


WRONG_SHARDS = {
    "a list as name": (["0.png"], "videos", 0, "name"),
    "text as frames": ("10", "videos", 0, "frames"),
    "more frames than there are": (20, "videos", 0, "frames"),
    "fewer than none": (-10, "videos", 0, "frames"),
    "none without a reason": (0, "videos", 0, "frames"),
    "text as size": ("x", "num_bytes"),
    "settings without a recipe": (None, "settings", "recipe"),
    "no settings": ([], "settings"),
}


@pytest.mark.parametrize("change", [*WRONG_SHARDS.values(), None], ids=[*WRONG_SHARDS, "deep nesting"])
def test_a_wrong_description_is_out_of_date_and_mended(change, root, folder):
    job = plan(Pictures(root), folder, shard_mb=25 * MB)
    prepare(job, num_workers=0)
    before = files_of(folder)
    path = folder / "shard-00000.json"
    path.write_text(in_depth(json.loads(path.read_text()), *change) if change else '{"videos":' + "[" * 100_000)
    with pytest.raises(layout.StaleCacheError, match="^shard-00000.* is (missing or damaged|of other settings)$"):
        layout.find(Pictures(root), folder)
    assert prepare(job, num_workers=0).written == [0]
    assert files_of(folder) == before


@pytest.mark.parametrize("format", ["raw", "jpeg"])
def test_more_frames_than_a_shard_has_are_not_read(format, root, folder):
    cached(root, folder, format=format)
    source = Pictures(root)
    source.num_frames = lambda index: 10 + int(Path(source.files[index]).stem) + 10**30 * (index == 5)
    path = folder / "shard-00000.json"
    path.write_text(in_depth(json.loads(path.read_text()), 10**30 + 15, "videos", 5, "frames"))
    with pytest.raises(layout.StaleCacheError, match="^shard-00000.(u8|jpegs) is missing or damaged$"):
        layout.find(source, folder)


def test_the_estimate(root, folder):
    job = plan(Pictures(root, seconds=0.01), folder)
    size, seconds = estimate(job, missing(job))
    assert size == 75 * 8 * 8 * 3
    assert 0.04 < seconds < 5
    assert estimate(job, []) == (0, 0.0)


def test_what_offers_no_files_has_no_cache(root):
    assert isinstance(Pictures(root), FileVideos)
    assert layout.prepared("anything") == "anything"


def test_a_finished_cache_of_another_data_set_with_the_same_names_is_not_overwritten(root, folder, tmp_path):
    cached(root, folder)
    before, other = files_of(folder), write(tmp_path / "other", smooth=True)
    with pytest.raises(
        ValueError, match=r"holds frames of .*/videos \(all\), not of .*/other \(all\); .* replace=true"
    ):
        prepare(plan(Pictures(other), folder), num_workers=0)
    (folder / "origin.json").unlink()  # as an earlier version has left it
    with pytest.raises(ValueError, match="holds frames of other videos"):
        prepare(plan(Pictures(other), folder), num_workers=0)
    assert files_of(folder).items() >= {name: before[name] for name in before if name != "origin.json"}.items()
    assert layout.find(Pictures(root), folder) is not None
    assert prepare(plan(Pictures(other), folder), num_workers=0, replace=True).written == [0]


def test_data_that_have_moved_keep_their_cache(root, folder, tmp_path):
    cached(root, folder)
    moved = root.rename(tmp_path / "moved")
    assert prepare(plan(Pictures(moved), folder), num_workers=0).written == []
    assert layout.find(Pictures(moved), folder) is not None
    write(moved, 7)  # all of them are written again, so that they have other times
    assert prepare(plan(Pictures(moved), folder), num_workers=0).written == [0], "it is theirs from now on"


def test_another_split_is_another_data_set(root, folder):
    cached(root, folder)
    other = Pictures(root)
    other.split = "train"
    other.files = other.files[:2]
    with pytest.raises(ValueError, match=r"\(all\), not of .*\(train\)"):
        prepare(plan(other, folder), num_workers=0)
