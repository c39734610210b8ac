"""The index of many video files: what was found out about each of them, kept beside the data for the next run.

Every file is decoded once, all of it: at 320x240 that takes about 50 us a frame of MPEG-4 and 300 us of H.264 on one
core. What is known of a file is used again as long as it has the same size and the same time. Each file is kept as soon
as it is decoded, as a line of JSON: whatever ends the run, the next one begins with what this one found.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import av
import numpy as np
from pydantic import TypeAdapter

from framegan.data.cache_places import alone, beside, places
from framegan.data.videos.decode import VideoInfo, probe
from framegan.files import atomic, strict_json
from framegan.files.at_once import try_all

SCHEMA = f"4, PyAV {av.__version__.split('.')[0]}"
"""An index of another schema is rebuilt: it may know files that are refused by now."""

NAME = "index.jsonl"

Stamp = tuple[int, int]
"""The size of a file in bytes and the time of its last change in ns."""


@dataclass(frozen=True)
class Entry:
    """What is known of one file."""

    stamp: Stamp
    info: VideoInfo

    @property
    def num_frames(self) -> int:
        return len(self.info.pts)


def index(root: Path, files: Sequence[str]) -> tuple[dict[str, Entry], dict[str, str]]:
    """Return what is known of the files, given as paths relative to root, and why the bad ones can't be read.

    Any number of processes may ask at once: one decodes the files, the others wait for what it finds.
    """
    stamps = {file: _stamp(root / file) for file in files}
    entries: dict[str, Entry] = {}
    problems: dict[str, str] = {}
    for place in places(root):
        entries |= _known(_load(place / NAME), stamps)
    if len(entries) < len(stamps):
        path = beside(root) / NAME
        with alone(path.with_name(".index.lock")):
            kept = _Kept(path, root)
            entries |= _known(kept.rows, stamps)

            def look(file: str) -> Entry:
                entry = Entry(stamps[file], probe(root / file))
                kept.add(file, entry)
                return entry

            new = [file for file in files if file not in entries]
            found, problems = try_all(look, new, "decoding new videos")
            entries |= found
    return {file: entries[file] for file in files if file in entries}, problems


def _stamp(path: Path) -> Stamp:
    try:
        status = path.stat()
    except (OSError, ValueError):  # a name with a null byte is none
        return 0, 0
    return status.st_size, status.st_mtime_ns


class _Kept:
    """The lines of an index, to which others are added; what is out of date in it is taken out first."""

    def __init__(self, path: Path, root: Path):
        self.path = path
        self.is_writable = True
        self.rows = {file: row for file, row in _load(path).items() if row.get("stamp") == list(_stamp(root / file))}
        with self._written(), atomic.new_file(path) as part:
            part.write_bytes(b"".join(map(_line, [{"schema": SCHEMA}, *self.rows.values()])))

    def add(self, file: str, entry: Entry) -> None:
        """Add a line; whatever happens to this process, it stays."""
        if self.is_writable:
            with self._written(), self.path.open("ab") as lines:
                lines.write(_line(_row(file, entry)))

    @contextmanager
    def _written(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.is_writable = False
            reason = f"{self.path} can't be written: {error.strerror}"
            print(f"{reason}; the next run decodes all new videos again", file=sys.stderr)


def _line(row: dict[str, Any]) -> bytes:
    return strict_json.dumps(row).encode() + b"\n"


def _row(file: str, entry: Entry) -> dict[str, Any]:
    """Return a line of the index: times are kept as the first one and then steps, each with how often it comes."""
    pts = entry.info.pts
    runs = [number for step, run in groupby(np.diff(pts).tolist()) for number in (step, len(list(run)))]
    info = {**asdict(entry.info), "pts": [int(pts[0]), *runs]}
    return {"file": file, "stamp": list(entry.stamp), "info": info}


def _known(rows: Mapping[str, dict[str, Any]], stamps: Mapping[str, Stamp]) -> dict[str, Entry]:
    """Return the entries of the files that are as they were."""
    known = {}
    for file, stamp in stamps.items():
        with suppress(ValueError, LookupError, TypeError, OverflowError):
            row = rows[file]
            if row["stamp"] == list(stamp):
                info = {**row["info"], "pts": _times(row["info"]["pts"], stamp[0])}
                known[file] = TypeAdapter(Entry).validate_python({"stamp": stamp, "info": info})
    return known


def _times(runs: list[int], size: int) -> np.ndarray:
    """Return what `_row` has kept, (T,) int64, of a file of `size` bytes; ValueError where it is none of that."""
    first, *rest = runs
    steps, counts = np.array(rest[::2], np.int64), np.array(rest[1::2], np.int64)
    if not all(isinstance(number, int) for number in runs) or (steps <= 0).any() or (counts <= 0).any():
        raise ValueError("times have to ascend")
    if counts.sum() >= size or (counts > size).any():
        raise ValueError("more frames than bytes")
    return np.cumsum([first, *np.repeat(steps, counts)], dtype=np.int64)


def _load(path: Path) -> dict[str, dict[str, Any]]:
    """Return the lines of an index by file; none if there is no index, or one of another schema. Damage is left out."""
    rows: dict[str, dict[str, Any]] = {}
    try:
        first, *lines = path.read_bytes().splitlines()
        if strict_json.loads(first)["schema"] != SCHEMA:
            return {}
    except (OSError, ValueError, LookupError, TypeError):
        return {}
    for line in lines:
        with suppress(ValueError, LookupError, TypeError):
            row = strict_json.loads(line)
            rows[row["file"]] = row
    return rows
