"""The folder of this user's that keeps what is found out or downloaded, and can be found out or downloaded again."""

import os
from pathlib import Path


def user_cache(*below: str, variable: str | None = None) -> Path:
    """Return a folder in the user's cache; it need not exist yet.

    Args:
        below: folders in $XDG_CACHE_HOME/framegan, or in ~/.cache/framegan where that isn't set.
        variable: an environment variable that names another folder in the place of all this, where it is set.
    """
    chosen = os.environ.get(variable) if variable else None
    if chosen:
        return Path(chosen).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "framegan" / Path(*below)
