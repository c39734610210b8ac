"""A folder of samples to be compared with those of a data set, and read and fitted as they are."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from framegan.data.files import walk
from framegan.data.frame_cache.read import undecoded
from framegan.data.images.image_file import EXTENSIONS as IMAGES
from framegan.data.images.image_file import size_of
from framegan.data.images.image_folder import ImageFolder
from framegan.data.source import Source
from framegan.data.video_set import Videos
from framegan.data.videos.clips import Clips
from framegan.data.videos.frame_folder import FrameFolder
from framegan.data.videos.npy import NpyVideos, arrays_in, layouts_of, mapped
from framegan.data.videos.strips import Strips
from framegan.data.videos.video_folder import EXTENSIONS as VIDEOS
from framegan.data.videos.video_folder import VideoFiles, VideoFolder

Frames = Literal["all", "data"]
"""Which frames of a video that is longer than a clip: one after the other, or as far apart as in the data."""


def samples_in(folder: str, like: Source, frames: Frames | None = None) -> Source:
    """Return the images in a folder, or a clip of each video, in the shape of a source and fitted as its samples are.

    Videos are video files, folders of frames, or what the source itself is made of. Classes play no part.

    Args:
        frames: None = all, but it has to be said where the source leaves out frames and these videos are longer than a
            clip: they may have been generated, with no frame to be left out, or be videos like those of the source.

    Raises:
        ValueError: there are none, or files that can't be read, or it has to be said which frames are meant.
    """
    if problem := missing(folder):
        raise ValueError(problem)
    root, (channels, *_, height, width) = Path(folder).expanduser().absolute(), like.shape
    wanted = {"channels": channels, "resolution": (height, width), "root": str(root), "split": "all", "labels": None}
    kind = _reader(root, like)
    if kind is NpyVideos:
        wanted["layout"] = _layout(root, like)
    taken = inspect.signature(kind).parameters
    samples = kind(**{name: value for name, value in (recipe_of(like) | wanted).items() if name in taken})
    if kind is not ImageFolder:
        return _clips(samples, like, frames)
    if "resize" not in recipe_of(like):
        _check_sizes(samples)
    return samples


def _check_sizes(samples: ImageFolder) -> None:
    """Raise ValueError where a picture isn't as large as samples that come to their size in a way of their own."""
    height, width = samples.shape[1:]
    for file in samples.files:
        if (size := size_of(samples.folder / file)) != (width, height):
            raise ValueError(
                f"fake={samples.folder}: {file} is {size[0]}x{size[1]} (width x height), and these data come to "
                f"{width}x{height} in a way of their own, as published sets do; save the fakes in that size, or set "
                "data.resolution to theirs"
            )


def missing(folder: str) -> str | None:
    """Return what to say where there is no such folder."""
    if folder.strip() and Path(folder).expanduser().exists():
        return None
    return f"fake={folder!r} does not exist; set fake to the folder that holds the samples"


def recipe_of(source: Source) -> dict[str, Any]:
    """Return the settings by which a source fits what it reads to its shape, as its constructor takes them."""
    if isinstance(source, Clips):
        return dict(getattr(undecoded(source.origin), "recipe", {}))
    told = {name: getattr(source, name, None) for name in ("resize", "filter", "scaled_decode")}
    return {name: value for name, value in told.items() if value}


def _reader(root: Path, like: Source) -> Callable[..., Any]:
    """Return the class that reads a folder: that of the source itself, where the folder holds the same."""
    origin = undecoded(like.origin) if isinstance(like, Clips) else None
    are_images = len(like.shape) == 3
    if isinstance(origin, NpyVideos) and (root.suffix == ".npy" or arrays_in(root)):
        return NpyVideos
    if not root.is_dir():
        raise ValueError(f"fake={root} is not a folder; set fake to the folder that holds the samples")
    if walk(root, VIDEOS) and (not are_images or isinstance(origin, VideoFiles)):
        return VideoFolder
    pictures = walk(root, IMAGES)
    if isinstance(origin, Strips) and pictures and len({*size_of(root / pictures[0])}) == 2:
        return Strips
    are_frames = isinstance(origin, FrameFolder) and not any("/" not in picture for picture in pictures)
    return ImageFolder if are_images and not are_frames else FrameFolder


def _layout(root: Path, like: Source) -> str:
    """Return the order of axes of an array of videos that are as long as those of the source, or as its clips.

    Raises:
        ValueError: it isn't clear.
    """
    assert isinstance(like, Clips)
    file, real = arrays_in(root)[0], undecoded(like.origin)
    assert isinstance(real, NpyVideos)
    shape, lengths = mapped(file).shape, (real.length, like.draws.num_frames)
    orders = sorted(layouts_of(shape), key=lambda order: order != real.layout)  # the same one if all are as good
    for length in lengths:
        if found := [order for order in orders if shape[order.index("T")] == length]:
            return found[0]
    if len(orders) == 1:
        return orders[0]
    as_long = " or ".join(map(str, dict.fromkeys(lengths)))
    raise ValueError(
        f"fake={file} is {shape}, and neither of its first axes is {as_long}, the frames of a real video or clip; save "
        f"it with the axes (videos, frames, height, width, channels), each video with {as_long} frames"
    )


def _clips(videos: Videos, like: Source, frames: Frames | None) -> Clips:
    """Return a clip of each video, drawn as those of the source are."""
    if not isinstance(like, Clips):
        return Clips(videos, num_frames=like.shape[1])
    draws = like.draws
    leaves_out = draws.strides != (1, 1) or draws.target_fps is not None
    longest = max(videos.num_frames(video) for video in range(len(videos)))
    if leaves_out and frames is None and longest > draws.num_frames:
        raise ValueError(
            f"the videos of fake have up to {longest} frames and clips of {draws.num_frames} are compared, which "
            f"are taken from the real videos at data.{draws.pace}; set fake_frames=all where the videos are generated, "
            "whose frames follow on each other as in a clip, or fake_frames=data where they are like the real ones"
        )
    pace: dict[str, Any] = {"frame_stride": draws.strides, "target_fps": draws.target_fps} if frames == "data" else {}
    return Clips(videos, draws.num_frames, short=draws.short, seed=draws.seed, **pace)
