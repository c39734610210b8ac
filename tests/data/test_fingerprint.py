"""Data are the same where their contents are: any change is seen, and a copy, a cache or a date changes nothing."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from small_clips import write_frame_folders, write_npy, write_strips, write_ucf101, write_videos
from small_files import write_images, write_mnist
from test_frame_cache import Pictures, write

from framegan.cli import run_data
from framegan.data import contents, earlier_runs, fingerprint
from framegan.data.datamodule import DataModule
from framegan.data.drawn.moving_digits import MovingDigits
from framegan.data.drawn.shape_motion import ShapeMotion
from framegan.data.drawn.synthetic import synthetic
from framegan.data.fingerprint import comparable, differences, digest_of, inventory_of
from framegan.data.frame_cache.build import plan, prepare
from framegan.data.held_out import held_out
from framegan.data.images.image_folder import ImageFolder
from framegan.data.published.digits import digits
from framegan.data.published.idx import mnist
from framegan.data.published.stacked_mnist import StackedMNIST
from framegan.data.published.ucf101 import UCF101
from framegan.data.source import TensorSource, class_counts_of, in_memory
from framegan.data.videos.clips import Clips
from framegan.data.videos.frame_folder import FrameFolder
from framegan.data.videos.npy import NpyVideos
from framegan.data.videos.strips import Strips
from framegan.data.videos.video_folder import VideoFolder

FILES = {
    "images": (write_images, lambda root: ImageFolder(root, 8)),
    "videos": (write_videos, lambda root: Clips(VideoFolder(root, 8), 2)),
    "frames": (write_frame_folders, lambda root: Clips(FrameFolder(root, 8), 2)),
    "strips": (write_strips, lambda root: Clips(Strips(root, 8), 2)),
    "array": (write_npy, lambda root: Clips(NpyVideos(root, 8), 2)),
    "ucf101": (write_ucf101, lambda root: Clips(UCF101(root, 8), 2)),
    "mnist": (lambda root: write_mnist(root, zipped=False), mnist),
}


def fingerprint_of(source) -> str | None:
    return digest_of(inventory_of(source))


def files_in(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file())


def change_in_place(path: Path) -> None:
    """Change a byte and keep the size and the date."""
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[len(content) // 2 + 3] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize(("write_some", "read"), FILES.values(), ids=FILES)
def test_files(write_some, read, tmp_path):
    root = tmp_path / "data"
    write_some(root)
    first = fingerprint_of(read(str(root)))
    assert first == comparable(first)
    shutil.copytree(root, tmp_path / "copy")
    for path in files_in(tmp_path / "copy"):
        os.utime(path, (0, 0))
    assert fingerprint_of(read(str(tmp_path / "copy"))) == first, "a copy with other dates is the same"
    source = read(str(root))
    if not isinstance(source, ImageFolder):  # whose fingerprint is taken before it is read into memory
        assert fingerprint_of(in_memory(source)) == first
    files = [path for path in files_in(root) if path.suffix in (".png", ".npy", ".mp4") or "images" in path.name]
    change_in_place(files[len(files) // 2 + 1 if len(files) > 2 else 0])
    assert fingerprint_of(read(str(root)) if isinstance(source, TensorSource) else source) != first


@pytest.mark.parametrize("link", [os.symlink, os.link])
@pytest.mark.parametrize("kind", ["images", "videos", "frames", "strips"])
def test_a_copy_without_links_holds_out_the_same(kind, link, tmp_path):
    write_some, read = FILES[kind]
    root, copy = tmp_path / "data", tmp_path / "copy"
    write_some(root)
    for name in sorted(root.glob("*/*"))[::2]:
        twin = name.with_name(f"x{name.name}")
        if kind != "frames":
            link(name, twin)
        elif link is os.symlink:
            twin.symlink_to(name)
        else:
            shutil.copytree(name, twin, copy_function=os.link)
    shutil.copytree(root, copy)
    linked, copied = read(str(root)), read(str(copy))
    assert fingerprint_of(linked) == fingerprint_of(copied)
    left_out = held_out(linked, 0.4).tolist()
    assert left_out and held_out(copied, 0.4).tolist() == left_out
    sides = [
        {linked[number][0].numpy().tobytes() for number in some}
        for some in (left_out, {*range(len(linked))} - {*left_out})
    ]
    assert not sides[0] & sides[1]


def test_names_and_classes_count(tmp_path):
    write_images(tmp_path)
    first = inventory_of(ImageFolder(str(tmp_path), 8))
    (tmp_path / "cats" / "1.png").rename(tmp_path / "cats" / "31.png")
    (tmp_path / "cats" / "3.png").rename(tmp_path / "dogs" / "3.png")
    assert differences(first, inventory_of(ImageFolder(str(tmp_path), 8))) == [
        "2 files added: cats/31.png, dogs/3.png",
        "2 files removed: cats/1.png, cats/3.png",
    ]


def test_a_changed_list_of_labels_counts(tmp_path):
    write_strips(tmp_path, number=4)
    listed = [f"{number % 2}/{number},{name}\n" for number, name in enumerate(("run", "walk", "run", "walk"))]
    (tmp_path / "classes.csv").write_text("".join(listed))
    first = inventory_of(Clips(Strips(str(tmp_path), 8, labels="classes.csv"), 2))
    (tmp_path / "classes.csv").write_text("".join(listed).replace("0/2,run", "0/2,walk"))
    now = inventory_of(Clips(Strips(str(tmp_path), 8, labels="classes.csv"), 2))
    assert differences(first, now) == ["1 file in another class: 0/2.png"]


def test_settings_count_and_where_nothing_else_differs_are_named(tmp_path):
    write_strips(tmp_path, number=4)
    first, other, seed = (
        inventory_of(Clips(Strips(str(tmp_path), size), 2, seed=seed)) for size, seed in ((8, 0), (4, 0), (8, 1))
    )
    assert differences(first, other) == ["shape: [3, 2, 8, 8] -> [3, 2, 4, 4]", "resolution: 8 -> 4"]
    assert first != seed
    assert differences({"length": 100, "drawn": "mine"}, {"length": 50, "drawn": "mine"}) == ["length: 100 -> 50"]


def test_decoded_cached_and_packed_videos_are_the_same_but_for_jpeg(tmp_path):
    class Told(Pictures):
        def inventory(self):
            return {"files": dict.fromkeys(self.files, "content")}

    root, (raw, jpeg) = write(tmp_path / "videos"), (tmp_path / "raw", tmp_path / "jpeg")
    prepare(plan(Told(root), raw), num_workers=0)
    prepare(plan(Told(root), jpeg, format="jpeg", quality=80), num_workers=0)
    decoded, cached, lossy = (Clips(Told(root), 2, cache_dir=str(folder)) for folder in (tmp_path / "none", raw, jpeg))
    same = {fingerprint_of(source) for source in (decoded, cached, in_memory(decoded), in_memory(cached))}
    assert len(same) == 1
    assert fingerprint_of(lossy) == fingerprint_of(in_memory(lossy)) not in same
    assert "JPEG quality: nothing -> 80" in differences(inventory_of(decoded), inventory_of(lossy))


def test_drawn_data_are_told_by_what_they_are_drawn_from(tmp_path):
    write_mnist(tmp_path, "train")
    sources = [
        *(Clips(ShapeMotion(9, 4, 8, seed=seed), 2) for seed in (0, 1)),
        *(Clips(MovingDigits(num_videos=9, per_video=digits, resolution=16), 2) for digits in (1, 2)),
        *(StackedMNIST(str(tmp_path), num_samples=9, seed=seed) for seed in (0, 1)),
        *(synthetic(40, 8, num_classes=classes) for classes in (2, 3)),
    ]
    assert len({fingerprint_of(source) for source in sources}) == len(sources)
    assert all(sum(class_counts_of(source)) == len(source) for source in sources)


class Own:
    """A source of one's own, which says nothing of itself."""

    num_classes, split, shape = 2, "all", (1, 2, 2)

    def __init__(self, values, labels=None):
        self.values = values
        self.labels = labels if labels is not None else [0] * len(values)

    def __len__(self):
        return len(self.values)

    def __getitem__(self, index):
        return torch.full(self.shape, int(self.values[index]), dtype=torch.uint8), self.labels[index]


