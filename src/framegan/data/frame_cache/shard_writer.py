"""Writes the shards of a frame cache: files appear whole or not at all, a description after its frames.

Several processes may write shards; they end with the one that started them.
"""

import io
import multiprocessing
import signal
import zlib
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

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
from framegan.data.resolution import frame_bytes
from framegan.data.video_set import FileVideos
from framegan.files import atomic, strict_json
from framegan.media import picture
from framegan.processes.lifetime import end_after

READ_AT_ONCE = 1 << 28
"""Bytes of frames that a process holds at a time."""
LOOKS_PER_SECOND = 5


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
        videos = self.shards[number]
        wanted = [self.entry(index, entry.error) for index, entry in zip(videos, there, strict=False)]
        return len(there) == len(videos) and there == wanted

    def entry(self, index: int, error: str | None) -> Entry:
        """Return what a shard says of a video."""
        frames = self.videos.num_frames(index) if error is None else 0
        return Entry(self.videos.name(index), *self.stamps[index], frames, error)


def write_shard(plan: Plan, number: int, report: Callable[[int], None]) -> None:
    """Decode the videos of a shard and write it.

    Args:
        report: called with the number of frames done since its last call.
    """
    path = frames_of(plan.folder, number, plan.settings)
    entries, ends = [], [0]
    with atomic.new_file(path) as part, part.open("wb") as file:
        for index in plan.shards[number]:
            try:
                ends += _write_video(file, plan, index)
                entries.append(plan.entry(index, None))
            except ValueError as error:
                file.seek(ends[-1])
                file.truncate()
                entries.append(plan.entry(index, str(error)))
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
    """Return what a shard holds of frames (T, H, W, C): all raw ones at once, or a JPEG file of each.

    The colours of a JPEG file are as finely sampled as its brightness (4:4:4).
    """
    if settings["format"] == "raw":
        return [frames.transpose(0, 3, 1, 2).tobytes()]
    pieces = []
    for frame in frames:
        picture(frame).save(file := io.BytesIO(), "JPEG", quality=settings["quality"], subsampling=0)
        pieces.append(file.getvalue())
    return pieces


def _write_video(file: IO[bytes], plan: Plan, index: int) -> list[int]:
    """Write the frames of a video, and return where each piece that was written ends."""
    videos = plan.videos
    ends = []
    step = max(1, READ_AT_ONCE // frame_bytes(videos))
    for first in range(0, videos.num_frames(index), step):
        frames = videos.read(index, range(first, min(first + step, videos.num_frames(index))))
        for piece in encode(frames, plan.settings):
            file.write(piece)
            ends.append(file.tell())
    return ends


def write_shards(plan: Plan, shards: list[int], num_workers: int, advance: Callable[[int], None]) -> None:
    """Write shards in processes of their own, fresh ones: a fork would share what this one has opened.

    Args:
        advance: called with the number of frames done since its last call.

    Raises:
        ChildProcessError: a process was killed.
    """
    context = multiprocessing.get_context("spawn")
    done, seen = context.Value("q", 0), 0
    pool = ProcessPoolExecutor(num_workers, context, _begin, (plan, done))
    try:
        waiting = {pool.submit(_write, number) for number in shards}
        while waiting:
            finished, waiting = wait(waiting, 1 / LOOKS_PER_SECOND, FIRST_EXCEPTION)
            for future in finished:
                future.result()
            now = done.value
            advance(now - seen)
            seen = now
    except BrokenProcessPool:
        reason = "a process was killed, perhaps because memory ran out: set num_workers lower"
        raise ChildProcessError(f"{reason}. The same command resumes with what is missing") from None
    finally:
        pool.shutdown(cancel_futures=True)


_process: dict[str, Any] = {}
"""In a process that writes shards: what is the same for all of them."""


def _begin(plan: Plan, done: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C reaches all processes; one message is enough
    parent = multiprocessing.parent_process()
    assert parent is not None
    end_after(parent.join)  # nothing is to be written without its lock
    _process.update(plan=plan, done=done)


def _write(number: int) -> None:
    write_shard(_process["plan"], number, _count)


def _count(frames: int) -> None:
    with _process["done"].get_lock():
        _process["done"].value += frames
