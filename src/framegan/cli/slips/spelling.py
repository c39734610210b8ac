"""Checks what was typed against what there is, before Hydra does: a line with the right spelling for each slip."""

import os
import re
from collections.abc import Sequence
from typing import Any

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from framegan import working_folder
from framegan.cli import command_line, compose, errors
from framegan.cli.data_choice import data_choice
from framegan.cli.slips.known import MARK, MAY_BE_EMPTY, Known
from framegan.cli.slips.setting import Setting, settings_of
from framegan.cli.slips.similar import example, listed, meant, option, package, spelt

REQUIRED = ("model", "data")
NOTHING = ("null", "none", "false", "")
TYPESET = re.compile("[\u201c\u201d\u201e\u2018\u2019\xab](.+)[\u201c\u201d\u2018\u2019\xbb]")
"""A value in the quotes of a word processor."""


def checked(name: str, options: Sequence[str], words: Sequence[str]) -> list[str]:
    """Return the settings for Hydra, every value as it was typed; stop with a line for each slip.

    Args:
        name: of the script's configuration.
        options: Hydra's own options.
        words: everything else.
    """
    known = Known(name, options)
    typed = settings_of(words, known)
    named = [setting.text for setting in typed if setting.key == "checkpoint"]
    if len(named) > 1:
        errors.stop(f"the run is named twice, {named[0]} and {named[1]}; leave one out")
    check = Check(known, typed, command_line.is_multirun(options, words))
    settings = check.settings()
    if check.problems:
        errors.stop("\n".join(dict.fromkeys(check.problems)))
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
        said = reason.replace("{typed}", spelt(setting.typed))  # a reason may have other braces, of a value
        if better:
            said += f"; did you mean {' '.join(map(spelt, better))}?"
        self.problems.append(
            f"{said} {rest[0].upper()}{rest[1:]}" if better and rest else "; ".join(filter(None, [said, rest]))
        )

    def _is_slip(self, setting: Setting) -> bool:
        """Say whether a setting can't be read at all, and say why."""
        key, value = setting.key, setting.value
        reads_quotes = not os.path.exists(value)  # noqa: PTH110
        if setting.text.startswith("--"):
            self._say(setting, "{typed} is not an option", [setting.text])
        elif not re.fullmatch(r"[\w./@$-]+", key, re.ASCII):
            self._say(setting, "{typed} is not KEY=VALUE", meant(key, value, self.known)[0] if key else ())
        elif reads_quotes and value.rstrip().endswith((",", ";")):
            self._say(setting, f"{{typed}} ends in '{value.rstrip()[-1]}'", [setting.text.rstrip(" ,;")])
        elif reads_quotes and (inner := TYPESET.fullmatch(value)):
            self._say(setting, "{typed} has quotes that no shell takes away", [f"{key}={inner[1]}"])
        elif re.fullmatch(r"[1-9]\d{0,2}(,\d{3})*,000|0,0\d+", value):
            number = value.replace(",", "." if value[0] == "0" else "_")
            self._say(setting, "{typed} is no number", [f"{key}={number}"])
        elif several := re.match(r"([^\s'\"]+)((?:\s+[\w./@+]+=[^\s'\"]+)+)$", value):
            self._say(setting, "{typed} is one argument", [f"{key}={several[1]}", *several[2].split()])
        else:
            return self._is_forgotten_sweep(setting)
        return True

    def _is_forgotten_sweep(self, setting: Setting) -> bool:
        hydra = command_line.parsed(command_line.as_typed(setting.text, sweeps=self.sweeps))
        if self.sweeps or hydra is None or not hydra.is_sweep_override():
            return False
        value = setting.value
        or_list = (
            "" if "(" in value or setting.key in REQUIRED else f", or for a list {spelt(f'{setting.key}=[{value}]')}"
        )
        self._say(setting, "{typed} names several values", ["-m", setting.text], f"that starts a sweep{or_list}")
        return True

    def _choice(self, setting: Setting) -> list[str]:
        """Return the settings for Hydra of one that chooses from a group."""
        key, group, value = setting.key, setting.key.partition("@")[0], setting.value
        text = command_line.as_typed(setting.text, sweeps=self.sweeps)
        options = self.known.options_of(group)
        wanted = [name for one in command_line.each(text, options) for name in _names_in(one)]
        if all(self.known.takes(group, name) for name in wanted):
            if group in REQUIRED and value.startswith("[") and len(wanted) > 1:
                sweep = f"{key}={','.join(wanted)}"
                self._say(setting, f"{{typed}}: one {group} is chosen, or a sweep of some", ["-m", sweep])
                return []
            self._say_if_other(setting, setting.text)
            return [text]
        if group == "data" and len(wanted) == 1 and (choice := data_choice(wanted[0])):
            self._say_if_other(setting, setting.text)
            return choice
        if value.lower() in NOTHING:
            none = f"to have none set {spelt(f'{key}=[]')}" if group in MAY_BE_EMPTY else listed(options)
            self._say(setting, "{typed} chooses nothing", rest=none)
            return []
        better = self._nearest(key, value, options)
        unread = working_folder.unread(f"{group}/{value}.yaml")
        self._say(
            setting,
            f"{{typed}}: there is no {group} of that name",
            better or [f"{other}={value}" for other in self.known.groups() if self.known.takes(other, value)][:1],
            unread or listed(options),
        )
        return better if better and command_line.parsed(better[0]) else []

    def _nearest(self, key: str, value: str, options: Sequence[str]) -> list[str]:
        """Return the choice with every name in a value spelt right; none where one is like no option."""
        words = [name for name in re.split(r"[\s,;(){}\[\]]+", value) if name]
        nearest = [option(name, options) for name in words]
        names = ",".join(dict.fromkeys(filter(None, nearest)))
        is_list = len(words) > 1 and (not self.sweeps or value.startswith("["))
        return [f"{key}=[{names}]" if is_list else f"{key}={names}"] if words and all(nearest) else []

    def _say_if_other(self, setting: Setting, right: str) -> None:
        if setting.typed != setting.text:
            self._say(setting, "{typed} is not KEY=VALUE", [right])

    def _compose(self, chosen: list[str]) -> None:
        """Compose what is chosen, and say of each choice that can't be made why."""
        refused: list[str] = []
        chosen = [command_line.each(text, self.known.options_of(_group_of(text)))[0] for text in chosen]
        self._refuse_files(chosen)
        while True:
            try:
                self.known.compose(chosen)
                break
            except (HydraException, OmegaConfBaseException, ValueError) as error:
                culprits = _culprits(chosen, str(error))
                if not culprits:
                    errors.stop(_one_line(error))
                chosen = [text for text in chosen if text not in culprits]
                refused += culprits
            except Exception as error:  # what YAML says of a file
                if os.environ.get("HYDRA_FULL_ERROR") == "1":
                    raise
                errors.stop(f"the configuration can't be read: {_one_line(error)}")
        self._refuse_files([f"{key}={name}" for key, name in self.known.choices.items()])
        for setting in self.typed:
            if setting.text in refused:
                self._say_refused(setting)

    def _refuse_files(self, chosen: Sequence[str]) -> None:
        """Stop where a choice is made from a file that can't be used as it is."""
        for files in self.known.files(chosen):
            if marked := next((file for file in files if file.read_bytes()[:3] == MARK.encode()), None):
                errors.stop(f"{marked} begins with a byte order mark (BOM); save it as UTF-8 without one")
            if len({file.read_bytes() for file in files}) > 1:
                errors.stop(f"{files[1]} is not used, for {files[0]} has the same name and comes first; rename it")

    def _say_refused(self, setting: Setting) -> None:
        key, value, groups = setting.key, setting.value, self.known.groups()
        node = self.known.lookup(key)[1]
        if "+" in setting.mark and key in groups:
            self._say(setting, "{typed}: it is already chosen", [f"{key}={value}"])
        elif setting.mark == "~" and key in MAY_BE_EMPTY:
            self._say(setting, "{typed} can't be left out so", [f"{key}=[]"])
        elif isinstance(node, dict):
            self._say(setting, "{typed} can't be chosen here", rest=listed(_names(node, key)))
        else:
            self._require("model" if key.startswith("model") else "")
            better = [f"{group}={value}" for group in groups if group.startswith(f"{key.partition('@')[0]}@")]
            rest = "" if better else listed([group for group in groups if "@" not in group])
            self._say(setting, "{typed} can't be chosen here", better, rest)

    def _value(self, setting: Setting) -> str:
        """Return the setting for Hydra of one that gives a value, and do to what is known what Hydra will do."""
        key, mark = setting.key, setting.mark
        there, node = self.known.lookup(key)
        text = command_line.as_typed(setting.text, sweeps=self.sweeps)
        override = command_line.parsed(command_line.each(text)[0])
        value = None if override is None or override.is_sweep_override() else override.value()
        refers = isinstance(value, str) and "${" in value
        if not there and not ("+" in mark and self._may_be_added(key)):
            self._say_unknown(setting)
            return text
        is_given = override is not None and not override.is_sweep_override()
        is_whole = mark == "~" or isinstance(value, dict) or refers or not (node or value)
        if isinstance(node, dict) and is_given and not is_whole:
            self._say_replaced(setting, node)
            return text
        if isinstance(node, list) and isinstance(value, str | int | float) and not (isinstance(value, bool) or refers):
            text = f"{text.partition('=')[0]}=[{text.partition('=')[2]}]"
            override = command_line.parsed(text)
        right = setting.text if setting.value != "VALUE" else f"{key}={example(key, key, 'VALUE', self.known)}"
        try:
            if is_given:
                self.known.set(override)
        except (HydraException, AssertionError, AttributeError) as error:
            if mark == "+" and there:
                self._say(setting, "{typed}: it is already set", [f"{key}={setting.value}"])
            elif mark == "~" and node is None:
                self._say(setting, f"{{typed}}: {key} is null already")
            elif mark == "~":
                self._say(setting, f"{{typed}}: {key} is {node!r}", [f"~{key}"])
            else:
                self._say(setting, f"{{typed}} can't be set: {_one_line(error)}")
            return text
        self._say_if_other(setting, right)
        return text

    def _may_be_added(self, key: str) -> bool:
        """Say whether a key may be new, added with +: Hydra would add any.

        It belongs to Hydra or to a part, which says itself what it takes, or another value refers to it. The part may
        be named, and the value given, before or behind it.
        """
        parts = [other.key for other in self.typed if "_target_" in other.value]
        parts += [other.key.removesuffix("._target_") for other in self.typed if other.key.endswith("._target_")]
        places = [key, *_above(key)]
        reference = re.compile(rf"\$\{{(oc\.select:)?{re.escape(key)}\b")
        return (
            key.startswith("hydra.")
            or not set(places).isdisjoint(parts)
            or any(_is_part(self.known.lookup(place)[1]) for place in places if place)
            or any(map(reference.search, [str(self.known.config), *(other.value for other in self.typed)]))
        )

    def _say_unknown(self, setting: Setting) -> None:
        key = setting.key
        better, rest = meant(key, setting.value, self.known)
        if not better and "=" in setting.typed:
            self._require(*(REQUIRED if self.known.name == "train" else [key.partition(".")[0]]))
        if setting.mark == "~":
            better = [f"~{text.partition('=')[0]}" for text in better]
        self._say(setting, f"{key} is not a setting", better, rest if better else self._beside(setting))

    def _beside(self, setting: Setting) -> str:
        place = next(key for key in _above(setting.key) if not key or self.known.lookup(key)[0])
        node = self.known.lookup(place)[1]
        if not isinstance(node, dict):
            return f"{place} is a single value"
        there = listed(name for name in _names(node, place) if name != "hydra")
        if setting.mark or not (_is_part(node) or place.startswith("hydra.")):
            return there
        what = f"{there}; an argument" if there else "one"
        return f"{what} that is not listed is added with +: {spelt(f'+{setting.text}')}"

    def _say_replaced(self, setting: Setting, node: dict[str, Any]) -> None:
        """Say what to type where a part, which has settings of its own, was given a plain value."""
        key, value, groups = setting.key, setting.value, self.known.groups()
        nothing = value.lower() in NOTHING
        if group := next((group for group in groups if package(group) == key), ""):
            options = self.known.options_of(group.partition("@")[0])
            better = [] if nothing else self._nearest(group, value, options)
            self._say(setting, f"{{typed}}: {key} is chosen with {group}=NAME", better, listed(options))
        elif nothing and "." in key and not _is_part(self.known.lookup(key.rpartition(".")[0])[1]):
            self._say(setting, "{typed} removes nothing", [f"~{key}"])
        else:
            better = [f"{group}={value}" for group in groups if self.known.takes(group, value)][:1]
            reason = f"{{typed}}: {key} is no single value, it has settings of its own"
            self._say(setting, reason, better, listed(_names(node, key)))

    def _require(self, *groups: str) -> None:
        """Stop where nothing was chosen of one of these groups."""
        for group in groups:
            if group in self.known.choices and self.known.choices[group] is None:
                errors.stop(compose.no_choice(group, self.known.options_of(group)))


def _culprits(chosen: Sequence[str], error: str) -> list[str]:
    """Return the choices that an error of Hydra's is about: the one it names, or else what was added with +."""
    found = re.search(r"Could not (?:override|delete) '([^'=]+)'", error)
    named = [text for text in chosen if found and text.lstrip("+~").partition("=")[0] == found[1]]
    return named or [text for text in chosen if text.startswith("+")]


def _names_in(text: str) -> list[str]:
    override = command_line.parsed(text)
    value = text.partition("=")[2] if override is None else override.value()
    return list(map(str, value)) if isinstance(value, list) else [str(value)]


def _group_of(text: str) -> str:
    return re.split("[=@]", text.lstrip("+~"))[0]


def _names(node: dict[str, Any], place: str) -> list[str]:
    return [f"{place}.{name}".lstrip(".") for name in node if not str(name).startswith("_")]


def _is_part(node: Any) -> bool:
    return isinstance(node, dict) and "_target_" in node


def _above(key: str) -> list[str]:
    """Return the keys above one, the nearest first, down to the root, which is ''."""
    parts = key.split(".")
    return [".".join(parts[:end]) for end in range(len(parts) - 1, -1, -1)]


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
