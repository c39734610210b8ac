"""Frames that somebody gives a generator to continue: the beginning of a video file, or pictures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import PositiveFloat, PositiveInt, TypeAdapter
from torch import Tensor
from typing_extensions import TypedDict

from framegan.data.files import is_junk
from framegan.data.images import image_file
from framegan.data.images.image_file import EXTENSIONS as IMAGES
from framegan.data.images.image_file import Filter, Resize
from framegan.data.videos import decode, frame_fit, strips
from framegan.data.videos.frame_choice import Draws, nearest
from framegan.data.videos.frame_order import in_order
from framegan.data.videos.video_folder import EXTENSIONS as VIDEOS
from framegan.data.videos.video_index import index


class Settings(TypedDict, total=False):
    """Those of the data by which frames are fitted and chosen."""

    resize: Resize
    filter: Filter
    pixel_aspect: bool
    rotate: bool
    frame_stride: PositiveInt | tuple[PositiveInt, PositiveInt]
    target_fps: PositiveFloat | None
    frame_length: PositiveInt | None
    """Only data of strips have it, so that a picture is one."""


def frames_of(path: Path, shape: Sequence[int], number: int, settings: Mapping[str, Any]) -> tuple[Tensor, list[int]]:
    """Return the first frames of a video, a strip, a folder of pictures or a picture, uint8 (C, T, H, W).

    Where one frame is needed, a strip has three or more; anything else is a picture.

    They follow each other at the pace of the data, unless there are exactly as many as asked for. Their places, counted
    from 0, are returned too.

    Args:
        shape: (C, T, H, W) of the clips that begin with them.
        number: how many.
        settings: of the data that the generator was trained on; see `Settings`.

    Raises:
        ValueError: there is no such file, it can't be read, or has fewer frames.
    """
    channels, _, *size = shape
    try:
        names = Settings.__annotations__.keys() & settings.keys()
        known = TypeAdapter(Settings).validate_python({name: settings[name] for name in names})
        fit = {"resize": known.get("resize", "crop"), "filter": known.get("filter", "area")}
        recipe: dict[str, Any] = {"resolution": tuple(size), "channels": channels, **fit}
        if path.suffix.lower() in VIDEOS and path.is_file():
            frames, chosen = _of_video(path, number, known, recipe)
        else:
            files, fitted = _pictures(path), image_file.Fit(**recipe)
            one = image_file.decode(path, fitted.channels) if path.is_file() else None  # which may be an animation
            if one and "frame_length" in known and not (number == 1 and _is_picture(one.size, known["frame_length"])):
                chosen = _chosen(number, known, strips.number_in(one.size, known["frame_length"]), None)
                frames = strips.read_frames(one, chosen, known["frame_length"], fitted)
            else:
                chosen = _chosen(number, known, len(files), None)
                frames = np.stack([fitted(image_file.decode(files[place], fitted.channels)) for place in chosen])
    except (OSError, ValueError) as error:
        raise ValueError(f"given={path} can't be used: {error}") from error
    return torch.from_numpy(np.ascontiguousarray(frames)).permute(3, 0, 1, 2), chosen


def _is_picture(size: tuple[int, int], frame_length: int | None) -> bool:
    """Say whether a picture of this width and height, of which one frame is needed, is no strip of three or more."""
    length = frame_length or min(size)
    return max(size) % length > 0 or max(size) < 3 * length


def _of_video(path: Path, number: int, settings: Settings, recipe: Mapping[str, Any]) -> tuple[np.ndarray, list[int]]:
    if recipe["channels"] not in (1, 3):
        raise ValueError(f"the generator's frames have {recipe['channels']} channels, and videos give 1 or 3")
    entries, problems = index(path.parent.absolute(), [path.name])
    if problems:
        raise ValueError(problems[path.name])
    info = entries[path.name].info
    chosen = _chosen(number, settings, len(info.pts), np.asarray(info.times))
    turned: dict[str, Any] = {
        "pixel_aspect": settings.get("pixel_aspect", True),
        "rotate": settings.get("rotate", True),
    }
    wanted, places = np.unique(chosen, return_inverse=True)
    return decode.read(path, info, wanted.tolist(), frame_fit.Fit(**recipe, **turned))[places], chosen


def _chosen(number: int, settings: Settings, length: int, times: np.ndarray | None) -> list[int]:
    """Return which frames to take: the first one, and those that follow it at the pace of the data.

    Args:
        number: how many to take.
        length: how many there are; where that is as many, all of them are taken.
        times: when they are shown, (length,) seconds. None = it isn't known, so that no rate says which they are, and
            there have to be exactly as many.
    """
    if length == number:
        return list(range(number))
    stride, rate = settings.get("frame_stride", 1), settings.get("target_fps")
    if rate is not None and times is None:
        said = f"the generator was trained at data.target_fps={rate:g}, and {length} pictures tell no times"
        raise ValueError(f"{said}; give exactly {number} at that rate, or a video")
    lowest = stride if isinstance(stride, int) else stride[0]
    draws = Draws(number, (lowest, lowest), rate, 1, "error", 0)
    if not draws.fits(length, times):
        pace = f" at data.{draws.pace}, as trained" if draws.target_fps or lowest > 1 else ""
        longer = "a longer one" if draws.target_fps else f"at least {1 + lowest * (number - 1)}"
        rule = f"give exactly {number}, or {longer}" if pace else "give more"
        raise ValueError(f"it has {length} frame{'s' * (length != 1)}, too few for {number}{pace}; {rule}")
    if draws.target_fps is None or times is None:
        return (lowest * np.arange(number)).tolist()
    return nearest(times, times[0] + np.arange(number) / draws.target_fps).tolist()


def _pictures(path: Path) -> list[Path]:
    """Return the files of a folder of pictures, or one picture."""
    if path.is_dir():
        names = [
            file.name
            for file in path.iterdir()
            if file.suffix.lower() in IMAGES and file.is_file() and not is_junk(file.name)
        ]
        return [path / name for name in in_order(names)]
    if path.suffix.lower() in IMAGES and path.is_file():
        return [path]
    rule = "it should be a video, a picture, or a folder of pictures"
    raise ValueError(rule if path.exists() else f"there is no such file; {rule}")
