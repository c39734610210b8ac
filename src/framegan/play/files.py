"""The files that a page downloads: PNG, GIF and MP4, laid out as `framegan generate` lays them out."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from framegan import media, video_files
from framegan.play.player import Player
from framegan.play.wanted import File

Alone = Callable[[Callable[[], Any]], Any]
"""Returns what a function makes while the generators do nothing else."""


def content_of(players: Sequence[Player], file: File, note: str, alone: Alone) -> bytes:
    """Return the content of a file: of two players the samples one above the other.

    Raises:
        ValueError: an image isn't a video, there is no way to show, or see `Player.frames_of` and
            `framegan.video_files.write`.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"sample.{file.format}"
        if file.whole_walk:
            _write_walk(path, players, file, note, alone)
        else:
            _write_sample(path, players, file, note, alone)
        return path.read_bytes()


def _write_sample(path: Path, players: Sequence[Player], file: File, note: str, alone: Alone) -> None:
    clips = alone(lambda: [player.frames_of(file.wanted, exactly=True) for player in players])  # (T, H, W, C) each
    if file.format == "png":
        tiles = [frame for clip in clips for frame in clip]
        columns = len(clips[0]) if players[0].makes_clips else None if len(clips) == 1 else 1
        media.write_png(path, tiles[0] if len(tiles) == 1 else media.tiled(tiles, columns), note)
        return
    if not players[0].makes_clips:
        raise ValueError(f"this generator makes images, and a .{file.format} is a video; pin two samples, or take png")
    video = clips[0] if len(clips) == 1 else media.enlarged(media.tiled(clips, columns=1))
    video_files.write(path, video, file.frames_per_second, note=note)


def _write_walk(path: Path, players: Sequence[Player], file: File, note: str, alone: Alone) -> None:
    steps = zip(*(player.walk(file.wanted) for player in players), strict=True)

    def frames() -> Iterator[np.ndarray]:
        while several := alone(lambda: next(steps, None)):
            yield several[0] if len(several) == 1 else media.tiled(several)

    video_files.write(path, frames(), file.frames_per_second, note=note)
