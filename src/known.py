"""What a script's configuration knows before anything is run: its groups, their options, and its keys."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import CachingConfigRepository
from hydra._internal.utils import create_config_search_path, get_args_parser
from hydra.core.config_search_path import SearchPathQuery
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import OmegaConf

import launch

MARK = "\ufeff"
"""What some editors put at the beginning of a file; Hydra would miss a `# @package` behind it."""


class Known:
    """The configuration of a script as a command line composes it.

    Args:
        name: of the script's own configuration, such as "train".
        options: Hydra's own options that were typed.
    """

    def __init__(self, name: str, options: Sequence[str]):
        parser = get_args_parser()
        parser.error = launch.stop  # type: ignore[method-assign]
        typed, _ = parser.parse_known_args(list(options))
        folder = launch.PROJECT / "src" / (typed.config_path or launch.CONFIGURATIONS)
        search_path = create_config_search_path(str(folder))
        if typed.config_dir is not None:
            if not Path(typed.config_dir).is_dir():
                launch.stop(f"--config-dir got {typed.config_dir}, which is not a folder")
            place = f"file://{Path(typed.config_dir).absolute()}"
            search_path.prepend("command-line", place, SearchPathQuery(provider="schema"))
        self.name = typed.config_name or name
        self.loader = ConfigLoaderImpl(search_path)
        self.repository: Any = CachingConfigRepository(self.loader.repository)
        self.choices: dict[str, Any] = {}
        """What is chosen of each group, under the key that chooses it, such as optimizer@model.generator_optimizer."""
        self.config: dict[str, Any] = {}
        """The configuration as plain containers, interpolations as they were written."""
        self.lists: list[str] | None = None

    def compose(self, overrides: Sequence[str]) -> None:
        """Fill in `choices` and `config`; Hydra's exceptions come out as they are."""
        places = [override for override in overrides if override.startswith("hydra.searchpath=")]
        _, self.repository = self.loader._parse_overrides_and_create_caching_repo(self.name, places)
        cfg = self.loader.load_configuration(self.name, list(overrides), RunMode.RUN)
        self.config = OmegaConf.to_container(cfg, resolve=False)  # type: ignore[assignment]
        self.lists = None
        self.choices = self.config["hydra"]["runtime"]["choices"]

    def is_group(self, key: str) -> bool:
        return bool(self.repository.group_exists(key))

    def options_of(self, group: str) -> list[str]:
        return list(self.repository.get_group_options(group, results_filter=ObjectType.CONFIG))

    def has_option(self, group: str, option: Any) -> bool:
        is_name = isinstance(option, str) and re.fullmatch(r"[^./~][^.]*", option) is not None
        return is_name and bool(self.repository.config_exists(f"{group}/{option}"))

    def groups(self) -> list[str]:
        """Return the keys that choose: those of which something is chosen, and those below the model that may be."""
        if not self.choices:
            self.compose([])
        return [key for key in [*self.choices, *self._lists()] if not key.startswith("hydra/")]

    def _lists(self) -> list[str]:
        """Return the groups of which nothing is chosen, and any number may be."""
        if not self.choices.get("model"):
            return []
        below = [f"model/{name}" for name in self.repository.get_group_options("model", ObjectType.GROUP)]
        if self.lists is None:
            self.lists = [key for key in below if key not in self.choices and self._may_choose(key)]
        return self.lists

    def _may_choose(self, key: str) -> bool:
        chosen = [f"{other}={self.choices[other]}" for other in ("model", "data") if self.choices.get(other)]
        try:
            self.loader.load_configuration(self.name, [*chosen, f"{key}=[]"], RunMode.RUN)
        except HydraException:
            return False
        return True

    def lookup(self, key: str) -> tuple[bool, Any]:
        """Say whether there is a key, and return what is there; below an interpolation there is anything."""
        node: Any = self.config
        for part in re.findall(r"[^.\[\]]+", key):
            if isinstance(node, str) and "${" in node:
                return True, node
            if isinstance(node, list) and part.isdigit() and int(part) < len(node):
                node = node[int(part)]
            elif isinstance(node, dict) and part in node:
                node = node[part]
            else:
                return False, None
        return True, node

    def change(self, override: Override) -> None:
        """Do to `config` what Hydra will do, so that the settings behind this one find what it leaves."""
        *above, last = override.key_or_group.split(".")
        node: Any = self.config
        for part in above:
            if not isinstance(node, dict):
                return
            if not isinstance(node.get(part), dict | list):
                node[part] = {}
            node = node[part]
        if not isinstance(node, dict):
            return
        value = override.value()
        if override.is_delete():
            node.pop(last, None)
        elif isinstance(value, dict) and isinstance(node.get(last), dict):
            node[last] |= value
        else:
            node[last] = value

    def keys(self) -> dict[str, Any]:
        """Return every key where a value is typed, and its value: not Hydra's, and none that follows another one."""
        return dict(_keys({key: node for key, node in self.config.items() if key != "hydra"}, ""))

    def marked_file(self, chosen: Sequence[str]) -> Path | None:
        """Return the file of a choice, GROUP=NAME, that begins with a byte order mark, if there is one."""
        names = [f"{re.split('[=@]', text)[0].lstrip('+')}/{text.partition('=')[2]}" for text in chosen]
        for source in self.repository.get_sources():
            for name in [self.name, *names] if source.scheme() == "file" else []:
                file = Path(source.path) / f"{name}.yaml"
                if file.is_file() and file.read_bytes()[:3] == MARK.encode():
                    return file
        return None


def _keys(node: dict[str, Any], path: str) -> Any:
    for name, value in node.items():
        key = f"{path}.{name}".lstrip(".")
        if str(name).startswith("_") or (isinstance(value, str) and value.startswith("${")):
            continue
        yield key, value
        if isinstance(value, dict):
            yield from _keys(value, key)
