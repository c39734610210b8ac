"""Writes videos as strips: one PNG each, its frames from left to right, in a folder of its class."""

import os
from pathlib import Path, PurePosixPath

import numpy as np

from framegan import media
from framegan.data.files import class_name, misplaced
from framegan.data.images.image_file import MAX_PIXELS
from framegan.data.resolution import sides_of
from framegan.data.video_set import Videos
from framegan.files.at_once import at_once


def write_strips(videos: Videos, folder: Path, num_workers: int) -> dict[str, str]:
    """Write every video as a strip; return why some of them could not be, by name.

    Args:
        num_workers: threads that decode.
    """
    places = strip_places(videos)

    def write(index: int) -> str | None:
        path = folder / places[index]
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            media.write_png(path, strip(videos, index))
        except ValueError as error:
            return str(error)
        return None

    problems = dict(at_once(write, range(len(videos)), "writing", max(1, num_workers)))
    return {videos.name(index): reason for index, reason in sorted(problems.items()) if reason is not None}


def strip(videos: Videos, index: int) -> np.ndarray:
    """Return the frames of a video side by side: uint8 (H, T W, C).

    Raises:
        ValueError: it can't be decoded, or it would be more than is read again.
    """
    length, (height, width) = videos.num_frames(index), sides_of(videos.resolution)
    if length * height * width > MAX_PIXELS:
        most = MAX_PIXELS // (height * width)
        raise ValueError(f"{length} frames are too many for a strip; cut it into videos of {most}")
    if height != width and length * width <= height:
        raise ValueError(f"{length} frames of {height}x{width} are too few for a strip, which is wider than high")
    frames = videos.read(index, range(length))
    return frames.swapaxes(0, 1).reshape(height, length * width, videos.channels)


def settings_of(videos: Videos) -> list[str]:
    """Return the settings with which data=strips takes what `write_strips` has written for what it was."""
    places = strip_places(videos)
    are_of_one_class = len({videos.label(index) for index in range(len(videos))}) == 1
    is_said = are_of_one_class and any("/" in place for place in places)
    is_of_parts = misplaced(places, None if are_of_one_class else "folder") is not None
    return ["data.labels=null"] * is_said + ["data.split=all"] * is_of_parts


def strip_places(videos: Videos) -> list[str]:
    """Return where each video goes, relative to a folder, so that the first folders are the classes.

    The videos' own folders are kept where they are the classes, or all are of one class; otherwise the classes'
    numbers come before them.
    """
    names = [PurePosixPath(videos.name(index)) for index in range(len(videos))]
    bare = [name.with_suffix("") for name in names]
    stems = bare if len(set(bare)) == len(names) else names
    shared = os.path.commonpath([stem.parent for stem in stems])
    stems = [stem.relative_to(shared) for stem in stems]
    labels = [videos.label(index) for index in range(len(videos))]
    pairs = {(class_name(str(stem)), label) for stem, label in zip(stems, labels, strict=True)}
    if len(set(labels)) == 1 or len(pairs) == len({folder for folder, _ in pairs}) == len(set(labels)):
        return [f"{stem}.png" for stem in stems]
    return [f"{label}/{stem}.png" for label, stem in zip(labels, stems, strict=True)]
