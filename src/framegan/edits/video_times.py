"""When the frames of a video are shown, from its packets; nothing is decoded for it."""

import heapq
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from framegan.data.videos.video_stream import before, opened
from framegan.edits.outline import Outline

REORDERED = 16
"""Frames that a codec puts into another order, at most."""


@dataclass(frozen=True)
class Times:
    """Of a video: how many frames it has, and seconds.

    Args:
        begin: when the first one is shown. None = the file doesn't say when frames are.
        end: when the last one ends, counted from that.
    """

    number: int
    begin: Fraction | None
    end: Fraction


def times_of(path: Path, first: int | None, rate: Fraction, tick: Fraction) -> Times:
    """Return the times of a video.

    Args:
        first: when its first frame is shown, in ticks; what is before it can't be decoded.
        rate: frames a second, where the file doesn't say how long they are shown.
        tick: seconds of its times.
    """
    number, last, end, usual = 0, 0, 0, max(1, round(1 / (rate * tick)))
    with opened(path) as (container, stream):
        for packet in container.demux(stream):
            if not packet.size or packet.is_discard or before(packet.pts, first):
                continue
            number += 1
            if packet.pts is not None:
                last, end = max((last, end), (packet.pts, packet.pts + (packet.duration or usual)))
        # an .mp4 says how long each takes until the next one is decoded, which may be one that is shown before
        of_track = stream.duration or 0 if "mp4" in container.format.name else 0
    if first is None or end <= first:
        return Times(number, None, number / rate)
    length = of_track if of_track > last - first else end - first
    return Times(number, first * tick, length * tick)


def timed(frames: Iterable[tuple[int | None, Any]], outline: Outline) -> Iterator[tuple[Fraction, Fraction, Any]]:
    """Yield frames with when they are shown, from the first one on, and how long.

    Args:
        frames: with their times in ticks; those that have none are the usual step apart.
    """
    held: tuple[Fraction, Any] | None = None
    begin, step = None, 1 / outline.rate
    for pts, frame in frames:
        start = held[0] + step if held else Fraction()
        if pts is not None:
            begin = pts if begin is None else begin
            told = (pts - begin) * outline.tick
            start = told if held is None or told > held[0] else start
        if held is not None:
            yield held[0], start - held[0], held[1]
        held = start, frame
    if held is not None:
        yield held[0], outline.end - held[0] if outline.end > held[0] else step, held[1]


def in_order(frames: Iterable[Any], *, are_decoding_times: bool) -> Iterator[tuple[int | None, Any]]:
    """Yield frames with their times.

    Args:
        are_decoding_times: they are those of decoding, as in an .avi, where frames that refer to later ones come in
            another order than they are shown.
    """
    times: list[int] = []
    waiting: deque[Any] = deque()
    for frame in frames:
        if not are_decoding_times:
            yield frame.pts, frame
            continue
        waiting.append(frame)
        if frame.pts is not None:
            heapq.heappush(times, frame.pts)
        if len(waiting) > REORDERED:
            yield heapq.heappop(times) if times else None, waiting.popleft()
    while waiting:
        yield heapq.heappop(times) if times else None, waiting.popleft()
