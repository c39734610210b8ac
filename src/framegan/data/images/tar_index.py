"""Which images a tar file holds, where in it each lies, and its class; found once, and kept beside the data."""

import hashlib
import posixpath
import tarfile
import time
import zipfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from framegan.data.contents import SETTLED
from framegan.data.images.image_file import EXTENSIONS
from framegan.data.labels import MAX_NAME
from framegan.files import strict_json
from framegan.files.atomic import new_file

FEW = 1000
"""Images that are found in a moment: no more of a file aren't kept."""
END = "\0"
"""Of a text in the list of them; no name in a tar file has it."""


@dataclass(frozen=True)
class TarIndex:
    """The images of a tar file, in its order.

    Args:
        names: with their folders in the tar file.
        starts: where the bytes of each begin.
        sizes: how many each has.
        classes: what the .cls beside each says; "" where there is none.
    """

    names: Sequence[str]
    starts: np.ndarray
    sizes: np.ndarray
    classes: Sequence[str]


def key_of(name: str) -> str:
    """Return what the files of one sample share: the path up to the first dot of the file's name, as in WebDataset."""
    folder, _, file = name.rpartition("/")
    return f"{folder}/{file.partition('.')[0]}"


def index_of(path: Path, store: Path) -> TarIndex:
    """Return the images of a tar file.

    Args:
        store: the folder in which that is kept, for as long as the file's name, size and times stay.

    Raises:
        ValueError: it is compressed, cut short or no tar file; without the path.
    """
    state = path.stat()
    name = _digits([path.name])
    stamp = _digits([state.st_size, state.st_mtime_ns, state.st_ctime_ns, EXTENSIONS])
    kept = store / f"{name}_{stamp}.npz"
    with suppress(OSError, ValueError, KeyError, zipfile.BadZipFile):
        return _load(kept)
    now, found = time.time(), _found_in(path)
    if len(found.names) > FEW and now - state.st_ctime > SETTLED:
        with suppress(OSError):
            store.mkdir(parents=True, exist_ok=True)
            for old in store.glob(f"{name}_*.npz"):
                old.unlink(missing_ok=True)
        with suppress(OSError), new_file(kept, shared=True) as part, part.open("wb") as file:
            names, classes = _joined(found.names), _joined(found.classes)
            np.savez(file, names=names, starts=found.starts, sizes=found.sizes, classes=classes)
    return found


def _found_in(path: Path) -> TarIndex:
    """Read the headers of all files in a tar file, and the .cls among them."""
    images, classes = list[tuple[str, int, int]](), dict[str, str]()
    try:
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                name = posixpath.normpath(member.name)
                tar.members = []  # type: ignore[attr-defined] # else it holds all there were
                if not member.isreg() or member.issparse() or PurePosixPath(name).name.startswith("."):
                    continue
                if name.endswith(".cls"):
                    file = tar.extractfile(member)
                    assert file is not None
                    classes[key_of(name)] = _class_in(file.read(4 * MAX_NAME + 2), name)
                elif name.lower().endswith(EXTENSIONS):
                    images.append((name, member.offset_data, member.size))
            _check_end(path, tar.offset)
    except (tarfile.TarError, UnicodeError, EOFError) as error:
        raise ValueError(f"it can't be read as a tar file without compression: {error}") from None
    names, starts, sizes = zip(*images, strict=True) if images else ((), (), ())
    of_each = [classes.get(key_of(name), "") for name in names]
    return TarIndex(names, np.array(starts, np.int64), np.array(sizes, np.int64), of_each)


def _check_end(path: Path, place: int) -> None:
    """Raise ReadError where anything but zeros follows the last file that was found, which tarfile passes over."""
    with path.open("rb") as file:
        file.seek(place)
        if file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise tarfile.ReadError(f"it is damaged or cut short at byte {place:,}")
        while rest := file.read(1 << 20):
            if any(rest):
                raise tarfile.ReadError("something follows its end; pack what was put together as one tar file")


def _class_in(content: bytes, name: str) -> str:
    try:
        said = content.decode().strip()
    except UnicodeDecodeError:
        said = ""
    if not said or len(said) > MAX_NAME or END in said:
        raise ValueError(f"{name} should hold a class: a number or a name of at most {MAX_NAME} characters")
    return said


def _joined(texts: Iterable[str]) -> np.ndarray:
    return np.frombuffer(END.join(texts).encode(errors="surrogateescape"), np.uint8)


def _load(kept: Path) -> TarIndex:
    with np.load(kept, allow_pickle=False) as arrays:
        starts, sizes = arrays["starts"], arrays["sizes"]
        names, classes = (
            arrays[kind].tobytes().decode(errors="surrogateescape").split(END) for kind in ("names", "classes")
        )
    if not len(names) == len(classes) == len(starts) == len(sizes):
        raise ValueError("it is damaged")
    return TarIndex(names, starts, sizes, classes)


def _digits(what: Sequence[object]) -> str:
    return hashlib.sha256(strict_json.dumps(what).encode()).hexdigest()[:16]
