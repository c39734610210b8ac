"""Pixels of edits as tensors, and back: the colours of a clip or a picture, and what maps of colours make of pixels."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from framegan import noise
from framegan.edits import source_colours

if TYPE_CHECKING:
    from torch import Tensor

LOOKED_AT = 1 << 14
"""Pixels of a clip, or of a picture, that its colours are found of."""
FRAMES_LOOKED_AT = 256
OPAQUE = 128
"""Least alpha of pixels whose colours count."""


def read_picture(file: Path, what: str) -> np.ndarray:
    """Return the pixels of a picture, uint8 (H, W, 4).

    Raises:
        ValueError: it can't be read, or nothing of it is seen.
    """
    try:
        pixels = np.asarray(source_colours.picture(file, 4))
    except ValueError as error:
        raise ValueError(f"{what}={file} can't be read as a picture: {error}") from None
    if pixels[..., 3].max() < OPAQUE:
        raise ValueError(f"{what}={file} is transparent everywhere; give a picture with colours")
    return pixels


def colours_of(frames: Iterable[np.ndarray], number: int) -> "Tensor":
    """Return colours that are seen in frames, float32 (N, 3) from 0 to 1: all of them, or as many as are looked at.

    Args:
        frames: uint8 (H, W, 3) or (H, W, 4).
        number: how many there are, more or less.
    """
    import torch

    every = -(-number // FRAMES_LOOKED_AT)
    most = LOOKED_AT // -(-number // every)
    seen = []
    for place, pixels in enumerate(frames):
        if place % every == 0:
            flat = pixels.reshape(-1, pixels.shape[-1])
            flat = flat[flat[:, 3] >= OPAQUE, :3] if flat.shape[1] == 4 else flat
            if len(flat) > most:
                flat = flat[noise.generator(0, noise.LIKENESS, 1 << 40, place).integers(len(flat), size=most)]
            seen.append(flat)
    colours = np.concatenate(seen)
    return torch.from_numpy(colours if len(colours) else np.zeros((1, 3), np.uint8)).float() / 255


def mapped(pixels: np.ndarray, of_colours: Callable[["Tensor"], "Tensor"], strength: float) -> np.ndarray:
    """Return pixels (H, W, C) with their colours mapped, as far as the strength says; alpha stays."""
    import torch

    before = torch.from_numpy(np.array(pixels[..., :3], order="C")).view(-1, 3).float() / 255
    after = before.lerp(of_colours(before), strength)
    return with_alpha_of(pixels, _eight_bits(after).reshape(*pixels.shape[:2], 3))


def to_tensor(pixels: np.ndarray) -> "Tensor":
    """Return the colours of pixels (H, W, C) as float32 (1, 3, H, W) from 0 to 1."""
    import torch

    return torch.from_numpy(np.array(pixels[..., :3], order="C")).permute(2, 0, 1).unsqueeze(0).float() / 255


def to_pixels(picture: "Tensor") -> np.ndarray:
    """Return a picture (1, 3, H, W) from 0 to 1 as uint8 pixels (H, W, 3)."""
    return _eight_bits(picture[0].permute(1, 2, 0))


def with_alpha_of(pixels: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Return colours (H, W, 3) with the alpha of pixels, if they have it."""
    return np.concatenate([colours, pixels[..., 3:]], axis=-1)


def _eight_bits(colours: "Tensor") -> np.ndarray:
    import torch

    return (colours * 255).round().clamp(0, 255).to(torch.uint8).cpu().numpy()
