"""The command `framegan`: its first word says what to do, and Hydra reads the rest."""

import difflib
import importlib
import io
import sys
from collections.abc import Sequence
from typing import NoReturn

from framegan import __version__
from framegan.cli import interrupts

COMMANDS = {
    "train": ("train a GAN, or resume a run", "framegan train model=dcgan data=digits"),
    "generate": ("make samples with a trained generator", "framegan generate runs/demo num_samples=64"),
    "evaluate": ("score a trained generator, or a folder of samples", "framegan evaluate runs/demo metrics=fid"),
    "prepare": (
        "decode videos once and for all",
        "framegan prepare data=video_folder data.root=clips data.resolution=64",
    ),
    "classifier": ("train the classifier that some metrics need", "framegan classifier data=mnist"),
}
"""Of each command what it does, and an example."""


def main() -> None:
    """Run what the command line of `framegan` says."""
    interrupts.answer()
    words = sys.argv[1:]
    if not words or words[0] in ("-h", "--help", "help"):
        print(screen())
    elif words[0] in ("-V", "--version", "version"):
        print(f"framegan {__version__}")
    elif words[0] in COMMANDS:
        run(words[0], words[1:])
    else:
        _refuse(words[0])


def script(command: str) -> None:
    """Run a command by the command line of a script in src/."""
    interrupts.answer()
    run(command, sys.argv[1:])


def run(command: str, words: Sequence[str]) -> None:
    """Run a command; what it prints may name files whose names aren't UTF-8."""
    from framegan.processes.lifetime import run_and_leave

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")

    def start() -> None:
        from framegan.cli import arguments

        sys.argv[1:] = arguments.prepared(command, words)
        importlib.import_module(f"framegan.cli.{command}").main()

    run_and_leave(start)


def screen() -> str:
    """Return what there is, with an example of each."""
    lines = [f"framegan {__version__}: train GANs on images and short clips, and score them", ""]
    for name, (what, example) in COMMANDS.items():
        lines += [f"  {name:<11} {what}", f"  {'':<11}   {example}", ""]
    return "\n".join([*lines, "framegan COMMAND --help shows its settings and what there is to choose from."])


def _refuse(word: str) -> NoReturn:
    close = difflib.get_close_matches(word, COMMANDS, n=1)
    hint = f"did you mean framegan {close[0]}?" if close else f"there are: {', '.join(COMMANDS)}"
    raise SystemExit(f"error: framegan {word} is no command; {hint}")
