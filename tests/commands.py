"""Runs the entry scripts in this process, as their command lines would."""

import importlib
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT / "src"))


def run(script: str, *arguments: str) -> str | None:
    """Run `python src/<script>.py ARGUMENTS`; return the message it stopped with, or None."""
    module = importlib.import_module(script)
    before = sys.argv
    sys.argv = [str(PROJECT / "src" / f"{script}.py"), *arguments]
    try:
        if script == "train":
            sys.argv[1:] = importlib.import_module("resume").arguments_of(arguments)
        module.main()
    except SystemExit as stop:
        return str(stop.code)
    finally:
        sys.argv = before
    return None


def train(*arguments: str) -> str | None:
    return run("train", *arguments)
