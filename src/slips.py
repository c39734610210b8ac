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
DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
"""What a word processor makes of the dashes of an option, too."""
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
    found: list[Setting] = []
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        number, text = _meant(word, waiting, known)
        if cut := _cut_off(text, waiting) if number == 0 else 0:
            number, text = cut, " ".join([text, *waiting[:cut]])
        found.append(Setting(" ".join([word, *waiting[:number]]), text))
        del waiting[:number]
    return found


def _cut_off(text: str, behind: Sequence[str]) -> int:
    """Return how many words were cut off from the path in a setting by spaces: data.root=my own photos."""
    key, _, value = text.partition("=")
    if re.split(r"[./@]", key)[-1] not in {*command_line.PATHS, "data"} or not value:
        return 0
    bare = next((place for place, word in enumerate(behind) if "=" in word), len(behind))
    paths = {end: Path(" ".join([value, *behind[:end]])).expanduser() for end in range(bare, 0, -1)}
    return next((end for end, path in paths.items() if path.exists()), 0)


def _meant(word: str, behind: Sequence[str], known: Known) -> tuple[int, str]:
    """Return how many of the words behind one belong to it, and the setting that they are together."""
    after, second = (*behind, None, None)[:2]
    is_bare = after is not None and "=" not in after and not after.startswith((*DASHES, "~"))
    if (
        SETTING.fullmatch(word)
        and not word.startswith(tuple(DASHES))
        and not (is_bare and word.endswith(("=", ",", ";")))
    ):
        key, mark, value = word.partition("=")
        return 0, key.replace("\\", "/") + mark + value
    if re.fullmatch(r"~[\w./@]+", word):
        return 0, word
    if word.startswith(tuple(DASHES)):
        return _dashed(word, after if is_bare else None)
    if after == "=" and second is not None:
        return 2, f"{word}={second}"
    if after is not None and after.startswith("=") and "=" not in word:
        return 1, word + after
    if is_bare and word.endswith("="):
        return 1, f"{word}{after}"
    if is_bare and SETTING.fullmatch(word):  # a list with spaces: [a, b]
        number = next((place for place, text in enumerate(behind, 1) if not text.endswith((",", ";"))), len(behind))
        return number, "".join([word, *behind[:number]]).replace(";", ",")
    if pair := re.fullmatch(r"\s*([\w./@]+)\s*[:=]\s*(.*)", word, re.DOTALL):
        return (0, f"{pair[1]}={pair[2]}") if pair[2] else (1, f"{pair[1]}={after}") if is_bare else (0, f"{pair[1]}=X")
    if groups := [group for group in known.groups() if known.has_option(group.partition("@")[0], word)]:
        return 0, f"{groups[0]}={word}"
    path = Path(word).expanduser()
    if path.suffix == ".yaml" and known.has_option("experiments", path.stem):
        return 0, f"experiments={path.stem}"
    if is_bare and re.fullmatch(r"\+*[\w./@]+", word) and not ("/" in word and path.exists()):
        return 1, f"{word}={after}"
    if path.exists() or ("/" in word and known.name != "train"):
        is_run = (path / ".hydra").exists() or path.suffix == ".ckpt"
        key = FIRST.get(known.name, "checkpoint")
        return 0, f"{'resume' if is_run and known.name == 'train' else key}={word}"
    return 0, f"{word}=VALUE" if word else "=VALUE"


def _dashed(word: str, after: str | None) -> tuple[int, str]:
    """Return the same for a word that begins like an option, and is none of Hydra's."""
    name, has_value, value = word.lstrip(DASHES).partition("=")
    options = [option for option in command_line.takes_value() if option.startswith("--")]
    if close := difflib.get_close_matches("--" + name.replace("_", "-"), options, n=1, cutoff=0.84):
        return 0, close[0]
    key = name.replace("-", "_")
    if has_value:
        return 0, f"{key}={value}"
    value = "RUN_FOLDER" if key in ("resume", "checkpoint") else "VALUE"
    return (0, f"{key}={value}") if after is None else (1, f"{key}={after}")
