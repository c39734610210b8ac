"""Settings that choose from a group, such as model=dcgan: what Hydra gets of each, or the line about its slip."""

import re
import shlex
from collections.abc import Sequence

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from framegan import working_folder
from framegan.cli import command_line, errors
from framegan.cli.data_choice import data_choice
from framegan.cli.slips.known import MAY_BE_EMPTY, REQUIRED, Known
from framegan.cli.slips.setting import Setting
from framegan.cli.slips.similar import NOTHING, below, line, listed, nearest, package, rewritten


def choice(setting: Setting, known: Known) -> tuple[list[str], str]:
    """Return the settings for Hydra of one that chooses, and the line about it, if any."""
    key, group, value = setting.key, setting.key.partition("@")[0], setting.value
    if setting.mark == "~":
        return [setting.text], ""
    text, options = command_line.as_typed(setting.text, sweeps=known.sweeps), known.options_of(group)
    wanted = [name for one in command_line.each(text, options) for name in _names_in(one)]
    if all(known.takes(group, name) for name in wanted):
        if group in REQUIRED and value.startswith("[") and len(wanted) > 1:
            sweep = ["-m", f"{key}={','.join(wanted)}"]
            return [], line(f"{setting}: one {group} is chosen, or a sweep of some", sweep)
        return [text], rewritten(setting, setting.text)
    if group == "data" and len(wanted) == 1 and (own := data_choice(wanted[0])):
        return own, rewritten(setting, setting.text)
    if value.lower() in NOTHING:
        none = f"to have none set {shlex.quote(f'{key}=[]')}" if group in MAY_BE_EMPTY else listed(options)
        return [], line(f"{setting} chooses nothing", rest=none)
    better = nearest(key, value, known)
    of_others = better or [f"{other}={value}" for other in known.groups() if known.takes(other, value)][:1]
    rest = working_folder.unread(f"{group}/{value}.yaml") or listed(options)
    is_readable = bool(better) and command_line.parsed(better[0]) is not None
    return better if is_readable else [], line(f"{setting}: there is no {group} of that name", of_others, rest)


def refusals(chosen: list[str], settings: Sequence[Setting], known: Known) -> list[str]:
    """Compose what is chosen, and return the line about each choice that Hydra refuses."""
    refused: list[str] = []
    chosen = [command_line.each(text, known.options_of(re.split("[=@]", text.lstrip("+~"))[0]))[0] for text in chosen]
    known.refuse_files(chosen)
    while True:
        try:
            known.compose(chosen)
            break
        except (HydraException, OmegaConfBaseException, ValueError) as error:
            culprits = _culprits(chosen, str(error))
            if not culprits:
                errors.stop(known.with_files(errors.one_line(error)))
            chosen = [text for text in chosen if text not in culprits]
            refused += culprits
        except Exception as error:  # what YAML says of a file
            if errors.wants_traceback():
                raise
            errors.stop(f"the configuration can't be read: {errors.one_line(error)}")
    known.refuse_files([f"{key}={name}" for key, name in known.choices.items()])
    return [_refusal(setting, known) for setting in settings if setting.text in refused]


def _refusal(setting: Setting, known: Known) -> str:
    key, value, groups = setting.key, setting.value, known.groups()
    node = known.lookup(key)[1]
    if "+" in setting.mark and key in groups:
        return line(f"{setting}: it is already chosen", [f"{key}={value}"])
    if setting.mark == "~" and key in MAY_BE_EMPTY:
        return line(f"{setting} can't be left out so", [f"{key}=[]"])
    if isinstance(node, dict):
        return line(f"{setting} can't be chosen here", rest=listed(below(node, key)))
    if key.startswith("model"):
        known.require("model")
    if key.startswith("model/") and known.choices.get("model") and not known.lookup(package(key))[0]:
        taken = [group for group in known.choices if group.startswith("model/")]
        said = f"{setting}: model={known.choices['model']} is trained without a {key}"
        return line(said, rest=listed(taken) if taken else "leave it out")
    better = [f"{group}={value}" for group in groups if group.startswith(f"{key.partition('@')[0]}@")]
    rest = "" if better else listed([group for group in groups if "@" not in group])
    return line(f"{setting} can't be chosen here", better, rest)


def _culprits(chosen: Sequence[str], error: str) -> list[str]:
    """Return the choices that an error of Hydra's is about: the one it names, or else what was added with +."""
    found = re.search(r"Could not (?:override|delete) '([^'=]+)'", error)
    named = [text for text in chosen if found and text.lstrip("+~").partition("=")[0] == found[1]]
    return named or [text for text in chosen if text.startswith("+")]


def _names_in(text: str) -> list[str]:
    override = command_line.parsed(text)
    value = text.partition("=")[2] if override is None else override.value()
    return list(map(str, value)) if isinstance(value, list) else [str(value)]
