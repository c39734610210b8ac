"""Checks what was typed against what there is, before Hydra does: a line with the right spelling for each slip."""

import os
import re
from collections.abc import Sequence
from typing import Any

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

import command_line
import launch
from additions import may_be_added
from data_choice import data_choice
from elsewhere import MAY_BE_EMPTY, beside, group_of, listed, not_chosen, of_another, option_of, package
from known import Known
from overrides import first, is_node, is_nothing, is_several, is_single, names
from similar import meant, option, spelt
from slips import Setting, settings_of

REQUIRED = ("model", "data")
TYPESET = re.compile("[\u201c\u201d\u201e\u2018\u2019\xab](.+)[\u201c\u201d\u2018\u2019\xbb]")
"""A value in the quotes of a word processor."""
OF_LENGTH = "a run's length is counted in samples: ten epochs are ten times the samples of the data"


def checked(name: str, options: Sequence[str], words: Sequence[str]) -> list[str]:
    """Return the settings for Hydra, every value as it was typed; stop with a line for each slip.

    Args:
        name: of the script's configuration.
        options: Hydra's own options.
        words: everything else.
    """
    known = Known(name, options)
    check = Check(known, settings_of(words, known), command_line.is_multirun(options, words))
    settings = check.settings()
    if check.problems:
        launch.stop("\n".join(dict.fromkeys(check.problems)))
    return settings


