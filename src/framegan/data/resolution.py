"""What data.resolution says: the side of a square, or the height and the width of a rectangle, in pixels."""

import math
from collections.abc import Sequence
from typing import Annotated, Any, Protocol

from pydantic import BeforeValidator, PositiveInt, ValidationError, ValidatorFunctionWrapHandler, WrapValidator
from pydantic_core import PydanticCustomError


def _pixels(value: Any, usual: ValidatorFunctionWrapHandler) -> Any:
    try:
        return usual(tuple(value) if isinstance(value, list) else value)  # as JSON has them
    except ValidationError:
        said = "Input should be a number of pixels, or [height,width], such as 64 or [96,128]"
        raise PydanticCustomError("resolution", said) from None


def _one_number(value: Any) -> Any:
    if isinstance(value, list | tuple):
        raise PydanticCustomError("side", "Input should be one number: these are drawn as squares")
    return value


Resolution = Annotated[PositiveInt | tuple[PositiveInt, PositiveInt], WrapValidator(_pixels)]
Side = Annotated[PositiveInt, BeforeValidator(_one_number)]
"""A resolution of what is square."""


class Sized(Protocol):
    """Whatever has frames of one size."""

    @property
    def channels(self) -> int: ...

    @property
    def resolution(self) -> int | Sequence[int]: ...


def sides_of(resolution: int | Sequence[int]) -> tuple[int, int]:
    """Return (height, width)."""
    height, width = (resolution, resolution) if isinstance(resolution, int) else resolution
    return height, width


def simplest(resolution: int | Sequence[int]) -> int | tuple[int, int]:
    """Return one number for a square, however it was given, so that the same data have the same settings."""
    height, width = sides_of(resolution)
    return height if height == width else (height, width)


def frame_bytes(frames: Sized) -> int:
    """Return how many bytes one frame takes."""
    return math.prod(sides_of(frames.resolution)) * frames.channels
