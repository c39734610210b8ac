"""The command `framegan`: its first word says what to do, and Hydra reads the rest."""

import difflib
import importlib
import io
import os
import shlex
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from framegan import __version__, program
from framegan.cli import pages
from framegan.processes.lifetime import ANSWERED, run_and_leave

HELP = ("--help", "-h", "help")
VERSION = ("--version", "-V", "version")
OTHER_NAMES = {"resume": "train resume=", "fit": "train ", "sample": "generate ", "score": "evaluate ", "init": "new "}
"""What commands are called elsewhere, and how they begin here."""


class Output(io.TextIOWrapper):
    """Standard output, which goes on to nowhere once nobody reads it: what is piped into `head` ends without a word.

    It may name files whose names aren't UTF-8.
    """

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except BrokenPipeError:
            self.flush()
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())


def main() -> None:
    """Run what the command line of `framegan` says."""
    _prepare()
    words = sys.argv[1:]
    if words[:1] and words[0] in HELP:
        words = [*words[1:2], "--help"]
    if words[:1] in ([], ["--help"]):
        print(pages.screen())
    elif words[0] in VERSION:
        print(f"framegan {__version__}")
    elif words[0] in pages.COMMANDS:
        _run(words[0], words[1:])
    else:
        _refuse(*words)


def script(command: str) -> None:
    """Run a command by the command line of a script in src/."""
    _prepare()
    program.leave_script_folder()
    _run(command, sys.argv[1:])


def _run(command: str, words: Sequence[str]) -> None:
    if set(HELP) & set(words) and not any("=" in word for word in words):
        print(pages.page(command))
    elif len(words) == 1 and words[0] in VERSION:
        print(f"framegan {__version__}")
    elif not pages.has_settings(command):
        try:
            importlib.import_module(f"framegan.cli.{command}").main(words)
        except (ValueError, OSError) as error:
            raise SystemExit(f"error: {error}") from None
    else:
        run_and_leave(lambda: _run_with_hydra(command, words))


def _prepare() -> None:
    """Let Ctrl-C end this process without a traceback, from before the first heavy import on; see also `Output`.

    A rank is started with signals held back, so that none reaches it before this.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # and not ignored
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ANSWERED)
    if type(sys.stdout) is io.TextIOWrapper:
        buffer, encoding, in_lines = sys.stdout.buffer, sys.stdout.encoding, sys.stdout.line_buffering
        sys.stdout = Output(buffer, encoding, "backslashreplace", line_buffering=in_lines)


def _run_with_hydra(command: str, words: Sequence[str]) -> None:
    from framegan.cli import arguments, sweep

    sys.argv[1:] = arguments.prepared(command, words)
    with sweep.told_at_the_end():
        importlib.import_module(f"framegan.cli.{command}").main()


def _refuse(word: str, *rest: str) -> NoReturn:
    close = [f"{name} " for name in difflib.get_close_matches(word.lower(), pages.COMMANDS, n=1)]
    begins = f"train {word} " if "=" in word else next(iter(close), OTHER_NAMES.get(word))
    there = f"there are: {', '.join(pages.COMMANDS)}"
    hint = f"did you mean framegan {begins}{shlex.join(rest)}".rstrip() + "?" if begins else there
    raise SystemExit(f"error: framegan {word} is no command; {hint}")
