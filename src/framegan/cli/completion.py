"""Complete commands and settings with the Tab key: eval "$(framegan completion bash)" """

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from framegan.cli import pages
from framegan.cli.skeletons import FOLDERS

if TYPE_CHECKING:
    from framegan.cli.slips.known import Known

USAGE = """Complete commands, choices, keys and run folders with the Tab key. In the start-up file of your shell:

  bash   eval "$(framegan completion bash)"
  zsh    eval "$(framegan completion zsh)"      below compinit
  fish   framegan completion fish | source"""

SHELLS = {
    "bash": r"""_framegan() {
  local IFS=$'\n' line=${COMP_LINE:0:COMP_POINT}
  local word=${line##* }
  COMPREPLY=($(framegan completion words "$line" 2>/dev/null))
  if [[ $COMP_WORDBREAKS == *=* && $word == *=* ]]; then  # bash puts in only what comes behind the last =
    COMPREPLY=("${COMPREPLY[@]#"${word%=*}="}")
  fi
}
complete -o nospace -F _framegan framegan""",
    "zsh": r"""_framegan() {
  local -a found
  found=(${(f)"$(framegan completion words "${(j: :)words[1,CURRENT]}" 2>/dev/null)"})
  compadd -Q -S '' -- $found
}
compdef _framegan framegan""",
    "fish": "complete -c framegan -f -a '(framegan completion words (commandline -cp) 2>/dev/null)'",
}
"""Of each shell the code that asks for the words, with what is typed so far."""


def main(words: Sequence[str]) -> None:
    """Print the code for a shell, or the words that may follow what is typed."""
    if not words:
        print(USAGE)
    elif words[0] == "words" and len(words) == 2:
        print(*words_behind(words[1]), sep="\n")
    elif words[0] in SHELLS:
        print(SHELLS[words[0]])
    else:
        raise SystemExit(f"error: framegan completion knows {', '.join(SHELLS)}; got {' '.join(words)}")


def words_behind(line: str) -> list[str]:
    """Return what the last word of a line may become; those that end neither in = nor / nor . end with a space.

    Args:
        line: as it is typed so far, `framegan` included.
    """
    _, *typed, last = re.split(" +", line.lstrip())
    if typed in ([], ["help"]):
        found = [*pages.COMMANDS, "--help", "--version"]
    elif typed[0] == "new":
        found = [*FOLDERS] if len(typed) == 1 else []
    elif typed[0] == "completion":
        found = [*SHELLS]
    elif typed[0] in pages.COMMANDS:
        found = _settings(typed[0], typed[1:], last)
    else:
        found = []
    return [word if word[-1] in "=/." else f"{word} " for word in sorted(found) if word.startswith(last)]


def _settings(command: str, typed: Sequence[str], last: str) -> list[str]:
    """Return the options and settings that a command takes behind those that are typed."""
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    from framegan.cli import arguments, command_line
    from framegan.cli.slips.known import Known
    from framegan.cli.slips.setting import OF_RUNS

    options, words = command_line.split(typed)
    known = Known(command, [*arguments.own_configurations(options), *options])
    chosen = [word for word in words if "=" in word and known.is_group(re.split("[=@]", word.lstrip("+"))[0])]
    with suppress(HydraException, OmegaConfBaseException, YAMLError, OSError):  # the command itself reports these
        known.compose(chosen)
    key, equals, value = last.partition("=")
    if equals:
        group = key.partition("@")[0].lstrip("+")
        is_path = re.split(r"[./@]", key)[-1] in command_line.PATHS
        there = known.options_of(group) if known.is_group(group) else _files(value) if is_path else _values(known, key)
        return [f"{key}={name}" for name in there]
    runs = _files(last) if command in OF_RUNS and not words else []
    names = [
        *known.groups(),
        *(key for key, node in known.keys().items() if not isinstance(node, dict)),
        *(["hydra.run.dir", "hydra.sweep.dir"] if command == "train" else []),
    ]
    parts = {_next_part(f"{name}=", last) for name in names if name.startswith(last)}
    return [*runs, *parts, *(option for option in command_line.takes_value() if option.startswith("--"))]


def _next_part(key: str, typed: str) -> str:
    """Return a key up to the dot behind what is typed of it."""
    dot = key.find(".", len(typed))
    return key[: dot + 1] if dot >= 0 else key


def _values(known: "Known", key: str) -> list[str]:
    there = known.lookup(key)[1]
    return ["true", "false"] if isinstance(there, bool) else []


def _files(typed: str) -> list[str]:
    """Return the files and folders whose paths begin so, those of folders with a / behind."""
    folder, name = os.path.split(typed)
    with suppress(OSError):
        found = [path for path in Path(folder or ".").expanduser().iterdir() if path.name.startswith(name)]
        shown = [path for path in found if name.startswith(".") or not path.name.startswith(".")]
        return [os.path.join(folder, path.name) + "/" * path.is_dir() for path in shown]  # noqa: PTH118
    return []