class Check:
    """What was typed, beside what it chooses from; `problems` has a line for each slip."""

    def __init__(self, known: Known, typed: Sequence[Setting], sweeps: bool):
        self.known = known
        self.typed = typed
        self.sweeps = sweeps
        self.problems: list[str] = []

    def settings(self) -> list[str]:
        """Return the settings for Hydra, in the order in which they were typed: a sweep counts its jobs by it."""
        chosen: dict[int, list[str]] = {}
        readable = [setting for setting in self.typed if not self._is_slip(setting)]
        for place, setting in enumerate(readable):
            if self.known.is_group(setting.key.partition("@")[0]) and not setting.value.startswith("{"):
                chosen[place] = [setting.text] if setting.mark == "~" else self._choice(setting)
        self._compose([text for texts in chosen.values() for text in texts])
        found: list[str] = []
        for place, setting in enumerate(readable):
            found += chosen[place] if place in chosen else [self._value(setting)]
        return found

    def _say(self, setting: Setting, reason: str, better: Sequence[str] = (), rest: str = "") -> None:
        """Add the line about a setting: what was typed, why it can't be so, and the right spelling."""
        said = reason.format(typed=spelt(setting.typed))
        if better:
            said += f"; did you mean {' '.join(map(spelt, better))}?"
        self.problems.append(
            f"{said} {rest[0].upper()}{rest[1:]}" if better and rest else "; ".join(filter(None, [said, rest]))
        )

    def _is_slip(self, setting: Setting) -> bool:
        """Say whether a setting can't be read at all, and say why."""
        if setting.text.startswith("--"):
            self._say(setting, "{typed} is not an option", [setting.text])
        elif not re.fullmatch(r"[\w./@$-]+", setting.key, re.ASCII):
            better = meant(setting.key, setting.value, self.known) if setting.key else []
            self._say(setting, "{typed} is not KEY=VALUE", better)
        elif setting.value.rstrip().endswith((",", ";")) and not os.path.exists(setting.value):  # noqa: PTH110
            self._say(setting, f"{{typed}} ends in '{setting.value.rstrip()[-1]}'", [setting.text.rstrip(" ,;")])
        elif (inner := TYPESET.fullmatch(setting.value)) and not os.path.exists(setting.value):  # noqa: PTH110
            self._say(setting, "{typed} has quotes that no shell takes away", [f"{setting.key}={inner[1]}"])
        elif re.fullmatch(r"[1-9]\d{0,2}(,\d{3})*,000|0,0\d+", setting.value):
            number = setting.value.replace(",", "." if setting.value[0] == "0" else "_")
            self._say(setting, "{typed} is no number", [f"{setting.key}={number}"])
        elif several := re.match(r"(\S+)((?:\s+[\w./@+]+=\S+)+)$", setting.value):
            self._say(setting, "{typed} is one argument", [f"{setting.key}={several[1]}", *several[2].split()])
        else:
            return self._is_forgotten_sweep(setting)
        return True

    def _is_forgotten_sweep(self, setting: Setting) -> bool:
        hydra = command_line.parsed(command_line.as_typed(setting.text, sweeps=self.sweeps))
        if self.sweeps or hydra is None or not hydra.is_sweep_override():
            return False
        value = setting.value
        listed = "" if "(" in value else f", or for a list {spelt(f'{setting.key}=[{value}]')}"
        self._say(setting, "{typed} names several values", ["-m", setting.text], f"that starts a sweep{listed}")
        return True

    def _choice(self, setting: Setting) -> list[str]:
        """Return the settings for Hydra of one that chooses from a group."""
        key, group, value = setting.key, setting.key.partition("@")[0], setting.value
        text = command_line.as_typed(setting.text, sweeps=self.sweeps)
        wanted = names(text)
        missing = [str(name) for name in wanted if not self.known.has_option(group, name)]
        if not missing and group in REQUIRED and value.startswith("[") and len(wanted) > 1:
            sweep = f"{key}={','.join(map(str, wanted))}"
            self._say(setting, f"{{typed}}: one {group} is chosen, or a sweep of some", ["-m", sweep])
            return []
        if not missing:
            self._say_if_other(setting, setting.text)
            return [text]
        if group == "data" and len(wanted) == 1 and (choice := data_choice(value)):
            self._say_if_other(setting, setting.text)
            return choice
        options = self.known.options_of(group)
        if value.lower() in ("null", "none", "false", ""):
            none = f"to have none type {spelt(f'{key}=[]')}" if group in MAY_BE_EMPTY else listed(options)
            self._say(setting, "{typed} chooses nothing", rest=none)
            return []
        words = [name for name in re.split(r"[\s,;(){}\[\]]+", value) if name]
        nearest = [name if self.known.has_option(group, name) else option(name, options) for name in words]
        is_clear = bool(nearest) and all(nearest)
        better = ",".join(dict.fromkeys(filter(None, nearest)))
        if not (len(words) == 1 or (self.sweeps and not value.startswith("["))):
            better = f"[{better}]"
        spellings = [f"{key}={better}"] if is_clear else of_another(value, self.known)
        self._say(setting, f"{{typed}}: there is no {group} of that name", spellings, listed(options))
        return [f"{key}={better}"] if is_clear and command_line.parsed(f"{key}={better}") else []

    def _say_if_other(self, setting: Setting, right: str) -> None:
        if setting.typed != setting.text:
            self._say(setting, "{typed} is not KEY=VALUE", [right])

    def _compose(self, chosen: list[str]) -> None:
        """Compose what is chosen, and say of each choice that can't be made why."""
        chosen, refused = [first(text, self.known.options_of(group_of(text))) for text in chosen], []
        self._refuse_marked(chosen)
        while True:
            try:
                self.known.compose(chosen)
                break
            except (HydraException, OmegaConfBaseException, ValueError) as error:
                culprits = _culprits(chosen, str(error))
                if not culprits:
                    launch.stop(" ".join(str(error).split()))
                chosen = [text for text in chosen if text not in culprits]
                refused += culprits
            except Exception as error:  # what YAML says of a file
                if os.environ.get("HYDRA_FULL_ERROR") == "1":
                    raise
                launch.stop(f"the configuration can't be read: {' '.join(str(error).split())}")
        self._refuse_marked([f"{key}={name}" for key, name in self.known.choices.items()])
        for setting in self.typed:
            if setting.text in refused:
                self._say_refused(setting)

    def _refuse_marked(self, chosen: Sequence[str]) -> None:
        if file := self.known.marked_file(chosen):
            launch.stop(f"{file} begins with a byte order mark (BOM); save it as UTF-8 without one")

    def _say_refused(self, setting: Setting) -> None:
        """Say why something can't be chosen that exists."""
        key, value, groups = setting.key, setting.value, self.known.groups()
        if "+" in setting.mark and key in groups:
            self._say(setting, "{typed}: it is there already", [f"{key}={value}"])
            return
        if setting.mark == "~" and key in MAY_BE_EMPTY:
            self._say(setting, "{typed} can't be left out so", [f"{key}=[]"])
            return
        there, node = self.known.lookup(key)
        if there and isinstance(node, dict):
            self._say(setting, "{typed} can't be chosen here", rest=listed([f"{key}.{name}" for name in _names(node)]))
            return
        if key.startswith("model") and self.known.choices.get("model", "") is None:
            launch.stop(self._no_choice("model"))
        better = [f"{group}={value}" for group in groups if group.startswith(f"{key.partition('@')[0]}@")]
        rest = "" if better else listed([group for group in groups if "@" not in group])
        self._say(setting, "{typed} can't be chosen here", better, rest)

    def _value(self, setting: Setting) -> str:
        """Return the setting for Hydra of one that gives a value, and do to what is known what Hydra will do."""
        key, mark = setting.key, setting.mark
        there, node = self.known.lookup(key)
        text = command_line.as_typed(setting.text, sweeps=self.sweeps)
        one = first(text)
        override, before = command_line.parsed(one), len(self.problems)
        if not there and not may_be_added(setting, self.typed, self.known):
            self._say_unknown(setting)
        elif mark == "~":
            if setting.value and override is not None and override.value() != node:
                self._say(setting, f"{{typed}}: {key} is {node!r}", [f"~{key}"])
        elif mark == "+" and node is not None and not is_several(one):
            self._say(setting, "{typed}: it is there already", [setting.text.lstrip("+")])
        elif isinstance(node, dict) and not is_node(one) and (node or not is_nothing(one)):
            self._say_replaced(setting, node)
        else:
            if isinstance(node, list) and is_single(text):
                text = f"{text.partition('=')[0]}=[{text.partition('=')[2]}]"
            is_switch = setting.value == "VALUE" and isinstance(node, bool)
            self._say_if_other(setting, f"{key}=true" if is_switch else setting.text)
        if override is not None and len(self.problems) == before:
            self.known.change(override)
        return text

    def _say_unknown(self, setting: Setting) -> None:
        key = setting.key
        better, options = not_chosen(setting, self.known) or meant(key, setting.value, self.known), ""
        if not better:
            better, options = option_of(setting, self.known)
        unchosen = [group for group in REQUIRED if self.known.choices.get(group, "") is None]
        if not better and unchosen and (self.known.name == "train" or key.startswith(f"{unchosen[0]}.")):
            launch.stop(self._no_choice(unchosen[0]))
        if setting.mark == "~":
            better = [f"~{text.partition('=')[0]}" for text in better]
        rest = OF_LENGTH if better == ["total_samples=N"] else options if better else beside(setting, self.known)
        self._say(setting, f"{key} is not a setting", better, rest)

    def _say_replaced(self, setting: Setting, node: dict[str, Any]) -> None:
        """Say what to type where a part, which has settings of its own, was given a plain value."""
        key, value = setting.key, setting.value
        groups = [group for group in self.known.groups() if package(group) == key]
        names = _names(node)
        nothing = value.lower() in ("null", "none", "false", "")
        if groups:
            name = groups[0].partition("@")[0]
            options = self.known.options_of(name)
            wanted = value.strip("[]").split(",")
            nearest = [option(word, options) for word in wanted]
            right = ",".join(filter(None, nearest))
            right = f"[{right}]" if value.startswith("[") else right
            better = [f"{groups[0]}={right}"] if all(nearest) and not nothing else []
            self._say(setting, f"{{typed}}: {key} is chosen with {groups[0]}=NAME", better, listed(options))
        elif nothing and "." in key and "_target_" not in (self.known.lookup(key.rpartition(".")[0])[1] or {}):
            self._say(setting, "{typed} removes nothing", [f"~{key}"])
        else:
            better = of_another(value, self.known)
            rest = listed([f"{key}.{name}" for name in names]) if names else ""
            self._say(setting, f"{{typed}}: {key} is no single value, it has settings of its own", better, rest)

    def _no_choice(self, group: str) -> str:
        return f"no {group} was chosen; type {group}=NAME with one of: {', '.join(self.known.options_of(group))}"


def _culprits(chosen: Sequence[str], error: str) -> list[str]:
    """Return the choices that an error of Hydra's is about: the one it names, or else what was added with +."""
    found = re.search(r"Could not (?:override|delete) '([^'=]+)'", error)
    named = [text for text in chosen if found and text.lstrip("+~").partition("=")[0] == found[1]]
    return named or [text for text in chosen if text.startswith("+")]


def _names(node: dict[str, Any]) -> list[str]:
    return [str(name) for name in node if not str(name).startswith("_")]
