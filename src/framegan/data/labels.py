"""Which class each file of a data set belongs to: by its folder, or by a list."""

import csv
import difflib
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import numpy as np
from torch import Tensor

from framegan.data.files import class_name
from framegan.files import strict_json
from framegan.processes.ranks import say
from framegan.quoting import composed, first_names, printable

NAMED_PROBLEMS = 3
NAMED_CLASSES = 10
MAX_NAME = 255
"""Characters of a class, as many as a folder may have."""
NO_CLASSES = "all"
"""What the only class is called where there are none."""
Labels = tuple[list[int], list[str]]
"""The class number of each file, and the names of the classes in order."""
Classes = list[str | int | float | bool | None] | str | int | float | bool
"""The classes that are read, in the order in which they are numbered; or one alone. All but texts is YAML's reading."""
QUOTES = """Write names such as 010, 1_0 and yes in quotes: 'data.classes=["010"]'"""
Item = TypeVar("Item")
NUMBER = re.compile(r"-?\d+(\.\d+)?")


def labelled(
    files: Sequence[str], folder: Path, labels: str | None, classes: Classes | None
) -> tuple[list[str], Labels]:
    """Return the files that are read, and their labels; see the two functions that this calls."""
    return of_classes(files, labels_of(files, folder, labels), classes)


def of_classes(items: Sequence[Item], labels: Labels, classes: Classes | None) -> tuple[list[Item], Labels]:
    """Return the files or samples of some classes, numbered in this order, and their labels; say what is left out.

    Args:
        classes: None = all of them, as they are.

    Raises:
        ValueError: there are no such classes, or one is named twice.
    """
    if classes is None:
        return list(items), labels
    numbers, names = labels
    written = {composed(name): name for name in names}
    named = classes if isinstance(classes, list | tuple) else [classes]
    wanted = [written.get(composed(name), name) if isinstance(name, str) else _meant(name, names) for name in named]
    if unknown := [name for name in wanted if name not in names]:
        close = difflib.get_close_matches(unknown[0], names, n=1)
        there = f"did you mean {close[0]}?" if close else f"there are: {first_names(names, NAMED_CLASSES)}"
        there += "" if all(isinstance(name, str) for name in named) else f" {QUOTES}"
        raise ValueError(f"data.classes has {unknown[0]!r}, and the data have no such class; {there}")
    if len(set(wanted)) != len(wanted) or not wanted:
        raise ValueError(f"data.classes got {wanted}; it should name one class or more, each once")
    kept = [(item, names[number]) for item, number in zip(items, numbers, strict=True) if names[number] in wanted]
    left = Counter(names[number] for number in numbers if names[number] not in wanted)
    if left:
        called = {".": "the files beside the folders"}
        counted = first_names(
            (f"{called.get(name, name)} ({number:,})" for name, number in left.most_common()), NAMED_CLASSES
        )
        say(f"left out {len(left)} class{'es' * (len(left) > 1)}, not in data.classes: {counted}")
    return [item for item, _ in kept], ([wanted.index(name) for _, name in kept], wanted)


def _meant(value: float | None, names: Sequence[str]) -> str:
    """Return the class whose name has been read as a number, such as 1.50 as 1.5; the value's own words where none is.

    Raises:
        ValueError: it may be another one: YAML reads 010 as the octal number 8.
    """
    meant = [name for name in names if not isinstance(value, bool) and value in _readings(name)]
    if len(meant) > 1 or any(len(_readings(name)) > 1 for name in meant):
        raise ValueError(f"data.classes has {value}, read of what isn't in quotes: {' or '.join(meant)}? {QUOTES}")
    return meant[0] if meant else str(value)


def _readings(name: str) -> set[float]:
    """Return the numbers as which YAML, or Hydra, may read a name: 1_0 is 10, and 010 is 10 or 8."""
    readings: set[float] = set()
    for read in (float, lambda text: int(text, 0), lambda text: int(re.sub("^0", "0o", text), 0)):
        with suppress(ValueError):
            readings.add(read(name))
    return readings


