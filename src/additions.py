"""Which keys may be added with + though the configuration hasn't them: Hydra would add any."""

import re
from collections.abc import Sequence
from typing import Any

from known import Known
from slips import Setting


def may_be_added(setting: Setting, typed: Sequence[Setting], known: Known) -> bool:
    """Say whether a key may be new: an argument, a part by name, or what another value refers to.

    Args:
        typed: all settings; the part may be named, and the key referred to, before or behind this one.
    """
    key, places = setting.key, above(setting.key)[:-1]
    parts = [other.key for other in typed if "_target_" in other.value]
    parts += [other.key.rpartition(".")[0] for other in typed if other.key.endswith("._target_")]
    reference = re.compile(rf"\$\{{(oc\.select:)?{re.escape(key)}\b")
    return "+" in setting.mark and (
        key.startswith("hydra.")
        or not {key, *places}.isdisjoint(parts)
        or any(map(reference.search, [str(known.config), *(other.value for other in typed)]))
        or _is_argument(key, places, known)
    )


def _is_argument(key: str, places: Sequence[str], known: Known) -> bool:
    """Say whether a key that isn't there may be an argument of a part, or in one that is a dictionary."""
    nodes = {place: node for place in places for there, node in [known.lookup(place)] if there}
    nearest = next(iter(nodes), "")
    targets = {place: str(node["_target_"]) for place, node in nodes.items() if is_part(node)}
    if nearest not in targets:
        return bool(targets) and not nodes[nearest]
    is_own = not targets[nearest].startswith("framegan.")
    return is_own or "." not in key.removeprefix(f"{nearest}.")


def is_part(node: Any) -> bool:
    return isinstance(node, dict) and "_target_" in node


def above(key: str) -> list[str]:
    """Return the keys above one, the nearest first, down to the root, which is ''."""
    parts = key.split(".")
    return [".".join(parts[:end]) for end in range(len(parts) - 1, -1, -1)]
