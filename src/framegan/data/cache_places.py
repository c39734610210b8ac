"""Where what is worked out from data is kept: next to the data, or where that can't be written, in the user's cache."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from framegan.files import lock as locks
from framegan.files.user_cache import user_cache


def places(root: Path) -> tuple[Path, Path]:
    """Return the folders in which it is looked for; they need not exist.

    The first is `<root>.framegan`, next to the data and never among them, which many users may share. The second is a
    folder of the user's cache that belongs to this root.
    """
    root = root.expanduser().resolve()
    return root.parent / f"{root.name}.framegan", user_cache(hashlib.sha256(os.fsencode(root)).hexdigest()[:16])


def beside(root: Path) -> Path:
    """Return the folder to write to: the first of the places that can be written."""
    shared, own = places(root)
    return shared if os.access(shared if shared.exists() else shared.parent, os.W_OK | os.X_OK) else own


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Let one process at a time into the block, where a lock can be written and the file system has locks."""
    with ExitStack() as held:
        with suppress(OSError):
            lock.parent.mkdir(parents=True, exist_ok=True)
            held.enter_context(locks.alone(lock))
        yield
