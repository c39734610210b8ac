"""The command `framegan`: its first word says what to do, and Hydra reads the rest."""

import difflib
import importlib
import io
import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

from framegan import __version__, program
from framegan.cli import interrupts, pages

HELP = ("--help", "-h", "help")
VERSION = ("--version", "-V", "version")
OTHER_NAMES = {"resume": "train resume=", "fit": "train ", "sample": "generate ", "score": "evaluate ", "init": "new "}
"""What commands are called elsewhere, and how they begin here."""


def main() -> None:
    """Run what the command line of `framegan` says."""
    interrupts.answer()
    words = sys.argv[1:]
    if words[:1] and words[0] in HELP:
        words = [*words[1:2], "--help"]
    if words[:1] in ([], ["--help"]):
        _show(pages.screen())
    elif words[0] in VERSION:
        print(f"framegan {__version__}")
    elif words[0] in pages.COMMANDS:
        run(words[0], words[1:])
    else:
        _refuse(*words)


def script(command: str) -> None:
    """Run a command by the command line of a script in src/."""
    interrupts.answer()
    program.leave_script_folder()
    run(command, sys.argv[1:])


def run(command: str, words: Sequence[str]) -> None:
    """Run a command; what it prints may name files whose names aren't UTF-8."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    if set(HELP) & set(words) and not any("=" in word for word in words):
        _show(pages.page(command))
    elif len(words) == 1 and words[0] in VERSION:
        print(f"framegan {__version__}")
    elif command in pages.WITHOUT_HYDRA:
        with ends_where_nobody_reads():
            importlib.import_module(f"framegan.cli.{command}").main(words)
    else:
        _run_with_hydra(command, words)


@contextmanager
def ends_where_nobody_reads() -> Iterator[None]:
    """End what is piped into `head` there, without a word."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python would say so at its end


def _show(text: str) -> None:
    with ends_where_nobody_reads():
        print(text)


def _run_with_hydra(command: str, words: Sequence[str]) -> None:
    from framegan.processes.lifetime import run_and_leave

    def start() -> None:
        from framegan.cli import arguments

        sys.argv[1:] = arguments.prepared(command, words)
        importlib.import_module(f"framegan.cli.{command}").main()

    run_and_leave(start)


def _refuse(word: str, *rest: str) -> NoReturn:
    close = [f"{name} " for name in difflib.get_close_matches(word.lower(), pages.COMMANDS, n=1)]
    begins = f"train {word} " if "=" in word else next(iter(close), OTHER_NAMES.get(word))
    there = f"there are: {', '.join(pages.COMMANDS)}"
    hint = f"did you mean framegan {begins}{shlex.join(rest)}".rstrip() + "?" if begins else there
    raise SystemExit(f"error: framegan {word} is no command; {hint}")
