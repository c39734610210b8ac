"""Names and paths as they are printed: in messages, and on lines that can be copied into a shell."""

import os
import re
import shlex
import unicodedata
from collections.abc import Iterable, Mapping
from numbers import Real
from pathlib import Path
from typing import Any

from framegan import program

PLAIN = re.compile(r"(?!(null|true|false|inf|nan)$)([a-z_/]|\.\.?/)[\w./-]*", re.ASCII | re.IGNORECASE)
"""What both the shell and Hydra take for a path as it stands."""
SECRET = re.compile(
    r"((?:api|access|secret)_?key|(?:access|auth|hf)_?token|password|secret)['\"]?\s*[=:](?!\s*['\"]?\\?\$)",
    re.IGNORECASE,
)
"""A setting that is called so and given where it stands, unless it is to be read from the environment."""
HOME = re.compile(r"(?<![\w.~-])(/(?:home|Users)/[^/\s'\",:;\]})]+|/root)(?![\w.-])")
PASSED = re.compile(rf"""({SECRET.pattern})(\s*)('[^']*'|"[^"]*"|[^\s,;&\]}})]+)""", re.IGNORECASE)
REFERENCE = re.compile(r"(\\*)\$\{")
"""What OmegaConf takes for a reference to another setting, unless a backslash stands before it."""
IN_ADDRESS = re.compile(r"(\w://)[^/\s@]+@")


def command(name: str, *settings: str) -> str:
    """Return the line that runs a command from the folder that this process is in, as this process was started."""
    if not program.is_script():
        return " ".join(["framegan", name, *settings])
    file = program.SOURCE / f"{'train_classifier' if name == 'classifier' else name}.py"
    near = os.path.relpath(file)
    place = str(file) if near.startswith(f"..{os.sep}..{os.sep}") else near
    return " ".join(["python", shlex.quote(place), *settings])


def to_type(key: str, path: str | Path) -> str:
    """Return KEY=PATH as it is written in a shell, quoted for the shell and for Hydra where they need it."""
    return f"{key}={path}" if PLAIN.fullmatch(str(path)) else shlex.quote(f"{key}={quoted(path)}")


def quoted(path: str | Path) -> str:
    """Return a path in the quotes of Hydra's grammar."""
    mark = "'" if '"' in str(path) else '"'
    escaped = re.sub(rf"(\\*)({mark}|\Z)", lambda found: found[1] * 2 + (f"\\{mark}" if found[2] else ""), str(path))
    return f"{mark}{escaped}{mark}"


def public(text: str) -> str:
    """Return what others may read of a text: ~ in place of home folders, *** of what is called like a secret."""
    own = str(Path.home())
    text = HOME.sub("~", re.sub(rf"{re.escape(own)}(?![\w.-])", "~", text) if len(own) > 1 else text)
    return IN_ADDRESS.sub(r"\1***@", PASSED.sub(r"\1\3***", text))


def printable(name: str) -> str:
    """Return a name as it is printed: as Python writes it where it has line breaks or other control characters."""
    return name if name.isprintable() else repr(name)


def composed(name: str) -> str:
    """Return a name as most systems write it: macOS writes an umlaut as two characters, and both look the same."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def without_addresses(text: str) -> str:
    """Return what Python writes of an object without its address in memory, which is another one in each process."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", text)


def first_names(names: Iterable[str], most: int) -> str:
    """Return names as they are printed, those after the first few as a number: "a, b and 3 more"."""
    printed = [printable(name) for name in names]
    more = f" and {len(printed) - most:,} more" if len(printed) > most else ""
    return ", ".join(printed[:most]) + more


def words(choices: Mapping[str, Any]) -> list[str]:
    """Return settings as they are typed behind a command, of values as Python has them.

    Raises:
        ValueError: a value is of another kind.
    """
    return [f"{key}={typed(value, key)}" for key, value in choices.items()]


def typed(value: Any, key: str) -> str:
    """Return a value as it is typed on the command line; texts are never read as anything else."""
    if value is None or isinstance(value, bool):
        return {None: "null", False: "false", True: "true"}[value]
    if isinstance(value, Real):
        return str(value)
    if getattr(value, "shape", None) == ():  # a tensor, or a NumPy value that is no number
        return typed(value.item(), key)
    if isinstance(value, str | os.PathLike):
        # a Path would drop the ./ in front and the / behind
        text = os.path.expanduser(os.fspath(value))  # noqa: PTH111
        return text if PLAIN.fullmatch(text) else quoted(REFERENCE.sub(r"\1\1\\${", text))
    if isinstance(value, list | tuple):
        return f"[{','.join(typed(one, key) for one in value)}]"
    if isinstance(value, Mapping):
        return f"{{{','.join(f'{_escaped(name)}:{typed(one, key)}' for name, one in value.items())}}}"
    raise ValueError(f"{key} got a {type(value).__name__}; it should be None, a number, text, a path, a list or a dict")


def _escaped(name: object) -> str:
    """Return a key of a dictionary as Hydra's grammar reads it, which has no quotes there."""
    return re.sub(r"([\\()\[\]{}:=, \t])", r"\\\1", str(name))
