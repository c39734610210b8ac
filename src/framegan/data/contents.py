"""What files contain, in 16 digits each: data are known by their contents, wherever they lie and whenever copied.

A file is read whole for that. Where there is much to read, the digits are kept beside the data, and hold for as long as
the sizes and the times of the files do.
"""

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from framegan.data.cache_places import alone, beside
from framegan.data.files import groups_of_same
from framegan.data.source import Inventory
from framegan.files import strict_json
from framegan.files.at_once import at_once
from framegan.files.atomic import new_file

SCHEMA = 1
MUCH = 1 << 28
"""Bytes from which on the digits are kept; less is read in a moment."""
SETTLED = 3.0
"""Seconds after which another change of a file has another time, on any file system."""


@dataclass(frozen=True)
class _Stamp:
    """Of the files of one item: their sizes and times in a few digits, their bytes, and the time of the last change."""

    key: str
    num_bytes: int
    changed: float


def digests(root: Path, items: Mapping[str, Sequence[Path]]) -> dict[str, str]:
    """Return 16 hexadecimal digits of the contents of each item.

    Args:
        root: what the data lie below; see `framegan.data.cache_places.beside`.
        items: the files of each item, by its name. The digits stand for the contents in this order.
    """
    store = beside(root) / "contents.json"
    stamps = dict(at_once(lambda name: _stamp(items[name]), list(items), "looking at files"))
    if sum(stamp.num_bytes for stamp in stamps.values()) < MUCH:
        return _read(items, list(items))
    known = _load(store)
    if _unknown(stamps, known):
        with alone(store.with_name(".contents.lock")):
            known = _load(store)
            now, found = time.time(), _read(items, _unknown(stamps, known))
            new = {name: (stamps[name].key, digits) for name, digits in found.items()}
            kept = known | {name: entry for name, entry in new.items() if now - stamps[name].changed > SETTLED}
            with suppress(OSError), new_file(store, shared=True) as part:
                part.write_text(strict_json.dumps({"schema": SCHEMA, "items": kept}))
            known |= new
    return {name: known[name][1] for name in items}


def file_inventory(
    root: Path, items: Mapping[str, Sequence[Path]], labels: Sequence[int], classes: Sequence[str], recipe: Inventory
) -> Inventory:
    """Return the inventory of samples that are read from files; see `framegan.data.source.Source`.

    Args:
        labels: the class of each item.
        recipe: every setting that decides what the pixels are.
    """
    found = digests(root, items)
    files = {name: f"{found[name]} {classes[label]}" for name, label in zip(items, labels, strict=True)}
    return {**recipe, "classes": list(classes), "files": files}


def groups_of_contents(root: Path, items: Mapping[str, Sequence[Path]]) -> list[int] | None:
    """Return a number for each item, the same for those of the same contents, as links are; None where all differ.

    Only items as large as another are read.
    """
    names = list(items)
    sizes = [tuple(path.stat().st_size for path in items[name]) for name in names]
    often = Counter(sizes)
    alike = {name: items[name] for name, size in zip(names, sizes, strict=True) if often[size] > 1}
    found = digests(root, alike)
    return groups_of_same(found.get(name, (name,)) for name in names)


def told_apart(keys: Sequence[Hashable], tell: Callable[[int], Hashable]) -> list[Hashable]:
    """Return keys, each that several places have together with what tells these places apart."""
    often = Counter(keys)
    found = dict(at_once(tell, [place for place, key in enumerate(keys) if often[key] > 1], "comparing contents"))
    return [(key, found.get(place)) for place, key in enumerate(keys)]


def _stamp(files: Sequence[Path]) -> _Stamp:
    states = [path.stat() for path in files]
    key = [[path.name for path in files], [[s.st_size, s.st_mtime_ns, s.st_ctime_ns] for s in states]]
    changed = max(state.st_ctime for state in states)  # whatever time they were given
    return _Stamp(digits_of(strict_json.dumps(key).encode()), sum(state.st_size for state in states), changed)


def _read(items: Mapping[str, Sequence[Path]], names: Sequence[str]) -> dict[str, str]:
    found = dict(at_once(lambda name: _content(items[name]), names, "reading contents"))
    return {name: found[name] for name in names}


def _content(files: Sequence[Path]) -> str:
    parts = []
    for path in files:
        with path.open("rb") as file:
            parts.append(hashlib.file_digest(file, "sha256").digest())
    return digits_of(b"".join(parts))


def digits_of(content: bytes) -> str:
    """Return 16 hexadecimal digits of contents."""
    return hashlib.sha256(content).hexdigest()[:16]


def _unknown(stamps: Mapping[str, _Stamp], known: Mapping[str, tuple[str, str]]) -> list[str]:
    return [name for name, stamp in stamps.items() if name not in known or known[name][0] != stamp.key]


def _load(store: Path) -> dict[str, tuple[str, str]]:
    """Return the stamp and the digits of each item that is known; none where the file is damaged or of other kinds."""
    with suppress(OSError, ValueError, LookupError, TypeError):
        stored = strict_json.loads(store.read_bytes())
        if stored["schema"] == SCHEMA:
            return TypeAdapter(dict[str, tuple[str, str]]).validate_python(stored["items"])
    return {}
