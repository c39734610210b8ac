"""Complete commands and settings with the Tab key: eval "$(framegan completion bash)" """

import os
import re
import shlex
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from framegan.cli import pages
from framegan.cli.new import KINDS

USAGE = """Complete commands, choices, keys and run folders with the Tab key. In the start-up file of your shell:

  bash   eval "$(framegan completion bash)"
  zsh    eval "$(framegan completion zsh)"      below compinit
  fish   framegan completion fish | source"""

SHELLS = {
    "bash": """_framegan() {
  mapfile -t COMPREPLY < <(framegan completion bash "${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2>/dev/null)
}
complete -o nospace -F _framegan framegan""",
    "zsh": r"""_framegan() {
  local -a found
  found=(${(f)"$(framegan completion zsh "${(j: :)words[1,CURRENT]}" 2>/dev/null)"})
  compadd -Q -S '' -- $found
}
compdef _framegan framegan""",
    "fish": "complete -c framegan -f -a '(framegan completion fish (commandline -cp) 2>/dev/null)'",
}
"""Of each shell the code that asks for the words that may follow a line; bash takes words apart at more than blanks."""
END = "\0"
"""Stands for the place up to which a line is written."""


def main(words: Sequence[str]) -> None:
    """Print the code for a shell, or the words that may follow a line, as that shell puts them in."""
    if not words:
        print(USAGE)
    elif words[0] not in SHELLS or len(words) > 3:
        raise ValueError(f"framegan completion knows {', '.join(SHELLS)}; got {' '.join(words)}")
    elif len(words) == 1:
        print(SHELLS[words[0]])
    else:
        for word in words_behind(*words):
            print(word)


def words_behind(shell: str, line: str, breaks: str = "") -> list[str]:
    """Return what the last word of a line may become; those that end neither in = nor / nor . end with a space.

    Args:
        line: as it is written so far, `framegan` included.
        breaks: letters behind which the shell puts in the rest of a word alone, unless they are escaped.
    """
    for quote in ("", '"', "'"):
        with suppress(ValueError):  # a quote is open
            _, *before, last = shlex.split(f"{line}{END}{quote}")
            break
    last = last.removesuffix(END)
    found = sorted(word for word in _words(before, last) if word.startswith(last))
    if shell == "fish":  # puts in quotes and spaces itself
        return found
    if quote:
        kept = len(last) - len(line.rpartition(quote)[2])
        if shell == "bash" and len(found) == 1 and found[0][-1] in "=/.":
            found.append(
                f"{found[0]}..."
            )  # of one word alone it closes the quote, of two it puts in what both begin with
        return [word[kept:] for word in found]
    behind = re.findall(rf"(?:\\.|[^{re.escape(breaks)}])*$", line)[0] if breaks else last
    kept = len(last) - len(re.sub(r"\\(.)", r"\1", behind))
    return [re.sub(r"([^\w@%+=:,./~-])", r"\\\1", word[kept:]) + " " * (word[-1] not in "=/.") for word in found]


def _words(before: Sequence[str], last: str) -> list[str]:
    if before in ([], ["help"]):
        return [*pages.COMMANDS, "--help", "--version"]
    offered = {"new": KINDS, "completion": SHELLS}
    if before[0] in offered:
        return [*offered[before[0]]] if len(before) == 1 else []
    if before[0] not in pages.COMMANDS:
        return []
    if pages.has_settings(before[0]):
        return _settings(before[0], before[1:], last)
    return [*_files(last), *(_edits(last) if before[0] == "edit" else ())]


def _edits(last: str) -> list[str]:
    """Return the edits, or behind the name of one its fields."""
    from dataclasses import fields

    from framegan.edits.words import EDITS

    name, point, _ = last.partition(".")
    if point and name in EDITS:
        return [f"{name}.{field.name}=" for field in fields(EDITS[name])[1:]]
    return [f"{name}=" if fields(kind) else name for name, kind in EDITS.items()]


def _settings(command: str, before: Sequence[str], last: str) -> list[str]:
    """Return the options and settings that a command takes behind others."""
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    from framegan.cli import arguments, command_line
    from framegan.cli.slips.known import Known
    from framegan.cli.slips.setting import OF_RUNS

    options, words = command_line.split(before)
    known = Known(command, [*arguments.own_configurations(options), *options])
    chosen = [word for word in words if "=" in word and known.is_group(re.split("[=@]", word.lstrip("+"))[0])]
    with suppress(HydraException, OmegaConfBaseException, YAMLError, OSError):  # the command itself reports these
        known.compose(chosen)
    key, equals, value = last.partition("=")
    if equals:
        group = key.partition("@")[0].lstrip("+")
        is_path = re.split(r"[./@]", key)[-1] in command_line.PATHS
        is_switch = isinstance(known.lookup(key)[1], bool)
        there = known.options_of(group) if known.is_group(group) else _files(value) if is_path else []
        return [f"{key}={name}" for name in (["true", "false"] if is_switch else there)]
    runs = _files(last) if command in OF_RUNS and not words else []
    names = [*known.groups(), *known.keys()]
    parts = {last + "".join(f"{name}="[len(last) :].partition(".")[:2]) for name in names if name.startswith(last)}
    return [*runs, *parts, *(option for option in command_line.takes_value() if option.startswith("--"))]


def _files(start: str) -> list[str]:
    """Return the files and folders whose paths begin so, those of folders with a / behind."""
    folder, name = os.path.split(start)
    with suppress(OSError):
        found = [path for path in Path(folder or ".").expanduser().iterdir() if path.name.startswith(name)]
        shown = [path for path in found if name.startswith(".") or not path.name.startswith(".")]
        return [os.path.join(folder, path.name) + "/" * path.is_dir() for path in shown]  # noqa: PTH118
    return []
