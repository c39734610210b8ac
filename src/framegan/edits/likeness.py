"""Edits that make frames like a picture: its colours, or its style.

Colours of a clip are mapped by one map, found of the whole clip before its first frame: what doesn't change stays so.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeAlias

import numpy as np
from pydantic import Field

from framegan.edits import tensors
from framegan.edits.outline import Frames, Measured, Outline
from framegan.edits.values import File

if TYPE_CHECKING:
    from torch import Tensor

    from framegan.style.painting import Painter

    ColourMap: TypeAlias = Callable[[Tensor], Tensor]

Strength = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
LARGEST_PAINTING = 1 << 21
"""Pixels; more would take many gigabytes."""


@dataclass(frozen=True)
class Coloured(Measured):
    """Gives frames colours by a map that depends on theirs and on those of a picture.

    Args:
        strength: how far colours change; 1 is all the way.
        steady: one map for the whole clip; false: each frame has its own, which flickers.
    """

    picture: File
    strength: Strength = 1.0
    steady: bool = True

    def map_of(self, source: "Tensor", target: "Tensor") -> "ColourMap":
        """Return the map of colours from (N, 3) source ones to (M, 3) target ones."""
        raise NotImplementedError

    def after(self, before: Outline) -> Outline:
        _ = self._target
        return before.in_colour()

    def found(self, frames: Frames, before: Outline) -> "ColourMap | None":
        if not self.steady:
            return None
        return self.map_of(tensors.colours_of((shown.pixels for shown in frames), before.num_frames), self._target)

    def frames(self, frames: Frames, found: "ColourMap | None") -> Frames:
        for shown in frames:
            of_colours = found or self.map_of(tensors.colours_of([shown.pixels], 1), self._target)
            yield shown._replace(pixels=tensors.mapped(shown.pixels, of_colours, self.strength))

    @cached_property
    def _target(self) -> "Tensor":
        name = type(self).example.partition("=")[0]
        return tensors.colours_of([tensors.read_picture(self.picture, name)], 1)


@dataclass(frozen=True)
class ColoursLike(Coloured):
    """Give brightness and colours the mean and the spread that they have in a picture."""

    example: ClassVar[str] = "colours_like=painting.png"

    def map_of(self, source: "Tensor", target: "Tensor") -> "ColourMap":
        from framegan.style.lab import Reinhard

        return Reinhard.between(source, target)


@dataclass(frozen=True)
class PaletteLike(Coloured):
    """Give each colour of a picture to as large a part of the frames, by optimal transport."""

    example: ClassVar[str] = "palette_like=painting.png"

    def map_of(self, source: "Tensor", target: "Tensor") -> "ColourMap":
        from framegan.style.transport import Table

        return Table.between(source, target)


@dataclass(frozen=True)
class StyleLike(Measured):
    """Paint frames in the style of a picture, by optimising their pixels; this takes long.

    Args:
        strength: of the style against what is shown.
        steps: of each of the sizes in which a frame is painted.
        statistics: what features of frames get from the picture.
        features: of random filters, or a file: a classifier of framegan classifier, or VGG-16 or VGG-19 of torchvision.
        colours: picture: frames get its palette; own: they keep theirs, and the picture gets it.
        steady: strokes stay where the clip does and move along with it; false: each frame is painted by itself.
        seed: of random filters and of the lines of sliced_wasserstein.
    """

    example: ClassVar[str] = "style_like=painting.png style_like.steps=60"
    picture: File
    strength: Strength = 0.5
    steps: Annotated[int, Field(ge=1, le=10_000)] = 40
    statistics: Literal["gram", "sliced_wasserstein"] = "gram"
    features: File | Literal["random"] = "random"
    colours: Literal["picture", "own"] = "picture"
    steady: bool = True
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0

    def after(self, before: Outline) -> Outline:
        if before.width * before.height > LARGEST_PAINTING:
            raise ValueError(
                f"style_like paints at most {LARGEST_PAINTING:,} pixels, and these pictures are {before.size}; set a "
                "scale before it, such as scale=0.25"
            )
        _ = self._picture, self._network
        return before.in_colour()

    def found(self, frames: Frames, before: Outline) -> "tuple[ColourMap, Painter]":
        """Return the map of colours before painting, and what paints."""
        from framegan.devices import device_of
        from framegan.style.painting import Painter
        from framegan.style.transport import Table

        of_frames = tensors.colours_of((shown.pixels for shown in frames), before.num_frames)
        of_picture, style, device = tensors.colours_of([self._picture], 1), self._picture, device_of("auto")
        to_picture: ColourMap = Table.between(of_frames, of_picture)
        if self.colours == "own":
            style, to_picture = tensors.mapped(style, Table.between(of_picture, of_frames), 1.0), _as_they_are
        target, features = tensors.to_tensor(style).to(device), self._network.to(device)
        return to_picture, Painter(target, features, self.statistics, self.steps, self.strength, self.seed)

    def frames(self, frames: Frames, found: "tuple[ColourMap, Painter]") -> Frames:
        from framegan.style.steady import Steady

        of_colours, painter = found
        paint = Steady(painter).paint if self.steady else painter.paint
        for shown in frames:
            content = tensors.to_tensor(tensors.mapped(shown.pixels, of_colours, 1.0)).to(painter.style.device)
            painted = tensors.to_pixels(paint(content))
            yield shown._replace(pixels=tensors.with_alpha_of(shown.pixels, painted))

    @cached_property
    def _picture(self) -> np.ndarray:
        return tensors.read_picture(self.picture, "style_like")

    @cached_property
    def _network(self) -> Any:
        from framegan.style.features import features_of

        try:
            return features_of(None if isinstance(self.features, str) else self.features, self.seed)
        except ValueError as error:
            raise ValueError(f"style_like.features: {error}") from error


def _as_they_are(colours: "Tensor") -> "Tensor":
    return colours
