"""Writes small data sets in the published formats."""

import gzip
import io
import shutil
import struct
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image


def idx(array: np.ndarray) -> bytes:
    """Return an array of bytes in the IDX format."""
    return struct.pack(f">HBB{array.ndim}I", 0, 0x08, array.ndim, *array.shape) + array.tobytes()


def write_mnist(folder: Path, part: str = "t10k", number: int = 20, *, zipped: bool = True) -> np.ndarray:
    """Write one part of MNIST, random pixels with labels 0, 1, 2, ...; return the images."""
    folder.mkdir(parents=True, exist_ok=True)
    images = np.random.default_rng(0).integers(0, 256, (number, 28, 28), dtype=np.uint8)
    labels = (np.arange(number) % 10).astype(np.uint8)
    for kind, array in {"images-idx3": images, "labels-idx1": labels}.items():
        name = f"{part}-{kind}-ubyte"
        if zipped:
            (folder / f"{name}.gz").write_bytes(gzip.compress(idx(array)))
        else:
            (folder / name).write_bytes(idx(array))
    return images


def cifar_record(label: int, value: int) -> bytes:
    """Return a record of one colour: red = value, green = 0, blue = 255."""
    planes = np.stack([np.full((32, 32), v, np.uint8) for v in (value, 0, 255)])
    return bytes([label]) + planes.tobytes()


def write_cifar10(folder: Path, num_records: int) -> None:
    """Write the archive of a CIFAR-10 with so many pictures a file."""
    names = [*(f"data_batch_{k}.bin" for k in range(1, 6)), "test_batch.bin"]
    content = b"".join(cifar_record(k % 10, 10 * k) for k in range(num_records))
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(folder / "cifar-10-binary.tar.gz", "w:gz") as archive:
        for name in names:
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def write_images(folder: Path, number: int = 20) -> None:
    """Write a tree of two classes of small colour pictures of several sizes."""
    random = np.random.default_rng(0)
    for k in range(number):
        path = folder / ("cats" if k % 2 else "dogs") / f"{k}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (20 + k, 30, 3), dtype=np.uint8)).save(path)


def write_image_tars(folder: Path, number: int = 20) -> None:
    """Write the same pictures as two tar files, with the number of the class of each beside it."""
    write_images(folder / "pictures", number)
    for half in range(2):
        with tarfile.open(folder / f"{half}.tar", "w") as tar:
            for path in sorted((folder / "pictures").rglob("*.png"))[half::2]:
                tar.add(path, path.name)
                add_text(tar, f"{path.stem}.cls", "0" if path.parent.name == "cats" else "1")
    shutil.rmtree(folder / "pictures")


def add_text(tar: tarfile.TarFile, name: str, text: str) -> None:
    """Add a file that holds a text."""
    member = tarfile.TarInfo(name)
    member.size = len(text)
    tar.addfile(member, io.BytesIO(text.encode()))
