"""Arguments in Hydra's grammar: what one means, and how one is written so that it means what it should."""

import re
import shlex
from pathlib import Path
from typing import Any


def value_of(argument: str) -> Any:
    """Return what Hydra understands by the value in KEY=VALUE; None where it understands nothing."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        return OverridesParser.create().parse_override(argument).value()
    except HydraException:
        return None


def to_type(key: str, path: str | Path) -> str:
    """Return KEY=PATH as it is typed in a shell, quoted for the shell and for Hydra where they need it."""
    plain = f"{key}={path}"
    return shlex.quote(plain if value_of(plain) == str(path) else f"{key}={quoted(path)}")


def quoted(path: str | Path) -> str:
    """Return a path in the quotes of Hydra's grammar."""
    mark = '"' if "'" in str(path) else "'"
    escaped = re.sub(rf"(\\*)({mark}|$)", lambda found: found[1] * 2 + (f"\\{mark}" if found[2] else ""), str(path))
    return f"{mark}{escaped}{mark}"


def configured_by(folder: Path) -> list[str]:
    """Return the arguments with which a script takes its configuration from the config.yaml in a folder."""
    return ["--config-path", str(folder), "--config-name", "config"]


def running_in(folder: str | Path) -> list[str]:
    """Return the arguments with which a script runs in a folder that is there already."""
    return [f"hydra.run.dir={quoted(folder)}", "hydra.output_subdir=null"]
