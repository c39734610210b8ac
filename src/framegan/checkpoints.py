"""The checkpoints in a run folder: which there are, in what order, and which of them can be used."""

import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from framegan.sampling import read_checkpoint


def samples_seen_of(checkpoint: Path) -> int:
    """Return the clock of a checkpoint that a run can go on from.

    Raises:
        ValueError: it is not all there, by the checksums in it, or is something else.
    """
    state = read_checkpoint(checkpoint, mapped=True)["state_dict"]
    if zipfile.is_zipfile(checkpoint):
        with zipfile.ZipFile(checkpoint) as file:
            try:
                damaged = file.testzip()
            except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError, RuntimeError, zlib.error) as error:
                damaged = str(error)
        if damaged:
            raise ValueError(f"{checkpoint} is damaged, its contents don't fit their checksums")
    clock = state.get("samples_seen")
    if clock is None or clock.numel() != 1 or not clock >= 0:
        raise ValueError(f"{checkpoint} is not a checkpoint of a run (its samples_seen is {clock})")
    return int(clock)


def clocks(checkpoints: Iterable[Path]) -> Iterator[tuple[Path, int]]:
    """Yield those checkpoints that a run can go on from, with their samples_seen; the others are passed over."""
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
    """Return the checkpoints of a run in the order in which it should go on from them, the best as a last resort."""
    candidates = (folder / "last.ckpt", *reversed(numbered(folder)), folder / "best.ckpt")
    return [path for path in candidates if path.exists()]
