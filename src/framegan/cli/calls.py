"""A command run by Python code: the same words, the same checks; what would end a program is raised."""

import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from framegan.cli import arguments, compose

QUIET = ["hydra/job_logging=disabled", "hydra/hydra_logging=disabled"]


@dataclass(frozen=True)
class Called:
    """What is known of a command that was run.

    Args:
        folder: Hydra's, which is the run folder of `train`.
        out: where `evaluate` has written its records; None of other commands.
    """

    folder: str
    out: str | None


def call(command: str, words: Sequence[str]) -> Called:
    """Run a command in this process.

    Raises:
        ValueError: the message with which the command stops.
    """
    main = importlib.import_module(f"framegan.cli.{command}").main
    called: list[Called] = []

    @wraps(main)
    def task(cfg: DictConfig) -> Any:
        called.append(Called(HydraConfig.get().runtime.output_dir, OmegaConf.select(cfg, "out")))
        return main.__wrapped__(cfg)

    before, argv = GlobalHydra.instance().hydra, sys.argv
    GlobalHydra.instance().clear()
    try:
        sys.argv = [argv[0], *arguments.prepared(command, words), *QUIET]
        hydra.main(version_base="1.3", config_path=compose.CONFIGURATIONS, config_name=command)(task)()
    except SystemExit as stop:
        raise ValueError(str(stop.code).removeprefix("error: ")) from None
    finally:
        sys.argv = argv
        GlobalHydra.instance().hydra = before
    return called[-1]
