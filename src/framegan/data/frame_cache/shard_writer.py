"""Writes one shard of a frame cache: its files appear whole or not at all, the description after the frames."""

import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO

import numpy as np

from framegan.data.frame_cache.layout import (
    Entry,
    Settings,
    Shard,
    StaleCacheError,
    description_of,
    frames_of,
    load_shard,
)
from framegan.data.frame_cache.read import jpeg, raw
from framegan.data.videos.protocol import FileVideos
from framegan.files import atomic, strict_json

READ_AT_ONCE = 1 << 28
"""Bytes of frames that a process holds at a time."""


@dataclass(frozen=True)
class Plan:
    """A frame cache as it is to become; the work is cut into shards.

    Args:
        shards: the videos of each shard.
        stamps: of each video, from before anything is read.
    """

    videos: FileVideos
    folder: Path
    settings: Settings
    shards: list[range]
    stamps: list[tuple[int, int]]

    def is_right(self, number: int) -> bool:
        """Say whether a shard is there already, made in this way from these files as they are now."""
        try:
            there = load_shard(self.folder, number, self.settings).videos
        except StaleCacheError:
            return False
        wanted = [self.entry(index) for index in self.shards[number]]
        return len(there) == len(wanted) and all(map(_same, there, wanted))

    def entry(self, index: int) -> Entry:
        """Return what a shard says of a video that can be decoded."""
        return Entry(self.videos.name(index), *self.stamps[index], self.videos.num_frames(index))


def write_shard(plan: Plan, number: int, report: Callable[[int], None]) -> None:
    """Decode the videos of a shard and write it.

    Args:
        report: called with the number of frames done since its last call.
    """
    path = frames_of(plan.folder, number, plan.settings)
    entries, ends = [], [0]
    with atomic.new_file(path) as part, part.open("wb") as file:
        for index in plan.shards[number]:
            entry = plan.entry(index)
            try:
                ends += _write_video(file, plan, index)
            except ValueError as error:
                file.seek(ends[-1])
                file.truncate()
                entry = replace(entry, frames=0, error=str(error))
            entries.append(entry)
            report(plan.videos.num_frames(index))
        if plan.settings["format"] == "jpeg":
            file.write(np.array(ends, np.int64).tobytes())
    shard = asdict(Shard(plan.settings, entries, path.stat().st_size, checksum(path)))
    strict_json.write(description_of(plan.folder, number), shard)


def checksum(path: Path) -> int:
    """Return the CRC-32 of a file."""
    crc = 0
    with path.open("rb") as file:
        while block := file.read(1 << 22):
            crc = zlib.crc32(block, crc)
    return crc


def encode(frames: np.ndarray, settings: Settings) -> list[bytes]:
    """Return what a shard holds of frames (T, H, W, C): all raw ones at once, or a JPEG file of each."""
    if settings["format"] == "raw":
        return [raw(frames)]
    return [jpeg(frame, settings["quality"]) for frame in frames]


def _write_video(file: IO[bytes], plan: Plan, index: int) -> list[int]:
    """Write the frames of a video, and return where each piece that was written ends."""
    videos = plan.videos
    ends = []
    step = max(1, READ_AT_ONCE // (videos.resolution**2 * videos.channels))
    for first in range(0, videos.num_frames(index), step):
        frames = videos.read(index, range(first, min(first + step, videos.num_frames(index))))
        for piece in encode(frames, plan.settings):
            file.write(piece)
            ends.append(file.tell())
    return ends


def _same(there: Entry, wanted: Entry) -> bool:
    return there == (wanted if there.error is None else replace(wanted, frames=0, error=there.error))
