"""JSON that any program reads, without NaN and in ASCII; names of files that aren't UTF-8 come back as they were."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from framegan.files import atomic


def dumps(content: Any, indent: int | None = None) -> str:
    """Return content as JSON; a number that isn't finite becomes null."""
    return json.dumps(_finite(content), allow_nan=False, indent=indent)


def loads(text: bytes) -> Any:
    """Return what JSON says.

    Raises:
        ValueError: it is none, NaN and nesting without end among others.
    """
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def write(path: Path, content: Any) -> None:
    """Write a JSON file, whole or not at all."""
    atomic.write_text(path, dumps(content, indent=2) + "\n")


def _finite(content: Any) -> Any:
    if isinstance(content, float) and not math.isfinite(content):
        return None
    if isinstance(content, Mapping):
        return {key: _finite(value) for key, value in content.items()}
    return [_finite(value) for value in content] if isinstance(content, list | tuple) else content


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")
