"""Settings that give a value, such as seed=3: what Hydra gets of each, or the line about its slip."""

import re
import shlex
from collections.abc import Sequence
from typing import Any

from hydra.errors import HydraException

from framegan.cli import command_line, errors
from framegan.cli.slips.known import REQUIRED, Known
from framegan.cli.slips.setting import Setting
from framegan.cli.slips.similar import NOTHING, below, example, line, listed, meant, nearest, package, rewritten

NUMBER_OR_LIST = {"devices", "resolution", "frame_stride", "samples_seen"}
"""Last parts of the keys of which one number means something else than a list of it."""


def value(setting: Setting, settings: Sequence[Setting], known: Known) -> tuple[str, str]:
    """Return the setting for Hydra of one that gives a value, and the line about it, if any.

    It is set in what is known, as Hydra will set it, for those that come behind.

    Args:
        settings: all of the command line, which may say that a new key belongs to something.
    """
    key, mark = setting.key, setting.mark
    there, node = known.lookup(key)
    text = command_line.as_typed(setting.text, sweeps=known.sweeps)
    if not there and not ("+" in mark and _may_be_added(key, settings, known)):
        return text, _unknown(setting, known)
    right = setting.text if setting.value != "VALUE" else f"{key}={example(key, key, 'VALUE', known)}"
    override = command_line.parsed(command_line.each(text)[0])
    if override is not None and not override.is_sweep_override():
        given = override.value()
        refers = isinstance(given, str) and "${" in given
        is_whole = mark == "~" or isinstance(given, dict) or refers or not (node or given)
        if isinstance(node, dict) and not is_whole:
            return text, _replaced(setting, node, known)
        is_one = isinstance(given, str | int | float) and not (isinstance(given, bool) or refers)
        if isinstance(node, list) and is_one and key.rpartition(".")[2] not in NUMBER_OR_LIST:
            text = f"{text.partition('=')[0]}=[{text.partition('=')[2]}]"
            override = command_line.parsed(text)
        try:
            known.set(override)
        except (HydraException, AssertionError, AttributeError) as error:
            return text, _refusal(setting, there, node, known, error)
    return text, rewritten(setting, right)


def _refusal(setting: Setting, there: bool, node: Any, known: Known, error: Exception) -> str:
    if setting.mark == "+" and there:
        return line(f"{setting}: it is already set", [f"{setting.key}={setting.value}"])
    if setting.mark != "~":
        return line(f"{setting} can't be set: {errors.one_line(error)}")
    if node is None:
        return line(f"{setting}: {setting.key} is null already")
    if "=" not in setting.text:
        return line(f"{setting} can't be left out; set it to another value")
    may_go = "." in setting.key and not known.followers(setting.key)
    meant = f"~{setting.key}" if may_go else f"{setting.key}={setting.value}"
    return line(f"{setting}: {setting.key} is {node!r}", [meant])


def _may_be_added(key: str, settings: Sequence[Setting], known: Known) -> bool:
    """Say whether a key may be new, added with +: Hydra would add any.

    It belongs to Hydra or to a part, which says itself what it takes, or another value refers to it. The part may be
    named, and the value given, before or behind it.
    """
    parts = [other.key for other in settings if "_target_" in other.value]
    parts += [other.key.removesuffix("._target_") for other in settings if other.key.endswith("._target_")]
    places = [key, *_above(key)]
    reference = re.compile(rf"\$\{{(oc\.select:)?{re.escape(key)}\b")
    return (
        key.startswith("hydra.")
        or not set(places).isdisjoint(parts)
        or any(_is_part(known.lookup(place)[1]) for place in places if place)
        or any(map(reference.search, [str(known.config), *(other.value for other in settings)]))
    )


def _unknown(setting: Setting, known: Known) -> str:
    key = setting.key
    part = known.lookup(key.rpartition(".")[0])[1]
    lists_nothing = _is_part(part) and not [name for name in part if not name.startswith("_")]
    better, rest = ([], "") if lists_nothing else meant(key, setting.value, known)
    if not better and "=" in setting.words:
        known.require(*(REQUIRED if known.name == "train" else [key.partition(".")[0]]))
    if setting.mark == "~":
        better = [f"~{text.partition('=')[0]}" for text in better]
    return line(f"{key} is not a setting", better, rest if better else _beside(setting, known))


def _beside(setting: Setting, known: Known) -> str:
    """Return what there is where an unknown key would be, and how to add one where that may be right."""
    place = next(key for key in _above(setting.key) if not key or known.lookup(key)[0])
    node = known.lookup(place)[1]
    if not isinstance(node, dict):
        return f"{place} is a single value"
    there = listed(name for name in below(node, place) if name != "hydra")
    if setting.mark or not (_is_part(node) or place.startswith("hydra.")):
        return there
    what = f"{there}; an argument" if there else "one"
    return f"{what} that is not listed is added with +: {shlex.quote(f'+{setting.text}')}"


def _replaced(setting: Setting, node: dict[str, Any], known: Known) -> str:
    """Return what to set where a part, which has settings of its own, was given a single value."""
    key, groups, is_nothing = setting.key, known.groups(), setting.value.lower() in NOTHING
    if group := next((group for group in groups if package(group) == key), ""):
        better = [] if is_nothing else nearest(group, setting.value, known)
        options = known.options_of(group.partition("@")[0])
        return line(f"{setting}: {key} is chosen with {group}=NAME", better, listed(options))
    is_optional = key == "model.reconstruction" or not _is_part(known.lookup(key.rpartition(".")[0])[1])
    if is_nothing and "." in key and is_optional:
        return line(f"{setting} removes nothing", [f"~{key}"])
    better = [f"{group}={setting.value}" for group in groups if known.takes(group, setting.value)][:1]
    return line(f"{setting}: {key} is no single value, it has settings of its own", better, listed(below(node, key)))


def _is_part(node: Any) -> bool:
    return isinstance(node, dict) and "_target_" in node


def _above(key: str) -> list[str]:
    """Return the keys above one, the nearest first, down to the root, which is ''."""
    parts = key.split(".")
    return [".".join(parts[:end]) for end in range(len(parts) - 1, -1, -1)]
