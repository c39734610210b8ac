"""What Hydra understands by a setting that its grammar can read."""

from collections.abc import Sequence
from typing import Any

from hydra.core.override_parser.types import Glob

import command_line


def names(text: str) -> list[Any]:
    """Return the options that a setting for Hydra chooses: several in a list or a sweep."""
    override = command_line.parsed(text)
    if override is None:
        return [text.partition("=")[2]]
    if override.is_sweep_override():
        if not override.is_choice_sweep() or isinstance(override.value(), Glob):
            return []
        return [name for part in override.sweep_iterator() for name in _listed_in(part)]
    return _listed_in(override.value())


def _listed_in(value: Any) -> list[Any]:
    value = getattr(value, "text", value)
    return [getattr(name, "text", name) for name in value] if isinstance(value, list) else [value]


def first(text: str, options: Sequence[str] = ()) -> str:
    """Return a setting with the first of the values that it sweeps over; of glob(...), of the options."""
    override = command_line.parsed(text)
    if override is None or not override.is_sweep_override():
        return text
    if isinstance(override.value(), Glob):
        found = override.value().filter(list(options))
    else:
        found = list(override.sweep_string_iterator()) if override.is_choice_sweep() else []
    return f"{override.get_key_element()}={found[0]}" if found else text


def _value_of(text: str) -> Any:
    override = command_line.parsed(text)
    return None if override is None else override.value()


def is_node(text: str) -> bool:
    """Say whether a setting gives keys and values, or what is only known later."""
    value = _value_of(text)
    return isinstance(value, dict) or (isinstance(value, str) and "${" in value) or _sweeps(text)


def is_several(text: str) -> bool:
    """Say whether a setting gives a list or keys and values, which + adds to what is there."""
    return isinstance(_value_of(text), dict | list)


def is_nothing(text: str) -> bool:
    return _value_of(text) is None


def is_single(text: str) -> bool:
    value = _value_of(text)
    return isinstance(value, str | int | float) and not isinstance(value, bool) and "${" not in str(value)


def _sweeps(text: str) -> bool:
    override = command_line.parsed(text)
    return override is not None and override.is_sweep_override()
