"""What a file says of how it was made, and the command that makes it again: framegan generate --from FILE

What a file says is data of somebody: it is shown, compared with the settings that there are, and never run. It names no
folder but that of the run as seen from the working folder.
"""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from framegan import __version__, program
from framegan.cli import command_line, errors
from framegan.cli.generate_rows import Row
from framegan.cli.generator import place_of
from framegan.files import strict_json
from framegan.quoting import printable, words

OPTION = "--from"
OF_HERE = {"checkpoint", "samples_seen", "out", "format", "overwrite", "device", "trust", "hydra", "defaults"}
"""Settings that say where and how it is made here; no file says them."""
OF_FILES = ("given",)
"""Settings that name a file of the user's: its name is all that is kept."""
EDITS = "postprocess"
"""The setting whose words may name files too."""
OF_ENCODING = ("codec", "crf", "pixel_format")
"""Settings of the videos of single samples, which the grid beside them doesn't follow."""
OF_MANY = ("num_samples", "grid_samples", "margin", "beside")
"""Settings that the file of one sample doesn't need."""
BESIDE_SEEN = "beside_samples_seen"
"""The key of a note that says how many samples the runs beside the first had seen."""
OF_PLAY = "asked"
"""The key of a note that says where the sliders of `framegan play` were."""
Plain = str | int | float | bool | None


@cache
def defaults() -> dict[str, Any]:
    """Return what the settings that files say are where nobody sets them."""
    file = program.configurations() / "generate.yaml"
    return {name: value for name, value in yaml.safe_load(file.read_text()).items() if name not in OF_HERE}


@dataclass(frozen=True)
class Notes:
    """The notes in the files of a command; see `framegan.notes`.

    Args:
        first: the row whose generator they name.
        settings: those of the command that aren't as by default.
        beside_seen: how many samples the runs of `beside` had seen.
    """

    first: Row
    settings: Mapping[str, Any]
    beside_seen: Sequence[int] = ()

    @classmethod
    def of(cls, first: Row, settings: Mapping[str, Any], beside_seen: Sequence[int]) -> "Notes":
        kept = {name: settings[name] for name, usual in defaults().items() if settings[name] != usual}
        kept |= {name: Path(kept[name]).name for name in OF_FILES if name in kept}
        if EDITS in kept:
            from framegan.edits.words import without_folder

            kept[EDITS] = [without_folder(word) for word in kept[EDITS]]
        if "beside" in kept:
            kept["beside"] = [place_of(Path(place).expanduser()) for place in kept["beside"]]
        return cls(first, kept, beside_seen)

    def of_all(self, *, as_encoded: bool = True) -> str:
        """Return the note of a file that shows them all.

        Args:
            as_encoded: it is a video with the settings of how that is encoded, rather than the grid beside some.
        """
        left_out = () if as_encoded else OF_ENCODING
        kept = {name: value for name, value in self.settings.items() if name not in left_out}
        return _note(self.first, kept, self.beside_seen)

    def of_one(self, row: Row, number: int) -> str:
        """Return the note of one sample; of a step of a walk it is that of the walk."""
        if "interpolate" in self.settings:
            return _note(row, self.settings, self.beside_seen)
        kept = {name: value for name, value in self.settings.items() if name not in (*OF_MANY, "weights")}
        kept |= {"weights": row.weights} if row.weights != "ema" else {}
        if isinstance(kept.get("category"), list):
            kept["category"] = row.category
        return _note(row, {**kept, "num_samples": 1, "seed": number})


def of_play(row: Row, asked: Mapping[str, Any]) -> str:
    """Return the note of a sample that no command makes: `framegan play` has moved its latents."""
    return strict_json.dumps({**_said(row, "play", []), OF_PLAY: asked})


def _note(row: Row, settings: Mapping[str, Any], beside_seen: Sequence[int] = ()) -> str:
    settings = {name: settings[name] for name in defaults() if name in settings}
    beside = {BESIDE_SEEN: list(beside_seen)} if beside_seen else {}
    return strict_json.dumps({**_said(row, "generate", words(settings)), **beside, "settings": settings})


def _said(row: Row, command: str, behind: Sequence[str]) -> dict[str, Any]:
    return {
        "framegan": __version__,
        "command": shlex.join(["framegan", command, row.run.named, *behind]),
        "run": row.run.place,
        "checkpoint": row.run.checkpoint.name,
        "samples_seen": row.run.samples_seen,
    }


