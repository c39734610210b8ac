"""Rules that parts are held to: one ValueError with what was got and the rule where one is broken."""

from typing import Any

from torch import Tensor


def require(is_kept: bool, said: str, rule: str) -> None:
    """Raise ValueError where a rule is broken.

    Args:
        said: what was got.
    """
    if not is_kept:
        raise ValueError(f"{said}; {rule}")


def require_parts(thing: Any, wanted: str, what: str, rule: str) -> None:
    """Raise ValueError where a thing lacks one of the attributes in a text."""
    missing = [part for part in wanted.split() if not hasattr(thing, part)]
    require(not missing, f"{what} is {kind_of(thing)} without {', '.join(missing)}", rule)


def is_count(value: Any) -> bool:
    """Say whether a value is a whole number of at least 1."""
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def is_shape(value: Any) -> bool:
    """Say whether a value is (C, H, W) or (C, T, H, W)."""
    return isinstance(value, tuple | list) and len(value) in (3, 4) and all(map(is_count, value))


def kind_of(value: Any) -> str:
    """Return what messages call a value."""
    if isinstance(value, Tensor):
        return f"a tensor {tuple(value.shape)} of {value.dtype}".replace("torch.", "")
    if isinstance(value, dict):
        return f"a dictionary of {sorted(map(str, value))}"
    return f"a {type(value).__name__}"
