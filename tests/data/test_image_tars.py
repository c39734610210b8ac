"""Images in tar files are those of a folder, with the classes that lie beside them; whatever else they are is said."""

import gzip
import io
import os
import pickle
import tarfile
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from small_files import add_text

from framegan.data.cache_places import beside
from framegan.data.images import tar_index
from framegan.data.images.image_folder import ImageFolder
from framegan.data.images.image_tars import ImageTars
from framegan.data.source import in_memory


def picture(number: int) -> bytes:
    """Return a small picture, each another one."""
    file = io.BytesIO()
    pixels = np.random.default_rng(number).integers(0, 256, (9 + number % 3, 12, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file, "PNG" if number % 2 else "JPEG")
    return file.getvalue()


def write(path: Path, files: dict[str, bytes | str]) -> Path:
    """Write a tar file of these names and contents."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, content in files.items():
            if isinstance(content, str):
                add_text(tar, name, content)
                continue
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


@pytest.fixture
def shards(tmp_path) -> Path:
    """Two tar files, the second in a folder, of three classes that names and numbers say."""
    root = tmp_path / "shards"
    first = {"cat/x2.cls": "9\n", "cat/x2.png": picture(1), "dog/x1.jpg": picture(2), "dog/x1.cls": "10"}
    write(root / "b.tar", {**first, "dog/x1.json": "{}", "dog/.hidden.png": picture(5)})
    write(root / "a" / "a.tar", {"x2.png": picture(3), "x2.cls": "other", "x0.jpeg": picture(4), "x0.cls": "9"})
    return root


def test_they_are_read_as_those_of_a_folder_are(shards, tmp_path):
    for path in shards.rglob("*.tar"):
        with tarfile.open(path) as tar:
            tar.extractall(tmp_path / "folder" / path.relative_to(shards), filter="data")
    for settings in ({"resize": "pad"}, {"scaled_decode": True, "resolution": 4}):
        settings = {"resolution": 8, "channels": 3, "labels": None, **settings}
        tars, folder = ImageTars(str(shards), **settings), ImageFolder(str(tmp_path / "folder"), **settings)
        assert sorted(tars.files) == sorted(folder.files)
        where = [tars.files.index(file) for file in folder.files]
        assert torch.equal(in_memory(tars).samples[where], in_memory(folder).samples)
        assert all(torch.equal(tars[k][0], in_memory(tars).samples[k]) for k in range(4))
        assert torch.equal(pickle.loads(pickle.dumps(tars))[3][0], tars[3][0])


def test_classes_are_what_lies_beside_them_or_the_folders_in_them_or_a_list(shards, tmp_path):
    source = ImageTars(str(shards), 8)
    assert source.files == ["a/a.tar/x2.png", "a/a.tar/x0.jpeg", "b.tar/cat/x2.png", "b.tar/dog/x1.jpg"]
    assert [source.classes[source[k][1]] for k in range(4)] == ["other", "9", "9", "10"]
    assert (source.classes, source.class_counts(), source.num_classes) == (["9", "10", "other"], [2, 1, 1], 3)
    assert ImageTars(str(shards), 8, classes=["other", "9"]).labels == [0, 1, 1]
    assert ImageTars(str(shards / "b.tar"), 8, labels="folder").classes == ["cat", "dog"]
    listed = tmp_path / "list.csv"
    listed.write_text("".join(f"{file},{number}\n" for number, file in enumerate(source.files)))
    assert ImageTars(str(shards), 8, labels=str(listed)).labels == [0, 1, 2, 3]
    only = ImageTars(str(shards), 8, classes="10")
    assert only.files == ["b.tar/dog/x1.jpg"]
    assert torch.equal(only[0][0], source[3][0])


def test_data_are_known_by_what_is_read_of_them(shards):
    before = ImageTars(str(shards), 8).inventory()
    assert ImageTars(str(shards), 8).inventory() == before
    assert {*before["files"]} == {"a/a.tar", "b.tar"}
    assert ImageTars(str(shards), 8, classes=["9", "10"]).inventory() != before
    write(shards / "b.tar", {"cat/x2.png": picture(1), "cat/x2.cls": "9", "dog/x1.jpg": picture(2), "dog/x1.cls": "9"})
    now = ImageTars(str(shards), 8).inventory()
    assert now["files"]["b.tar"] != before["files"]["b.tar"]
    assert now["files"]["a/a.tar"] == before["files"]["a/a.tar"]


def test_of_several_images_of_a_sample_one_is_named(tmp_path):
    write(tmp_path / "x.tar", {"a.jpg": picture(2), "a.mask.png": picture(1), "a.cls": "cat"})
    with pytest.raises(ValueError, match=r"a sample has several images, such as x\.tar/a; .* of jpg, mask\.png"):
        ImageTars(str(tmp_path), 8)
    for ending, name in (("jpg", "a.jpg"), (".mask.PNG", "a.mask.png")):
        assert ImageTars(str(tmp_path), 8, ending=ending).files == [f"x.tar/{name}"]
    for ending in ("webp", "png"):
        with pytest.raises(ValueError, match=rf"no images that are NAME\.{ending}, as data\.ending says"):
            ImageTars(str(tmp_path), 8, ending=ending)


def test_what_is_left_out_is_said(tmp_path, capsys):
    files = {"a.png": picture(1), "a.json": "{}", "b.JPG": picture(2), "b.json": "{}", "c.txt": "", "d": ""}
    write(tmp_path / "x.tar", files | {"d/@eaDir/a.png": picture(3), "__MACOSX/a.png": picture(3), ".x/a.png": "x"})
    assert ImageTars(str(tmp_path), 8, labels=None).files == ["x.tar/a.png", "x.tar/b.JPG"]
    said = capsys.readouterr().out
    assert "left out 4 files (2 .json, 1 .txt, 1 without an ending): not read as images" in said
    write(tmp_path / "y.tar", {"a.png": picture(1), "b.png": picture(3)})
    assert ImageTars(str(tmp_path), 8, labels=None, ending="jpg").files == ["x.tar/b.JPG"]
    assert "left out 3 samples without .jpg" in capsys.readouterr().out


def test_only_the_cls_of_a_sample_is_its_class(tmp_path):
    files = {"a.png": picture(1), "a.cls": "\ufeff1\r\n", "a.coarse.cls": "9", "b.png": picture(2), "b.coarse.cls": "9"}
    write(tmp_path / "x.tar", {**files, "b.CLS": "1"})
    assert ImageTars(str(tmp_path), 8).classes == ["1"]


def test_numbers_are_the_same_with_zeros_before_them(tmp_path):
    write(tmp_path / "x.tar", {"a.png": picture(1), "a.cls": "03", "b.png": picture(2), "b.cls": "3"})
    assert ImageTars(str(tmp_path), 8).classes == ["3"]
    write(tmp_path / "x.tar", {"a.png": picture(1), "a.cls": "03", "b.png": picture(2), "b.cls": "007"})
    assert ImageTars(str(tmp_path), 8).classes == ["03", "007"]


def test_links_are_what_they_mean(tmp_path):
    folder = tmp_path / "cat"
    folder.mkdir()
    (folder / "a.png").write_bytes(picture(1))
    (folder / "b.png").hardlink_to(folder / "a.png")
    (folder / "c.png").symlink_to("a.png")
    (folder / "a.cls").write_text("cat")
    (folder / "b.cls").hardlink_to(folder / "a.cls")
    (folder / "c.cls").symlink_to("../cat/b.cls")
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        for path in sorted(folder.iterdir()):
            tar.add(path, f"./cat/{path.name}")
    source = ImageTars(str(tmp_path / "x.tar"), 8)
    assert (len(source), source.classes) == (3, ["cat"])
    assert all(torch.equal(source[k][0], source[0][0]) for k in range(3))
    assert source.groups == [0, 0, 0]
    assert ImageFolder(str(tmp_path), 8).groups == [0, 0, 0]
    (folder / "d.png").write_bytes(picture(2))
    (folder / "d.cls").write_text("cat")
    with tarfile.open(tmp_path / "x.tar", "w", dereference=True) as tar:
        for path in sorted(folder.iterdir()):
            tar.add(path.resolve(), f"./cat/{path.name}")
            tar.inodes.clear()  # a copy of each
    assert ImageTars(str(tmp_path / "x.tar"), 8).groups == [0, 0, 0, 1], "copies are as links"
    (folder / "d.png").unlink()
    (folder / "d.cls").unlink()
    (folder / "c.png").unlink()
    (folder / "c.png").symlink_to("/elsewhere.png")
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        tar.add(folder, "cat")
    with pytest.raises(ValueError, match=r"'cat/c\.png' is no file, or a link to none before it; .* --dereference"):
        ImageTars(str(tmp_path / "x.tar"), 8)


def test_parts_that_would_be_mixed_are_asked_about(tmp_path, capsys):
    for name in ("train-000", "train-001", "val-000"):
        write(tmp_path / f"{name}.tar", {f"{name}.png": picture(1), f"{name}.cls": "1"})
    with pytest.raises(ValueError, match=r"tar files of the parts train, val, which would be mixed; set data\.split"):
        ImageTars(str(tmp_path), 8)
    assert ImageTars(str(tmp_path), 8, split="train").files == [
        "train-000.tar/train-000.png",
        "train-001.tar/train-001.png",
    ]
    assert len(ImageTars(str(tmp_path), 8, split="all")) == 3
    with pytest.raises(ValueError, match=r"data\.split=test: .* no tar file whose name begins so; there are train"):
        ImageTars(str(tmp_path), 8, split="test")
    with pytest.raises(ValueError, match=r"data\.split=train, but data\.root=.* is one tar file"):
        ImageTars(str(tmp_path / "val-000.tar"), 8, split="train")
    with pytest.raises(ValueError, match=r"is no folder and no tar file; set data\.root to their folder, and data"):
        ImageTars(str(tmp_path / "train-{000..001}.tar"), 8)


def test_parts_may_be_named_behind_their_set(tmp_path):
    for name in ("set-train-000", "set-val-000"):
        write(tmp_path / f"{name}.tar", {f"{name}.png": picture(1), f"{name}.cls": "1"})
    with pytest.raises(
        ValueError, match=r"the parts set-train, set-val, which would be mixed; set data\.split to .*set-tr"
    ):
        ImageTars(str(tmp_path), 8)
    assert len(ImageTars(str(tmp_path), 8, split="set-train")) == 1


@pytest.mark.parametrize("folders", [("train/cat", "test/dog"), ("photos/cat", "photos/dog")])
def test_folders_that_are_hardly_the_classes_are_asked_about(folders, tmp_path):
    write(tmp_path / "x.tar", {f"{folder}/{k}.png": picture(k) for k, folder in enumerate(folders)})
    with pytest.raises(ValueError, match=r"the tar files of .* hold .*; pack them by class"):
        ImageTars(str(tmp_path), 8, labels="folder")
    classes = sorted({folder.partition("/")[0] for folder in folders})
    assert ImageTars(str(tmp_path), 8, labels="folder", split="all").classes == classes


def test_one_that_has_changed_since_it_was_looked_into_ends_the_run(shards):
    source = ImageTars(str(shards), 8, on_error="skip", max_bad_fraction=1)
    write(shards / "b.tar", {"dog/x1.jpg": picture(2), "dog/x1.cls": "10", "cat/x2.png": picture(1), "cat/x2.cls": "9"})
    with pytest.raises(OSError, match=r"b\.tar has changed since it was looked into; start again"):
        source[2]


@pytest.mark.parametrize("size", [-512, -1024, 2**40, 2**70])
def test_a_damaged_header_leads_nowhere(size, tmp_path):
    """Some versions of Python go round in circles by a negative size."""
    path = write(tmp_path / "x.tar", {"a.png": picture(1), "b.png": picture(2), "c.png": picture(3)})
    with tarfile.open(path) as tar:
        place = tar.getmembers()[1].offset
    content = bytearray(path.read_bytes())
    content[place + 124 : place + 136] = tarfile.itn(size, 12, tarfile.GNU_FORMAT)
    content[place + 148 : place + 156] = b" " * 8
    content[place + 148 : place + 156] = b"%06o\0 " % sum(content[place : place + 512])
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"x\.tar: it can't be read as a tar file: "):
        ImageTars(str(tmp_path), 8, labels=None)


@pytest.mark.parametrize(
    ("content", "labels", "message"),
    [
        (gzip.compress(b"\0" * 10240, mtime=0), "cls", r"x\.tar: it is compressed, .*; unpack it: gunzip"),
        (b"no tar file at all" * 100, None, r"x\.tar: it can't be read as a tar file"),
        ({"a.txt": "cat"}, None, r"no images in the tar files of .*; they hold 1 file \(1 \.txt\)"),
        ({"a.png": picture(1), "b.png": picture(3), "b.cls": "1"}, "cls", r"1 of 2 .* \.cls .*: x\.tar/a\.png; set"),
        ({"a.png": picture(1), "a.cls": " "}, "cls", r"x\.tar: 'a\.cls' should hold a class"),
        ({"a.png": picture(1), "a.cls": b"\xff\xfe"}, "cls", r"x\.tar: 'a\.cls' should hold a class"),
        ({"a.png": picture(1), "a.cls": "1 2\n3"}, "cls", r"x\.tar: 'a\.cls' should hold a class"),
        ({"a.png": picture(1), "a.cls": "1"}, "class", r"data\.labels got 'class'; it should be cls, folder, null, or"),
        ({"a.png": picture(1)}, "no.csv", r"data\.labels: .*no\.csv can't be read"),
    ],
)
def test_mistakes_have_one_clear_message(content, labels, message, tmp_path):
    if isinstance(content, bytes):
        (tmp_path / "x.tar").write_bytes(content)
    else:
        write(tmp_path / "x.tar", content)
    with pytest.raises(ValueError, match=message):
        ImageTars(str(tmp_path), 8, labels=labels)


@pytest.mark.parametrize("where", ["in a header", "between files", "in a file", "in its end"])
def test_one_that_is_cut_short_or_damaged_is_refused(where, shards):
    path = shards / "b.tar"
    whole = path.read_bytes()
    with tarfile.open(path) as tar:
        last = tar.getmembers()[-1]
    end = last.offset_data + -(-last.size // 512) * 512
    place = {"in a header": 1400, "between files": last.offset, "in a file": end - 9, "in its end": end + 9}
    path.write_bytes(whole[: place[where]])
    with pytest.raises(ValueError, match=r"b\.tar: it (can't be read as a tar file:|is damaged or cut short at byte) "):
        ImageTars(str(shards), 8)
    path.write_bytes(whole[:1024] + b"x" * 512 + whole[1536:])
    with pytest.raises(ValueError, match=r"damaged or cut short at byte 1,024"):
        ImageTars(str(shards), 8)


def test_two_put_together_without_tar_are_refused(shards):
    (shards / "b.tar").write_bytes((shards / "b.tar").read_bytes() + (shards / "a" / "a.tar").read_bytes())
    with pytest.raises(ValueError, match=r"b\.tar: .*something follows its end; pack what was put together"):
        ImageTars(str(shards), 8)


def test_images_that_can_t_be_decoded_are_named_or_replaced(tmp_path):
    write(tmp_path / "x.tar", {"a.png": picture(1), "b.png": b"no image", "c.png": picture(3), "d.png": b""})
    strict = ImageTars(str(tmp_path), 8, labels=None)
    with pytest.raises(ValueError, match=r"2 of 4 images in the tar files of .*(?s:.)*x\.tar/d\.png: empty file"):
        strict[1]
    with pytest.raises(ValueError, match=r"2 of 4 images(?s:.)*x\.tar/b\.png: not an image that can be read"):
        in_memory(strict)
    lenient = ImageTars(str(tmp_path), 8, labels=None, on_error="skip", max_bad_fraction=0.5)
    assert any(torch.equal(lenient[1][0], lenient[k][0]) for k in (0, 2))
    assert torch.equal(in_memory(lenient).samples[1], lenient[1][0])


def test_what_was_found_is_kept_until_the_file_changes(shards, monkeypatch):
    monkeypatch.setattr(tar_index, "MUCH", 1)
    monkeypatch.setattr(tar_index, "SETTLED", -1)
    before, store = ImageTars(str(shards), 8), beside(shards) / "tars"
    assert len(list(store.iterdir())) == 2
    looked, found_in = [], tar_index._found_in
    monkeypatch.setattr(tar_index, "_found_in", lambda path, *more: looked.append(path.name) or found_in(path, *more))
    again = ImageTars(str(shards), 8)
    assert looked == []
    assert (again.files, again.labels, again.classes) == (before.files, before.labels, before.classes)
    assert all(torch.equal(again[k][0], before[k][0]) for k in range(4))
    write(shards / "b.tar", {"cat/x9.png": picture(7), "cat/x9.cls": "9", "cat/x1.png": picture(9), "cat/x1.cls": "9"})
    assert torch.equal(ImageTars(str(shards), 8)[2][0], ImageTars(str(shards / "b.tar"), 8)[0][0])
    assert looked == ["b.tar", "b.tar"]  # the file alone is another root, beside which something else is kept
    assert len(list(store.iterdir())) == 2
    damaged = max(store.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    for content in (b"damaged", b"", damaged.read_bytes()[:300]):
        damaged.write_bytes(content)
        assert len(ImageTars(str(shards), 8)) == 4
    monkeypatch.setattr(tar_index, "SETTLED", 60)
    os.utime(shards / "b.tar", (time.time() - 9, time.time() - 9))
    assert len(ImageTars(str(shards), 8)) == 4
    assert len(looked) == 6, "a file that may change within the same tick isn't kept"


def test_what_is_kept_of_one_is_not_taken_for_another_of_its_name(tmp_path, monkeypatch):
    monkeypatch.setattr(tar_index, "MUCH", 1)
    monkeypatch.setattr(tar_index, "SETTLED", -1)
    for name in ("day", "night"):
        os.utime(write(tmp_path / name / "0.tar", {"a.png": picture(1), "a.cls": name[0]}), (0, 0))
    first = ImageTars(str(tmp_path), 8)
    monkeypatch.setattr(tar_index, "_found_in", None)
    again = ImageTars(str(tmp_path), 8)
    assert first.classes == again.classes == ["d", "n"]
    assert first.labels == again.labels == [0, 1]
