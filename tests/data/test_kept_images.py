"""Decoded images are kept beside the data, and used for as long as the files are as they were."""

import os
import pickle
import shutil
import time
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from framegan.data.images import image_files, image_folder, kept
from framegan.data.images.image_folder import ImageFolder
from framegan.files import atomic


@pytest.fixture
def photos(tmp_path, monkeypatch) -> Path:
    """A folder of which all is kept, though the images are few and new."""
    monkeypatch.setattr(kept, "FEW", 1)
    monkeypatch.setattr(kept, "SETTLED", -1.0)
    random = np.random.default_rng(0)
    for name in ("a/1.png", "a/2.png", "b/1.png"):
        (tmp_path / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (12, 10), dtype=np.uint8)).save(tmp_path / "photos" / name)
    return tmp_path / "photos"


@pytest.fixture
def decoded(monkeypatch) -> list[str]:
    """What files were looked into."""
    looked, header, pixels = [], image_folder.is_grey, image_files.decode
    monkeypatch.setattr(image_folder, "is_grey", lambda path: looked.append(path.name) or header(path))
    monkeypatch.setattr(image_files, "decode", lambda path, *how: looked.append(path.name) or pixels(path, *how))
    return looked


def in_memory(root: Path, resolution: int = 8, **options) -> torch.Tensor:
    return ImageFolder(str(root), resolution, **options).in_memory().samples


def files_kept(photos: Path) -> list[Path]:
    return sorted(photos.with_name("photos.framegan").rglob("*.npy"))


def test_no_file_is_opened_the_second_time(photos, decoded):
    first = ImageFolder(str(photos), 8)
    samples = first.in_memory().samples
    assert len(decoded) == 6
    second = ImageFolder(str(photos), 8)
    again = second.in_memory()
    assert len(decoded) == 6
    assert torch.equal(again.samples, samples)
    assert again.labels.tolist() == [0, 0, 1]
    assert (second.shape, second.files, second.inventory()) == (first.shape, first.files, first.inventory())
    assert torch.equal(second[2][0], samples[2])


def test_whatever_decides_the_pixels_decodes_anew(photos, decoded):
    in_memory(photos)
    for options in ({"resolution": 4}, {"channels": 3}, {"resize": "pad"}, {"classes": ["b"]}, {"cache": "none"}):
        decoded.clear()
        before = in_memory(photos, **options)
        assert decoded
        assert torch.equal(before, in_memory(photos, **{**options, "cache": "none"}))
    assert len(files_kept(photos)) == 5


@pytest.mark.parametrize("change", ["pixels", "name", "gone", "another"])
def test_a_file_that_has_changed_is_seen(change, photos):
    in_memory(photos)
    (before,) = files_kept(photos)
    file, time = photos / "a" / "2.png", (photos / "a" / "2.png").stat().st_mtime_ns
    if change == "pixels":
        size = file.stat().st_size
        Image.fromarray(255 - np.asarray(Image.open(file))).save(file)
        os.truncate(file, max(size, file.stat().st_size))
        os.utime(file, ns=(time, time))
    elif change == "name":
        file.rename(photos / "b" / "2.png")
    elif change == "gone":
        file.unlink()
    else:
        shutil.copy2(file, photos / "b" / "3.png")
    wanted = in_memory(photos, cache="none")
    assert torch.equal(in_memory(photos), wanted)
    (after,) = files_kept(photos)
    assert after != before, "what is out of date is no longer there"


def test_a_damaged_file_is_made_again(photos):
    wanted = in_memory(photos)
    (file,) = files_kept(photos)
    whole = file.read_bytes()
    assert b"(3, 1, 8, 8)" in whole
    headers = (whole.replace(b"(3, 1, 8, 8)", shape) for shape in (b"(3, 3, 8, 8)", b"(3, 0, 8, 8)", b"(3, 1, 4,16)"))
    for damaged in (whole[:-1] + bytes([whole[-1] ^ 1]), whole[:150], whole + b"0", b"", *headers):
        file.write_bytes(damaged)
        assert torch.equal(in_memory(photos), wanted)
        assert file.read_bytes() == whole


