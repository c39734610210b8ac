"""Frames decoded once and for all: how a cache of them lies on the disk, and the videos that a cache belongs to.

A cache is a folder of shards. `shard-00000.u8` (raw) or `shard-00000.jpegs` holds the frames of some videos, see
`framegan.data.frame_cache.read`; `shard-00000.json` beside it says whose they are. `manifest.json` is written last:
without it the cache is not complete.
"""

import hashlib
import json
import math
import re
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field, StrictInt, TypeAdapter

from framegan.data.cache_places import beside, places
from framegan.data.frame_cache.read import CachedVideos, Format
from framegan.data.resolution import sides_of
from framegan.data.video_set import FileVideos, Videos
from framegan.files import strict_json
from framegan.processes.ranks import say

SCHEMA = 3
"""Raised when the layout changes, or what a file's frames are: older caches are then rebuilt."""
ENDINGS: dict[Format, str] = {"raw": ".u8", "jpeg": ".jpegs"}
MANIFEST = "manifest.json"

Settings = dict[str, Any]
"""What decides the bytes of a shard, besides the videos."""


class StaleCacheError(ValueError):
    """A cache is not what it has to be; the message says why, without the folder."""


@dataclass(frozen=True)
class Entry:
    """A video in a shard: what it was read from, and how many frames it has there, or why it has none.

    Args:
        mtime_ns: like size, of the stamp; of a folder of frames no time, see `framegan.data.video_set.FileVideos`.
    """

    name: str
    size: StrictInt
    mtime_ns: StrictInt
    frames: Annotated[StrictInt, Field(ge=0)]
    error: str | None = None


@dataclass(frozen=True)
class Shard:
    """What `shard-00000.json` says."""

    settings: Settings
    videos: list[Entry]
    num_bytes: StrictInt
    crc32: StrictInt


def cache_folder(videos: FileVideos, cache_dir: str | None = None) -> Path:
    """Return where the frames of videos are kept: cache_dir, or a folder of their split and recipe beside the data."""
    return Path(cache_dir).expanduser() if cache_dir is not None else beside(videos.root) / _name(videos, videos.split)


def _name(videos: FileVideos, split: str) -> str:
    key = hashlib.sha256(json.dumps([split, videos.recipe], sort_keys=True).encode()).hexdigest()[:8]
    size = "x".join(map(str, dict.fromkeys(sides_of(videos.resolution))))
    return f"frames_{size}px_{re.sub(r'[^A-Za-z0-9.-]', '-', split)}_{key}"


def settings_of(videos: FileVideos, format: Format, quality: int) -> Settings:
    """Return the settings of a cache of these videos, as JSON gives them back."""
    quality_of = {"quality": quality} if format == "jpeg" else {}
    return {"schema": SCHEMA, "format": format, **quality_of, "recipe": json.loads(json.dumps(videos.recipe))}


def description_of(folder: Path, number: int) -> Path:
    """Return where the description of a shard lies."""
    return folder / f"shard-{number:05}.json"


def frames_of(folder: Path, number: int, settings: Settings) -> Path:
    """Return where the frames of a shard lie."""
    return description_of(folder, number).with_suffix(ENDINGS[settings["format"]])


def read_description(path: Path) -> Shard | None:
    """Return what the description of a shard says; None where it is missing or damaged."""
    try:
        return TypeAdapter(Shard).validate_python(strict_json.loads(path.read_bytes()))
    except (OSError, ValueError):
        return None


def load_shard(folder: Path, number: int, settings: Settings) -> Shard:
    """Read the description of a shard and look after its frames.

    Raises:
        StaleCacheError: it is missing or of other settings, or its frames are not as long as it says.
    """
    path, frames = description_of(folder, number), frames_of(folder, number, settings)
    shard = read_description(path)
    if shard is None:
        raise StaleCacheError(f"{path.name} is missing or damaged")
    if shard.settings != settings:
        raise StaleCacheError(f"{frames.name} is of other settings")
    if not frames.is_file() or frames.stat().st_size != shard.num_bytes or not _is_sound(shard):
        raise StaleCacheError(f"{frames.name} is missing or damaged")
    return shard


