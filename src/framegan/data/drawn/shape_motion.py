"""Coloured shapes that move along an axis, drawn by a formula: clips that need no download.

In the manner of the shape motion data of Tulyakov et al. 2018 (Section 4.1): one circle or square on black, which keeps
its colour and size and crosses the picture. The class is the axis, which the shape's centre shows.
"""

import colorsys
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, PositiveInt

from framegan import noise
from framegan.data.resolution import Side
from framegan.data.source import Inventory

CLASSES = ("vertical", "horizontal", "falling", "rising")
AXES = ((1.0, 0.0), (0.0, 1.0), (math.sqrt(0.5), math.sqrt(0.5)), (-math.sqrt(0.5), math.sqrt(0.5)))
"""(down, right) of each class."""
TRAVEL = 0.68
"""How far a shape moves in a video, as a share of the side."""
RADIUS = (0.08, 0.13)
"""Smallest and largest half-diameter of a circle, as a share of the side; a square has the same area."""


@dataclass(frozen=True)
class Shape:
    """What is drawn, in shares of the side.

    Args:
        half: half the diameter of a circle, or half the side of a square.
        start: (down, right) of the centre in the first frame.
        end: the same in the last frame.
    """

    colour: np.ndarray
    is_circle: bool
    half: float
    start: np.ndarray
    end: np.ndarray


@dataclass(eq=False)
class ShapeMotion:
    """Videos of moving shapes; see `framegan.data.video_set.Videos`. Class k of video i is i modulo num_classes.

    Args:
        video_frames: frames in which a shape crosses the picture. 1: the first of them.
        num_classes: how many of these, from the first: vertical, horizontal, falling and rising motion.
        channels: 3 colours, or 1: grey as bright as the brightest of the three.
    """

    num_videos: PositiveInt = 4000
    video_frames: PositiveInt = 16
    resolution: Side = 64
    channels: Literal[1, 3] = 3
    num_classes: Annotated[int, Field(ge=2, le=4)] = 2
    seed: noise.Seed = 0

    split = "all"

    @property
    def classes(self) -> Sequence[str]:
        return CLASSES[: self.num_classes]

    def __len__(self) -> int:
        return self.num_videos

    def name(self, index: int) -> str:
        return f"shape {index}"

    def label(self, index: int) -> int:
        return index % self.num_classes

    def num_frames(self, index: int) -> int:
        return self.video_frames

    def frame_times(self, index: int) -> np.ndarray | None:
        return None

    def read(self, index: int, frames: Sequence[int]) -> np.ndarray:
        shape = self.shape(index)
        moments = np.asarray(frames).reshape(-1, 1) / max(1, self.video_frames - 1)
        centres = (shape.start + (shape.end - shape.start) * moments) * self.resolution  # (T, 2)
        places = np.arange(self.resolution) + 0.5
        down = np.abs(places - centres[:, :1])[:, :, None]
        right = np.abs(places - centres[:, 1:])[:, None, :]
        half = shape.half * self.resolution
        inside = down**2 + right**2 <= half**2 if shape.is_circle else np.maximum(down, right) <= half
        return inside[..., None] * shape.colour

    def inventory(self) -> Inventory:
        return {"drawn": "moving shapes", **asdict(self)}

    def shape(self, index: int) -> Shape:
        """Return what a video shows."""
        random = noise.generator(self.seed, noise.VIDEOS, item=index)
        colour = np.array(colorsys.hsv_to_rgb(random.random(), random.uniform(0.5, 1), random.uniform(0.5, 1)))
        radius, is_circle = random.uniform(*RADIUS), random.random() < 0.5
        half = radius if is_circle else radius * math.sqrt(math.pi) / 2
        axis = np.array(AXES[self.label(index)]) * random.choice([-1, 1])
        reach = np.abs(axis) * TRAVEL
        corner = half + random.random(2) * (1 - 2 * half - reach)  # of the box that the centre's path fills
        start, end = np.where(axis >= 0, corner, corner + reach), np.where(axis >= 0, corner + reach, corner)
        if self.channels == 1:
            colour = colour.max(keepdims=True)
        return Shape((255 * colour).round().astype(np.uint8), is_circle, half, start, end)
