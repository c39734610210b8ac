"""The checkpoints in a run folder: which there are, in what order, and which of them can be used."""

import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from framegan.files import atomic
from framegan.runs.checkpoint import samples_seen_of

NAMED = "named_checkpoints.txt"
"""In the run folder: the samples_seen of those that a message has named, a line each."""
MOST_NAMED = 16
"""How many checkpoints are kept because a message named them; a run warns once of each kind of sign."""


def clocks(checkpoints: Iterable[Path]) -> Iterator[tuple[Path, int]]:
    """Yield those checkpoints that a run can resume from, with their samples_seen; the others are passed over."""
    for checkpoint in checkpoints:
        with suppress(ValueError):
            yield checkpoint, samples_seen_of(checkpoint)


def numbered(folder: Path) -> list[Path]:
    """Return the checkpoints that carry their samples_seen in their name, oldest first; no copies of users."""
    found = [path for path in folder.glob("samples_*.ckpt") if re.fullmatch(r"samples_[0-9]+", path.stem)]
    return sorted(found, key=number_of)


def number_of(checkpoint: Path) -> int:
    """Return the samples_seen in the name of a numbered checkpoint."""
    return int(checkpoint.stem.removeprefix("samples_"))


def newest_first(folder: Path) -> list[Path]:
    """Return the checkpoints of a run in the order in which to resume from them, the best as a last resort."""
    candidates = (folder / "last.ckpt", *reversed(numbered(folder)), folder / "best.ckpt")
    return [path for path in candidates if path.exists()]


def lasting(checkpoint: Path, samples_seen: int) -> Path:
    """Return the numbered checkpoint that is the same as one of a run, for a message to name.

    last.ckpt and best.ckpt will be others by the time somebody reads it. It is kept from now on: `prune` leaves it.
    """
    folder = checkpoint.parent
    path = folder / f"samples_{samples_seen}.ckpt"
    if checkpoint != path:
        copy(checkpoint, path)
    others = [number for number in _named(folder) if number != samples_seen]
    atomic.write_text(folder.parent / NAMED, "".join(f"{number}\n" for number in [*others, samples_seen][-MOST_NAMED:]))
    return path


def prune(folder: Path, keep: int) -> None:
    """Remove all but the newest `keep` of the numbered checkpoints, and but those that a message has named."""
    named = _named(folder)
    rest = [path for path in numbered(folder) if number_of(path) not in named]
    for old in rest[: -keep or None]:
        old.unlink()


def copy(source: Path, target: Path) -> None:
    """Make `target` the same file as `source`, whole or not at all; a second copy where links are unavailable."""
    with atomic.new_file(target) as part:
        part.unlink(missing_ok=True)
        try:
            os.link(source, part)
        except OSError:
            shutil.copyfile(source, part)


def _named(folder: Path) -> list[int]:
    path = folder.parent / NAMED
    return [int(number) for number in re.findall(r"[0-9]{1,18}", path.read_text())] if path.exists() else []
