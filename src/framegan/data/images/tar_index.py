"""Which images a tar file holds, where in it each lies, and its class; found once, and kept beside the data."""

import hashlib
import posixpath
import tarfile
import time
import zipfile
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from framegan.data.contents import SETTLED
from framegan.data.files import is_junk
from framegan.data.images.file import stamp_of
from framegan.data.images.image_file import EXTENSIONS
from framegan.data.labels import MAX_NAME
from framegan.files import strict_json
from framegan.files.atomic import new_file

SCHEMA = 1
MUCH = 1 << 20
"""Bytes of a tar file from which on it is kept what is in it; less is read in a moment."""
END = "\0"
"""Of a text in the list of them; no name in a tar file has it."""
CLASS = "cls"
COMPRESSED = {b"\x1f\x8b": "gunzip", b"BZh": "bunzip2", b"\xfd7zXZ": "unxz", b"\x28\xb5\x2f\xfd": "unzstd"}
"""How such a file begins, and what makes it one without compression."""


@dataclass(frozen=True)
class TarIndex:
    """The images of a tar file, in its order.

    Args:
        stamp: of the tar file; see `framegan.data.images.file.stamp_of`.
        names: with their folders in the tar file.
        starts: where the bytes of each begin.
        sizes: how many each has.
        classes: what the .cls beside each says; "" where there is none.
        others: how many files with other endings there are.
    """

    stamp: tuple[int, int]
    names: Sequence[str]
    starts: np.ndarray
    sizes: np.ndarray
    classes: Sequence[str]
    others: dict[str, int]


def key_and_field(name: str) -> tuple[str, str]:
    """Return what the files of one sample share, and what tells them apart, cut at the first dot, as in WebDataset."""
    folder, slash, file = name.rpartition("/")
    key, _, field = file.partition(".")
    return folder + slash + key, field


def index_of(folder: Path, tar: str, store: Path) -> TarIndex:
    """Return the images of a tar file.

    Args:
        tar: its path in the folder.
        store: the folder in which that is kept, for as long as the file's place, size and times stay.

    Raises:
        ValueError: it can't be read as a tar file, or not without leaving out an image; without the path.
        OSError: it can't be read.
    """
    path = folder / tar
    state, now = path.stat(), time.time()
    name = _digits([tar])
    stamp = _digits([SCHEMA, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns, EXTENSIONS])
    kept = store / f"{name}_{stamp}.npz"
    with suppress(OSError, ValueError, LookupError, TypeError, EOFError, zipfile.BadZipFile):
        return _load(kept, stamp_of(state))
    found = _found_in(path, stamp_of(state))
    if state.st_size >= MUCH and now - state.st_ctime > SETTLED:
        with suppress(OSError):
            store.mkdir(parents=True, exist_ok=True)
            for old in store.glob(f"{name}_*.npz"):
                old.unlink(missing_ok=True)
        with suppress(OSError), new_file(kept, shared=True) as part, part.open("wb") as file:
            names, classes, others = map(_joined, (found.names, found.classes, [strict_json.dumps(found.others)]))
            np.savez(file, names=names, starts=found.starts, sizes=found.sizes, classes=classes, others=others)
    return found


