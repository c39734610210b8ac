"""What a script's configuration knows before anything is run: its groups, their options, and its keys."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import CachingConfigRepository
from hydra._internal.utils import create_config_search_path, get_args_parser
from hydra.core.config_search_path import SearchPathQuery
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.types import Override
from hydra.types import RunMode
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from framegan import program
from framegan.cli import compose, errors
from framegan.containers import walk

REQUIRED = ("model", "data")
"""Groups of which a run has one choice each."""
MAY_BE_EMPTY = ("metrics", "logger", "callbacks", "model/regularizers", "model/generator_regularizers")
"""Groups of which any number may be chosen."""
MARK = b"\xef\xbb\xbf"
"""What some editors put at the beginning of a file; Hydra would miss a `# @package` behind it."""
KEY = re.compile(r"[^_.\[][^.\[]*(\.[^_.\[][^.\[]*)*")
"""A dotted key without elements of lists and without Hydra's own names, such as _target_."""


def _refuse_contents(file: Path) -> None:
    """Stop where a YAML file can't be read, or holds no settings."""
    try:
        text = file.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        OmegaConf.create(text)
    except UnicodeDecodeError:
        errors.stop(f"{file} is not UTF-8; save it so")
    except yaml.MarkedYAMLError as error:
        place = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        there = "correct the YAML there" if "\t" not in text else "indent it with spaces, not with tabs"
        errors.stop(f"{file}{place}: {error.problem}; {there}")
    except (yaml.YAMLError, OmegaConfBaseException) as error:
        errors.stop(f"{file}: {errors.first_line(error)}; correct the YAML there")
    if not isinstance(node, yaml.MappingNode):
        what = {type(None): "empty", yaml.SequenceNode: "a list"}.get(type(node), "a single value")
        errors.stop(f"{file} is {what}; it should be KEY: VALUE, line by line, as in docs/own_parts.md")


