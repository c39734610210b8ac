"""Edits as they are written: NAME=VALUE, or NAME alone, and behind it NAME.FIELD=VALUE for its other fields."""

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import MISSING, fields
from inspect import cleandoc, getdoc
from itertools import groupby
from pathlib import Path
from textwrap import wrap
from typing import Any, Literal, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError

from framegan.edits import colour, detail, drawing, enlarging, geometry, joining, likeness, timing
from framegan.edits.enlarging import EnlargerOf, Run
from framegan.edits.outline import Edit
from framegan.edits.values import File

GROUPS: dict[str, tuple[type[Edit], ...]] = {
    "size and place": (
        geometry.Scale, geometry.Crop, geometry.Pad, geometry.Rotate, geometry.Flip, geometry.Pixelate,
    ),
    "time": (
        timing.Speed, timing.Reverse, timing.Trim, timing.Rate, timing.Interpolate, timing.FadeIn, timing.FadeOut,
    ),
    "colour": (
        colour.Brightness, colour.Contrast, colour.Gamma, colour.Levels, colour.Curves, colour.Saturation, colour.Hue,
        colour.Temperature, colour.Lut, colour.Grey, colour.Invert,
    ),
    "detail": (
        detail.Sharpen, detail.Blur, detail.Denoise, detail.Deflicker, detail.Stabilise, detail.Vignette, detail.Grain,
    ),
    "super-resolution": (enlarging.SuperResolution,),
    "drawing": (drawing.Caption, drawing.Watermark),
    "likeness": (likeness.ColoursLike, likeness.PaletteLike, likeness.StyleLike),
    "several": (joining.Concatenate, joining.Crossfade, joining.Stack),
}  # fmt: skip
"""All edits there are, by what they change."""
EDITS = {re.sub("(?<!^)([A-Z])", r"_\1", kind.__name__).lower(): kind for kinds in GROUPS.values() for kind in kinds}
OTHER_NAMES = {
    "resize": "scale", "size": "scale", "fps": "rate", "framerate": "rate", "frames_per_second": "rate",
    "minterpolate": "interpolate", "slow": "speed", "setpts": "speed", "mirror": "flip", "hflip": "flip",
    "vflip": "flip=vertical", "transpose": "rotate=90", "text": "caption", "drawtext": "caption", "logo": "watermark",
    "overlay": "watermark", "concat": "concatenate", "xfade": "crossfade", "hstack": "stack=beside",
    "vstack": "stack=above", "unsharp": "sharpen", "gblur": "blur", "boxblur": "blur", "nlmeans": "denoise",
    "hqdn3d": "denoise", "deshake": "stabilise", "vidstab": "stabilise", "stabilize": "stabilise", "gray": "grey",
    "negate": "invert", "lut3d": "lut", "cut": "trim", "fade": "fade_in", "eq": "brightness", "noise": "grain",
    "border": "pad", "pixelize": "pixelate", "black_and_white": "grey", "loop": "reverse",
    "upscale": "super_resolution", "enlarge": "super_resolution", "superres": "super_resolution",
    "colors_like": "colours_like", "color_transfer": "colours_like", "reinhard": "colours_like",
    "match_colors": "colours_like", "histogram_match": "palette_like", "optimal_transport": "palette_like",
    "style": "style_like", "style_transfer": "style_like", "neural_style": "style_like",
}  # fmt: skip
"""What edits are called elsewhere."""
ARGUMENT = re.compile(r"^    (\w[\w, ]*): (.*(?:\n     +.*)*)", re.MULTILINE)
"""What a docstring says of fields."""
WIDTH, BESIDE = 118, 32
"""Characters of a line for people, and of those in front of what is said of a word."""
PLAIN_WORDS = {
    "float_parsing": "a number",
    "finite_number": "a number",
    "int_parsing": "a whole number",
    "bool_parsing": "true or false",
    "string_too_short": "a text",
    "string_too_long": "a text of at most 1,000 letters",
}
"""What a value should be, by the kind of pydantic's error."""
WORD = re.compile(r"([a-z]\w*)(?:\.([a-z]\w*))?(?:=(.*))?", re.DOTALL)


def name_of(edit: Edit) -> str:
    """Return what an edit is called."""
    return next(name for name, kind in EDITS.items() if kind is type(edit))


def edits_of(given: Sequence[str], enlarger_of: EnlargerOf) -> list[Edit]:
    """Return the edits that words say, in their order.

    Args:
        enlarger_of: reads the runs that they name.

    Raises:
        ValueError: there is no such edit or field, or a value doesn't fit.
    """
    return [_edit(name, values, enlarger_of) for name, values in _split(given)]


