"""The index of many video files: what was found out about each of them, kept beside the data for the next run."""

import hashlib
import os
from pathlib import Path


def beside(root: Path) -> Path:
    """Return the folder for what is worked out from the data in root; it need not exist yet.

    It is `<root>.framegan`, next to the data and never among them, or where that can't be written a folder of the
    user's cache that belongs to this root.
    """
    root = root.expanduser().resolve()
    folder = root.parent / f"{root.name}.framegan"
    if os.access(folder if folder.exists() else root.parent, os.W_OK | os.X_OK):
        return folder
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser() / "framegan" / hashlib.sha256(os.fsencode(root)).hexdigest()[:16]