def _found_in(path: Path, stamp: tuple[int, int]) -> TarIndex:
    """Read the headers of all files in a tar file, and the .cls among them."""
    images, classes, others = dict[str, tuple[int, int]](), dict[str, str](), Counter[str]()
    places = dict[str, tuple[int, int]]()
    with path.open("rb") as file:
        head = file.read(8)
        if unpacked_by := next((by for mark, by in COMPRESSED.items() if head.startswith(mark)), None):
            raise ValueError(f"it is compressed, and parts of it can't be read alone; unpack it: {unpacked_by}")
        file.seek(0)
        try:
            with tarfile.open(fileobj=file, mode="r:") as tar:
                for member in tar:
                    tar.members = []  # type: ignore[attr-defined] # else it holds all there were
                    _check_size(member, stamp[0])
                    name = posixpath.normpath(member.name)
                    field = key_and_field(name)[1].lower()
                    is_image = name.lower().endswith(EXTENSIONS)
                    if member.isdir() or any(map(is_junk, PurePosixPath(name).parts)):
                        continue
                    if not is_image and field != CLASS:
                        others[PurePosixPath(name).suffix.lower()] += 1
                        if member.isreg():
                            places[name] = member.offset_data, member.size
                        continue
                    place = places[name] = _place_of(member, places)
                    if name in images or (field == CLASS and key_and_field(name)[0] in classes):
                        raise ValueError(f"{name!r} is in it twice; pack it again with one")
                    if is_image:
                        images[name] = place
                    else:
                        classes[key_and_field(name)[0]] = _class_at(path, place, name)
                end = tar.offset
        except (tarfile.TarError, UnicodeError, EOFError) as error:
            raise ValueError(f"it can't be read as a tar file: {error}") from None
    _check_end(path, end)
    starts, sizes = (np.array([place[k] for place in images.values()], np.int64) for k in range(2))
    of_each = [classes.get(key_and_field(name)[0], "") for name in images]
    return TarIndex(stamp, list(images), starts, sizes, of_each, dict(others))


def _place_of(member: tarfile.TarInfo, places: dict[str, tuple[int, int]]) -> tuple[int, int]:
    """Return where the content of a member begins, and its bytes; of a link, those of what it means.

    Raises:
        ValueError: it is sparse, or a link to what doesn't lie before it in the tar file.
    """
    if member.isreg() and not member.issparse():
        return member.offset_data, member.size
    if member.issparse():
        raise ValueError(f"{member.name!r} is sparse; pack it again without --sparse")
    target = member.linkname
    if member.issym():
        target = posixpath.join(posixpath.dirname(member.name), target)
    if (place := places.get(posixpath.normpath(target))) is None:
        raise ValueError(f"{member.name!r} is no file, or a link to none before it; pack it again with --dereference")
    return place


def _check_size(member: tarfile.TarInfo, most: int) -> None:
    """Raise ReadError where a header is damaged: what it says would lead back, or beyond the end."""
    ends_late = member.isreg() and not member.issparse() and member.offset_data + member.size > most
    if member.size < 0 or ends_late:
        raise tarfile.ReadError(f"unexpected end of data: {member.name!r} should have {member.size} bytes")


def _check_end(path: Path, place: int) -> None:
    """Raise ValueError where anything but zeros follows the last file that was found, which tarfile passes over."""
    with path.open("rb") as file:
        file.seek(place)
        if file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise ValueError(f"it is damaged or cut short at byte {place:,}")
        while rest := file.read(1 << 20):
            if any(rest):
                raise ValueError("something follows its end; pack what was put together as one tar file")


def _class_at(path: Path, place: tuple[int, int], name: str) -> str:
    """Return the class that a .cls holds."""
    with path.open("rb") as file:
        file.seek(place[0])
        content = file.read(min(place[1], 4 * MAX_NAME + 8))
    with suppress(UnicodeDecodeError):
        said = content.decode("utf-8-sig").strip()
        if said and len(said) <= MAX_NAME and said.isprintable():
            return said
    raise ValueError(f"{name!r} should hold a class: a number or a name, in a line of at most {MAX_NAME} characters")


def _joined(texts: Iterable[str]) -> np.ndarray:
    return np.array(bytearray(END.join(texts).encode(errors="surrogateescape")))


def _load(kept: Path, stamp: tuple[int, int]) -> TarIndex:
    with np.load(kept, allow_pickle=False) as arrays:
        starts, sizes = arrays["starts"], arrays["sizes"]
        names, classes, others = (
            arrays[kind].tobytes().decode(errors="surrogateescape").split(END)
            for kind in ("names", "classes", "others")
        )
    if not len(names) == len(classes) == len(starts) == len(sizes):
        raise ValueError("it is damaged")
    return TarIndex(stamp, names, starts, sizes, classes, strict_json.loads(others[0]))


def _digits(what: Sequence[object]) -> str:
    return hashlib.sha256(strict_json.dumps(what).encode()).hexdigest()[:16]
