"""CIFAR-10 (Krizhevsky 2009), from its binary archive, read without unpacking it; downloaded where missing."""

import gzip
import tarfile
import zlib
from pathlib import Path, PurePosixPath

import numpy as np
import torch
from torch import Tensor

from framegan.configurable import configurable
from framegan.data.files import root_of
from framegan.data.labels import Classes
from framegan.data.resolution import Resolution
from framegan.data.source import Part, Split, TensorSource, parts_of
from framegan.files.download import fetch

ARCHIVE = "cifar-10-binary.tar.gz"
MIRRORS = ("https://www.cs.toronto.edu/~kriz/",)
CHECKSUM = "sha256:c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
FOLDER = "cifar-10-batches-bin"
FILES: dict[Part, list[str]] = {
    "train": [f"data_batch_{number}.bin" for number in range(1, 6)],
    "test": ["test_batch.bin"],
}
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
NUM_CLASSES = len(CLASSES)
RECORDS_PER_FILE = 10_000
SHAPE = (3, 32, 32)
RECORD_BYTES = 1 + 3 * 32 * 32
"""A record is the class, then the red, the green and the blue plane, row by row."""
MAX_BYTES = 1 << 28
"""The published archive unpacks to 184 MB."""


@configurable
def cifar10(
    root: str, split: Split = "auto", resolution: Resolution = 32, classes: Classes | None = None
) -> TensorSource:
    """Return CIFAR-10: 50,000 small photographs (test: 10,000) in 10 classes, (3, H, W).

    Args:
        root: a folder with cifar-10-batches-bin/ or cifar-10-binary.tar.gz, which is downloaded where both are missing.
        split: "auto" is train, or test where only the test file is there.
        classes: which of these are read, in the order of their numbers; None: all.

    Raises:
        FileNotFoundError: files are missing and can't be downloaded.
        ValueError: a file is damaged.
    """
    home = root_of(root)
    folder, archive = home / FOLDER, home / ARCHIVE
    here = {path.name for path in folder.glob("*.bin")} & {*FILES["train"], *FILES["test"]}
    split, parts = parts_of(split, FILES, here if not archive.exists() else ())
    names = [name for part in parts for name in FILES[part]]
    if here.issuperset(names):
        contents = {name: (folder / name).read_bytes() for name in names}
    else:
        if not archive.exists():
            fetch(ARCHIVE, home, [f"{mirror}{ARCHIVE}" for mirror in MIRRORS], CHECKSUM)
        contents, folder = _read_archive(archive, set(names)), archive
    samples, labels = zip(*(_decode(contents[name], f"{folder}/{name}") for name in names), strict=True)
    source = TensorSource(torch.cat(samples), torch.cat(labels), NUM_CLASSES, split, CLASSES)
    return source.of_classes(classes).resized(resolution)


def _read_archive(path: Path, names: set[str]) -> dict[str, bytes]:
    """Return the contents of some files in an archive; every other member is skipped, of any kind."""
    contents = {}
    try:
        with gzip.open(path) as archive:
            while any(header := archive.read(tarfile.BLOCKSIZE)):  # zeros end an archive
                member = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
                size = max(0, member.size)
                end = archive.tell() + -(-size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
                if end > MAX_BYTES:
                    raise tarfile.HeaderError(f"it unpacks to more than {MAX_BYTES:,} bytes")
                folder, name = PurePosixPath(member.name).parent, PurePosixPath(member.name).name
                if member.isreg() and folder == PurePosixPath(FOLDER) and name in names:
                    contents[name] = archive.read(min(size, RECORDS_PER_FILE * RECORD_BYTES + 1))
                archive.seek(end)
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path} is damaged ({error}); delete it to download it again") from None
    if missing := names - contents.keys():
        raise ValueError(f"{path} lacks {', '.join(sorted(missing))}; delete it to download it again")
    return contents


def _decode(data: bytes, name: str) -> tuple[Tensor, Tensor]:
    """Return uint8 samples (N, 3, 32, 32) and int64 labels (N,)."""
    if len(data) != RECORDS_PER_FILE * RECORD_BYTES:
        raise ValueError(
            f"{name} has {len(data)} bytes, not {RECORDS_PER_FILE} records of {RECORD_BYTES}; "
            "delete it to download it again"
        )
    records = torch.from_numpy(np.frombuffer(data, np.uint8).reshape(-1, RECORD_BYTES).copy())
    labels = records[:, 0].long()
    if labels.max() >= NUM_CLASSES:
        raise ValueError(f"{name} has a label {labels.max()}; the classes are 0 to 9: it is not CIFAR-10")
    return records[:, 1:].reshape(-1, *SHAPE), labels
