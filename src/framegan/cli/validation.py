"""Checks a composed configuration before anything is built: the annotations of what it instantiates are the schema.

Every node with a `_target_` is compared with the signature it will be called with: unknown keys are refused and each
value has to fit its annotation. A value that was typed elsewhere (`${data.batch_size}`) is reported under the key the
user typed. Plain keys that nothing reads are misspelt, and refused too.
"""

import difflib
import inspect
import json
import re
import typing
from collections.abc import Callable, Collection, Iterator
from typing import Any

from pydantic import ConfigDict, PydanticUserError, TypeAdapter, ValidationError
from pydantic.errors import PydanticSchemaGenerationError

from framegan.containers import texts, walk
from framegan.runs.trust import locate

Config = dict[str, Any]
Misfit = tuple[str, Any, str]
"""The key to blame, the value it got, and the line that says what is wrong."""

HYDRA_KEYS = {"_target_", "_partial_", "_convert_", "_recursive_", "_args_"}
NOT_FROM_YAML = {"needs_python_object"}
"""What pydantic says of the members of a union that no configuration can hold, such as a tensor."""
REFERENCE = re.compile(r"\$\{(?:oc\.select:)?([\w.]+)(?:,[^}]*)?\}")


def check(config: Config, raw: Config, read_by_script: Collection[str]) -> None:
    """Raise ValueError with one line for each thing that is wrong.

    Args:
        config: the configuration as plain containers, interpolations resolved.
        raw: the same with the interpolations as they were written, e.g. "${data.batch_size}".
        read_by_script: dotted keys that the entry script reads itself, or fills in later where they are null.
    """
    misfits = [
        line
        for path, node, written in _parts(config, raw, "")
        for key, value, line in _misfits(node, written, path, raw)
        if not (key in read_by_script and _has_gap(value))
    ]
    problems = [*misfits, *_unread(raw, set(read_by_script))]
    if problems:
        raise ValueError("\n".join(dict.fromkeys(problems)))


def check_call(config: Config, raw: Config, function: Callable[..., Any]) -> None:
    """Raise ValueError with one line for each value that doesn't fit its annotation in a function; see `check`."""
    hints = typing.get_type_hints(function, include_extras=True)
    problems = [line for key, value in config.items() for *_, line in _misfit(value, key, raw[key], hints[key])]
    if problems:
        raise ValueError("\n".join(problems))


def _parts(node: Any, raw: Any, path: str) -> Iterator[tuple[str, Config, Any]]:
    """Yield what will be built below a node: its key, and its settings as they are and as they were written."""
    if isinstance(node, dict):
        if "_target_" in node:
            yield path, node, raw
        for key, value in node.items():
            yield from _parts(value, _written(raw, key), f"{path}.{key}".lstrip("."))
    elif isinstance(node, list) and isinstance(raw, list):
        for index, (value, raw_value) in enumerate(zip(node, raw, strict=True)):
            yield from _parts(value, raw_value, f"{path}[{index}]")


def _written(raw: Any, key: str) -> Any:
    """Return what was written for a key; below an interpolation that is the interpolation."""
    return raw[key] if isinstance(raw, dict) else raw


def _misfits(node: Config, raw: Any, path: str, whole: Config) -> list[Misfit]:
    """Return what is wrong with the settings of a node with a `_target_`; `whole` is all of the raw configuration."""
    try:
        target = locate(node["_target_"])
    except ValueError as error:
        return [(path, node, f"{path}._target_ got {node['_target_']!r}: {error}")]
    parameters = inspect.signature(target).parameters
    hints = typing.get_type_hints(target.__init__ if inspect.isclass(target) else target, include_extras=True)
    takes_any = any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters.values())
    found: list[Misfit] = []
    for key in (key for key in node if key not in HYDRA_KEYS):
        if key in parameters:
            typed = _typed_at(f"{path}.{key}", _written(raw, key), whole)
            found += _misfit(node[key], *typed, hints.get(key, inspect.Parameter.empty))
        elif not takes_any:
            unknown = f"{path}.{key} is not a setting of {node['_target_']}{_did_you_mean(key, parameters)}"
            found.append((path, node, unknown))
    return found


def _typed_at(path: str, raw: Any, whole: Config) -> tuple[str, Any]:
    """Return the key under which a value was typed, and what was: where the interpolations that lead to it begin."""
    while isinstance(raw, str) and (match := REFERENCE.fullmatch(raw)):
        path, raw = match[1], whole
        for part in path.split("."):
            raw = raw.get(part) if isinstance(raw, dict) else None
    return path, raw


def _misfit(value: Any, key: str, typed: Any, annotation: Any) -> Iterator[Misfit]:
    """Yield how a value fails its annotation; nodes that will be instantiated are checked on their own.

    What comes from the environment may be secret: an interpolation is shown as it was typed.
    """
    if annotation is inspect.Parameter.empty or _has_target(value):
        return
    try:
        adapter = TypeAdapter(annotation, config=ConfigDict(arbitrary_types_allowed=True))
    except PydanticUserError as error:
        if not isinstance(error, PydanticSchemaGenerationError):
            adapter = TypeAdapter(annotation)  # the type brings its own pydantic configuration
        else:
            return
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
        adapter.validate_json(text.encode(errors="replace"), strict=True)  # pydantic takes no name that isn't UTF-8
    except ValidationError as error:
        found = [problem for problem in error.errors() if problem["type"] not in NOT_FROM_YAML]
        problems = ["longer" if p["type"] == "missing" else p["msg"].removeprefix("Input should be ") for p in found]
        expected = dict.fromkeys(problems)
        shown = typed if "${" in str(typed) else value
        whole = isinstance(value, float) and value.is_integer() and "a valid integer" in expected
        rest = f"; set {key}={int(value)}" if whole else ""
        yield key, value, f"{key} got {shown!r}; it should be {' or '.join(expected)}{rest}"


def _unread(raw: Config, read: set[str]) -> Iterator[str]:
    """Yield the plain keys outside nodes with a `_target_` that no interpolation and no script reads."""
    references = {match for _, text in texts(raw) for match in REFERENCE.findall(text)}
    keys = list(_plain_keys(raw, ""))
    for key in keys:
        if not any(key == name or key.startswith(f"{name}.") for name in references | read):
            yield f"{key} is not a setting{_did_you_mean(key, references | read)}"


def _plain_keys(node: Config, path: str) -> Iterator[str]:
    for key, value in node.items():
        here = f"{path}.{key}".lstrip(".")
        if not isinstance(value, dict):
            yield here
        elif "_target_" not in value:
            yield from _plain_keys(value, here)


def _has_gap(value: Any) -> bool:
    return value is None or (isinstance(value, list) and None in value)


def _has_target(value: Any) -> bool:
    return any(isinstance(node, dict) and "_target_" in node for _, node in walk(value))


def _did_you_mean(key: str, choices: Collection[str]) -> str:
    close = difflib.get_close_matches(key, list(choices), n=1)
    return f"; did you mean {close[0]}?" if close else f"; there are: {', '.join(sorted(choices))}"