def arguments_of(arguments: Sequence[str]) -> list[str]:
    """Return the words of a command line with those that a file stands for in place of --from FILE, and print them.

    Stop with one message where there is no such file, it says nothing of this kind, or its run isn't found.
    """
    joined = [word for word in arguments if word.startswith(f"{OPTION}=")]
    if OPTION not in arguments and not joined:
        return list(arguments)
    rest = [word for word in arguments if word not in joined]
    if not joined:
        place = rest.index(OPTION)
        rest.pop(place)
        joined = [f"{OPTION}={rest.pop(place)}" if place < len(rest) else f"{OPTION}="]
    name = joined[0].partition("=")[2]
    if len(joined) > 1 or OPTION in rest or not name:
        errors.stop(f"{OPTION} takes one file that framegan generate has made: framegan generate {OPTION} pets.png")
    file = Path(name).expanduser()
    said = _read(file)
    set_now = [word for word in rest if "=" in word and not command_line.is_place(word)]
    others = [word for word in rest if word not in set_now]
    own = {word.partition("=")[0] for word in set_now}
    settings = {key: value for key, value in said["settings"].items() if key not in own}
    _refuse_files(file, settings)
    is_named = bool({"checkpoint"} & own) or any(not word.startswith("-") for word in others)
    named = [] if is_named else words({"checkpoint": _run(file, said)})
    made = f"{said['checkpoint']} after {said['samples_seen']:,} samples"
    print(f"{file} says: {printable(said['run'])}, {made}; {printable(' '.join(words(settings)))}".rstrip("; "))
    clocks = [said["samples_seen"], *(said[BESIDE_SEEN] if "beside" in settings else [])]
    seen = [] if "samples_seen" in own else words({"samples_seen": clocks if len(clocks) > 1 else clocks[0]})
    return [*others, *named, *seen, *words(settings), *set_now]


def _refuse_files(file: Path, settings: Mapping[str, Any]) -> None:
    """Stop where a file would have another one read: that is for the user to say."""
    for key in OF_FILES:
        if key in settings:
            errors.stop(f"{file} was made with {key}={settings[key]}; say where that is: {key}=PATH")
    if EDITS in settings:
        from framegan.edits.words import reads_files

        for word in filter(reads_files, settings[EDITS]):
            shown = printable(word)[:100]
            errors.stop(f"{file} was made with {shown}, which reads a file; say all edits: '{EDITS}=[{shown}]'")


def _read(file: Path) -> dict[str, Any]:
    """Return what a file says, checked; stop where it says nothing, or what no command of ours does."""
    from framegan import notes

    try:
        note = notes.read(file) if file.is_file() else None
    except ValueError as error:
        errors.stop(str(error))
    if note is None:
        errors.stop(f"{OPTION} got {file}, which is no file; give one that framegan generate has made")
    try:
        said = strict_json.loads(note.encode())
        if isinstance(said, dict) and OF_PLAY in said:
            errors.stop(f"{file} was made by framegan play, with sliders that no command has; open the run there again")
        kept = {key: said[key] for key in ("run", "checkpoint", "samples_seen", "settings")}
        kept[BESIDE_SEEN] = said.get(BESIDE_SEEN, [])
    except (ValueError, TypeError, KeyError):
        errors.stop(f"{file} doesn't say how it was made: it isn't from framegan generate, or was changed since")
    run, settings = kept["run"], kept["settings"]
    texts_fit = all(isinstance(kept[key], str) and kept[key].isprintable() for key in ("run", "checkpoint"))
    clocks_fit = isinstance(kept[BESIDE_SEEN], list) and {*map(type, [kept["samples_seen"], *kept[BESIDE_SEEN]])} == {
        int
    }
    if not texts_fit or not clocks_fit or not isinstance(settings, dict):
        errors.stop(f"{file} says how it was made in a way that framegan generate doesn't write")
    known = defaults()
    for key, value in settings.items():
        several = value if isinstance(value, list) else [value]
        fits = all(isinstance(one, Plain) and (not isinstance(one, str) or _is_plain(one)) for one in several)
        if key == EDITS:
            fits = isinstance(value, list) and all(isinstance(one, str) and _is_word(one) for one in value)
        if key not in known or not fits:
            errors.stop(f"{file} sets {printable(str(key))[:60]}, which is no setting of framegan generate or no value")
    beside = settings.get("beside", [])
    places = [Path(str(place)) for place in [run, *(beside if isinstance(beside, list) else [beside])]]
    is_inside = not any(place.is_absolute() or ".." in place.parts or str(place).startswith("~") for place in places)
    is_name = Path(kept["checkpoint"]).name == kept["checkpoint"] and kept["checkpoint"].endswith(".ckpt")
    if not is_inside or not is_name:
        errors.stop(
            f"{file} names a run outside the working folder; give the run: framegan generate RUN {OPTION} {file}"
        )
    return kept


def _is_plain(text: str) -> bool:
    """Say whether a text can be a setting; `framegan.quoting.typed` sees to it that nothing is read in its place."""
    return text.isprintable() and len(text) < 1000


def _is_word(text: str) -> bool:
    """Say whether a text can be an edit, whose caption may have several lines."""
    return _is_plain(text.replace("\n", " "))


def _run(file: Path, said: Mapping[str, Any]) -> Path:
    """Return the checkpoint of the run that a file names: from the working folder, or around the file itself."""
    name = Path(said["run"]).name
    around = [folder for folder in file.resolve().parents if folder.name == name]
    for folder in (Path(said["run"]), *around):
        if (checkpoint := folder / "checkpoints" / said["checkpoint"]).is_file():
            return checkpoint
    return errors.stop(
        f"{file} was made by the run {printable(said['run'])}, whose {said['checkpoint']} isn't here; "
        f"name the run: framegan generate RUN {OPTION} {file}"
    )
