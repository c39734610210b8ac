"""The files of a data set: which there are, in an order that is the same on every machine, and which are left out."""

import os
import re
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from pathlib import Path

from framegan.processes.ranks import say
from framegan.quoting import first_names, printable, to_type

JUNK = {
    "__macosx", "@eadir", "#recycle", "@recycle", "$recycle.bin", "system volume information", "lost+found",
    "__pycache__", "thumbs.db", "ehthumbs.db", "desktop.ini", "picasa.ini", "icon\r",
}  # fmt: skip
"""What systems and devices leave among files, in lower case; hidden things go without saying."""
OURS = ".framegan"
"""Ending of the folders that lie beside data; see `framegan.data.cache_places.beside`."""
PART = re.compile(
    r"(train|test|val|valid|validation|dev|eval)(ing)?([-_ ]?(set|data|images|videos|frames|clips))?[-_ ]?([ab]|\d*)",
    re.IGNORECASE,
)
"""What the folders of a split are called."""
NAMED = 10
"""How many endings or classes a line names."""


class NoFolderError(ValueError):
    """There is no folder where the data should be."""

    def __init__(self, root: Path):
        super().__init__(f"{root} is not a folder; set data.root to the folder that holds your data")
        self.root = root


def root_of(root: str | Path) -> Path:
    """Return the folder or file that data.root means.

    Raises:
        ValueError: it is empty, as a variable that isn't set, or means the current folder or the whole disk.
    """
    path = Path(root).expanduser()
    if not str(root).strip() or str(path) in (".", path.anchor):
        raise ValueError(
            f"data.root got {str(root)!r}; is a variable not set? Set it to the folder of your data, the "
            "current one by its full path: data.root=$PWD"
        )
    return path


def chosen_folder(root: str | Path, split: str | None) -> Path:
    """Return the folder of a split: root itself, or the folder of that name in it.

    Args:
        split: None, "all" and "auto" mean all of root.

    Raises:
        ValueError: there is no such folder; the message lists those that are there.
    """
    root = root_of(root)
    folder = root if split in (None, "all", "auto") else root / str(split)
    if folder.is_dir() and split != "":
        return folder
    if not root.is_dir():
        raise NoFolderError(root)
    there = sorted(path.name for path in root.iterdir() if path.is_dir() and not is_junk(path.name))
    raise ValueError(f"{root} has no folder {split!r}; set data.split to null for all of it, or to one of: {there}")


def walk(folder: Path, extensions: tuple[str, ...]) -> list[str]:
    """Return the files below a folder that end so, as posix paths relative to it, in the order of their folders.

    Hidden files and folders, and those of no interest (`JUNK`), are left out; links are followed, once around.
    """
    return [path for path in _below(folder) if path.lower().endswith(extensions)]


def data_files(folder: Path, extensions: tuple[str, ...], kind: str, labels: str | None = None) -> list[str]:
    """Return the files below a folder that are read, as `walk`; say which others are there.

    Args:
        kind: what they are, in the plural.
        labels: how they get their classes; see `framegan.data.labels.labels_of`.

    Raises:
        ValueError: none is read.
    """
    found = list(_below(folder))
    files = [path for path in found if path.lower().endswith(extensions)]
    listed = {str(labels), os.path.relpath(Path(str(labels)).expanduser(), folder)}
    others = [path for path in found if not path.lower().endswith(extensions) and path not in listed]
    left_out = _left_out(files, others, by_class=labels == "folder") if others else ""
    if not files:
        there = f"; it holds {left_out}" if others else ""
        raise ValueError(f"no {kind} in {folder}; files that end in {', '.join(extensions)} are read{there}")
    if others:
        say(f"left out {left_out}: not read as {kind}")
    return files


def files_of_split(
    root: str | Path, split: str | None, extensions: tuple[str, ...], kind: str, labels: str | None
) -> tuple[Path, list[str]]:
    """Return the folder of a split, and the files in it of one sample each; see the three functions that this calls."""
    folder = chosen_folder(root, split)
    files = data_files(folder, extensions, kind, labels)
    check_root(folder, split, files, labels)
    return folder, files