@pytest.mark.parametrize("place", [1, 499, 998])
def test_a_source_that_says_nothing_is_read_as_a_whole(place):
    values = np.arange(1000) % 200
    first = fingerprint_of(Own(values))
    assert first == fingerprint_of(Own(values)) is not None
    values[place] += 1
    assert fingerprint_of(Own(values)) != first
    values[place] -= 1
    assert fingerprint_of(Own(values, [int(index == place) for index in range(1000)])) != first


class Restless(Own):
    def __getitem__(self, index):
        self.values[index] += 1
        return super().__getitem__(index)


class Vast(Own):
    def __len__(self):
        return 10**12


class Told(Own):
    def inventory(self):
        return {"version": self.values}


def test_what_cannot_be_told_has_no_fingerprint():
    assert fingerprint_of(Restless(np.zeros(30))) is None
    assert fingerprint_of(Vast([1])) is None
    module = DataModule(Vast([1]), batch_size=1)
    assert (module.inventory, module.fingerprint) == (None, None)


@pytest.mark.parametrize(
    ("before", "now", "lines"),
    [
        (Vast([1]), Vast([2]), []),
        (Own([1] * 9), Vast([1]), ["length: 9 -> 1000000000000"]),
        (Vast([1]), Own([1] * 9), ["length: 1000000000000 -> 9"]),
        (Restless([0] * 9), Restless([0] * 8), ["length: 9 -> 8"]),
        (Own([1] * 9), Restless([1] * 9), ["nothing identifies the data now, "]),
        (Restless([1] * 9), Own([1] * 9), ["nothing identifies the data of the run, "]),
        (Own([1] * 9), Own([1] * 9), []),
    ],
)
def test_data_that_cannot_be_told_are_not_those_that_could(before, now, lines, tmp_path):
    data = DataModule(before, batch_size=1)
    run_data.write(tmp_path, data)
    found = run_data.changes(tmp_path, data.fingerprint, DataModule(now, batch_size=1))
    assert len(found) == len(lines) and all(map(str.startswith, found, lines))


