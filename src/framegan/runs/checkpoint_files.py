"""The checkpoints in a run folder: which there are, in what order, and which of them can be used."""

import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from framegan.files import atomic
from framegan.runs.checkpoint import samples_seen_of

MOST_NAMED = 16
"""How many checkpoints are kept because a message named them; a run warns once of each kind of sign."""


def clocks(checkpoints: Iterable[Path]) -> Iterator[tuple[Path, int]]:
    """Yield those checkpoints that a run can resume from, with their samples_seen; the others are passed over."""
    for checkpoint in checkpoints:
        with suppress(ValueError):
            yield checkpoint, samples_seen_of(checkpoint)


def numbered(folder: Path) -> list[Path]:
    """Return the checkpoints that carry their samples_seen in their name, oldest first; no copies of users."""
    found = [path for path in folder.glob("*.ckpt") if re.fullmatch(r"(samples|kept)_[0-9]+", path.stem)]
    return sorted(found, key=lambda path: (number_of(path), path.stem))


def number_of(checkpoint: Path) -> int:
    """Return the samples_seen in the name of a numbered checkpoint."""
    return int(checkpoint.stem.rpartition("_")[2])


def newest_first(folder: Path) -> list[Path]:
    """Return the checkpoints of a run in the order in which to resume from them, the best as a last resort."""
    candidates = (folder / "last.ckpt", *reversed(numbered(folder)), folder / "best.ckpt")
    return [path for path in candidates if path.exists()]


def lasting(checkpoint: Path, samples_seen: int) -> Path:
    """Return a copy of a checkpoint, for a message to name: the others change, or go, before somebody reads it."""
    path = checkpoint.with_name(f"kept_{samples_seen}.ckpt")
    if checkpoint != path:
        copy(checkpoint, path)
    return path


def prune(folder: Path, keep: int) -> None:
    """Remove all but the newest `keep` of the numbered checkpoints, and `MOST_NAMED` of those that a message named."""
    for kind, most in (("samples_", keep), ("kept_", MOST_NAMED)):
        for old in [path for path in numbered(folder) if path.stem.startswith(kind)][: -most or None]:
            old.unlink()


def copy(source: Path, target: Path) -> None:
    """Make `target` the same file as `source`, whole or not at all; a second copy where links are unavailable."""
    with atomic.new_file(target) as part:
        part.unlink(missing_ok=True)
        try:
            os.link(source, part)
        except OSError:
            shutil.copyfile(source, part)
