"""Whether an MP4 or QuickTime file claims more samples than it can hold. FFmpeg makes room for all that are claimed.

A table of sizes takes room in the file for each sample; but where all have one size, the claim is a single number.
"""

import mmap
import re
from pathlib import Path

from framegan.data.boxes import boxes

INDICES = (b"moov", b"moof", b"free", b"hoov")
"""Where FFmpeg looks for tables, whatever comes before; other kinds of files have no such boxes."""
TABLES = re.compile(b"trak|stsz|trun|cmov")
SIZES_OF_EACH = 0xF00
"""Flags of a trun that has a duration, a size, flags or an offset for each of its samples."""


def overclaim(path: Path) -> str | None:
    """Return why a file's claims can't be true, or None; it is not empty."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        found = list(boxes(file))
        if not any(box.kind in INDICES for box in found):
            return None
        claimed = 0
        for box in found:
            if box.kind == b"mdat":  # the media themselves
                continue
            track = box.start
            for match in TABLES.finditer(data, box.start, box.end):
                kind, at = match[0], match.end()
                if kind == b"cmov":
                    return "its index is compressed; copy it with: ffmpeg -i FILE -c copy NEW"
                if kind == b"trak":
                    track = at
                elif kind == b"trun":
                    flags, count = _number(data, at), _number(data, at + 4)
                    claimed += 0 if flags & SIZES_OF_EACH else count
                elif not _is_sound(data, track, box.end):
                    size, count = _number(data, at + 4), _number(data, at + 8)
                    claimed += size * count
        if claimed > len(data):
            return f"it claims {claimed:,} bytes of samples or more, and has {len(data):,} in all"
    return None


def _is_sound(data: mmap.mmap, start: int, end: int) -> bool:
    """Say whether a track is nothing but sound whose samples last one tick each; FFmpeg reads those many at a time."""
    following = data.find(b"trak", start, end)
    end = end if following < 0 else following
    times = data.find(b"stts", start, end) + 8  # then: how many entries, samples of the first, ticks of each
    is_regular = times >= 8 and _number(data, times) == 1 and _number(data, times + 8) == 1
    return is_regular and data.find(b"soun", start, end) >= 0 and data.find(b"vide", start, end) < 0


def _number(data: mmap.mmap, at: int) -> int:
    return int.from_bytes(data[at : at + 4])
