"""What tells one data set from another, however it is stored: the same pixels have the same fingerprint anywhere."""

import hashlib
import json
from typing import Any

from torch import Tensor

from framegan.data.cached_videos import CachedVideos
from framegan.data.clips import Clips
from framegan.data.image_folder import ImageFolder
from framegan.data.source import Source, TensorSource
from framegan.data.videos import FileVideos
from framegan.spread import spread

NUM_LOOKED_AT = 16
"""How many samples are decoded where looking at all would take too long."""


def fingerprint_of(source: Source) -> str:
    """Return 16 hexadecimal digits of a source.

    They cover every byte of a source in memory. Of files they cover the names, the sizes and some of the pixels.
    """
    digest = hashlib.sha256()
    digest.update(json.dumps([len(source), list(source.shape), source.num_classes, _inventory(source)]).encode())
    if isinstance(source, TensorSource):
        _add(digest, source.samples, source.labels)
    else:
        for number in spread(NUM_LOOKED_AT, len(source)):
            pixels, label = source[number]
            _add(digest, pixels)
            digest.update(bytes([label % 256]))
    return digest.hexdigest()[:16]


def _inventory(source: Source) -> list[Any]:
    """Return the names and sizes of a source's files."""
    if isinstance(source, ImageFolder):
        return [[file, (source.folder / file).stat().st_size] for file in source.files]
    if isinstance(source, Clips):
        videos = source.videos.source if isinstance(source.videos, CachedVideos) else source.videos
        if isinstance(videos, FileVideos):
            return [[videos.name(index), videos.stamp(index)[0]] for index in range(len(videos))]
    return []


def _add(digest: Any, *tensors: Tensor) -> None:
    for tensor in tensors:
        digest.update(tensor.cpu().contiguous().numpy().data)
