"""Decodes videos once and for all into a frame cache; what was done before, and is still right, is kept.

The shards are a function of the videos and the settings alone, and their files appear whole or not at all: whenever
the work is killed, the next call resumes with the shards that are missing and ends with the same bytes.
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from framegan.data.cache_places import beside
from framegan.data.frame_cache.layout import (
    MANIFEST,
    description_of,
    frames_of,
    load_shard,
    read_description,
    settings_of,
)
from framegan.data.frame_cache.read import Format
from framegan.data.frame_cache.shard_writer import Plan, checksum, encode, write_shard, write_shards
from framegan.data.resolution import frame_bytes
from framegan.data.video_set import FileVideos
from framegan.files import atomic, strict_json
from framegan.files.live import bar
from framegan.files.lock import alone

ORIGIN = "origin.json"
"""Says whose frames a folder holds, from before the first of them is written."""
TRIED_VIDEOS, TRIED_FRAMES = 8, 64
"""How many videos, and frames of each, are decoded for an estimate."""


@dataclass(frozen=True)
class Prepared:
    """What was done, and what the cache now holds.

    Args:
        written: the shards that had to be written.
        damaged: those of them whose bytes had changed on the disk.
        failures: why a video can't be decoded, by name.
    """

    written: list[int]
    damaged: list[int]
    num_frames: int
    num_bytes: int
    failures: dict[str, str]


def plan(videos: FileVideos, folder: Path, format: Format = "raw", shard_mb: int = 128, quality: int = 95) -> Plan:
    """Return the plan of a frame cache.

    Args:
        shard_mb: a shard ends with the video that makes it as large; in MB of raw frames, whatever the format.
        quality: of JPEG.
    """
    frame = frame_bytes(videos)
    shards, first, size = [], 0, 0
    for index in range(len(videos)):
        size += videos.num_frames(index) * frame
        if size >= shard_mb * 2**20 or index == len(videos) - 1:
            shards.append(range(first, index + 1))
            first, size = index + 1, 0
    stamps = [videos.stamp(index) for index in range(len(videos))]
    return Plan(videos, folder, settings_of(videos, format, quality), shards, stamps)


def missing(plan: Plan) -> list[int]:
    """Return the shards that have to be written."""
    return [number for number in range(len(plan.shards)) if not plan.is_right(number)]


def _others(plan: Plan, shards: Sequence[int]) -> list[int]:
    return sorted({*range(len(plan.shards))} - {*shards})


def estimate(plan: Plan, shards: Sequence[int]) -> tuple[int, float]:
    """Return how many bytes these shards will take, and how many seconds one process will need; some videos are tried.

    Where none of them can be decoded, the bytes are those of raw frames and the time is 0.
    """
    videos = [index for number in shards for index in plan.shards[number]]
    if not videos:
        return 0, 0.0
    tried = videos[:: -(-len(videos) // TRIED_VIDEOS)]
    _try(plan, tried[:1])  # what is imported on the way doesn't count
    start = time.perf_counter()
    num_frames, num_bytes = _try(plan, tried)
    seconds = time.perf_counter() - start
    total = sum(plan.videos.num_frames(index) for index in videos)
    if not num_frames:
        return total * frame_bytes(plan.videos), 0.0
    return round(total * num_bytes / num_frames), total * seconds / num_frames


def prepare(plan: Plan, num_workers: int = 1, verify: bool = False, replace: bool = False) -> Prepared:
    """Make a frame cache complete and up to date.

    Args:
        num_workers: processes that decode; 0: this one.
        verify: look for damage in all the bytes that are there, too.
        replace: write over the frames of videos that lie, or lay, elsewhere.

    Raises:
        ValueError: the folder holds the cache of something else, or another process is preparing it, or no video can
            be decoded.
        ChildProcessError: a process that decodes was killed.
    """
    plan.folder.mkdir(parents=True, exist_ok=True)
    busy = f"another process is preparing {plan.folder}; wait until it is done"
    with alone(plan.folder / ".lock", busy):
        to_write = missing(plan)
        refuse_others(plan, to_write, replace)
        strict_json.write(plan.folder / ORIGIN, {"of": _origin(plan)})
        kept = {number: load_shard(plan.folder, number, plan.settings) for number in _others(plan, to_write) if verify}
        files = {number: frames_of(plan.folder, number, plan.settings) for number in kept}
        damaged = [number for number, shard in kept.items() if checksum(files[number]) != shard.crc32]
        to_write = sorted([*to_write, *damaged])
        _clear(plan, to_write)
        num_frames = sum(plan.videos.num_frames(index) for number in to_write for index in plan.shards[number])
        with bar(num_frames, lambda number: f"decoding {number:,} / {num_frames:,} frames") as advance:
            if num_workers == 0:
                for number in to_write:
                    write_shard(plan, number, advance)
            elif to_write:
                write_shards(plan, to_write, min(num_workers, len(to_write)), advance)
        return _finish(plan, to_write, damaged)


def _finish(plan: Plan, written: list[int], damaged: list[int]) -> Prepared:
    shards = [load_shard(plan.folder, number, plan.settings) for number in range(len(plan.shards))]
    videos = [video for shard in shards for video in shard.videos]
    failures = {video.name: video.error for video in videos if video.error is not None}
    if len(failures) == len(videos):
        name, reason = next(iter(failures.items()))
        raise ValueError(f"none of the {len(videos)} videos can be decoded; the first one, {name}: {reason}")
    counts = {
        "num_frames": sum(video.frames for video in videos),
        "num_bytes": sum(shard.num_bytes for shard in shards),
    }
    manifest = {
        "settings": plan.settings,
        "versions": {name: version(name) for name in ("framegan", "av", "pillow")},
        "split": plan.videos.split,
        "shards": len(shards),
        "num_videos": len(videos),
        **counts,
        "failures": failures,
    }
    strict_json.write(plan.folder / MANIFEST, manifest)
    return Prepared(written, damaged, **counts, failures=failures)


def refuse_others(plan: Plan, to_write: Sequence[int], replace: bool = False) -> None:
    """Raise ValueError where something would be removed from a folder that was named by hand and isn't ours.

    What lies beside the data is theirs. Elsewhere it is ours if it was made from videos of these names in the same
    root, split and settings.

    Args:
        to_write: the shards that are missing.
        replace: the user said that what is there isn't needed, or that the data have moved.
    """
    right = {description_of(plan.folder, number) for number in _others(plan, to_write)}
    there = set(plan.folder.glob("shard-[0-9]*.json"))
    if replace or plan.folder.parent == beside(plan.videos.root) or there <= right:
        return
    shards = [shard for shard in map(read_description, there) if shard is not None]
    names = {plan.videos.name(index) for index in range(len(plan.videos))}
    same = [shard for shard in shards if shard.settings.get("recipe") == plan.settings["recipe"]]
    is_known = any(entry.name in names for shard in same for entry in shard.videos)
    origin, here = _origin_of(plan.folder), _origin(plan)
    if not shards or (origin == here and is_known):
        return
    of = "other videos, or of other settings" if origin in (None, here) else f"{origin}, not of {here}"
    raise ValueError(
        f"{plan.folder} holds frames of {of}; set data.cache_dir to another folder, or set replace=true if they "
        "aren't needed any more or the data have moved here"
    )


def _origin(plan: Plan) -> str:
    """Return what identifies a data set among others whose files have the same names."""
    return f"{plan.videos.root.resolve()} ({plan.videos.split})"


def _origin_of(folder: Path) -> str | None:
    with suppress(OSError, ValueError, LookupError, TypeError):
        return str(strict_json.loads((folder / ORIGIN).read_bytes())["of"])
    return None


def _clear(plan: Plan, to_write: list[int]) -> None:
    """Remove what doesn't belong to a cache that lacks these shards."""
    right = _others(plan, to_write)
    files = {description_of(plan.folder, number) for number in right}
    files |= {frames_of(plan.folder, number, plan.settings) for number in right}
    if to_write:
        (plan.folder / MANIFEST).unlink(missing_ok=True)
    for path in {*plan.folder.glob("shard-[0-9]*"), *atomic.left_in(plan.folder)} - files:
        path.unlink(missing_ok=True)  # a process whose parent was killed may be faster


def _try(plan: Plan, videos: Sequence[int]) -> tuple[int, int]:
    """Decode the beginning of videos; return how many frames that were and how many bytes they become."""
    num_frames = num_bytes = 0
    for index in videos:
        try:
            frames = plan.videos.read(index, range(min(TRIED_FRAMES, plan.videos.num_frames(index))))
        except ValueError:
            continue
        num_frames += len(frames)
        num_bytes += sum(map(len, encode(frames, plan.settings)))
    return num_frames, num_bytes
