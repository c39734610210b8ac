"""The order of numbered files: numbers in their names count as numbers, with a sign and decimals where they have them.

Whether "-" and "+" are signs and "." a decimal point depends on the other names:
- t-1, t0, t1 and t-1, t+0, t+1 and -2, -1: signs. frame-1, frame-2 or 2024-01-02: no sign, as nothing else ever stands
  between "frame" and a digit.
- 0.5, 0.25, 1.125: decimals. 1.9, 1.10, 1.11: two whole numbers, for decimals of one list would drop that zero.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from pathlib import PurePosixPath

DECIMAL = re.compile(r"(?<![0-9.])[0-9]+\.([0-9]+)(?!\.?[0-9])")
MINUS = "-\N{MINUS SIGN}"
SIGNS = f"{MINUS}+"
OF_DECIMALS = r"(?<![0-9.])[0-9]+\.[0-9]+(?:e[-+][0-9]+)?(?!\.?[0-9])|[0-9]+e[-+][0-9]+(?![0-9])|[0-9]+"
OF_WHOLE = r"[0-9]+"


def in_order(names: Iterable[str]) -> list[str]:
    """Return names of files in the order of the numbers in them."""
    stems = {name: PurePosixPath(name).stem for name in names}
    number = re.compile(f"([{SIGNS}]?)({OF_DECIMALS if _have_decimals(stems.values()) else OF_WHOLE})")
    signs = defaultdict(set)
    """What is before numbers that stand behind the same text: a sign, or nothing."""
    for stem in stems.values():
        for found in number.finditer(stem):
            signs[stem[: found.start()]].add(found[1])

    def key(name: str) -> tuple[list[str | Decimal], str]:
        stem, place = stems[name], 0
        parts: list[str | Decimal] = []
        for found in number.finditer(stem):
            before = stem[: found.start()]
            is_signed = found[1] and _is_sign(before, signs[before])
            value = -Decimal(found[2]) if is_signed and found[1] in MINUS else Decimal(found[2])
            parts += [stem[place : found.start(1 if is_signed else 2)], value]
            place = found.end()
        return [*parts, stem[place:]], name

    return sorted(stems, key=key)


def _is_sign(before: str, signs: set[str]) -> bool:
    """Say whether a "-" or "+" is the sign of the number behind it, by what is before it here and in other names."""
    return not before or before[-1] in "_=([," or len(signs) > 1


def _have_decimals(stems: Iterable[str]) -> bool:
    fractions = [found[1] for stem in stems for found in DECIMAL.finditer(stem)]
    alike = len({len(fraction) for fraction in fractions}) == 1
    return alike or not any(len(fraction) > 1 and fraction.endswith("0") for fraction in fractions)
