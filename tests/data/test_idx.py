"""MNIST and Fashion-MNIST come out of IDX files as they were written, and nothing else does."""

import dataclasses
import gzip
import hashlib
import struct
from pathlib import Path

import pytest
import torch
from mirrors import Mirror, serve
from torch import Tensor

from framegan.data.published import idx
from framegan.data.published.idx import FILES, fashion_mnist, mnist, read_idx


def idx_bytes(values: Tensor) -> bytes:
    return bytes((0, 0, 8, values.ndim)) + struct.pack(f">{values.ndim}I", *values.shape) + values.numpy().tobytes()


def digits_of(part: str, num_images: int = 20) -> tuple[Tensor, Tensor]:
    """Return random images (N, 28, 28) and labels (N,), different ones for train and test."""
    random = torch.Generator().manual_seed(len(part))
    images = torch.randint(0, 256, (num_images, 28, 28), dtype=torch.uint8, generator=random)
    return images, torch.arange(num_images, dtype=torch.uint8) % 10


def contents_of(part: str) -> dict[str, bytes]:
    return {name: idx_bytes(values) for name, values in zip(FILES[part], digits_of(part), strict=True)}


def write(folder: Path, *parts: str, gz: bool = True, dot: bool = False) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for part in parts:
        for name, data in contents_of(part).items():
            spelt = name.replace("-idx", ".idx") if dot else name
            (folder / (f"{spelt}.gz" if gz else spelt)).write_bytes(gzip.compress(data) if gz else data)


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    for name in ("MNIST", "FASHION_MNIST"):
        monkeypatch.setattr(idx, name, dataclasses.replace(getattr(idx, name), mirrors=("http://127.0.0.1:9/",)))


@pytest.mark.parametrize("gz", [True, False])
@pytest.mark.parametrize("dot", [True, False])
@pytest.mark.parametrize(("load", "below"), [(mnist, ""), (mnist, "MNIST/raw"), (fashion_mnist, "FashionMNIST/raw")])
def test_what_is_written_is_read(gz, dot, load, below, tmp_path):
    write(tmp_path / below, "train", gz=gz, dot=dot)
    source = load(str(tmp_path))
    images, labels = digits_of("train")
    assert torch.equal(source.samples, images.unsqueeze(1))
    assert torch.equal(source.labels, labels.long())
    assert (source.shape, source.num_classes, source.split) == ((1, 28, 28), 10, "train")


def test_some_classes(tmp_path):
    write(tmp_path, "train")
    source = fashion_mnist(str(tmp_path), resolution=32, classes=["Bag", "T-shirt/top"])
    images = digits_of("train")[0]
    assert (source.classes, source.labels.tolist(), source.shape) == (["Bag", "T-shirt/top"], [1, 0] * 2, (1, 32, 32))
    assert torch.equal(source.samples[:, 0, 2:-2, 2:-2], images[[0, 8, 10, 18]])
    with pytest.raises(ValueError, match="data.classes has 'Sneakers', and .* no such class; did you mean Sneaker?"):
        fashion_mnist(str(tmp_path), classes="Sneakers")


@pytest.mark.parametrize(
    ("there", "split", "read", "num_images"),
    [
        (["train", "test"], "auto", "train", 20),
        (["train"], "auto", "train", 20),
        (["test"], "auto", "test", 20),
        (["train", "test"], "test", "test", 20),
        (["train", "test"], "all", "all", 40),
    ],
)
def test_the_split_that_is_read(there, split, read, num_images, tmp_path):
    write(tmp_path, *there)
    source = mnist(str(tmp_path), split)
    assert (source.split, len(source)) == (read, num_images)
    first = digits_of("test" if read == "test" else "train")[0][0]
    assert torch.equal(source[0][0][0], first)


def test_reading_writes_nothing(tmp_path):
    write(tmp_path, "test")
    before = sorted(tmp_path.rglob("*"))
    tmp_path.chmod(0o555)
    mnist(str(tmp_path))
    tmp_path.chmod(0o755)
    assert sorted(tmp_path.rglob("*")) == before


def test_32_pixels_are_28_in_a_black_frame(tmp_path):
    write(tmp_path, "train")
    samples = mnist(str(tmp_path), resolution=32).samples
    assert torch.equal(samples[:, 0, 2:-2, 2:-2], digits_of("train")[0])
    assert samples.sum() == digits_of("train")[0].sum()


def test_other_resolutions_are_scaled(tmp_path):
    write(tmp_path, "train")
    assert mnist(str(tmp_path), resolution=16).shape == (1, 16, 16)


def test_missing_files_are_downloaded(tmp_path, monkeypatch):
    files = {f"{name}.gz": gzip.compress(data) for name, data in contents_of("train").items()}
    sha256 = {name.removesuffix(".gz"): hashlib.sha256(data).hexdigest() for name, data in files.items()}
    with serve(Mirror(files)) as mirror:
        publication = dataclasses.replace(idx.MNIST, mirrors=(mirror.url,), sha256=sha256)
        monkeypatch.setattr(idx, "MNIST", publication)
        assert len(mnist(str(tmp_path / "new"))) == 20
        assert len(mnist(str(tmp_path / "new"))) == 20
    assert [name for name, _ in mirror.requests] == list(files)


def test_one_error_lists_every_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        mnist(str(tmp_path), "all")
    for names in FILES.values():
        for name in names:
            assert str(caught.value).count(f"http://127.0.0.1:9/{name}.gz: Connection refused") == 1
            assert idx.MNIST.sha256[name] in str(caught.value)


def test_part_of_train_beside_test_is_completed_not_passed_over(tmp_path):
    write(tmp_path, "train", "test")
    (tmp_path / f"{FILES['train'][1]}.gz").unlink()
    with pytest.raises(FileNotFoundError, match="train-labels") as caught:
        mnist(str(tmp_path))
    assert "train-images" not in str(caught.value)


IMAGES = idx_bytes(digits_of("train")[0])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (IMAGES[:-1], "should hold 20 x 28 x 28 bytes after its header, but holds 15679"),
        (IMAGES + b"0", "but holds 15681"),
        (IMAGES[:9], "begins with 00000803"),
        (gzip.compress(IMAGES)[:-9], "damaged gzip file"),
        (b"\x1f\x8bnonsense", "damaged gzip file"),
        (b"<html>", "begins with 3c68746d"),
        (b"", "begins with nothing"),
        (idx_bytes(torch.zeros(9, dtype=torch.uint8)), "begins with 00000801, .* with 00000803"),
        (bytes((0, 0, 8, 3)) + b"\xff" * 12, "but holds 0"),
    ],
)
def test_a_wrong_file_is_refused_by_name(data, message, tmp_path):
    path = tmp_path / "images"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=f"^{path} .*{message}"):
        read_idx(path, 3)


@pytest.mark.parametrize(("labels", "message"), [([1, 2], "20 images, but .* 2 labels"), ([11] * 20, "a label 11")])
def test_labels_that_do_not_belong(labels, message, tmp_path):
    write(tmp_path, "train")
    labels_path = tmp_path / f"{FILES['train'][1]}.gz"
    labels_path.write_bytes(gzip.compress(idx_bytes(torch.tensor(labels, dtype=torch.uint8))))
    with pytest.raises(ValueError, match=message):
        mnist(str(tmp_path))
