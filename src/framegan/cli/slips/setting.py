"""The words of a command line as the settings they are or were meant to be: `data mnist`, `model = dcgan`, `--lr=1`."""

import difflib
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from framegan.cli import command_line
from framegan.cli.slips.known import Known

SETTING = re.compile(r"(\+\+?|~)?[^\s=:'\"-][^=\s:]*=.*", re.DOTALL)
"""A word that is KEY=VALUE, or +KEY=VALUE and so on."""
DASHES = tuple("-\u2010\u2011\u2012\u2013\u2014\u2015\u2212")
"""The dash of an option, and what a word processor makes of it."""
OF_RUNS = ("generate", "evaluate", "export", "play", "push")
"""Scripts whose first word may be a run folder, or a checkpoint in one, without its key."""


@dataclass
class Setting:
    """A setting: the words of the command line, and the text that they mean."""

    words: str
    text: str

    def __post_init__(self) -> None:
        key, _, self.value = self.text.partition("=")
        self.key = key.lstrip("+~")
        self.mark = key.removesuffix(self.key)
        """What stands before the key: nothing, +, ++ or ~."""

    def __str__(self) -> str:
        return shlex.quote(self.words)


def settings_of(words: Sequence[str], known: Known) -> list[Setting]:
    found: list[Setting] = []
    if known.name in OF_RUNS and _begin_with_run(words, known):
        words = [f"checkpoint={words[0]}", *words[1:]]
    waiting = _joined(words)
    while waiting:
        first, *behind = waiting
        number, text = _meant(first.text, behind, known)
        found.append(Setting(" ".join(word.words for word in waiting[: 1 + number]), text))
        waiting = behind[number:]
    return found


def _begin_with_run(words: Sequence[str], known: Known) -> bool:
    """Say whether the first word is a run folder, and not a key or a choice whose `=` was forgotten."""
    if not words or not _is_bare(words[0]):
        return bool(words) and command_line.is_place(words[0])
    word, behind = words[0], words[1:]
    is_path = "/" in word or Path(word).expanduser().exists() or _with_spaces(f"checkpoint={word}", behind)[0] > 0
    is_alone = all("=" in other.strip("=") for other in behind[:1])
    return is_path or (is_alone and not any(known.takes(group, word) for group in known.groups()))


def _joined(words: Sequence[str]) -> list[Setting]:
    """Put together what a `=`, a colon or a comma shows to be one: `a = b` is a=b, and `[a, b]` is [a,b]."""
    found = [Setting("", "")]
    for word in words:
        last = found[-1]
        if (_is_bare(word) and last.text.endswith(("=", ":", ",", ";"))) or (
            word.startswith("=") and last.text and "=" not in last.text
        ):
            text = f"{last.text[:-1]}," if last.text.endswith(";") else last.text
            found[-1] = Setting(f"{last.words} {word}", text + word)
        else:
            found.append(Setting(word, word))
    return found[1:]


def _is_bare(word: str) -> bool:
    return "=" not in word and not word.startswith((*DASHES, "~"))


def _meant(word: str, behind: Sequence[Setting], known: Known) -> tuple[int, str]:
    """Return how many of the words behind one belong to it, and the setting that they are together."""
    after = behind[0].text if behind and _is_bare(behind[0].text) else None
    if word.startswith(DASHES):
        return _option(word, after)
    if SETTING.fullmatch(word):
        key, mark, value = word.partition("=")
        return _with_spaces(key.replace("\\", "/") + mark + value, [other.words for other in behind])
    if re.fullmatch(r"~[\w./@]+", word):
        return 0, word
    if pair := re.fullmatch(r"\s*([\w./@]+)\s*[:=]\s*(.*)", word, re.DOTALL):
        return 0, f"{pair[1]}={pair[2] or 'VALUE'}"
    if groups := [group for group in known.groups() if known.takes(group, word)]:
        return 0, f"{groups[0]}={word}"
    path = Path(word).expanduser()
    if path.suffix == ".yaml" and known.takes("experiments", path.stem):
        return 0, f"experiments={path.stem}"
    if after is not None and re.fullmatch(r"\+*[\w./@]+", word) and not ("/" in word and path.exists()):
        return 1, f"{word}={after}"
    if path.exists() or ("/" in word and not known.is_group(word.partition("/")[0])):
        is_run = not path.exists() or (path / ".hydra").exists() or path.suffix == ".ckpt"
        key = "checkpoint" if known.name in OF_RUNS else "resume" if is_run and known.name == "train" else "data"
        return 0, f"{key}={word}"
    return 0, f"{word}=VALUE"


def _with_spaces(text: str, behind: Sequence[str]) -> tuple[int, str]:
    """Return the same for a setting whose path the shell has cut at its spaces: data.root=my own photos."""
    key, _, value = text.partition("=")
    if value and re.split(r"[./@]", key)[-1] in {*command_line.PATHS, "data"}:
        bare = next((place for place, word in enumerate(behind) if "=" in word), len(behind))
        for end in range(bare, 0, -1):
            if Path(" ".join([value, *behind[:end]])).expanduser().exists():
                return end, " ".join([text, *behind[:end]])
    return 0, text


def _option(word: str, after: str | None) -> tuple[int, str]:
    """Return the same for a word that begins like an option, and is none of Hydra's."""
    name, has_value, value = word.lstrip("".join(DASHES)).partition("=")
    options = [option for option in command_line.takes_value() if option.startswith("--")]
    if close := difflib.get_close_matches("--" + name.replace("_", "-"), options, n=1, cutoff=0.84):
        return 0, close[0]
    key = name.replace("-", "_")
    return (0, f"{key}={value}") if has_value else (0, f"{key}=VALUE") if after is None else (1, f"{key}={after}")