def test_data_that_have_grown_too_large_to_be_read_have_changed(tmp_path, monkeypatch):
    data = DataModule(Own([1] * 9), batch_size=1)
    run_data.write(tmp_path, data)
    kept = data.fingerprint
    monkeypatch.setattr(fingerprint, "LARGEST", 9 * 4)
    assert run_data.changes(tmp_path, kept, DataModule(Own([1] * 9), batch_size=1)) == []
    assert run_data.changes(tmp_path, kept, DataModule(Own([1] * 10), batch_size=1)) == ["length: 9 -> 10"]


def test_a_source_says_its_own_inventory():
    assert fingerprint_of(Told([3])) == fingerprint_of(Told([3])) != fingerprint_of(Told([4]))
    with pytest.raises(ValueError, match="the inventory of Told holds what JSON can't"):
        fingerprint_of(Told([torch.zeros(1)]))


def test_old_fingerprints_tell_nothing():
    assert [comparable(kept) for kept in ("0123456789abcdef", None, 7, "x" * 20)] == [None] * 4


def test_what_was_read_is_kept_where_that_is_much_and_only_for_as_long_as_nothing_changes(tmp_path, monkeypatch):
    monkeypatch.setattr(contents, "MUCH", 1)
    read = []
    content = contents._content
    monkeypatch.setattr(contents, "_content", lambda files: [read.append(files[0].name), content(files)][1])
    root = tmp_path / "data"
    root.mkdir()
    items = {name: [root / name] for name in ("a", "b")}
    for name in items:
        (root / name).write_bytes(name.encode() * 100)

    def digests() -> dict[str, str]:
        read.clear()
        return contents.digests(root, items)

    first = digests()
    assert digests() == first and sorted(read) == ["a", "b"], "what has just been written might change unseen"
    monkeypatch.setattr(contents, "SETTLED", -1.0)
    assert digests() == first and sorted(read) == ["a", "b"]
    assert digests() == first and read == []
    change_in_place(root / "b")
    assert digests()["b"] != first["b"] and read == ["b"]
    (tmp_path / "data.framegan" / "contents.json").write_text('{"schema": 1, "items": {"a": 3}}')
    assert digests()["a"] == first["a"] and sorted(read) == ["a", "b"]


def test_fingerprints_of_earlier_versions_are_as_they_were():
    assert earlier_runs.fingerprint_of(digits(32)) == "d00cdcfc177afaa6"
    assert earlier_runs.fingerprint_of(Clips(ShapeMotion(video_frames=8), 8)) == "b4f6947d7f3123ff"
