"""What every way of preparing data says, and where it stops."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from framegan.cli import errors
from framegan.files.atomic import FULL, UNWRITABLE

GB = 1e9


def check_room(folder: Path, num_bytes: int, remedies: str) -> None:
    """Stop where a disk has less than this room left, with what else to set."""
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    free = shutil.disk_usage(there).free
    if num_bytes > free:
        sizes = f"{num_bytes / GB:,.2f} GB, and its disk has {free / GB:,.2f} GB free"
        errors.stop(f"{folder} needs {sizes}; {remedies}")


@contextmanager
def stopped_if_full(folder: Path, again: str, elsewhere: str) -> Iterator[None]:
    """Stop with what to do where a disk is full before all is written, whoever else has filled it.

    Args:
        again: what the same command does then.
        elsewhere: what to set where the folder may not be written.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in UNWRITABLE:
            raise
        remedy = "make room" if error.errno in FULL else f"set {elsewhere}"
        errors.stop(f"{folder} can't be written: {error}; {remedy}, and the same command {again}")
