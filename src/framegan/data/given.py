"""Frames that somebody gives a generator to continue: the beginning of a video file, or pictures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from framegan.data.images import image_file
from framegan.data.images.image_file import EXTENSIONS as IMAGES
from framegan.data.videos import decode, frame_fit
from framegan.data.videos.frame_order import in_order
from framegan.data.videos.video_folder import EXTENSIONS as VIDEOS
from framegan.data.videos.video_index import index

DEFAULTS = {"resize": "crop", "filter": "area"}


def frames_of(path: Path, shape: Sequence[int], number: int, settings: Mapping[str, Any]) -> Tensor:
    """Return the first frames of a video, a folder of pictures or, if one is asked for, a picture, uint8 (C, T, H, W).

    Args:
        shape: (C, T, H, W) of the clips that begin with them.
        number: how many.
        settings: those of the data that the generator was trained on, by which its frames were fitted and chosen.

    Raises:
        ValueError: there is no such file, it can't be read, or has fewer frames.
    """
    channels, _, *size = shape
    fit = {name: settings.get(name, default) for name, default in DEFAULTS.items()}
    recipe: dict[str, Any] = {"resolution": tuple(size), "channels": channels, **fit}
    try:
        if path.suffix.lower() in VIDEOS and path.is_file():
            frames = _of_video(path, number, settings, recipe)
        else:
            picture = image_file.Fit(**recipe)
            frames = np.stack([picture(image_file.decode(file, picture.channels)) for file in _pictures(path, number)])
    except (OSError, ValueError) as error:
        raise ValueError(f"given={path} can't be used: {error}") from error
    return torch.from_numpy(np.ascontiguousarray(frames)).permute(3, 0, 1, 2)


def _of_video(path: Path, number: int, settings: Mapping[str, Any], recipe: Mapping[str, Any]) -> np.ndarray:
    if recipe["channels"] not in (1, 3):
        raise ValueError(f"the generator's frames have {recipe['channels']} channels, and videos give 1 or 3")
    entries, problems = index(path.parent.absolute(), [path.name])
    if problems:
        raise ValueError(problems[path.name])
    info, rate = entries[path.name].info, settings.get("target_fps")
    if rate is None:
        stride = settings.get("frame_stride", 1)
        chosen = np.arange(number) * (stride if isinstance(stride, int) else stride[0])
    else:
        times = np.asarray(info.times)
        wanted = times[0] + np.arange(number) / rate
        chosen = np.abs(times - wanted[:, None]).argmin(1)
        if len(set(chosen.tolist())) < number:
            raise ValueError(f"its first frames are too few for {number} at data.target_fps={rate:g}")
    if chosen[-1] >= len(info.pts):
        raise ValueError(f"it has {len(info.pts)} frames, and frames 1 to {chosen[-1] + 1} are needed")
    turned = {name: settings.get(name, True) for name in ("pixel_aspect", "rotate")}
    return decode.read(path, info, chosen.tolist(), frame_fit.Fit(**recipe, **turned))


def _pictures(path: Path, number: int) -> list[Path]:
    """Return the files of a folder of pictures, or one picture."""
    if path.is_dir():
        files = [path / name for name in in_order(f.name for f in path.iterdir() if f.suffix.lower() in IMAGES)]
    elif path.suffix.lower() in IMAGES and path.exists():
        files = [path]
    else:
        rule = "it should be a video, a picture, or a folder of pictures"
        raise ValueError(rule if path.exists() else f"there is no such file; {rule}")
    if len(files) < number:
        raise ValueError(f"it holds {len(files)} picture{'s' * (len(files) != 1)}, and {number} are needed")
    return files[:number]
