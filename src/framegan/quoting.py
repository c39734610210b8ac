"""Paths on the lines that are printed to be typed."""

import re
import shlex
from pathlib import Path

PLAIN = re.compile(r"(?!(null|true|false|inf|nan)$)([a-z_/]|\.\.?/)[\w./-]*", re.ASCII | re.IGNORECASE)
"""What both the shell and Hydra take for a path as it stands."""


def to_type(key: str, path: str | Path) -> str:
    """Return KEY=PATH as it is typed in a shell, quoted for the shell and for Hydra where they need it."""
    return f"{key}={path}" if PLAIN.fullmatch(str(path)) else shlex.quote(f"{key}={quoted(path)}")


def quoted(path: str | Path) -> str:
    """Return a path in the quotes of Hydra's grammar."""
    mark = "'" if '"' in str(path) else '"'
    escaped = re.sub(rf"(\\*)({mark}|$)", lambda found: found[1] * 2 + (f"\\{mark}" if found[2] else ""), str(path))
    return f"{mark}{escaped}{mark}"
