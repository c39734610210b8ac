"""Checks a composed configuration before anything is built: the annotations of what it instantiates are the schema.

Every node with a `_target_` is compared with the signature it will be called with: unknown keys are refused and each
value has to fit its annotation. A value from elsewhere (`${data.batch_size}`) is reported under the key where the user
set it. Plain keys that nothing reads are misspelt, and refused too.
"""

import difflib
import inspect
import json
import re
import typing
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from typing import Any

from pydantic import ConfigDict, PydanticUserError, TypeAdapter, ValidationError
from pydantic.errors import PydanticSchemaGenerationError
from pydantic_core import SchemaError

from framegan.containers import texts, walk
from framegan.own_code import OwnCodeError, locate

Config = dict[str, Any]
Misfit = tuple[str, Any, str]
"""The key to blame, the value it got, and the line that says what is wrong."""

HYDRA_KEYS = {"_target_", "_partial_", "_convert_", "_recursive_", "_args_"}
A_PART = "it should be a part, whose class {key}._target_ names"
NOT_FROM_YAML = {"callable_type", "needs_python_object"}
"""What pydantic says of the members of a union that no configuration can hold, such as a tensor or a function."""
PLAIN_WORDS = {"a valid boolean": "true or false", "a valid array": "a list"}
NAMED = re.compile(r"\$\{(?:oc\.select:)?(\w[\w.]*)")
"""A setting that another one is read from, within what was written there."""
REFERENCE = re.compile(NAMED.pattern + r"(?:,[^{}]*)?\}")
"""An interpolation that has no other within it."""


def check(config: Config, raw: Config, read_by_script: Collection[str]) -> None:
    """Raise ValueError with one line for each thing that is wrong.

    Args:
        config: the configuration as plain containers, interpolations resolved.
        raw: the same with the interpolations as they were written, e.g. "${data.batch_size}".
        read_by_script: dotted keys that the entry script reads itself, or fills in later where they are null.
    """
    misfits = [
        line
        for path, node in walk(config)
        if _is_part(node) and _set_at(path, raw)[0] == path
        for key, value, line in _misfits(node, path, raw)
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


def _misfits(node: Config, path: str, raw: Config) -> list[Misfit]:
    """Return what is wrong with the settings of a part; `raw` is all of the configuration as it was written."""
    try:
        target = locate(node["_target_"])
    except OwnCodeError as error:
        return [(path, node, str(error))]
    except ValueError as error:
        return [(path, node, f"{path}._target_ got {node['_target_']!r}: {error}")]
    parameters = inspect.signature(target).parameters
    hints = _annotations(target.__init__ if inspect.isclass(target) else target)
    takes_any = any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters.values())
    found: list[Misfit] = []
    for key in (key for key in node if key not in HYDRA_KEYS):
        if key in parameters:
            found += _misfit(node[key], *_set_at(f"{path}.{key}", raw), hints.get(key, inspect.Parameter.empty))
        elif not takes_any:
            unknown = f"{path}.{key} is not a setting of {node['_target_']}{_did_you_mean(key, parameters)}"
            found.append((path, node, unknown))
    return found


def _annotations(function: Any) -> dict[str, Any]:
    """Return the annotations of arguments, without those by names that are imported for type checkers alone."""
    found: dict[str, Any] = {}
    names = getattr(inspect.unwrap(function), "__globals__", None)
    for name, annotation in getattr(function, "__annotations__", {}).items():
        with suppress(NameError):
            alone = type(name, (), {"__annotations__": {name: annotation}})
            found |= typing.get_type_hints(alone, names, include_extras=True)
    return found


def _set_at(path: str, raw: Config) -> tuple[str, Any]:
    """Return the key under which a value was set, and what was: where the interpolations that lead to it begin."""
    written, below = _written(path, raw)
    if not isinstance(written, str) or not _is_reference(written):
        return path, written
    names = NAMED.findall(written)
    there = (name for name in names if _written(name, raw)[0] is not None)
    return _set_at(".".join([next(there, names[0]), *below]), raw)


def _is_reference(written: str) -> bool:
    """Say whether a value is read from others alone: from the first of them that is there."""
    rest, before = REFERENCE.sub("_", written), written
    while rest != before:  # from the inside out
        rest, before = REFERENCE.sub("_", rest), rest
    return rest == "_" != written


def _written(path: str, raw: Config) -> tuple[Any, list[str]]:
    """Return what was written at a path, or at a reference on the way, and the parts of the path below that."""
    written: Any = raw
    below = re.findall(r"[^.\[\]]+", path)
    while below and isinstance(written, dict | list):
        part = below.pop(0)
        written = written.get(part) if isinstance(written, dict) else written[int(part)]
    return written, below


def _misfit(value: Any, key: str, written: Any, annotation: Any) -> Iterator[Misfit]:
    """Yield how a value fails its annotation; nodes that will be instantiated are checked on their own.

    What comes from the environment may be secret: an interpolation is shown as it was written.
    """
    if annotation is inspect.Parameter.empty or any(_is_part(node) for _, node in walk(value)):
        return
    try:
        adapter = TypeAdapter(annotation, config=ConfigDict(arbitrary_types_allowed=True))
    except PydanticSchemaGenerationError:
        return
    except SchemaError:  # a protocol, of which a configuration holds nothing but parts
        yield key, value, f"{key} got {value!r}; {A_PART.format(key=key)}"
        return
    except PydanticUserError:  # the type brings its own pydantic configuration
        adapter = TypeAdapter(annotation)
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
        adapter.validate_json(text.encode(errors="replace"), strict=True)  # pydantic takes no name that isn't UTF-8
    except ValidationError as error:
        found = [problem for problem in error.errors() if problem["type"] not in NOT_FROM_YAML]
        problems = ["longer" if p["type"] == "missing" else p["msg"].removeprefix("Input should be ") for p in found]
        expected = dict.fromkeys(PLAIN_WORDS.get(problem, problem) for problem in problems)
        if not expected:
            yield key, value, f"{key} got {value!r}; {A_PART.format(key=key)}"
            return
        shown = written if "${" in str(written) else value
        whole = isinstance(value, float) and value.is_integer() and "a valid integer" in expected
        alone = list(expected) == ["a list"] and isinstance(value, str | int | float)
        rest = f"; set {key}={int(value)}" if whole else f"; set {key}=[{shown}]" if alone else ""
        yield key, value, f"{key} got {shown!r}; it should be {' or '.join(expected)}{rest}"


def _unread(raw: Config, read: set[str]) -> Iterator[str]:
    """Yield the plain keys outside nodes with a `_target_` that no interpolation and no script reads."""
    references = {match for _, text in texts(raw) for match in NAMED.findall(text)}
    for key in _plain_keys(raw, ""):
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


def _is_part(node: Any) -> bool:
    return isinstance(node, dict) and "_target_" in node


def _did_you_mean(key: str, choices: Collection[str]) -> str:
    close = difflib.get_close_matches(key, list(choices), n=1)
    return f"; did you mean {close[0]}?" if close else f"; there are: {', '.join(sorted(choices))}"
