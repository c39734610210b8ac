"""A folder of samples in the shape of other ones: images, videos, or a folder of frames for each video."""

from collections.abc import Sequence
from typing import Literal, cast

from framegan.data.clips import Clips
from framegan.data.files import chosen_folder, walk
from framegan.data.frame_folder import FrameFolder
from framegan.data.image_folder import ImageFolder
from framegan.data.source import Source
from framegan.data.video_folder import EXTENSIONS, VideoFolder


def samples_in(folder: str, shape: Sequence[int]) -> Source:
    """Return the images in a folder, where shape is (C, H, W), or a clip of each video, where it is (C, T, H, W).

    They are fitted to that size; classes play no part.

    Raises:
        ValueError: there are none, or files that can't be read.
    """
    channels, resolution = cast(Literal[1, 3], shape[0]), shape[-1]
    if len(shape) == 3:
        return ImageFolder(folder, resolution, channels)
    kind = VideoFolder if walk(chosen_folder(folder, None), EXTENSIONS) else FrameFolder
    return Clips(kind(folder, resolution, channels, labels=None), num_frames=shape[1])
