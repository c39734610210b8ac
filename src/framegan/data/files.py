"""The files of a data set: which there are, in an order that is the same on every machine."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path


def chosen_folder(root: str | Path, split: str | None) -> Path:
    """Return the folder of a split: root itself, or the folder of that name in it.

    Args:
        split: None, "all" and "auto" mean all of root.

    Raises:
        ValueError: there is no such folder; the message lists those that are there.
    """
    root = Path(root).expanduser()
    folder = root if split in (None, "all", "auto") else root / str(split)
    if folder.is_dir():
        return folder
    if not root.is_dir():
        raise ValueError(f"{root} is not a folder; set data.root to the folder that holds your data")
    there = sorted(path.name for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    raise ValueError(f"{root} has no folder {split!r}; set data.split to null for all of it, or to one of: {there}")


def walk(folder: Path, extensions: Sequence[str]) -> list[str]:
    """Return the files below a folder that end so, as posix paths relative to it, in the order of their folders.

    Hidden files and folders are left out; links are followed, once around.
    """
    return [Path(os.path.relpath(path, folder)).as_posix() for path in _files(folder, tuple(extensions), ())]


def class_name(file: str) -> str:
    """Return the first folder of a relative path; files right in the root share the class "."."""
    first, *rest = Path(file).parts
    return first if rest else "."


def _files(folder: Path, extensions: tuple[str, ...], above: tuple[Path, ...]) -> Iterator[str]:
    here = folder.resolve()
    if here in above:
        return
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _files(Path(entry.path), extensions, (*above, here))
        elif entry.name.lower().endswith(extensions):
            yield entry.path
