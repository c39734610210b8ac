"""Locks: one process at a time, by a file beside what it writes. A process that is killed lets go of its own."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP}
"""Numbers of the errors with which a file system says that it has no locks."""


class HeldError(ValueError):
    """Another process is in the block of a lock file."""


def is_held(path: Path) -> bool:
    """Say whether a process is in the block of a lock file; False where nobody can tell."""
    if not path.exists():
        return False
    try:
        with alone(path, "held"):
            return False
    except HeldError:
        return True
    except OSError:
        return False


@contextmanager
def alone(path: Path, refusal: str | None = None, patience: float = 0.0, waiting: str | None = None) -> Iterator[None]:
    """Let one process at a time into the block; everybody where the file system has no locks.

    Args:
        path: the lock file, which stays.
        refusal: what the error says where another process is still in the block. None = wait as long as it takes.
        patience: seconds to wait before that.
        waiting: what is printed then.

    Raises:
        HeldError: another process is in the block.
        OSError: the lock file can't be written.
    """
    lock = FileLock(path, fallback_to_soft=False)
    try:
        try:
            lock.acquire(blocking=False)
        except Timeout:
            if waiting:
                print(waiting, flush=True)
            lock.acquire(timeout=-1 if refusal is None else patience)
    except Timeout:
        raise HeldError(refusal) from None
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
    try:
        yield
    finally:
        lock.release()
