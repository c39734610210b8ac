"""How a decoded frame becomes an upright picture of one size, of uint8 pixels, with FFmpeg's own scaler.

How a stored picture is turned and mirrored before it is shown is one number, that of EXIF: 1 as it is, 2 mirrored left
to right, 3 turned by 180 degrees, 4 mirrored top to bottom, 5 transposed, 6 turned by 90 degrees clockwise, 7
transposed along the other diagonal, 8 turned by 90 degrees counterclockwise.
"""

import threading
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from framegan.data.images.image_file import MAX_PIXELS, OVER_LIMIT, Filter, Resize, padded
from framegan.data.resolution import sides_of, simplest

UPRIGHT = 1
STEPS = ((0, 0, 0), (0, 0, 1), (0, 1, 1), (0, 1, 0), (1, 0, 0), (1, 0, 1), (1, 1, 1), (1, 1, 0))
"""For each orientation whether to transpose, then to mirror top to bottom, then left to right."""
DEGENERATE = 0.1
"""A matrix that squeezes a square to less than this share of what a turned one would cover says nothing."""

BT709, UNSPECIFIED = 1, 2
"""How YUV becomes RGB, by FFmpeg's numbers."""
LARGE = 1280, 577
"""Width or height from which players take a video that doesn't say it for BT.709, and not for BT.601."""


def is_large(width: int, height: int) -> bool:
    return width >= LARGE[0] or height >= LARGE[1]


def orientation_of(matrix: bytes) -> int:
    """Return the nearest of the eight orientations to a display matrix of FFmpeg; that of a degenerate one is 1.

    Args:
        matrix: nine int32 in the machine's order: a b u, c d v, x y w. A stored pixel (x, y) is shown at
            (a x + c y, b x + d y).
    """
    a, b, _, c, d, *_ = np.frombuffer(matrix, np.int32).astype(np.float64).tolist()
    if abs(a * d - b * c) <= DEGENERATE * max(map(abs, (a, b, c, d))) ** 2:
        return UPRIGHT
    is_transposed = abs(b) + abs(c) > abs(a) + abs(d)
    return 1 + STEPS.index((1, b < 0, c < 0) if is_transposed else (0, d < 0, a < 0))


class _Scaler(threading.local):
    """A scaler for each thread, used again for every frame: a new one for each costs more than the scaling."""

    def __init__(self) -> None:
        self.reformatter = VideoReformatter()


SCALER = _Scaler()


@dataclass(frozen=True)
class Fit:
    """Fits frames of any size to one.

    Args:
        resize: crop the middle of the picture to the shape of the resolution, pad it with black, or stretch it.
        filter: of the scaling; all of them are antialiased.
        pixel_aspect: whether to widen or narrow pictures whose pixels aren't square.
        rotate: whether to turn and mirror pictures as the file says.
    """

    resolution: int | tuple[int, int]
    channels: Literal[1, 3] = 3
    resize: Resize = "crop"
    filter: Filter = "area"
    pixel_aspect: bool = True
    rotate: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "resolution", simplest(self.resolution))

    def __call__(self, frame: VideoFrame, pixel_aspect: float = 1.0, orientation: int = UPRIGHT) -> np.ndarray:
        """Return a frame as uint8 (height, width, channels), what is transparent in it over black.

        Args:
            pixel_aspect: width / height of its pixels.
            orientation: how to turn and mirror it.

        Raises:
            ValueError: see `scaled`.
        """
        if any(component.is_alpha for component in frame.format.components):
            frame = _over_black(frame)
        width, height = self.scaled(frame.width, frame.height, pixel_aspect, orientation)
        pixels = _scale(frame, width, height, "gray" if self.channels == 1 else "rgb24", self.filter)
        if self.rotate:
            transpose, down, across = STEPS[orientation - 1]
            pixels = pixels.swapaxes(0, 1) if transpose else pixels
            pixels = pixels[:: -1 if down else 1, :: -1 if across else 1]
        if self.resize == "pad":
            return padded(pixels, self.resolution)
        down, across = sides_of(self.resolution)
        top, left = (pixels.shape[0] - down) // 2, (pixels.shape[1] - across) // 2
        return pixels[top : top + down, left : left + across]

    def scaled(self, width: int, height: int, pixel_aspect: float, orientation: int = UPRIGHT) -> tuple[int, int]:
        """Return the size that a picture, stored as it is shown but for its orientation, is scaled to before any crop.

        Raises:
            ValueError: the picture is so long that this takes too many pixels.
        """
        down, across = sides_of(self.resolution)
        if self.rotate and STEPS[orientation - 1][0]:  # it is stored lying on its side
            down, across = across, down
        if self.resize == "stretch":
            return across, down
        sides = width * (pixel_aspect if self.pixel_aspect else 1.0), height
        scale = (max if self.resize == "crop" else min)(across / sides[0], down / sides[1])
        across, down = (max(1, round(side * scale)) for side in sides)
        if across * down > MAX_PIXELS:
            size = f"{width}x{height} a frame, {across}x{down} before it is cropped"
            raise ValueError(f"{size}, {OVER_LIMIT}, or set data.resize=pad")
        return across, down


def _scale(frame: VideoFrame, width: int, height: int, pixels: str, algorithm: str) -> np.ndarray:
    """Return a frame as uint8 (height, width, C) of RGB or grey of full range."""
    if frame.colorspace == UNSPECIFIED and is_large(frame.width, frame.height):
        frame.colorspace = BT709
    scaled: Any = SCALER.reformatter.reformat(
        frame, width=width, height=height, format=pixels, interpolation=algorithm.upper(), threads=1
    )
    return scaled.to_ndarray().reshape(height, width, -1)


def _over_black(frame: VideoFrame) -> VideoFrame:
    pixels = _scale(frame, frame.width, frame.height, "rgba", "point").astype(np.uint16)
    return VideoFrame.from_ndarray((pixels[..., :3] * pixels[..., 3:] // 255).astype(np.uint8), "rgb24")