def _split(given: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the name of each edit with its fields as they were written."""
    waiting: tuple[str, dict[str, str]] | None = None
    for word in given:
        found = WORD.fullmatch(word) if isinstance(word, str) else None
        if not found:
            raise ValueError(f"{word!r} is no edit; write NAME=VALUE, such as scale=2")
        name, field, value = found.groups()
        kind = _kind(name)
        names = [one.name for one in fields(kind)]
        if field is None and value is None and any(_is_needed(one) for one in fields(kind)[:1]):
            raise ValueError(f"{name} needs a value: {kind.example}")
        if field is None and value is not None and not names:
            raise ValueError(f"{word}: {name} takes no value; write {name}")
        if field is not None and (field not in names or value is None):
            hint = f"did you mean {name}.{close[0]}?" if (close := _close(field, names)) else _fields_there(name, names)
            raise ValueError(f"{name}.{field} is no setting of {name}; {hint}")
        field = field or (names[0] if value is not None else None)
        if word.partition("=")[0] == name or waiting is None or waiting[0] != name:
            if waiting is not None:
                yield waiting
            waiting = name, {}
        if field is not None and value is not None:
            if field in waiting[1]:
                raise ValueError(f"{word}: {name}.{field} is set twice; leave one out, or begin with {name}= again")
            waiting[1][field] = value
    if waiting is not None:
        yield waiting


def _kind(name: str) -> type[Edit]:
    if name in EDITS:
        return EDITS[name]
    close = OTHER_NAMES.get(name) or next(iter(_close(name, EDITS)), None)
    hint = f"did you mean {close}? " if close else ""
    raise ValueError(f"{name} is no edit; {hint}There are: {', '.join(EDITS)}")


def _edit(name: str, values: dict[str, str], enlarger_of: EnlargerOf) -> Edit:
    kind = EDITS[name]
    missing = [one.name for one in fields(kind) if _is_needed(one) and one.name not in values]
    if missing:
        raise ValueError(f"{name} needs a value: {kind.example}")
    try:
        return TypeAdapter(kind).validate_python(values, context={"enlarger_of": enlarger_of})
    except ValidationError as error:
        slips = groupby(error.errors(), lambda slip: str(slip["loc"][0]))
        raise ValueError("; ".join(_slip(name, kind, field, list(of_field)) for field, of_field in slips)) from None


def _slip(name: str, kind: type[Edit], field: str, slips: Sequence[Any]) -> str:
    """Return what is wrong with a field, which may be of several kinds and fit none."""
    written = name if field == fields(kind)[0].name else f"{name}.{field}"
    if slips[0]["type"] == "run":
        return f"{written}={slips[0]['input']}: {slips[0]['msg']}"
    plain = [slip["msg"].removeprefix("Value error, ").removeprefix("Input should be ") for slip in slips]
    said = [PLAIN_WORDS.get(slip["type"], text) for slip, text in zip(slips, plain, strict=True)]
    return f"{written} got {slips[0]['input']!r}; it should be {' or '.join(said)}"


def _is_needed(field: Any) -> bool:
    return bool(field.default is MISSING)


def _close(name: str, names: Any) -> list[str]:
    return difflib.get_close_matches(name, list(names), n=1)


def _fields_there(name: str, names: Sequence[str]) -> str:
    return f"there are: {', '.join(f'{name}.{one}' for one in names)}" if names else f"{name} has none"


def reads_files(word: str) -> bool:
    """Say whether a word names a file, or a run, that its edit reads."""
    found = WORD.fullmatch(word)
    kind = EDITS.get(found[1]) if found else None
    if found is None or kind is None or found[3] is None:
        return False
    hints = get_type_hints(kind, include_extras=True)
    field = found[2] or next((one.name for one in fields(kind)), "")
    return bool({File, Run} & {hints.get(field), *get_args(hints.get(field))})


def without_folder(word: str) -> str:
    """Return an edit as it was written, of a file or a run its name alone."""
    name, _, value = word.partition("=")
    return f"{name}={Path(value).name}" if reads_files(word) else word


def described() -> str:
    """Return what each edit does and its other fields, for people."""
    lines: list[str] = []
    for group, kinds in GROUPS.items():
        lines += ["", f"{group}:"]
        for name, kind in EDITS.items():
            if kind in kinds:
                said = (getdoc(kind) or "").partition("\n")[0]
                lines += _wrapped(kind.example.partition(f" {name}.")[0], said)
                lines += [line for field, meant in _other_fields(kind) for line in _wrapped(f"  {name}.{field}", meant)]
    return "\n".join(line.rstrip() for line in lines[1:])


def _wrapped(word: str, said: str) -> list[str]:
    """Return lines that say what a word does, beside it or below where it is long."""
    lines = wrap(said, WIDTH - BESIDE, break_on_hyphens=False)
    if len(word) + 4 > BESIDE:
        return [f"  {word}", *(" " * BESIDE + line for line in lines)]
    first, *rest = lines or [""]
    return [f"  {word}".ljust(BESIDE) + first, *(" " * BESIDE + line for line in rest)]


def _other_fields(kind: type[Edit]) -> Iterator[tuple[str, str]]:
    """Yield each field but the first with its usual value, and what it means."""
    hints = get_type_hints(kind, include_extras=True)
    said = [one for family in reversed(kind.__mro__) for one in ARGUMENT.findall(cleandoc(family.__doc__ or ""))]
    told = {name: meant for names, meant in said for name in names.split(", ")}
    for field in fields(kind)[1:]:
        choices = get_args(hints[field.name]) if get_origin(hints[field.name]) is Literal else ()
        usual = {"None": "...", "": "...", "True": "true", "False": "false"}.get(str(field.default), str(field.default))
        meant = " ".join(told.get(field.name, "").split()).removesuffix(".").replace("None =", "left out:")
        yield f"{field.name}={usual}", "; ".join(filter(None, (", ".join(choices), meant)))