def labels_of(files: Sequence[str], folder: Path, labels: str | None) -> Labels:
    """Return the class number of each file, and the names of the classes in order.

    Args:
        files: posix paths relative to the folder.
        labels: "folder": the first folder of its path is a file's class; None: there is one class. Otherwise a list,
            relative to the folder or not: a .csv of lines "file,class", or a .json of {"file": class} or of pairs,
            alone or as {"labels": [["file", class], ...]} in StyleGAN's dataset.json. Files may be named without their
            ending, with ./ before them, with backslashes, by absolute paths, or by paths below the current folder or
            the one above the folder.

    Raises:
        ValueError: the list can't be read, leaves files out, or names one twice with different classes.
    """
    if labels is None:
        names = [NO_CLASSES] * len(files)
    elif labels == "folder":
        names = [class_name(file) for file in files]
    else:
        names = _listed(files, folder, Path(labels).expanduser())
    return numbered(names)


def numbered(names: Sequence[str]) -> Labels:
    """Return the class number of each of these classes, and the names of the classes in order.

    Raises:
        ValueError: the names of two look the same.
    """
    classes = sorted(set(names), key=_numbers_first)
    seen: dict[str, str] = {}
    if twice := next((name for name in classes if seen.setdefault(composed(name), name) != name), None):
        both = " and ".join(ascii(name) for name in (seen[composed(twice)], twice))
        raise ValueError(f"two classes look the same, {twice}: their names are {both}; give both one name")
    numbers = {name: number for number, name in enumerate(classes)}
    return [numbers[name] for name in names], classes


def emptied(classes: Sequence[str], before: Iterable[int], after: Iterable[int]) -> str:
    """Return what to say of the classes that had samples before and have none after; nothing where there are none."""
    gone = [classes[number] for number in sorted(set(before) - set(after))]
    return f"nothing is left of class {first_names(gone, NAMED_CLASSES)}" if gone else ""


def check_labels(
    labels: Tensor | np.ndarray | Sequence[int], num_classes: int, numbers: Sequence[int] | None = None
) -> None:
    """Raise ValueError where one of the labels (N,) is not that of a class.

    Args:
        numbers: of their samples. None = all from 0.
    """
    of_each = _whole(labels.cpu() if isinstance(labels, Tensor) else labels)
    wrong = np.flatnonzero((of_each < 0) | (of_each >= num_classes)).tolist()
    if wrong:
        number = wrong[0] if numbers is None else numbers[wrong[0]]
        said = f"the data's source has sample {number} of class {of_each[wrong[0]]}"
        raise ValueError(f"{said}; it should be 0 to {num_classes - 1}, as num_classes={num_classes}")


def _whole(labels: Tensor | np.ndarray | Sequence[int]) -> np.ndarray:
    """Return labels as int64 (N,); raise ValueError where they are other things than whole numbers."""
    with suppress(TypeError, ValueError), np.errstate(invalid="ignore"):
        given = np.asarray(labels).ravel()
        whole = given.astype(np.int64)
        if np.array_equal(whole, given):
            return whole
    raise ValueError("the data's source has labels that aren't whole numbers; give each sample one, from 0")


