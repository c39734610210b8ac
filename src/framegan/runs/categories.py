"""Which class a setting means: by its name, or by its number where that is no other class's name."""

import difflib
import re
from collections.abc import Sequence
from decimal import Decimal

from framegan.quoting import composed, first_names, printable

BY_NAME, BY_NUMBER = "name:", "number:"
"""Prefixes that say which of the two is meant."""
NUMBER = re.compile(r"-?\d+(\.\d+)?(e[+-]?\d{1,2})?", re.IGNORECASE)
SHOWN = 20


def class_number(category: int | float | str, num_classes: int, names: Sequence[str]) -> int:
    """Return the number of a class.

    Args:
        category: a name, a number that isn't the name of another class, "name:NAME" or "number:NUMBER".
        names: of the classes, by their numbers; none where they aren't known.

    Raises:
        ValueError: there is no such class, or two are meant.
    """
    if isinstance(category, list | tuple):
        raise ValueError(f"category got {category}; it should be one class: ask for each by itself")
    text, names = composed(str(category)), list(map(composed, names))
    if isinstance(category, bool):  # true and True are typed alike
        text = next((name for name in names if name.lower() == text.lower()), text.lower())
    given = printable(text)
    if num_classes < 1:
        raise ValueError(
            f"category={given}, but this generator has no categories; leave it out, or train one that has: "
            "model.conditional=true, on data with classes"
        )
    by_name, number = _named(text, names), _numbered(text, num_classes)
    if by_name is None and text.startswith(BY_NAME):
        by_name = _named(text.removeprefix(BY_NAME), names)
    elif by_name is None and text.startswith(BY_NUMBER):
        number = _numbered(text.removeprefix(BY_NUMBER), num_classes)
    if by_name is not None and number is not None and number != by_name:
        raise ValueError(
            f"category={given} is the name of class number {by_name}, and the number of class {names[number]!r}; set "
            f"category={BY_NAME}{names[by_name]} or category={BY_NUMBER}{number}"
        )
    found = number if by_name is None else by_name
    if found is None:
        available = f"the categories {first_names(names, SHOWN)}" if names else f"categories 0 to {num_classes - 1}"
        close = difflib.get_close_matches(text, names, n=1)
        hint = f"; did you mean {printable(close[0])}?" if close else ""
        raise ValueError(f"category={given}, but this generator has {available}{hint}")
    return found


def _named(text: str, names: Sequence[str]) -> int | None:
    """Return the number of the class of this name, or of the only one that is the same number, such as 03 for 3."""
    if text in names:
        return list(names).index(text)
    if not NUMBER.fullmatch(text):
        return None
    equal = [place for place, name in enumerate(names) if NUMBER.fullmatch(name) and Decimal(name) == Decimal(text)]
    return equal[0] if len(equal) == 1 else None


def _numbered(text: str, num_classes: int) -> int | None:
    return int(text) if re.fullmatch(r"\d{1,18}", text) and int(text) < num_classes else None
