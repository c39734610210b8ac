"""Whether the data are still those of a run that an earlier version began, as far as what it kept can tell."""

import hashlib
import json
import re
from typing import Any

from torch import Tensor

from framegan.data.frame_cache.read import undecoded
from framegan.data.images.image_folder import ImageFolder
from framegan.data.labels import NUMBER
from framegan.data.source import Source, TensorSource
from framegan.data.video_set import FileVideos
from framegan.data.videos.clips import Clips
from framegan.spread import spread

KIND = re.compile(r"[0-9a-f]{16}")
NUM_LOOKED_AT = 16


def changes(fingerprint: Any, classes: list[str], source: Source) -> list[str]:
    """Return a line for what isn't as it was when a run kept this fingerprint; none where it kept another kind."""
    before = sorted(classes, key=None if isinstance(source, ImageFolder) else _order)
    if any(NUMBER.fullmatch(name) for name in classes) and before != classes:
        return [f"classes are numbered in another order: {before} -> {classes}"]
    if not isinstance(fingerprint, str) or not KIND.fullmatch(fingerprint) or fingerprint == fingerprint_of(source):
        return []
    return ["the samples have changed, or are read otherwise than by the version that began the run"]


def fingerprint_of(source: Source) -> str:
    """Return the 16 digits of earlier versions: of every byte in memory; of files names, sizes and some samples."""
    digest = hashlib.sha256()
    digest.update(json.dumps([len(source), list(source.shape), source.num_classes, _sizes(source)]).encode())
    if isinstance(source, TensorSource):
        _add(digest, source.samples, source.labels)
    else:
        for number in spread(NUM_LOOKED_AT, len(source)):
            pixels, label = source[number]
            _add(digest, pixels)
            digest.update(bytes([label % 256]))
    return digest.hexdigest()[:16]


def _sizes(source: Source) -> list[Any]:
    if isinstance(source, ImageFolder):
        return [[file, (source.folder / file).stat().st_size] for file in source.files]
    if isinstance(source, Clips):
        videos = undecoded(source.origin)
        if isinstance(videos, FileVideos):
            return [[videos.name(index), videos.stamp(index)[0]] for index in range(len(videos))]
    return []


def _add(digest: Any, *tensors: Tensor) -> None:
    for tensor in tensors:
        digest.update(tensor.cpu().contiguous().numpy().data)


def _order(name: str) -> tuple[int, int, str]:
    return (0, int(name), name) if name.isdecimal() else (1, 0, name)