def test_where_an_image_is_left_out_nothing_is_kept(photos):
    (photos / "b" / "2.png").write_bytes(b"\x89PNG")
    whole = (photos / "a" / "1.png").read_bytes()
    for content in (b"\x89PNG", whole[: len(whole) // 2]):
        (photos / "b" / "2.png").write_bytes(content)
        in_memory(photos, on_error="skip", max_bad_fraction=0.5)
        assert not files_kept(photos)


def test_what_was_changed_just_now_is_not_trusted(photos, monkeypatch):
    monkeypatch.setattr(kept, "SETTLED", 60.0)
    in_memory(photos)
    assert not files_kept(photos)


def test_few_images_are_not_kept(photos, monkeypatch):
    monkeypatch.setattr(kept, "FEW", 1000)
    in_memory(photos)
    assert not photos.with_name("photos.framegan").exists()


def test_a_full_disk_costs_nothing(photos, monkeypatch):
    def write(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kept, "_header", write)
    assert len(in_memory(photos)) == 3
    assert not [file for file in photos.with_name("photos.framegan").rglob("*") if file.is_file()]


def test_what_is_prepared_is_read_from_the_disk_as_it_was_decoded(photos, decoded, monkeypatch):
    monkeypatch.setattr(image_folder, "AT_ONCE", 2 * 8 * 8)  # two images at a time
    plain, images = ImageFolder(str(photos), 8, cache="none"), ImageFolder(str(photos), 8)
    images.build_kept()
    decoded.clear()
    prepared = ImageFolder(str(photos), 8)
    for number in range(3):
        sample, label = prepared[number]
        sample += 1  # it is the reader's own
        assert label == plain.labels[number]
    assert not decoded
    assert all(torch.equal(prepared[number][0], plain[number][0]) for number in range(3))
    other = pickle.loads(pickle.dumps(prepared))
    assert torch.equal(other[2][0], plain[2][0]), "a worker reads the same"
    assert len(pickle.dumps(prepared)) < 4_000


def test_damage_on_the_disk_is_seen(photos):
    in_memory(photos)
    (file,) = files_kept(photos)
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    damaged, plain = ImageFolder(str(photos), 8), ImageFolder(str(photos), 8, cache="none")
    assert not damaged.kept.is_whole()
    assert torch.equal(damaged[2][0], plain[2][0])


def test_nothing_is_prepared_of_images_of_which_one_can_not_be_decoded(photos):
    whole = (photos / "a" / "1.png").read_bytes()
    (photos / "b" / "2.png").write_bytes(whole[: len(whole) // 2])
    said = r"1 of the images in .* can't be read, and all are kept or none; fix or remove them:\n  b/2.png: "
    with pytest.raises(ValueError, match=said):
        ImageFolder(str(photos), 8, on_error="skip", max_bad_fraction=0.5).build_kept()
    assert not [file for file in photos.with_name("photos.framegan").rglob("*") if file.is_file()]


def test_no_header_can_ask_for_anything(photos):
    wanted = in_memory(photos)
    (file,) = files_kept(photos)
    whole, random = file.read_bytes(), np.random.default_rng(0)
    shapes = (b"()          ", b"(-3, 1, 8,8)", b"(3, 1, 8, 8", b"(9**9**9,)  ")
    damaged = [whole.replace(b"(3, 1, 8, 8)", shape.ljust(12)) for shape in shapes]
    for _ in range(200):
        changed = bytearray(whole)
        changed[random.integers(80)] ^= random.integers(1, 256)
        damaged.append(bytes(changed))
    for content in damaged:
        file.write_bytes(content)
        images = ImageFolder(str(photos), 8)
        assert images.kept.find() is None
        assert torch.equal(images[2][0], wanted[2])


def test_a_time_in_the_future_hinders_nothing(photos, monkeypatch):
    monkeypatch.setattr(kept, "SETTLED", 0.2)
    os.utime(photos / "a" / "1.png", (time.time() + 1e6, time.time() + 1e6))
    time.sleep(0.3)
    in_memory(photos)
    assert files_kept(photos)


def test_lists_of_classes_do_not_displace_each_other(photos, tmp_path):
    for name in ("1", "2"):
        classes = {"a/1.png": "y", "a/2.png": "y", "b/1.png": "y", f"a/{name}.png": "x"}
        (tmp_path / f"{name}.csv").write_text("".join(f"{file},{of}\n" for file, of in classes.items()))
        in_memory(photos, labels=str(tmp_path / f"{name}.csv"), classes=["x"])
    assert len(files_kept(photos)) == 2


def test_what_a_process_that_was_killed_has_left_goes_at_last(photos, monkeypatch):
    folder = photos.with_name("photos.framegan") / "images"
    folder.mkdir(parents=True)
    for name, age in (("old", 7200), ("new", 60)):
        (folder / f"{name}.1.part").touch()
        os.utime(folder / f"{name}.1.part", (time.time() - age, time.time() - age))
    in_memory(photos)
    assert [file.name for file in folder.glob("*.part")] == ["new.1.part"]


def test_several_processes_may_keep_the_same_at_once(photos, monkeypatch):
    numbers = count()
    monkeypatch.setattr(atomic.os, "getpid", lambda: next(numbers))
    images = ImageFolder(str(photos), 8)
    pixels = images.in_memory().samples.numpy()
    for number in range(20):

        def with_another(number=number):
            yield pixels[:1]
            if number % 2:
                images.kept.build(1, [pixels])
            yield pixels[1:]

        images.kept.build(1, with_another())
    assert images.kept.is_whole()
    assert len(files_kept(photos)) == 1
