"""Files that appear whole or not at all, and are still there after a power cut: written, synced, renamed, synced.

Whatever a resumed run needs is written in this way. The file beside the place that is being written ends in `.part`.
"""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

FULL = {errno.ENOSPC, errno.EDQUOT}
UNFINISHED: set[Path] = set()
"""What this process is writing at the moment, and would leave behind if it were killed."""
UNWRITABLE = {*FULL, errno.EROFS, errno.EACCES}
"""Numbers of the errors that say that a disk is full, or may not be written."""


@contextmanager
def new_file(path: Path, *, synced: bool = True, shared: bool = False) -> Iterator[Path]:
    """Yield where to write what lies at `path` after the block; where that fails, nothing has changed.

    Args:
        synced: wait until it is on the disk. False = for what nobody resumes from, such as a picture.
        shared: other processes may write the same file at this moment.
    """
    part = part_of(path, shared=shared)
    UNFINISHED.add(part)
    try:
        yield part
        if synced:
            sync(part)
        part.replace(path)
    except OSError as error:
        if error.filename is None and error.errno is not None:  # a full disk doesn't say where it is
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    finally:
        with suppress(OSError):  # whatever has gone wrong before is what counts
            part.unlink(missing_ok=True)
        UNFINISHED.discard(part)
    if synced:
        sync(path.parent)


@contextmanager
def new_folder() -> Iterator[Path]:
    """Yield a folder that is gone after the block."""
    place = Path(tempfile.mkdtemp())
    UNFINISHED.add(place)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
        UNFINISHED.discard(place)


def remove_unfinished() -> None:
    """Remove what this process is writing: for whoever is about to end it."""
    for place in [*UNFINISHED]:
        if place.is_dir():
            shutil.rmtree(place, ignore_errors=True)
        else:
            place.unlink(missing_ok=True)


def part_of(path: Path, *, shared: bool = False) -> Path:
    """Return where a file is written before it is in place."""
    return path.with_name(f"{path.name}.{os.getpid()}.part" if shared else f"{path.name}.part")


def left_in(folder: Path) -> Iterator[Path]:
    """Yield what processes that were killed have left half written."""
    yield from folder.glob("*.part")


def write_text(path: Path, text: str) -> None:
    """Write a text file."""
    with new_file(path) as part:
        part.write_text(text)


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
