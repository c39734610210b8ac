"""Pixels and files of pixels: the only module that knows uint8.

Samples are float32 in [-1, 1], images (N, C, H, W) or clips (N, C, T, H, W); pixels are uint8 in [0, 255], an image
(H, W, C) or a video (T, H, W, C), C = 1 or 3, or 2 or 4 with alpha.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from framegan import notes
from framegan.files import atomic

MARGIN = 2
"""White pixels between neighbours and around the whole, where samples are shown side by side."""
GIVEN = (255, 140, 0)
"""The margin of frames that were given, where others are shown beside them: orange, as grey data never are."""
Resampling = Literal["nearest", "lanczos"]


def to_samples(pixels: Tensor) -> Tensor:
    """Return uint8 pixels as float32 samples: 0 -> -1, 255 -> 1; any shape."""
    return pixels.to(torch.float32).div_(127.5).sub_(1)


def to_pixels(samples: Tensor) -> Tensor:
    """Return samples as uint8 pixels, rounded to the nearest and clamped; the inverse of `to_samples`."""
    return samples.float().add(1).mul(127.5).round_().clamp_(0, 255).to(torch.uint8)


def to_frames(samples: Tensor) -> np.ndarray:
    """Return (N, C, [T,] H, W) samples as uint8 pixels with their channels last, (N, [T,] H, W, C)."""
    return to_pixels(samples).movedim(1, -1).cpu().numpy()


def grid(samples: Tensor, columns: int | None = None, given_frames: int = 0) -> np.ndarray:
    """Return samples side by side: an image (H', W', C) of images, a video (T, H', W', C) of clips; see `tiled`."""
    return tiled(to_frames(samples), columns, given_frames)


def tiled(
    pixels: np.ndarray | Sequence[np.ndarray],
    columns: int | None = None,
    given_frames: int = 0,
    margin: int = MARGIN,
) -> np.ndarray:
    """Return N images or videos of one size, uint8 ([T,] H, W, C) each, side by side, row by row.

    Args:
        columns: how many in a row. None = as square as possible.
        given_frames: how many of the first frames of videos, or columns of images, get a margin in colour.
        margin: pixels between neighbours and around the whole.
    """
    if not len(pixels):
        raise ValueError("there is nothing to show side by side; give at least one image or clip")
    if given_frames:
        pixels = [in_colour(one) for one in pixels]
    height, width, channels = pixels[0].shape[-3:]
    columns = columns or math.ceil(math.sqrt(len(pixels)))
    rows = math.ceil(len(pixels) / columns)
    size = rows * (height + margin) + margin, columns * (width + margin) + margin
    canvas = np.full((*pixels[0].shape[:-3], *size, channels), 255, dtype=np.uint8)
    if given_frames:
        is_video = canvas.ndim == 4
        place = np.s_[:given_frames] if is_video else np.s_[:, : given_frames * (width + margin) + margin // 2]
        canvas[place][..., :3] = GIVEN
    for index, one in enumerate(pixels):
        top = index // columns * (height + margin) + margin
        left = index % columns * (width + margin) + margin
        canvas[..., top : top + height, left : left + width, :] = one
    return canvas


def strips(clips: Tensor, given_frames: int = 0) -> np.ndarray:
    """Return (N, C, T, H, W) clips as one image (H', W', C): a row for each clip, a column for each frame."""
    return grid(clips.transpose(1, 2).flatten(0, 1), clips.shape[2], given_frames)


def in_colour(pixels: np.ndarray) -> np.ndarray:
    """Return uint8 pixels (..., C) that have three channels at least, and a fourth one where there was alpha."""
    grey, *alpha = np.split(pixels, pixels.shape[-1], axis=-1) if pixels.shape[-1] < 3 else [pixels]
    return pixels if pixels.shape[-1] > 2 else np.concatenate([grey, grey, grey, *alpha], axis=-1)


def laid_over(pixels: np.ndarray, ground: int) -> np.ndarray:
    """Return uint8 pixels (..., C) over black (0), white (255) or a grey, without alpha; others as they are."""
    if pixels.shape[-1] not in (2, 4):
        return pixels
    colours, alpha = pixels[..., :-1].astype(np.uint16), pixels[..., -1:].astype(np.uint16)
    return ((colours * alpha + ground * (255 - alpha) + 127) // 255).astype(np.uint8)


def enlarged(pixels: np.ndarray, side: int = 480) -> np.ndarray:
    """Return an image or a video with every pixel repeated until its longer side is about this long, for the eye."""
    factor = max(1, side // max(pixels.shape[-3:-1]))
    return pixels.repeat(factor, axis=-3).repeat(factor, axis=-2)


def resized(pixels: np.ndarray, height: int, width: int, resampling: Resampling) -> np.ndarray:
    """Return uint8 pixels ([T,] H, W, C) at another size: each one repeated, or smoothly (Lanczos, of 3 lobes)."""
    if pixels.shape[-3:-1] == (height, width):
        return pixels
    way = {"nearest": Image.Resampling.NEAREST, "lanczos": Image.Resampling.LANCZOS}[resampling]

    def scaled(values: np.ndarray) -> np.ndarray:
        planes = np.moveaxis(values, -1, -3).reshape(-1, *values.shape[-3:-1])
        made = np.stack([np.asarray(Image.fromarray(plane).resize((width, height), way)) for plane in planes])
        return np.moveaxis(made.reshape(*values.shape[:-3], values.shape[-1], height, width), -3, -1)

    if pixels.shape[-1] not in (2, 4) or resampling == "nearest":
        return scaled(pixels)
    alpha = pixels[..., -1:] / np.float32(255)  # what is transparent gives its neighbours no colour
    made = scaled(np.concatenate([pixels[..., :-1] * alpha, alpha], axis=-1))
    seen = made[..., -1:]
    colours = np.where(seen > 0.5 / 255, made[..., :-1] / np.maximum(seen, 0.5 / 255), 0)
    return np.concatenate([colours, 255 * seen], axis=-1).round().clip(0, 255).astype(np.uint8)


def picture(image: np.ndarray) -> Image.Image:
    """Return an (H, W, C) uint8 image for Pillow.

    1 channel is grey, 3 are RGB, 2 and 4 the same with alpha; of more the first three are shown.
    """
    shown = image[..., 0] if image.shape[2] == 1 else image if image.shape[2] <= 4 else image[..., :3]
    return Image.fromarray(np.ascontiguousarray(shown))


def write_png(path: Path, image: np.ndarray, note: str = "") -> None:
    """Write an (H, W, C) uint8 image as `picture` shows it, whole or not at all; see `framegan.notes`."""
    with atomic.new_file(path, synced=False) as part:
        picture(image).save(part, format="PNG", pnginfo=notes.png_info(note))


def write_npy(path: Path, pixels: np.ndarray) -> None:
    """Write uint8 pixels of any shape, whole or not at all."""
    with atomic.new_file(path, synced=False) as part, part.open("wb") as file:
        np.save(file, pixels)
