"""What a page asks for. It comes from outside: every value is checked before anything is made of it."""

import math
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from framegan.interpolation import Interpolation
from framegan.noise import Seed
from framegan.video_formats import RATES

MOST_MOVES, MOST_PINS = 64, 64
FARTHEST = 20.0
"""Standard deviations along a direction; the page's sliders end long before."""
SLOWEST, FASTEST = RATES[".mp4"]
Move = Annotated[float, Field(ge=-FARTHEST, le=FARTHEST)]
Moves = Annotated[list[Move], Field(max_length=MOST_MOVES)]


class Plain(BaseModel):
    """Has these fields and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Point(Plain):
    """A sample, but for its class and length.

    Args:
        seeds: of each part of the latents.
        moves: of parts, how far they are moved along each of their directions, in standard deviations.
    """

    seeds: dict[str, Seed]
    moves: dict[str, Moves] = {}


class Wanted(Plain):
    """A picture or a clip.

    Args:
        point: the sample.
        pins: samples with ways from each to the next.
        place: where on that way, from 0, the first of them, to the last one's number; the sample is then what lies
            there, and not `point`. None = `point`.
        interpolation: see `framegan.interpolation.walk`.
        category: number of a class. None = that of the seed.
        truncation: None = as trained.
        num_frames: of a clip. None = as trained.
    """

    point: Point
    pins: Annotated[list[Point], Field(max_length=MOST_PINS)] = []
    place: Annotated[float, Field(ge=0)] | None = None
    interpolation: Interpolation = "spherical"
    category: Annotated[int, Field(ge=0)] | None = None
    truncation: Annotated[float, Field(ge=0, le=10)] | None = None
    num_frames: Annotated[int, Field(ge=1)] | None = None

    def between(self) -> tuple[Point, Point, float]:
        """Return the two samples that the wanted one lies between, and how far from the first to the second."""
        if self.place is None or not self.pins:
            return self.point, self.point, 0.0
        first = min(math.floor(self.place), max(0, len(self.pins) - 2))
        return self.pins[first], self.pins[min(first + 1, len(self.pins) - 1)], min(self.place - first, 1.0)


class Show(Plain):
    """Make this; what was asked for before, and isn't made yet, isn't wanted any more."""

    kind: Literal["show"]
    number: int
    wanted: Wanted


class Streamed(Plain):
    """Make an endless clip of this, frame after frame.

    Args:
        number: of the request, which goes with its frames.
        drift: how far the content moves from one seed's to the next with each frame.
        ahead: how many frames the page may have that it hasn't drawn yet.
        begin: number of the clip; another one starts anew.
    """

    kind: Literal["stream"]
    number: int
    wanted: Wanted
    drift: Annotated[float, Field(ge=0, le=1)] = 0.0
    ahead: Annotated[int, Field(ge=1, le=64)] = 4
    begin: int = 0


class Drawn(Plain):
    """So many frames, or one answer of `Show`, have been drawn or dropped."""

    kind: Literal["drawn"]
    frames: Annotated[int, Field(ge=1)]


class File(Plain):
    """Write this into a file.

    Args:
        format: its ending.
        frames_per_second: of a video; what a .gif can't hold is refused as it is written.
        whole_walk: a video of the way over all pins, and not the sample.
    """

    wanted: Wanted
    format: Literal["png", "gif", "mp4"]
    frames_per_second: Annotated[float, Field(ge=SLOWEST, le=FASTEST)] = 8.0
    whole_walk: bool = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.whole_walk and (self.format == "png" or len(self.wanted.pins) < 2):
            raise ValueError("the way over pinned samples is a video, and takes two pinned samples or more")
        return self


Message = Annotated[Show | Streamed | Drawn, Field(discriminator="kind")]
MESSAGES: TypeAdapter[Show | Streamed | Drawn] = TypeAdapter(Message)


def message_of(text: str) -> Show | Streamed | Drawn:
    """Return what a page says; raise ValueError where it is none of these."""
    try:
        return MESSAGES.validate_json(text)
    except ValidationError as error:
        raise ValueError(_said(error)) from None


def file_of(content: bytes) -> File:
    """Return which file a page asks for; raise ValueError where that can't be one."""
    try:
        return File.model_validate_json(content)
    except ValidationError as error:
        raise ValueError(_said(error)) from None


def _said(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'the message'}: {first['msg']}"
