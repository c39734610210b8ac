"""Runs the entry scripts in this process, as their command lines would."""

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent


def run(script: str, *arguments: str) -> str | None:
    """Run a command as `python src/<script>.py ARGUMENTS` does; return the message it stopped with, or None."""
    name = "classifier" if script == "train_classifier" else script
    module = importlib.import_module(f"framegan.cli.{name}")
    before = sys.argv
    sys.argv = [str(PROJECT / "src" / f"{script}.py"), *arguments]
    try:
        sys.argv[1:] = prepared(script, arguments)
        module.main()
    except SystemExit as stop:
        return str(stop.code)
    finally:
        sys.argv = before
    return None


def prepared(script: str, arguments: Sequence[str]) -> list[str]:
    """Return what Hydra gets of a command line; SystemExit where it is refused."""
    name = "classifier" if script == "train_classifier" else script
    return importlib.import_module("framegan.cli.arguments").prepared(name, arguments)  # type: ignore[no-any-return]


def train(*arguments: str) -> str | None:
    return run("train", *arguments)