def _is_sound(shard: Shard) -> bool:
    """Say whether every video has frames, or else an error, and the shard has room for all of them."""
    if any((video.frames > 0) != (video.error is None) for video in shard.videos):
        return False
    num_frames, recipe = sum(video.frames for video in shard.videos), shard.settings["recipe"]
    if shard.settings["format"] == "raw":
        return shard.num_bytes == num_frames * recipe["channels"] * math.prod(sides_of(recipe["resolution"]))
    return shard.num_bytes > 8 * num_frames


def prepared(videos: Videos, cache_dir: str | None = None) -> Videos:
    """Return videos with their frames from a cache where there is a valid one, and say so; otherwise as they are.

    A part of the data is also read from a cache of all of them.
    """
    if not isinstance(videos, FileVideos):
        return videos
    reason = f"{cache_dir} is empty" if cache_dir is not None else None
    named = [place / _name(videos, split) for split in (videos.split, "all") for place in places(videos.root)]
    for folder in dict.fromkeys(named) if cache_dir is None else [cache_folder(videos, cache_dir)]:
        try:
            found = find(videos, folder)
        except StaleCacheError as error:
            reason = f"{folder} is out of date: {error}"
            continue
        if found is not None:
            say(f"cache    {folder} ({found.format})")
            return found
    if reason is not None:
        say(f"cache    {reason}; decoding instead. To update it, run framegan prepare with these data settings")
    return videos


def find(videos: FileVideos, folder: Path) -> CachedVideos | None:
    """Return videos with their frames from the cache in a folder, or None where there is none.

    The cache may hold more videos than these. Labels, lengths and times are those of the videos given.

    Raises:
        StaleCacheError: it isn't complete, or wasn't made in this way from these files as they are now.
    """
    if not (folder / MANIFEST).is_file():
        if any(folder.glob("shard-*")):
            raise StaleCacheError("it is not complete")
        return None
    settings, num_shards = _read_manifest(folder)
    was, wanted = settings["recipe"], settings_of(videos, "raw", 0)["recipe"]
    if keys := [key for key in sorted({*was, *wanted}) if was.get(key) != wanted.get(key)]:
        different = ", ".join(f"{key} is {wanted.get(key)} and was {was.get(key)}" for key in keys)
        raise StaleCacheError(f"it was made with other settings: {different}")
    shards = [load_shard(folder, number, settings) for number in range(num_shards)]
    there: dict[str, tuple[int, int, Entry]] = {}
    for number, shard in enumerate(shards):
        starts = accumulate((entry.frames for entry in shard.videos), initial=0)
        there |= {entry.name: (number, start, entry) for entry, start in zip(shard.videos, starts, strict=False)}
    places = np.zeros((len(videos), 2), np.int64)
    errors = {}
    for index in range(len(videos)):
        name = videos.name(index)
        if name not in there:
            raise StaleCacheError(f"{name} is not in it")
        *places[index], entry = there[name]
        if (entry.size, entry.mtime_ns) != tuple(videos.stamp(index)):
            raise StaleCacheError(f"{name} has changed")
        if entry.error is not None:
            errors[index] = entry.error
        elif entry.frames != videos.num_frames(index):
            raise StaleCacheError(f"{name} has {videos.num_frames(index)} frames, and {entry.frames} there")
    files = [frames_of(folder, number, settings) for number in range(num_shards)]
    return CachedVideos(videos, files, places, settings["format"], errors, settings.get("quality"))


def _read_manifest(folder: Path) -> tuple[Settings, int]:
    with suppress(OSError, ValueError):
        match strict_json.loads((folder / MANIFEST).read_bytes()):
            case {
                "settings": {"schema": schema, "format": "raw" | "jpeg", "recipe": dict()} as settings,
                "shards": int(num_shards),
            } if schema == SCHEMA:
                return settings, num_shards
    raise StaleCacheError(f"its {MANIFEST} is damaged or of another version")
