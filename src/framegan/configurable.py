"""A function says that configurations may name it."""

from collections.abc import Callable
from typing import TypeVar

Function = TypeVar("Function", bound=Callable[..., object])


def configurable(function: Function) -> Function:
    """Mark a function as one that configurations call, even those of a run folder that comes from somebody else.

    It has to do no more than make a part of a run: others of framegan write files and the like.
    """
    function.is_configurable = True  # type: ignore[attr-defined]
    return function
