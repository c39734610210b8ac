"""Lets Hydra put the same choices together once in a test process: that was two fifths of a small run's time.

It is done anew where YAML lies in other places than the package's own and Hydra's, such as a test's.
"""

import copy
import pickle
from collections.abc import Sequence
from typing import Any

from hydra._internal import defaults_list
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from omegaconf import DictConfig

from framegan.cli import compose

KEPT: dict[Any, Any] = {}
STATE = ("override_choices", "override_metadata", "known_choices", "known_choices_per_group", "deletions")
"""What finding the defaults notes down of the choices."""
find = defaults_list._create_defaults_list
put_together = ConfigLoaderImpl._compose_config_from_defaults_list


def install() -> None:
    defaults_list._create_defaults_list = find_once
    ConfigLoaderImpl._compose_config_from_defaults_list = put_together_once  # type: ignore[method-assign]


def find_once(repo: Any, name: str | None, overrides: Any, prepend_hydra: bool, skip_missing: bool) -> Any:
    if not _is_fixed(repo):
        return find(repo, name, overrides, prepend_hydra, skip_missing)
    chosen = overrides.override_choices, overrides.append_group_defaults, overrides.deletions
    key = (name, repr(chosen), prepend_hydra, skip_missing)
    if key not in KEPT:
        found = find(repo, name, overrides, prepend_hydra, skip_missing)
        KEPT[key] = found, copy.deepcopy({name: getattr(overrides, name) for name in STATE})
    found, state = KEPT[key]
    vars(overrides).update(copy.deepcopy(state))
    return found


def put_together_once(loader: ConfigLoaderImpl, defaults: Sequence[Any], repo: Any) -> DictConfig:
    if not _is_fixed(repo):
        return put_together(loader, defaults, repo)  # type: ignore[arg-type]
    key = repr(defaults)
    if key not in KEPT:
        KEPT[key] = pickle.dumps(put_together(loader, defaults, repo))  # type: ignore[arg-type]
    return pickle.loads(KEPT[key])  # type: ignore[no-any-return]


def _is_fixed(repo: Any) -> bool:
    places = [(source.scheme(), source.path) for source in repo.get_sources()]
    return all(scheme in ("pkg", "structured") or path == compose.CONFIGURATIONS for scheme, path in places)
