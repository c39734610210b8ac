"""CIFAR-10 comes out of its archive and out of an unpacked folder alike."""

import hashlib
import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from mirrors import Mirror, serve

from framegan.data.published import cifar10 as module
from framegan.data.published.cifar10 import ARCHIVE, FILES, FOLDER, RECORD_BYTES, cifar10

NUM_RECORDS = 12
ALL = [*FILES["train"], *FILES["test"]]


@pytest.fixture(autouse=True)
def small_and_offline(monkeypatch):
    monkeypatch.setattr(module, "RECORDS_PER_FILE", NUM_RECORDS)
    monkeypatch.setattr(module, "MIRRORS", ("http://127.0.0.1:9/",))


def records(name: str) -> np.ndarray:
    """Return (N, 3073) bytes that differ from file to file."""
    values = np.random.default_rng(ALL.index(name)).integers(0, 256, (NUM_RECORDS, RECORD_BYTES), dtype=np.uint8)
    values[:, 0] %= 10
    return values


def archive_bytes(names: list[str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name in names:
            member = tarfile.TarInfo(f"{FOLDER}/{name}")
            member.size = NUM_RECORDS * RECORD_BYTES
            archive.addfile(member, io.BytesIO(records(name).tobytes()))
    return buffer.getvalue()


def write(root: Path, how: str, names: list[str]) -> None:
    if how == "archive":
        (root / ARCHIVE).write_bytes(archive_bytes(names[::-1]))
        return
    (root / FOLDER).mkdir()
    for name in names:
        (root / FOLDER / name).write_bytes(records(name).tobytes())


@pytest.mark.parametrize("how", ["archive", "folder"])
@pytest.mark.parametrize(
    ("split", "read", "names"),
    [("auto", "train", FILES["train"]), ("test", "test", FILES["test"]), ("all", "all", ALL)],
)
def test_what_is_written_is_read(how, split, read, names, tmp_path):
    write(tmp_path, how, ALL)
    before = sorted(tmp_path.rglob("*"))
    source = cifar10(str(tmp_path), split)
    expected = np.concatenate([records(name) for name in names])
    assert source.split == read
    assert torch.equal(source.labels, torch.from_numpy(expected[:, 0]).long())
    assert torch.equal(source.samples, torch.from_numpy(expected[:, 1:].reshape(-1, 3, 32, 32)))
    assert sorted(tmp_path.rglob("*")) == before
    name, number = source.classes[source.labels[0]], source.labels[0]
    some = cifar10(str(tmp_path), split, classes=name)
    assert (some.classes, some.labels.unique().tolist()) == ([name], [0])
    assert torch.equal(some.samples, source.samples[source.labels == number])


def test_auto_is_test_where_only_test_is_there(tmp_path):
    write(tmp_path, "folder", FILES["test"])
    assert cifar10(str(tmp_path)).split == "test"


def test_any_resolution(tmp_path):
    write(tmp_path, "folder", ALL)
    assert cifar10(str(tmp_path), resolution=16).shape == (3, 16, 16)


def test_members_of_other_kinds_are_skipped(tmp_path):
    with tarfile.open(tmp_path / ARCHIVE, "w:gz", format=tarfile.PAX_FORMAT) as archive:
        folder = tarfile.TarInfo(FOLDER)
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name in FILES["train"]:
            member = tarfile.TarInfo(f"./{FOLDER}/{name}")
            member.size, member.pax_headers = NUM_RECORDS * RECORD_BYTES, {"comment": "é" * 1000}
            archive.addfile(member, io.BytesIO(records(name).tobytes()))
    assert len(cifar10(str(tmp_path))) == 5 * NUM_RECORDS


def test_the_archive_is_downloaded(tmp_path, monkeypatch):
    data = archive_bytes(ALL)
    monkeypatch.setattr(module, "CHECKSUM", f"sha256:{hashlib.sha256(data).hexdigest()}")
    with serve(Mirror({ARCHIVE: data})) as mirror:
        monkeypatch.setattr(module, "MIRRORS", (mirror.url,))
        assert len(cifar10(str(tmp_path))) == 5 * NUM_RECORDS
    assert [path.name for path in tmp_path.iterdir()] == [ARCHIVE]


def test_missing_and_unreachable(tmp_path):
    with pytest.raises(FileNotFoundError, match=f"{ARCHIVE} is missing"):
        cifar10(str(tmp_path))


def test_damaged_files_are_refused_by_name(tmp_path):
    write(tmp_path, "folder", ALL)
    (tmp_path / FOLDER / ALL[2]).write_bytes(b"short")
    with pytest.raises(ValueError, match=r"data_batch_3\.bin has 5 bytes"):
        cifar10(str(tmp_path))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (archive_bytes(ALL)[:-5000], "is damaged"),
        (b"not an archive", "is damaged"),
        (archive_bytes(ALL[:-2]), "lacks data_batch_5.bin"),
    ],
)
def test_a_damaged_archive_is_refused_by_name(data, message, tmp_path):
    (tmp_path / ARCHIVE).write_bytes(data)
    with pytest.raises(ValueError, match=f"{ARCHIVE} {message}"):
        cifar10(str(tmp_path))


def test_a_label_beyond_ten(tmp_path):
    write(tmp_path, "folder", ALL)
    data = bytearray(records(ALL[0]).tobytes())
    data[0] = 77
    (tmp_path / FOLDER / ALL[0]).write_bytes(data)
    with pytest.raises(ValueError, match="a label 77"):
        cifar10(str(tmp_path))
