"""Arguments of the scripts: what one means, and those that one script gives to another."""

from pathlib import Path
from typing import Any

from framegan.quoting import quoted


def value_of(argument: str) -> Any:
    """Return what Hydra understands by the value in KEY=VALUE; None where it understands nothing."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        return OverridesParser.create().parse_override(argument).value()
    except HydraException:
        return None


def configured_by(folder: Path) -> list[str]:
    """Return the arguments with which a script takes its configuration from the config.yaml in a folder."""
    return ["--config-path", str(folder), "--config-name", "config"]


def running_in(folder: str | Path) -> list[str]:
    """Return the arguments with which a script runs in a folder that is there already."""
    return [f"hydra.run.dir={quoted(folder)}", "hydra.output_subdir=null"]
