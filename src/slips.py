"""The words of a command line as the settings they are or were meant to be: `data mnist`, `model = dcgan`, `--lr=1`."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import command_line
from known import Known

SETTING = re.compile(r"(\+\+?|~)?[^\s=:'\"-][^=\s:]*=.*", re.DOTALL)
"""A word that is KEY=VALUE, or +KEY=VALUE and so on."""
FIRST = {"train": "data", "prepare": "data", "train_classifier": "data", "classifier": "data"}
"""What a lone folder is to a script; to the others it is the run folder."""


@dataclass
class Setting:
    """A setting as it was typed, and as it was meant."""

    typed: str
    text: str

    @property
    def key(self) -> str:
        return self.text.partition("=")[0].lstrip("+~")

    @property
    def mark(self) -> str:
        """What stands before the key: nothing, +, ++ or ~."""
        return self.text[: len(self.text) - len(self.text.lstrip("+~"))] if "=" in self.text else self.text[:1]

    @property
    def value(self) -> str:
        return self.text.partition("=")[2]


def settings_of(words: Sequence[str], known: Known) -> list[Setting]:
    """Return the settings that words make."""
    found, waiting = [], list(words)
    while waiting:
        word = waiting.pop(0)
        after = waiting[0] if waiting else None
        number, text = _meant(word, after, waiting[1] if len(waiting) > 1 else None, known)
        found.append(Setting(" ".join([word, *waiting[:number]]), text))
        del waiting[:number]
    return found


def _meant(word: str, after: str | None, second: str | None, known: Known) -> tuple[int, str]:
    """Return how many of the words behind one belong to it, and the setting that they are together."""
    is_bare = after is not None and "=" not in after and not after.startswith(("-", "~"))
    if SETTING.fullmatch(word) and not (word.endswith("=") and is_bare) and not word.startswith("-"):
        return 0, word
    if re.fullmatch(r"~[\w./@]+", word):
        return 0, word
    if word.startswith("-"):
        return _dashed(word, after if is_bare else None)
    if after == "=" and second is not None:
        return 2, f"{word}={second}"
    if after is not None and after.startswith("=") and "=" not in word:
        return 1, word + after
    if word.endswith("=") and is_bare:
        return 1, f"{word}{after}"
    if pair := re.fullmatch(r"([\w./@]+):(.*)", word, re.DOTALL):
        return (0, f"{pair[1]}={pair[2]}") if pair[2] else (1, f"{pair[1]}={after}") if is_bare else (0, f"{pair[1]}=X")
    if groups := [group for group in known.groups() if known.has_option(group.partition("@")[0], word)]:
        return 0, f"{groups[0]}={word}"
    if is_bare and re.fullmatch(r"\+*[\w./@]+", word) and not ("/" in word and Path(word).exists()):
        return 1, f"{word}={after}"
    path = Path(word).expanduser()
    if path.exists():
        is_run = (path / ".hydra").exists() or path.suffix == ".ckpt"
        key = FIRST.get(known.name, "checkpoint")
        return 0, f"{'resume' if is_run and known.name == 'train' else key}={word}"
    return 0, f"{word}=VALUE" if word else "=VALUE"


def _dashed(word: str, after: str | None) -> tuple[int, str]:
    """Return the same for a word that begins like an option, and is none of Hydra's."""
    name, has_value, value = word.lstrip("-").partition("=")
    options = [option for option in command_line.takes_value() if option.startswith("--")]
    if close := difflib.get_close_matches("--" + name.replace("_", "-"), options, n=1, cutoff=0.84):
        return 0, close[0]
    key = name.replace("-", "_")
    if has_value:
        return 0, f"{key}={value}"
    value = "RUN_FOLDER" if key in ("resume", "checkpoint") else "VALUE"
    return (0, f"{key}={value}") if after is None else (1, f"{key}={after}")
