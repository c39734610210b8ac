"""Where else what was typed would be right: of which group it is an option, and what there is beside it."""

import re
from collections.abc import Sequence

from additions import above, is_part
from known import Known
from similar import is_called, option, spelt, takes
from slips import Setting

MAY_BE_EMPTY = ("metrics", "logger", "callbacks", "model/regularizers")
"""Groups of which any number may be chosen."""
YES = ("true", "1", "yes", "on", "value")


def not_chosen(setting: Setting, known: Known) -> list[str]:
    """Return what to type where a key names an option that wasn't chosen: logger.wandb.name, r1.weight, wandb=true."""
    key, value = setting.key.replace("/", ".").removesuffix(".yaml"), setting.value
    for group in known.groups():
        place = f"{package(group)}."
        part, _, below = key.removeprefix(place).partition(".")
        if not known.has_option(group_of(group), part):
            continue
        if key.startswith(place) or (below and group in MAY_BE_EMPTY):
            return [f"{group}={part}", *([f"{place}{part}.{below}={value}"] if below else [])]
        if not below and "@" not in group and value.lower() in YES:
            return [f"{group}={part}"]
    return []


def option_of(setting: Setting, known: Known) -> tuple[list[str], str]:
    """Return the choice that was meant and what there is, where a key is a group's name and the value no option."""
    for group in known.groups():
        if "@" not in group and is_called(setting.key, group):
            options = known.options_of(group)
            return [f"{group}={option(setting.value, options) or 'NAME'}"], listed(options)
    return [], ""


def of_another(value: str, known: Known) -> list[str]:
    """Return the choice that a value would be, if it is an option of any group."""
    return [f"{group}={value}" for group in known.groups() if takes(known, group, value)][:1]


def beside(setting: Setting, known: Known) -> str:
    """Return what there is in the place of a setting."""
    place = next(key for key in above(setting.key) if not key or known.lookup(key)[0])
    node = known.lookup(place)[1] if place else known.config
    if not isinstance(node, dict):
        return f"{place} is a single value"
    said = listed([f"{place}.{name}".lstrip(".") for name in node if not str(name).startswith(("hydra", "_"))])
    if setting.mark or not (is_part(node) or place.startswith("hydra.")):
        return said
    what = f"{said}; an argument" if said else "one"
    return f"{what} that is not listed is added with +: {spelt(f'+{setting.text}')}"


def listed(names: Sequence[str]) -> str:
    return f"there are: {', '.join(map(str, names))}" if names else ""


def group_of(text: str) -> str:
    """Return the group from which a setting chooses."""
    return re.split("[=@]", text.lstrip("+~"))[0]


def package(group: str) -> str:
    """Return the key below which a group's choice lies."""
    return group.partition("@")[2] or group.replace("/", ".")
