"""The checkpoints in a run folder: which there are, in what order, and which of them can be used."""

import zipfile
from pathlib import Path

from framegan.sampling import read_checkpoint


def is_whole(checkpoint: Path) -> bool:
    """Say whether a checkpoint is all there, by the checksums in it."""
    try:
        with zipfile.ZipFile(checkpoint) as file:
            return file.testzip() is None
    except (zipfile.BadZipFile, EOFError, NotImplementedError, FileNotFoundError):
        return False


def samples_seen_of(checkpoint: Path) -> int | None:
    """Return the clock of a checkpoint; None where it isn't there, is damaged or is something else."""
    if not is_whole(checkpoint):
        return None
    try:
        return int(read_checkpoint(checkpoint, mapped=True)["state_dict"]["samples_seen"])
    except (ValueError, KeyError, TypeError):
        return None


def numbered(folder: Path) -> list[Path]:
    """Return the checkpoints that carry their samples_seen in their name, oldest first."""
    return sorted(folder.glob("samples_*.ckpt"), key=number_of)


def number_of(checkpoint: Path) -> int:
    """Return the samples_seen in the name of a numbered checkpoint."""
    return int(checkpoint.stem.removeprefix("samples_"))


def newest_first(folder: Path) -> list[Path]:
    """Return last.ckpt and the numbered checkpoints, in the order in which a run should go on from them."""
    return [path for path in (folder / "last.ckpt", *reversed(numbered(folder))) if path.exists()]
