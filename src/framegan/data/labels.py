"""Which class each file of a data set belongs to: by its folder, or by a list."""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from framegan.data.files import class_name

NAMED_PROBLEMS = 3
MAX_NAME = 255
"""Characters of a class, as many as a folder may have."""


def labels_of(files: Sequence[str], folder: Path, labels: str | None) -> tuple[list[int], list[str]]:
    """Return the class number of each file, and the names of the classes in order.

    Args:
        files: posix paths relative to the folder.
        labels: "folder": the first folder of its path is a file's class; None: there is one class. Otherwise a list,
            relative to the folder or not: a .csv of lines "file,class", or a .json of {"file": class} or of
            {"labels": [["file", class], ...]} as StyleGAN's dataset.json. Files may be named without their ending.

    Raises:
        ValueError: the list can't be read, leaves files out, or names one twice with different classes.
    """
    if labels is None:
        names = ["all"] * len(files)
    elif labels == "folder":
        names = [class_name(file) for file in files]
    else:
        names = _listed(files, folder, Path(labels).expanduser())
    classes = sorted(set(names), key=_numbers_first)
    numbers = {name: number for number, name in enumerate(classes)}
    return [numbers[name] for name in names], classes


def _listed(files: Sequence[str], folder: Path, path: Path) -> list[str]:
    """Return the class of each file in a list."""
    path = path if path.is_file() else folder / path
    readers = {".csv": _read_csv, ".json": _read_json}
    if path.suffix not in readers:
        raise ValueError(f"data.labels got {path}; it should be folder, null, or the path of a .csv or .json file")
    try:
        listed = readers[path.suffix](path)
        if long := next((file for file, name in listed.items() if len(name) > MAX_NAME), None):
            raise ValueError(f"the class of {long!r} has {len(listed[long]):,} characters, more than {MAX_NAME}")
    except (OSError, ValueError, TypeError, AttributeError, RecursionError, csv.Error) as error:
        raise ValueError(f"data.labels: {path} can't be read as a list of files and classes: {error}") from None
    missing = [file for file in files if file not in listed and _bare(file) not in listed]
    if missing:
        shown = ", ".join(missing[:NAMED_PROBLEMS])
        raise ValueError(
            f"data.labels: {path} has no class for {len(missing)} of {len(files)} files, such as {shown}; name every "
            "file in it by its path below data.root"
        )
    return [listed[file] if file in listed else listed[_bare(file)] for file in files]


def _read_csv(path: Path) -> dict[str, str]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = [row for row in csv.reader(file) if row]
    if bad := next((row for row in rows if len(row) != 2), None):
        raise ValueError(f"the line {','.join(bad)!r} should be file,class")
    return _distinct((file.strip(), name.strip()) for file, name in rows)


def _read_json(path: Path) -> dict[str, str]:
    content: Any = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_distinct, parse_int=str)
    pairs = content.get("labels", content) or ()
    return _distinct((str(file), str(name)) for file, name in (pairs.items() if isinstance(pairs, Mapping) else pairs))


def _distinct(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return pairs as a mapping that no pair contradicts."""
    listed: dict[str, Any] = {}
    for file, name in pairs:
        if listed.setdefault(file, name) != name:
            raise ValueError(f"{file!r} is listed as {listed[file]!r} and as {name!r}; keep one of them")
    return listed


def _bare(file: str) -> str:
    """Return a path without its ending."""
    return str(PurePosixPath(file).with_suffix(""))


def _numbers_first(name: str) -> tuple[int, int, str]:
    """Sort 0, 1, ..., 10 as numbers, and before other names."""
    return (0, int(name), name) if name.isdecimal() else (1, 0, name)
