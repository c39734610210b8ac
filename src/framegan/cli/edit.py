"""Edit pictures and clips: framegan edit one.mp4 two.mp4 scale=2 speed=0.5"""

import re
from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from framegan import __version__
from framegan.edits import words as edit_words
from framegan.files import strict_json
from framegan.video_formats import Encoding

USAGE = f"""Edit pictures and clips, in the order in which the edits are given.

  framegan edit IN OUT scale=2 speed=0.5
  framegan edit clip.mp4 out.mp4 crop=32x32+4+4 scale=4 scale.kernel=nearest 'caption=hello, world' caption.place=top
  framegan edit one.mp4 two.mp4 both.mp4 crossfade=0.5
  framegan edit picture.png out.png rotate=90 sharpen=1

IN and OUT are videos, animations, pictures or .npy; of several IN one edit makes one. Settings of the file:
overwrite=true writes over OUT; codec, crf and pixel_format are those of framegan generate. trust=PACKAGE lets runs
that edits name build parts of a package of yours.

{edit_words.described()}"""
SETTINGS = ("overwrite", "trust", "codec", "crf", "pixel_format")
KEY = re.compile(r"[a-z]\w*(\.[a-z]\w*)?")


def main(words: Sequence[str]) -> None:
    """Edit what a command line says.

    Raises:
        ValueError: it can't be read, or what it says can't be done.
    """
    from framegan.cli.enlarger import enlargers
    from framegan.edits.writing import Work

    files, given, settings = _sorted(words)
    if len(files) < 2:
        raise ValueError("framegan edit takes what is read and what is written: framegan edit IN OUT scale=2")
    trust = [name for name in settings.pop("trust", "").strip("[]").split(",") if name]
    edits = edit_words.edits_of(given, enlargers(trust=trust))
    overwrite = _switch(settings.pop("overwrite", "false"))
    if not edits and len(files) > 2:
        raise ValueError("several files make one by concatenate, crossfade=0.5 or stack=beside; add one of these")
    paths = [Path(file).expanduser() for file in files]
    work = Work(paths[:-1], paths[-1], edits, _encoding(settings), _note(paths, given))
    try:
        print(work.write(overwrite=overwrite))
    except (MemoryError, RuntimeError) as error:
        from framegan.cli.errors import first_line, out_of_memory

        if not out_of_memory(error):
            raise
        raise ValueError(
            f"there isn't enough memory for that ({first_line(error)}); make the pictures smaller, by scale or crop "
            "before the other edits, or the clip shorter, by trim"
        ) from error
    except OSError as error:
        raise ValueError(f"{paths[-1]} can't be written: {error}; make room, or name another file") from error


def _sorted(words: Sequence[str]) -> tuple[list[str], list[str], dict[str, str]]:
    """Return the files, the words of edits, and the other settings, from the words of a command line."""
    files, edits, settings = [], [], {}
    for word in words:
        key, equals, value = word.partition("=")
        if equals and KEY.fullmatch(key):
            if key in SETTINGS:
                settings[key] = value
            else:
                edits.append(word)
        elif word in edit_words.EDITS:
            edits.append(word)
        elif word in SETTINGS:
            raise ValueError(f"{word} needs a value, as in overwrite=true; a file of that name is written ./{word}")
        elif word.startswith("-"):
            raise ValueError(f"{word} is no option; edits are written as scale=2, and framegan edit --help lists them")
        else:
            files.append(word)
    return files, edits, settings


def _switch(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(f"overwrite got {text!r}; it should be true or false")
    return text == "true"


def _encoding(settings: dict[str, str]) -> Encoding:
    try:
        return TypeAdapter(Encoding).validate_python(settings)
    except ValidationError as error:
        slip = error.errors()[0]
        said = slip["msg"].removeprefix("Input should be ")
        raise ValueError(f"{slip['loc'][0]} got {slip['input']!r}; it should be {said}") from None


def _note(paths: Sequence[Path], given: Sequence[str]) -> str:
    """Return what the file says of how it was made: names of files without their folders."""
    files, edits = [path.name for path in paths[:-1]], [edit_words.without_folder(word) for word in given]
    return strict_json.dumps({"framegan": __version__, "edited": files, "edits": edits})