def check_root(folder: Path, split: str | None, samples: Sequence[str], labels: str | None) -> None:
    """Ask where a folder seems to lie above the one that is meant.

    Args:
        split: as it was set; "all" means that the folder is meant as it is.
        samples: posix paths relative to the folder, of what one sample is read from.

    Raises:
        ValueError: it holds the parts of a data set, or all samples lie deep in a single folder.
    """
    if split not in (None, "auto") or labels not in (None, "folder") or (wrong := misplaced(samples, labels)) is None:
        return
    found, meant = wrong
    raise ValueError(
        f"{folder} holds {found}; did you mean {to_type('data.root', folder / meant)}? If it is meant as it is, set "
        "data.split=all"
    )


def misplaced(samples: Sequence[str], labels: str | None) -> tuple[str, str] | None:
    """Return what is in a folder that seems to lie above the one that is meant, and which is; None where it doesn't.

    Args:
        samples: posix paths of what one sample is read from.
        labels: "folder", where their first folders are to be the classes, or None.
    """
    first = list(dict.fromkeys(class_name(sample) for sample in samples))
    if first == ["."]:
        return None
    parts = [name for name in first if PART.fullmatch(name)]
    meant = next((name for name in first if name.lower().startswith("train")), first[0])
    if len(parts) > 1:
        return f"the parts {first_names(parts, NAMED)}, which would be mixed", meant
    if parts == first:
        return f"only {first[0]}", meant
    if len(first) == 1 and labels == "folder" and any(sample.count("/") > 1 for sample in samples):
        return f"a single folder, {printable(first[0])}, in which others lie; they would be one class", meant
    return None


def class_name(file: str) -> str:
    """Return the first folder of a relative path; files right in the root share the class "."."""
    first, *rest = Path(file).parts
    return first if rest else "."


def _left_out(files: Sequence[str], others: Sequence[str], *, by_class: bool) -> str:
    """Return how many files there are of each ending, and of each class; which classes have no others."""
    text = counted_endings(Counter(Path(path).suffix.lower() for path in others))
    classes = Counter(map(class_name, others))
    if not by_class or classes.keys() == {"."}:
        return text
    gone = sorted(classes.keys() - set(map(class_name, files)) - {"."})
    more = f", which leaves nothing of {first_names(gone, NAMED)}" if gone else ""
    return f"{text} of class {_counted(classes, '{name} ({number:,})')}{more}"


def counted_endings(endings: Counter[str]) -> str:
    """Return how many files there are, and of each ending."""
    named = Counter({ending or "without an ending": number for ending, number in endings.items()})
    return f"{endings.total():,} file{'s' * (endings.total() > 1)} ({_counted(named)})"


def _counted(counts: Counter[str], form: str = "{number:,} {name}") -> str:
    return first_names((form.format(number=number, name=name) for name, number in counts.most_common()), NAMED)


def groups_of_same(things: Iterable[Hashable]) -> list[int] | None:
    """Return a number for each, the same for those that are equal; None where all differ."""
    things = list(things)
    numbers = {thing: number for number, thing in enumerate(dict.fromkeys(things))}
    return [numbers[thing] for thing in things] if len(numbers) < len(things) else None


def is_junk(name: str) -> bool:
    """Say whether a file or folder is hidden, or what a system has left."""
    return name.startswith(".") or name.lower() in JUNK or name.endswith(OURS)


def _below(folder: Path, inside: str = "", above: tuple[Path, ...] = ()) -> Iterator[str]:
    """Yield all files that may belong to the data, as posix paths relative to a folder; pipes and devices are none.

    A link to nothing is one, so that it is named.
    """
    here = folder.resolve()
    if here in above:
        return
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if is_junk(entry.name):
            continue
        if _is_folder(entry):
            yield from _below(Path(entry), f"{inside}{entry.name}/", (*above, here))
        elif (entry.is_symlink() and not Path(entry).exists()) or entry.is_file():
            yield f"{inside}{entry.name}"


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False
