"""The checkpoints in a run folder: which there are, in what order, and which of them can be used."""

import re
import zipfile
import zlib
from pathlib import Path

from torch import Tensor

from framegan.sampling import read_checkpoint


def check(checkpoint: Path) -> None:
    """Raise ValueError where a checkpoint is not all there, by the checksums in it, or is something else."""
    contents = read_checkpoint(checkpoint, mapped=True)
    if zipfile.is_zipfile(checkpoint):
        with zipfile.ZipFile(checkpoint) as file:
            try:
                damaged = file.testzip()
            except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError, RuntimeError, zlib.error) as error:
                damaged = str(error)
        if damaged:
            raise ValueError(f"{checkpoint} is damaged, its contents don't fit their checksums")
    state = contents["state_dict"]
    clock = state.get("samples_seen")
    if not isinstance(clock, Tensor) or clock.numel() != 1 or not clock >= 0:
        raise ValueError(f"{checkpoint} is not a checkpoint of a run (its samples_seen is {clock})")


def is_whole(checkpoint: Path) -> bool:
    """Say whether a run can go on from a checkpoint."""
    try:
        check(checkpoint)
    except ValueError:
        return False
    return True


def samples_seen_of(checkpoint: Path) -> int | None:
    """Return the clock of a checkpoint; None where it isn't there, is damaged or is something else."""
    if not is_whole(checkpoint):
        return None
    return int(read_checkpoint(checkpoint, mapped=True)["state_dict"]["samples_seen"])


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