class Known:
    """The configuration of a script as a command line composes it.

    Args:
        name: of the script's own configuration, such as "train".
        options: Hydra's own options.
        sweeps: whether commas stand between the values of a sweep (-m).
    """

    def __init__(self, name: str, options: Sequence[str], *, sweeps: bool = False):
        parser = get_args_parser()
        parser.error = errors.stop  # type: ignore[method-assign]
        given, _ = parser.parse_known_args(list(options))
        folder = program.PACKAGE / "cli" / (given.config_path or compose.CONFIGURATIONS)
        search_path = create_config_search_path(str(folder))
        if given.config_dir is not None:
            if not Path(given.config_dir).is_dir():
                errors.stop(f"--config-dir got {given.config_dir}, which is not a folder")
            place = f"file://{Path(given.config_dir).absolute()}"
            search_path.prepend("command-line", place, SearchPathQuery(provider="schema"))
        self.name = given.config_name or name
        self.sweeps = sweeps
        self.loader = ConfigLoaderImpl(search_path)
        self.repository: Any = CachingConfigRepository(self.loader.repository)
        self.composed = OmegaConf.create()
        self.choices: dict[str, Any] = {}
        """What is chosen of each group, under the key that chooses it, such as optimizer@model.generator_optimizer."""
        self.config: dict[str, Any] = {}
        """The configuration as plain containers, interpolations as they were written."""

    def compose(self, overrides: Sequence[str]) -> None:
        """Fill in `choices` and `config`; Hydra's exceptions come out as they are."""
        places = [override for override in overrides if override.startswith("hydra.searchpath=")]
        _, self.repository = self.loader._parse_overrides_and_create_caching_repo(self.name, places)
        self.composed = self.loader.load_configuration(self.name, list(overrides), RunMode.RUN)
        self.config = compose.as_dict(self.composed, resolve=False)
        self.choices = self.config["hydra"]["runtime"]["choices"]

    def set(self, override: Override) -> None:
        """Do to `config` what Hydra will do, for the settings behind this one; its exceptions come out as they are."""
        self.loader._apply_overrides_to_config([override], self.composed)
        self.config = compose.as_dict(self.composed, resolve=False)

    def is_group(self, key: str) -> bool:
        return bool(self.repository.group_exists(key))

    def options_of(self, group: str) -> list[str]:
        return list(self.repository.get_group_options(group, results_filter=ObjectType.CONFIG))

    def takes(self, group: str, value: Any) -> bool:
        """Say whether a group, by the key that chooses from it, has an option, or all of [a,b]."""
        names = [name.strip() for name in re.sub(r"^\[(.*)\]$", r"\1", str(value)).split(",")]
        folder = group.partition("@")[0]
        return all(
            re.fullmatch(r"[^./~][^.]*", name) and self.repository.config_exists(f"{folder}/{name}") for name in names
        )

    def groups(self) -> list[str]:
        """Return the keys that choose: those of which something is chosen, and those of which any number may be."""
        if not self.choices:
            self.compose([])
        empty = [key for key in MAY_BE_EMPTY if self.config.get(key.partition("/")[0]) is not None]
        return [key for key in dict.fromkeys([*self.choices, *empty]) if not key.startswith("hydra/")]

    def require(self, *groups: str) -> None:
        """Stop where nothing was chosen of one of these groups."""
        for group in groups:
            if group in self.choices and self.choices[group] is None:
                errors.stop(compose.no_choice(group, self.options_of(group)))

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

    def followers(self, key: str) -> list[str]:
        """Return the keys that take their value from a key, or from one below it."""
        reference = re.compile(rf"\$\{{{re.escape(key)}[.}}]")
        return [place for place, node in walk(self.config) if isinstance(node, str) and reference.search(node)]

    def keys(self) -> list[str]:
        """Return every key of a single value: of Hydra's the folder of a run, and none that follows another one."""
        nodes = walk({key: node for key, node in self.config.items() if key != "hydra"})
        values = [key for key, node in nodes if not isinstance(node, dict) and not str(node).startswith("${")]
        own = [key for key in values if KEY.fullmatch(key)]
        return [*own, *(["hydra.run.dir", "hydra.sweep.dir"] if "resume" in own else [])]

    def with_files(self, said: str) -> str:
        """Return what Hydra says of defaults, with the file that has them in place of its name in the search path."""
        places = [Path(source.path) for source in self.repository.get_sources() if source.scheme() == "file"]
        for name in re.findall(r"[iI]n '([\w/]+)'", said):
            for file in (file for place in places if (file := place / f"{name}.yaml").is_file()):
                return f"{said.replace(repr(name), str(file), 1).rstrip('.')}; correct the defaults in that file"
        return said

    def refuse_files(self, chosen: Sequence[str]) -> None:
        """Stop where a choice, GROUP=NAME, is made from a file that can't be used as it is."""
        places = [Path(source.path) for source in self.repository.get_sources() if source.scheme() == "file"]
        names = [f"{re.split('[=@]', text)[0].lstrip('+')}/{text.partition('=')[2]}" for text in chosen]
        ours = Path(compose.CONFIGURATIONS)
        theirs = [file.relative_to(place) for place in places if place != ours for file in place.rglob("*.yaml")]
        same = [file.with_suffix("").as_posix() for file in theirs if (ours / file).is_file()]  # others may name them
        for name in dict.fromkeys([self.name, *names, *same]):
            files = [file for place in places if (file := place / f"{name}.yaml").is_file()]
            texts = [file.read_bytes() for file in files]
            for file in (file for file, text in zip(files, texts, strict=True) if text.startswith(MARK)):
                errors.stop(f"{file} begins with a byte order mark (BOM); save it as UTF-8 without one")
            for file in (file for file in files if not file.is_relative_to(compose.CONFIGURATIONS)):
                _refuse_contents(file)
            if len(set(texts)) > 1:
                errors.stop(f"{files[1]} is not used, for {files[0]} has the same name and comes first; rename it")
