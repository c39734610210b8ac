"""The configuration that lies in a run folder. Somebody else may have written it: it is read as data, never run.

What it may build is said in `framegan.runs.trust`. It is also what Hydra starts from when a run is resumed, so that
nothing in it may be meant for Hydra itself, whose own settings name code too.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from framegan import working_folder
from framegan.containers import walk
from framegan.own_code import OwnCodeError
from framegan.quoting import printable
from framegan.runs.moved import with_todays_names
from framegan.runs.trust import REFERENCE, check_names, refuse_calls, refuse_strangers, refuse_unresolved

LARGEST = 1 << 18
"""Bytes; those of real runs have some thousand."""
NAME = r"\w{1,100}"
"""Values of which interpolations may put a key together."""
UNKNOWN = "\0"
"""Stands for other values there."""
DEEPEST = 50
"""Lists and dictionaries in one another; those of real runs are some ten."""


def read(file: Path, trusted: Collection[str], parts: Sequence[str] = ("",)) -> DictConfig:
    """Return the configuration in a file.

    Args:
        trusted: what it may build besides framegan's own parts: names of packages.
        parts: dotted keys of what will be built of it; all of it by default.

    Raises:
        ValueError: it asks for more, lacks a part, or can't be read.
    """
    check_names(trusted)
    cfg = plain(file)
    try:
        refuse_calls(OmegaConf.to_container(cfg), trusted)
        config = OmegaConf.to_container(cfg, resolve=True)
        refuse_unresolved(config)
        for part in parts:
            refuse_strangers(_at(config, part), trusted, part)
    except OwnCodeError as error:
        raise OwnCodeError(f"{error}{_trained_in(file, trusted)}") from error
    except (ValueError, OmegaConfBaseException, RecursionError) as error:
        raise ValueError(f"{file} is not used:\n{error}{_trained_in(file, trusted)}") from None
    return cfg


def read_values(file: Path, trusted: Collection[str], part: str) -> Any:
    """Return a part of the configuration in a file that consists of plain values; None: there is no such part.

    Raises:
        ValueError: it asks for more than is trusted.
    """
    found: Any = OmegaConf.to_container(plain(file))
    for key in part.split("."):
        found = found.get(key) if isinstance(found, dict) else None
    try:
        refuse_unresolved({part: found})
        refuse_strangers(found, trusted, part)
    except OwnCodeError:
        raise
    except ValueError as error:
        raise ValueError(f"{file} is not used:\n{error}") from None
    return found


def _trained_in(file: Path, trusted: Collection[str]) -> str:
    """Return from which folder a run was trained, where a package that it needs isn't found from this one."""
    packages = {name.partition(".")[0] for name in trusted} - set(working_folder.packages())
    lacking = [name for name in packages if not working_folder.finds(name)]
    hydra = file.with_name("hydra.yaml")
    if not lacking or not hydra.is_file() or hydra.stat().st_size > LARGEST:
        return ""
    found = re.search(r"^    cwd: (.+)$", hydra.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
    return f"\nthe run was trained in {printable(found[1])}" if found else ""


def check_alone(file: Path) -> None:
    """Raise ValueError where folders lie beside a configuration, in which Hydra would find others."""
    folders = [path.name for path in file.parent.iterdir() if path.is_dir()]
    if folders:
        raise ValueError(f"{file.parent} holds folders, which train.py doesn't make there; remove {', '.join(folders)}")


def plain(file: Path) -> DictConfig:
    """Return what is in a file: keys and values, nothing that is meant for Hydra, and not much once it is resolved.

    Raises:
        ValueError: it is something else.
    """
    size = file.stat().st_size
    if size > LARGEST:
        raise ValueError(f"{file} has {size:,} bytes; the configuration of a run has at most {LARGEST:,}")
    try:
        text = file.read_text(encoding="utf-8")
        _check_size(text)
        raw = OmegaConf.to_container(OmegaConf.create(text))
        _check_expanded(raw)
    except (yaml.YAMLError, OmegaConfBaseException, ValueError, RecursionError) as error:
        raise ValueError(f"{file} can't be read as a configuration: {error}") from None
    if not isinstance(raw, dict):
        raise ValueError(f"{file} has no keys and values, so it is not the configuration of a run")
    found = [key for key in ("hydra", "defaults") if key in raw]
    if re.search(r"^\s*#\s*@", text, re.MULTILINE):
        found.append("# @package")
    if found:
        raise ValueError(f"{file} holds {', '.join(found)}, which train.py doesn't write there; remove it")
    return OmegaConf.create(with_todays_names(raw))


def _check_size(text: str) -> None:
    """Raise ValueError where YAML would make much of little; it is read only as far as that."""
    depth = 0
    for event in yaml.parse(text):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise ValueError(f"it is nested more than {DEEPEST} deep")
        if isinstance(event, yaml.AliasEvent):
            raise ValueError(f"it repeats a value by the alias *{event.anchor}; write the value out")


def _check_expanded(raw: Any) -> None:
    """Raise ValueError where interpolations would make much of little; the sizes are added up, nothing is resolved."""
    nodes: dict[str, Any] = {}
    for place, node in walk(raw):
        if (key := _dotted(place)) in nodes:
            raise ValueError(f"two keys are written {key}; rename one")
        nodes[key] = node
    sizes: dict[str, int] = {}

    def size(key: str) -> int:
        while key and key not in nodes:  # what is found through another interpolation is no larger than that
            key = key.rpartition(".")[0]
        if key not in sizes:
            sizes[key] = 0  # what refers to itself is refused where it is resolved
            texts = [(_dotted(place), text) for place, text in walk(nodes[key], key) if isinstance(text, str)]
            sizes[key] = len(str(nodes[key])) + sum(size(to) for text in texts for to in _targets(*text, nodes))
        return sizes[key]

    if (expanded := size("")) > LARGEST:
        raise ValueError(f"its interpolations expand it to {expanded:,} characters; at most {LARGEST:,} are allowed")


def _dotted(place: str) -> str:
    return place.replace("[", ".").replace("]", "")


def _targets(key: str, text: str, nodes: Mapping[str, Any]) -> Iterator[str]:
    """Yield the keys that the interpolations in a text name, from the inside out.

    Args:
        key: of the text itself, for those that begin with dots.
        nodes: everything by its key, for those whose names are put together from other values.
    """
    while match := REFERENCE.search(text):
        name = match[0][2:-1].removeprefix("oc.select:").partition(",")[0].strip()
        if not re.fullmatch(r"[\w.\[\]-]+", name):
            raise ValueError(f"{key} builds the name of a key by an interpolation or in quotes; write the key out")
        up = len(name) - len(name.lstrip("."))
        target = ".".join([*(key.split(".")[:-up] if up else ()), *re.findall(r"[^.\[\]]+", name)])
        yield target
        value = str(nodes.get(target, UNKNOWN))
        text = text[: match.start()] + (value if re.fullmatch(NAME, value) else UNKNOWN) + text[match.end() :]


def _at(config: Any, part: str) -> Any:
    for key in filter(None, part.split(".")):
        if not isinstance(config, dict) or config.get(key) is None:
            raise ValueError(f"it has no {part}; it is not the configuration of a run")
        config = config[key]
    return config
