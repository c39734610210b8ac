"""Arguments of the scripts: what one means, and those that one script gives to another.

A value is taken as it is written: what Hydra's grammar can't read, and every path, is put into Hydra's quotes before
Hydra sees it. docs/configuration.md states the rule.
"""

import os
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from framegan.quoting import PLAIN, quoted

PATHS = {"root", "cache_dir", "labels", "weights", "path", "checkpoint", "fake", "out", "resume", "init_from", "strips"}
PATHS |= {"dir", "subdir", "submitit_folder", "images", "given"}
"""Last parts of the keys whose values are paths, or words that are no paths of their own such as `weights=ema`."""
LISTS = {"trust", "beside", "interpolate", "postprocess"}
"""Last parts of the keys whose values are lists: several need no brackets."""
OR_LISTS = {"category", "weights"}
"""Keys whose values may be lists: likewise."""
FUNCTIONS = re.compile(r"(choice|range|interval|glob|shuffle|sort|tag|int|float|str|bool|json_str|extend_list)\s*\(")
"""How the functions of Hydra's grammar begin."""
ELEMENT = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|(?:\$\{[^}]*\}|[^,])*)(?:,|$)""", re.DOTALL)
"""One of several values with commas between them: in quotes, or anything in which no comma is but in ${...}."""


def parsed(argument: str) -> Any:
    """Return Hydra's override for an argument; None where its grammar can't read it."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        return OverridesParser.create().parse_override(argument)
    except HydraException:
        return None


def value_of(key: str, words: Sequence[str]) -> Any:
    """Return what Hydra understands by the last KEY=VALUE of a command line; None without one."""
    given = [word for word in words if word.startswith(f"{key}=")]
    override = parsed(as_typed(given[-1], sweeps=False)) if given else None
    return None if override is None else override.value()


def is_place(word: str) -> bool:
    """Say whether a word is a path and no setting, though it has a `=`, as the folders of a sweep's runs do."""
    place = os.path.expanduser(word)  # noqa: PTH111  # a Path would raise where the user is unknown
    return ("/" in word.partition("=")[0] or word.endswith("/")) and os.path.exists(place)  # noqa: PTH110  # or the name too long


def each(argument: str, options: Sequence[str] = ()) -> list[str]:
    """Return the settings that a sweep over choices stands for, and any other setting as it is.

    Args:
        options: from which glob(...) chooses.
    """
    from hydra.core.override_parser.types import Glob

    override = parsed(argument)
    if override is None or not override.is_choice_sweep():
        return [argument]
    value = override.value()
    values = value.filter(list(options)) if isinstance(value, Glob) else list(override.sweep_string_iterator())
    return [f"{override.get_key_element()}={value}" for value in values] or [argument]


def as_typed(argument: str, *, sweeps: bool) -> str:
    """Return KEY=VALUE for Hydra, so that it takes the value as it was typed; twice changes nothing more.

    Args:
        sweeps: whether commas stand between the values of a sweep (-m).
    """
    key, mark, value = argument.partition("=")
    if not mark:  # ~KEY
        return argument
    last, is_swept = re.split(r"[./@]", key)[-1], sweeps and not key.startswith("hydra.")
    is_several = key in OR_LISTS and "," in value and not is_swept
    if (last in LISTS or is_several) and value and not value.startswith(("[", "'", '"')):
        value = f"[{quoted(value) if is_place(value) else value}]"
        argument = f"{key}={value}"
    elif last in PATHS and not (key in OR_LISTS and value.startswith("[")):
        return f"{key}={_path(value, sweeps=is_swept)}"
    if parsed(f"key={value}") is not None:
        return argument
    if value.startswith("[") and value.endswith("]"):
        listed = ",".join(_readable(element.strip()) for element in elements(value[1:-1]))
        if parsed(f"key=[{listed}]") is not None:
            return f"{key}=[{listed}]"
    return f"{key}={','.join(map(_readable, elements(value))) if is_swept else quoted(value)}"


def elements(text: str) -> list[str]:
    """Return the values in a text that commas stand between."""
    found = ELEMENT.findall(text)
    return found if text.endswith(",") or not found else found[: max(1, len(found) - 1)]


def _path(value: str, *, sweeps: bool) -> str:
    """Return a path as Hydra reads it: ~ is the home folder, and nothing else has a meaning but null and ${...}."""
    if value.lower() in ("", "null") or _is_quoted(value) or (FUNCTIONS.match(value) and parsed(f"key={value}")):
        return value
    if sweeps and "," in value:
        return ",".join(_path(element, sweeps=False) for element in elements(value))
    # a Path would drop the ./ in front and the / behind
    path = os.path.expanduser(value)  # noqa: PTH111
    return path if PLAIN.fullmatch(path) else quoted(path)


def _readable(value: str) -> str:
    return value if parsed(f"key={value}") is not None else quoted(value)


def _is_quoted(value: str) -> bool:
    from hydra.core.override_parser.types import QuotedString

    override = parsed(f"key={value}") if value.startswith(("'", '"')) else None
    return override is not None and isinstance(override._value, QuotedString)


def split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return Hydra's own options, each with what it takes, and everything else."""
    options, rest, waiting = [], [], list(arguments)
    while waiting:
        word = waiting.pop(0)
        name, has_value, _ = word.partition("=")
        if name not in takes_value():
            rest.append(word)
            continue
        options.append(word)
        may_take = not has_value and bool(waiting) and takes_value()[name] is not False
        if may_take and (takes_value()[name] or waiting[0] in INFORMATION):
            options.append(waiting.pop(0))
    return options, rest


INFORMATION = ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")


@cache
def takes_value() -> dict[str, bool | None]:
    """Return whether each of Hydra's options takes a value; None: it may."""
    from hydra._internal.utils import get_args_parser

    found: dict[str, bool | None] = {}
    for action in get_args_parser()._actions:
        taken = None if action.nargs == "?" else action.nargs != 0 and bool(action.option_strings)
        found |= dict.fromkeys(action.option_strings, taken)
    return found


def is_multirun(options: Sequence[str], settings: Sequence[str]) -> bool:
    return bool({"-m", "--multirun"} & set(options)) or "hydra.mode=MULTIRUN" in settings


def started_in(folder: str | Path, configuration: Path) -> tuple[list[str], list[str]]:
    """Return the options and settings with which a script runs in an existing folder.

    Args:
        configuration: the folder whose config.yaml it takes.
    """
    options = ["--config-path", str(configuration), "--config-name", "config"]
    return options, [f"hydra.run.dir={quoted(folder)}", "hydra.output_subdir=null"]
