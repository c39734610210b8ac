"""MNIST (LeCun et al. 1998) and Fashion-MNIST (Xiao et al. 2017), from IDX files that are downloaded where missing."""

import gzip
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from framegan.configurable import configurable
from framegan.data.files import root_of
from framegan.data.labels import Classes
from framegan.data.resolution import Resolution, sides_of
from framegan.data.source import Part, Split, TensorSource, parts_of
from framegan.files.download import fetch

FILES: dict[Part, tuple[str, str]] = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
NUM_CLASSES = 10
UNSIGNED_BYTE = 8
MAX_BYTES = 1 << 28
"""More than four times the largest published file, unpacked."""


@dataclass(frozen=True)
class Publication:
    """Where a data set is published, the SHA-256 of its gzipped files by name, and the names of its classes."""

    name: str
    mirrors: Sequence[str]
    sha256: Mapping[str, str]
    classes: Sequence[str]


MNIST = Publication(
    "MNIST",
    ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"),
    {
        "train-images-idx3-ubyte": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "train-labels-idx1-ubyte": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "t10k-images-idx3-ubyte": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "t10k-labels-idx1-ubyte": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    },
    tuple("0123456789"),
)
FASHION_MNIST = Publication(
    "FashionMNIST",
    ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
    {
        "train-images-idx3-ubyte": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "train-labels-idx1-ubyte": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "t10k-images-idx3-ubyte": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "t10k-labels-idx1-ubyte": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    },
    ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)


@configurable
def mnist(
    root: str, split: Split = "auto", resolution: Resolution = 28, classes: Classes | None = None
) -> TensorSource:
    """Return MNIST: 60,000 handwritten digits (test: 10,000), white on black, (1, H, W).

    Args:
        root: a folder with the IDX files, gzipped or not, here or in MNIST/raw; missing ones are downloaded into it.
        split: "auto" is train, or test where only the test files are there.
        resolution: 32 frames the 28x28 pixels in black, any other than 28 scales them.
        classes: which of these are read, in the order of their numbers; None: all.

    Raises:
        FileNotFoundError: files are missing and can't be downloaded.
        ValueError: a file is not what its name says.
    """
    return _load(MNIST, root_of(root), split, resolution, classes)


@configurable
def fashion_mnist(
    root: str, split: Split = "auto", resolution: Resolution = 28, classes: Classes | None = None
) -> TensorSource:
    """Return Fashion-MNIST: 60,000 pieces of clothing (test: 10,000); the rest is as in `mnist`."""
    return _load(FASHION_MNIST, root_of(root), split, resolution, classes)


def _load(
    publication: Publication, root: Path, split: Split, resolution: Resolution, classes: Classes | None
) -> TensorSource:
    here = {name: path for names in FILES.values() for name in names if (path := _find(publication, root, name))}
    split, parts = parts_of(split, FILES, here)
    problems = []
    for name in (name for part in parts for name in FILES[part] if name not in here):
        urls = [f"{mirror}{name}.gz" for mirror in publication.mirrors]
        try:
            here[name] = fetch(f"{name}.gz", root, urls, f"sha256:{publication.sha256[name]}")
        except FileNotFoundError as error:
            problems.append(str(error))
    if problems:
        raise FileNotFoundError("\n".join(problems))
    read = (_read_part(publication, *(here[name] for name in FILES[part])) for part in parts)
    samples, labels = zip(*read, strict=True)
    images, numbers = torch.cat(samples).unsqueeze(1), torch.cat(labels).long()
    source = TensorSource(images, numbers, NUM_CLASSES, split, publication.classes).of_classes(classes)
    if sides_of(resolution) == (32, 32) and source.shape[1:] == (28, 28):
        return source.fitted(F.pad(source.samples, (2, 2, 2, 2)))
    return source.resized(resolution)


def _find(publication: Publication, root: Path, name: str) -> Path | None:
    """Return where a file is, in any of its usual spellings."""
    spellings = (name, name.replace("-idx", ".idx"))
    folders = (root, root / publication.name / "raw")
    paths = (folder / f"{spelling}{end}" for folder in folders for spelling in spellings for end in ("", ".gz"))
    return next((path for path in paths if path.is_file()), None)


def _read_part(publication: Publication, images_path: Path, labels_path: Path) -> tuple[Tensor, Tensor]:
    """Return uint8 images (N, H, W) and labels (N,)."""
    images, labels = read_idx(images_path, 3), read_idx(labels_path, 1)
    if images.numel() == 0 or len(images) != len(labels):
        raise ValueError(f"{images_path} has {len(images)} images, but {labels_path} has {len(labels)} labels")
    if labels.max() >= NUM_CLASSES:
        raise ValueError(f"{labels_path} has a label {labels.max()}; {publication.name} has the classes 0 to 9")
    return images, labels


def read_idx(path: Path, num_dimensions: int) -> Tensor:
    """Return the uint8 tensor of an IDX file, gzipped or not.

    Raises:
        ValueError: the file is damaged, or holds something else.
    """
    data = path.read_bytes()
    if data.startswith(b"\x1f\x8b"):
        try:
            with gzip.open(path) as file:
                data = file.read(MAX_BYTES + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"{path} is a damaged gzip file ({error}); delete it to download it again") from None
    if len(data) > MAX_BYTES:
        raise ValueError(f"{path} unpacks to more than {MAX_BYTES:,} bytes; it is none of the published files")
    magic = bytes((0, 0, UNSIGNED_BYTE, num_dimensions))
    start = len(magic) + 4 * num_dimensions
    if not data.startswith(magic) or len(data) < start:
        raise ValueError(
            f"{path} begins with {data[:4].hex() or 'nothing'}, an IDX file of bytes in {num_dimensions} dimension(s) "
            f"with {magic.hex()}; delete it to download it again"
        )
    shape = struct.unpack_from(f">{num_dimensions}I", data, len(magic))
    if len(data) - start != np.prod(shape, dtype=object):
        raise ValueError(
            f"{path} should hold {' x '.join(map(str, shape))} bytes after its header, but holds {len(data) - start}; "
            "delete it to download it again"
        )
    return torch.from_numpy(np.frombuffer(data, np.uint8, offset=start).reshape(shape).copy())
