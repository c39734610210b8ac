"""Edits by trained networks: frames one after the other, in the memory of one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar, Protocol

import numpy as np
from pydantic import PlainValidator, ValidationInfo
from pydantic_core import PydanticCustomError

from framegan import media
from framegan.edits.outline import Frames, Outline, Streamed

Enlarging = Callable[[np.ndarray], np.ndarray]
"""Of frames of one clip in their order: uint8 (H, W, C) to (scale * H, scale * W, C)."""


class Enlarger(Protocol):
    """A trained network that enlarges pictures."""

    @property
    def channels(self) -> int:
        """Of the pictures: 1, grey, or 3, RGB."""

    @property
    def scale(self) -> int:
        """How many times wider and higher they become."""

    def begin(self) -> Enlarging:
        """Return what enlarges the frames of a clip, or a picture."""


EnlargerOf = Callable[[str], Enlarger]
"""Of a run as it is written. It raises ValueError where that is none, or doesn't enlarge."""


def _enlarger(text: object, info: ValidationInfo) -> Enlarger:
    enlarger_of: EnlargerOf = (info.context or {})["enlarger_of"]
    try:
        return enlarger_of(str(text))
    except ValueError as error:
        raise PydanticCustomError("run", "{said}", {"said": str(error)}) from None


Run = Annotated[Enlarger, PlainValidator(_enlarger)]
"""A run folder that an edit reads, or a checkpoint in one; no file that says how it was made may name one."""


@dataclass(frozen=True)
class SuperResolution(Streamed):
    """Enlarge by what a run of model=espcn or espcn_gan has learned: its folder, or a checkpoint in it."""

    example: ClassVar[str] = "super_resolution=runs/espcn"
    run: Run

    def after(self, before: Outline) -> Outline:
        if self.run.channels == 1 and before.channels > 2:
            raise ValueError(
                "super_resolution: the run has learned to enlarge grey pictures, and these have colours; put grey "
                "before it, or name a run that was trained with colours"
            )
        made = before if self.run.channels == 1 else before.in_colour()
        return made.resized(before.width * self.run.scale, before.height * self.run.scale)

    def frames(self, frames: Frames, before: Outline) -> Frames:
        enlarge = self.run.begin()
        for shown in frames:
            pixels, alpha = shown.pixels[..., :3], shown.pixels[..., 3:]
            if before.has_alpha:  # colours count as much as they are seen
                pixels = np.rint(pixels * (alpha / 255)).astype(np.uint8)
            made = media.in_colour(enlarge(pixels[..., : self.run.channels]))
            yield shown._replace(pixels=_with_alpha(made, alpha) if before.has_alpha else made)


def _with_alpha(pixels: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Return enlarged pixels (H, W, 3), which are as dark as little is seen of them, in their colours with alpha."""
    height, width, _ = pixels.shape
    alpha = media.resized(alpha, height, width, "lanczos")
    colours = pixels * 255.0 / np.maximum(alpha, 1)
    return np.concatenate([np.rint(colours).clip(0, 255).astype(np.uint8), alpha], axis=-1)