def _listed(files: Sequence[str], folder: Path, path: Path) -> list[str]:
    path = path if path.is_file() else folder / path
    readers = {".csv": _read_csv, ".json": _read_json}
    if path.suffix.lower() not in readers:
        raise ValueError(f"data.labels got {path}; it should be folder, null, or the path of a .csv or .json file")
    try:
        listed = _below(readers[path.suffix.lower()](path), folder, files)
        if nameless := next((file for file, name in listed.items() if not name), None):
            raise ValueError(f"the class of {nameless!r} is empty")
        if long := next((file for file, name in listed.items() if len(name) > MAX_NAME), None):
            raise ValueError(f"the class of {long!r} has {len(listed[long]):,} characters, more than {MAX_NAME}")
    except (OSError, ValueError, TypeError, AttributeError, RecursionError, csv.Error) as error:
        raise ValueError(f"data.labels: {path} can't be read as a list of files and classes: {error}") from None
    whole = {*files}  # run1 is not run1.5 without its ending
    names = {file: [file, *({_bare(file)} - whole)] for file in files}
    found = {file: {listed[name]: name for name in names[file] if name in listed} for file in files}
    if unclear := next((names for names in found.values() if len(names) > 1), None):
        said = " and ".join(f"{file!r} as {name!r}" for name, file in unclear.items())
        raise ValueError(f"data.labels: {path} lists one file twice, {said}; keep one of them")
    missing = [file for file, names in found.items() if not names]
    if missing:
        shown = ", ".join(map(printable, missing[:NAMED_PROBLEMS]))
        raise ValueError(
            f"data.labels: {path} has no class for {len(missing)} of {len(files)} files, such as {shown}; name every "
            f"file in it by its path below {folder}"
        )
    named = {name for names in found.values() for name in names.values()}
    if gone := [name for place, name in enumerate(listed) if name not in named and (place or Path(name).suffix)]:
        left = {listed[name] for name in gone} - {listed[name] for name in named}
        lost = f"; nothing is there of class {first_names(sorted(left), NAMED_CLASSES)}" if left else ""
        said = f"{len(gone):,} of {len(listed):,} files that {path} names aren't in {folder}"
        say(f"missing  {said}, such as {printable(gone[0])}{lost}")
    return [next(iter(names)) for names in found.values()]


def _read_csv(path: Path) -> list[tuple[str, str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = [row for row in csv.reader(file, skipinitialspace=True) if row]
    if bad := next((row for row in rows if len(row) != 2), None):
        raise ValueError(f"the line {','.join(bad)!r} should be file,class, with one comma")
    return [(file.strip(), name.strip()) for file, name in rows]


def _read_json(path: Path) -> list[tuple[str, str]]:
    content: Any = json.loads(
        path.read_text(encoding="utf-8-sig"), object_pairs_hook=_distinct, parse_int=str, parse_constant=_refused
    )
    pairs = content.get("labels", content) if isinstance(content, Mapping) else content
    if pairs is None:
        raise ValueError("its labels are null; set data.labels=null where there are no classes")
    pairs = list(pairs.items()) if isinstance(pairs, Mapping) else pairs
    if not isinstance(pairs, list) or not all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs):
        raise ValueError('it should be {"file": class, ...} or {"labels": [["file", class], ...]}')
    for file, name in pairs:
        if not isinstance(name, str | float | bool):
            raise ValueError(f"the class of {file!r} is {strict_json.dumps(name)}; it should be a name or a number")
    return [(str(file), str(name)) for file, name in pairs]


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is no class and no file")


def _distinct(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return pairs as a mapping that no pair contradicts."""
    listed: dict[str, Any] = {}
    for file, name in pairs:
        if listed.setdefault(file, name) != name:
            raise ValueError(f"{file!r} is listed as {listed[file]!r} and as {name!r}; keep one of them")
    return listed


def _below(pairs: Iterable[tuple[str, str]], folder: Path, files: Sequence[str]) -> dict[str, str]:
    """Return a list with its files as posix paths below a folder, however they were written."""
    above = {f"{folder.absolute()}/", f"{folder.resolve()}/"}
    known = {composed(name): name for name in (*map(_bare, files), *files)}

    def plain(file: str) -> str:
        path = file if composed(file) in known else os.path.normpath(file.replace("\\", "/"))
        whole = str(Path(path).absolute())
        found = [whole.removeprefix(root) for root in above if whole.startswith(root)]
        below = path if composed(path) in known or not found else found[0]
        inside = known.get(composed(below.removeprefix(f"{folder.name}/")), below)  # of a split, named from data.root
        return known.get(composed(below), inside)

    return _distinct((plain(file), name) for file, name in pairs)


def _bare(file: str) -> str:
    return str(PurePosixPath(file).with_suffix(""))


def _numbers_first(name: str) -> tuple[bool, Decimal, str]:
    """Sort 0, 1, ..., 10 by their values, also -1 and 0.5, and before other names."""
    is_number = NUMBER.fullmatch(name) is not None
    return not is_number, Decimal(name) if is_number else Decimal(), name
