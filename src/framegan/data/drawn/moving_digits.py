"""Digits that bounce inside the frame, in the manner of Moving MNIST (Srivastava et al. 2015), drawn as asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, PositiveFloat, PositiveInt

from framegan import noise
from framegan.data.labels import NO_CLASSES
from framegan.data.published.digits import digits as small_digits
from framegan.data.published.idx import mnist
from framegan.data.resolution import Side
from framegan.data.source import Inventory, classes_of, digest_of, resize

SIDE = 28 / 64
"""Side of a digit, as a share of the frame's."""
SPEED = (0.75, 1.5)
"""Slowest and fastest, in shares of the frame's side for each second."""


@dataclass(eq=False)
class MovingDigits:
    """Videos of one or two bouncing digits; see `framegan.data.video_set.Videos`.

    A single digit is its video's class; two have none. Where digits overlap the brighter pixel shows.

    Args:
        digits: "digits": the 8x8 ones that scikit-learn ships; "mnist": those in root, or from the network.
        num_videos: how many there are; each has its own digits, places and velocities.
        video_frames: frames of each.
        per_video: digits in each.
        frames_per_second: of these videos; how far a digit moves in a second doesn't depend on it.
    """

    digits: Literal["digits", "mnist"] = "digits"
    root: str = "data/mnist"
    num_videos: PositiveInt = 10_000
    video_frames: PositiveInt = 20
    resolution: Annotated[Side, Field(ge=8)] = 64
    per_video: Literal[1, 2] = 2
    frames_per_second: PositiveFloat = 25.0
    seed: noise.Seed = 0

    channels = 1

    def __post_init__(self) -> None:
        self.side = round(SIDE * self.resolution)
        source = small_digits(self.side) if self.digits == "digits" else mnist(self.root)
        self.pictures = resize(source.samples, self.side)[:, 0].numpy()
        self.numbers = source.labels.numpy()
        self.split = source.split
        self.classes = classes_of(source) if self.per_video == 1 else [NO_CLASSES]
        self.num_classes = len(self.classes)

    def __len__(self) -> int:
        return self.num_videos

    def name(self, index: int) -> str:
        return f"digits {index}"

    def label(self, index: int) -> int:
        return int(self.numbers[self._drawn(index)[0][0]]) if self.per_video == 1 else 0

    def num_frames(self, index: int) -> int:
        return self.video_frames

    def frame_times(self, index: int) -> np.ndarray | None:
        return np.arange(self.video_frames) / self.frames_per_second

    def read(self, index: int, frames: Sequence[int]) -> np.ndarray:
        chosen, starts, velocities = self._drawn(index)
        moments = np.asarray(frames).reshape(-1, 1, 1) / self.frames_per_second
        corners = np.rint(_bounce(starts + velocities * moments) * (self.resolution - self.side)).astype(int)
        video = np.zeros((len(frames), self.resolution, self.resolution), np.uint8)
        for frame, places in zip(video, corners, strict=True):
            for digit, (down, right) in zip(chosen, places, strict=True):
                window = frame[down : down + self.side, right : right + self.side]
                np.maximum(window, self.pictures[digit], out=window)
        return video[..., None]

    def inventory(self) -> Inventory:
        names = ("num_videos", "video_frames", "resolution", "per_video", "frames_per_second", "seed")
        own = {name: getattr(self, name) for name in names}
        return {"drawn": "moving digits", "digits": [digest_of(self.pictures), digest_of(self.numbers)], **own}

    def _drawn(self, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return a video's digits (D,), and their places and velocities (D, 2), in shares of the room they have."""
        random = noise.generator(self.seed, noise.VIDEOS, item=index)
        chosen = random.integers(len(self.pictures), size=self.per_video)
        starts = random.random((self.per_video, 2))
        angle = random.random(self.per_video) * 2 * np.pi
        speed = random.uniform(*SPEED, self.per_video) / (1 - SIDE)
        return chosen, starts, speed[:, None] * np.stack([np.sin(angle), np.cos(angle)], axis=1)


def _bounce(places: np.ndarray) -> np.ndarray:
    """Fold a straight path back into [0, 1], as walls do."""
    return 1 - np.abs(places % 2 - 1)
