"""How this program was started, `framegan train` or `python src/train.py`, and how it starts itself again."""

import os
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
SOURCE = PACKAGE.parent
STARTED_BY = "FRAMEGAN_STARTED_BY"
"""Environment variable: whether the process that has started this one was a script in src/."""


def is_script() -> bool:
    """Say whether this process, or the one that has started it, is a script in src/."""
    return os.environ.get(STARTED_BY) == "script" or Path(sys.argv[0]).absolute().parent == SOURCE


def leave_script_folder() -> None:
    """Take what Python puts first on its path off it: the folder of a script, or with -m the working folder.

    Any name may lie there, such as that of a module that a library imports. Where framegan is found nowhere else, the
    folder it lies in is the last one.
    """
    if not sys.flags.safe_path:
        del sys.path[0]
    if all(finder.find_spec("framegan", None) is None for finder in sys.meta_path):
        sys.path.append(str(SOURCE))


def start(command: str) -> list[str]:
    """Return the words that start a command as another process, whether framegan is installed or not."""
    return [sys.executable, str(PACKAGE / "__main__.py"), command]


def configurations() -> Path:
    """Return the folder of the configuration: that of the project, or in an installed package its copy."""
    in_project = SOURCE.parent / "conf"
    return in_project if (SOURCE.parent / "pyproject.toml").exists() else PACKAGE / "conf"
