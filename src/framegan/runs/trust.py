"""What the configuration of a run folder may do: choose and set framegan's own parts.

Such a configuration may come from somebody else. So it is data: code that it names is imported only if it is a part of
framegan, one of a few optimizers, or in a package that the user has named as trusted. It can't read the environment.
"""

import inspect
import re
from collections.abc import Collection, Iterable
from typing import Any

from framegan.containers import texts, walk
from framegan.own_code import OwnCodeError, locate

OPTIMIZERS = {f"torch.optim.{name}" for name in ("Adam", "AdamW", "NAdam", "RAdam", "RMSprop", "SGD")}
"""What configurations build outside framegan."""

IF_TRUSTED = "; if you trust it, set trust="

REFERENCE = re.compile(r"\$\{(?:[^:${}]+|oc\.select:[^${}]*)\}")
"""An interpolation that names another key, without others in it."""


def refuse_strangers(config: Any, trusted: Collection[str] = (), path: str = "") -> None:
    """Raise ValueError with one line for each thing that a part of a run folder's configuration must not build.

    Args:
        config: plain containers, interpolations resolved.
        trusted: names of packages, or of classes and functions.
        path: where in the whole configuration this part is.
    """
    parts = [(place, part) for place, part in walk(config, path) if isinstance(part, dict) and "_target_" in part]
    broken = [(place, part, rule) for place, part in parts if (rule := _broken_rule(part, trusted))]
    _refuse(f"{place}.{key} got {part[key]!r}{why}".lstrip(".") for place, part, (key, why) in broken)


def needed(config: Any) -> list[str]:
    """Return what has to be trusted for a configuration to be read from a run folder.

    Args:
        config: plain containers, interpolations as they were written.
    """
    found = texts(config)
    targets = {text for key, text in found if key.rpartition(".")[2] == "_target_"}
    packages = {t.partition(".")[0] for t in targets - OPTIMIZERS if not t.startswith("framegan.")}
    return sorted(packages | {_resolver(text) for _, text in found if resolves_more(text)})


def refuse_calls(raw: Any, trusted: Collection[str] = ()) -> None:
    """Raise ValueError with one line for each value that does more than name another key, such as ${oc.env:HOME}.

    Args:
        raw: plain containers, interpolations as they were written.
        trusted: names of resolvers, such as oc.env.
    """
    problems = []
    for key, text in texts(raw):
        if key.rpartition(".")[2] == "_target_" and "${" in text:
            problems.append(f"{key} got {text!r}; a run folder's configuration has to name it as it is")
        elif resolves_more(text, trusted):
            rule = f"which a run folder's configuration may not ask for{IF_TRUSTED}{_resolver(text)}"
            problems.append(f"{key} got {text!r}, {rule}")
    _refuse(problems)


def refuse_unresolved(config: Any) -> None:
    """Raise ValueError with one line for each value that, resolved, is an interpolation: it would be resolved again."""
    found = [(key, text) for key, text in texts(config) if "${" in text]
    _refuse(f"{key} becomes {text!r}, which would be resolved again" for key, text in found)


def resolves_more(text: str, trusted: Collection[str] = ()) -> bool:
    """Say whether the interpolations in a text do more than name other keys, as those of the environment do."""
    known = re.compile("|".join([REFERENCE.pattern, *(rf"\$\{{{re.escape(name)}:[^${{}}]*\}}" for name in trusted)]))
    while (rest := known.sub("_", text)) != text:  # from the inside out
        text = rest
    return "${" in text


def _resolver(text: str) -> str:
    """Return what an interpolation calls, such as oc.env."""
    return text.partition("${")[2].partition(":")[0]


def check_names(trusted: Collection[str]) -> None:
    """Raise ValueError where something else than dotted names is to be trusted."""
    for name in trusted:
        if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", name):
            raise ValueError(f"trust got {name!r}; it should be a package, such as trust=mypackage or trust=[a,b]")


def _broken_rule(node: dict[Any, Any], trusted: Collection[str]) -> tuple[str, str] | None:
    """Return the key of a part that isn't built, and why: by the first rule that it breaks. None = it may be built."""
    target = node["_target_"]
    if not isinstance(target, str):
        return "_target_", "; it should be the name of a class"
    if "_args_" in node:
        return "_args_", "; a run folder's configuration has to name each argument"
    is_trusted = _is_inside(target, trusted)
    if target in OPTIMIZERS and not is_trusted:
        return None
    if not is_trusted and not target.startswith("framegan."):
        return "_target_", f", not a part of framegan{IF_TRUSTED}{target.partition('.')[0]}"
    try:
        found = locate(target)
    except OwnCodeError:
        raise
    except ValueError as error:
        return "_target_", f": {error}"
    home = f"{getattr(found, '__module__', None)}"
    if is_trusted and not (inspect.isclass(found) or inspect.isroutine(found)):
        return "_target_", ": it is no class or function"
    if is_trusted:  # but not what it has imported
        is_its_own = target in trusted or _is_inside(home, trusted)
        return None if is_its_own else ("_target_", f": it comes from {home}, which isn't trusted")
    is_meant = inspect.isclass(found) or (inspect.isfunction(found) and hasattr(found, "is_configurable"))
    if not is_meant or f"{home}.{found.__qualname__}" != target:
        return "_target_", f", nothing that a configuration of framegan builds{IF_TRUSTED}{target}"
    program_in = getattr(found, "program_in", None)
    if program_in and (name := program_in(node)) is not None:
        return name, f", which may be a TorchScript program and do anything{IF_TRUSTED}{target}"
    return None


def _is_inside(name: str, trusted: Collection[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in trusted)


def _refuse(problems: Iterable[str]) -> None:
    if lines := "\n".join(problems):
        raise ValueError(lines)
