"""The index of many video files: what was found out about each of them, kept beside the data for the next run.

Every file is decoded once, all of it: at 320x240 that takes about 50 us a frame of MPEG-4 and 300 us of H.264 on one
core. What is known of a file is used again as long as it has the same size and the same time.
"""

import fcntl
import hashlib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import av
import numpy as np
from pydantic import TypeAdapter
from pydantic_core import from_json
from rich.console import Console
from rich.progress import track

from framegan import npz
from framegan.data.video_file import VideoInfo, probe

SCHEMA = f"1, PyAV {av.__version__.split('.')[0]}"
"""An index of another schema is made anew."""

MANY_FILES = 100
"""From how many on decoding them takes long enough for a progress bar."""


@dataclass(frozen=True)
class Entry:
    """What is known of one file.

    Args:
        stamp: its size in bytes and the time of its last change in ns.
    """

    stamp: tuple[int, int]
    info: VideoInfo


def beside(root: Path) -> Path:
    """Return the folder for what is worked out from the data in root; it need not exist yet.

    It is `<root>.framegan`, next to the data and never among them, or where that can't be written a folder of the
    user's cache that belongs to this root.
    """
    root = root.expanduser().resolve()
    folder = root.parent / f"{root.name}.framegan"
    if os.access(folder if folder.exists() else root.parent, os.W_OK | os.X_OK):
        return folder
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser() / "framegan" / hashlib.sha256(os.fsencode(root)).hexdigest()[:16]


def index(root: Path, files: Sequence[str]) -> tuple[dict[str, Entry], dict[str, str]]:
    """Return what is known of the files, given as paths relative to root, and why the bad ones can't be read.

    Any number of processes may ask at once: one decodes the files, the others wait for what it finds.
    """
    stamps = {file: _stamp(root / file) for file in files}

    def unknown(entries: dict[str, Entry]) -> list[str]:
        return [file for file in files if file not in entries or entries[file].stamp != stamps[file]]

    path = beside(root) / "index.npz"
    entries = _load(path)
    problems: dict[str, str] = {}
    if unknown(entries):
        with _alone(path.parent):
            entries = {file: entry for file, entry in _load(path).items() if (root / file).exists()}
            try:
                for file, found in _probe_all(root, unknown(entries)):
                    if isinstance(found, str):
                        problems[file] = found
                        entries.pop(file, None)
                    else:
                        entries[file] = Entry(stamps[file], found)
            finally:  # also what an interrupted run has found
                _save(entries, path)
    return {file: entries[file] for file in files if file in entries}, problems


def _probe_all(root: Path, files: Sequence[str]) -> Iterator[tuple[str, VideoInfo | str]]:
    """Yield each file and what it holds, or why it can't be read. Threads will do: decoding leaves Python alone."""

    def look(file: str) -> VideoInfo | str:
        try:
            return probe(root / file)
        except ValueError as error:
            return str(error)

    console = Console(stderr=True)
    quiet = len(files) < MANY_FILES or not console.is_terminal
    threads = ThreadPoolExecutor()
    try:
        found = zip(files, threads.map(look, files), strict=True)
        yield from track(found, "decoding new videos", len(files), console=console, transient=True, disable=quiet)
    finally:
        threads.shutdown(cancel_futures=True)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_size, status.st_mtime_ns


def _load(path: Path) -> dict[str, Entry]:
    """Return the entries of an index by file; none if there is no index, or it is damaged or of another schema."""
    try:
        stored = npz.load(path)
        table = from_json(stored["table"].tobytes())
        if table["schema"] != SCHEMA:
            return {}
        pts = np.split(stored["pts"], stored["starts"][1:-1])
        if not all(map(_are_times, pts)):
            return {}
        known = TypeAdapter(Entry).validate_python
        rows = zip(table["files"], table["stamps"], table["infos"], pts, strict=True)
        return {file: known({"stamp": stamp, "info": {**info, "pts": shown}}) for file, stamp, info, shown in rows}
    except (ValueError, LookupError, TypeError):
        return {}


def _are_times(pts: np.ndarray) -> bool:
    return pts.dtype == np.int64 and pts.ndim == 1 and pts.size > 0 and bool((pts[1:] > pts[:-1]).all())


def _save(entries: dict[str, Entry], path: Path) -> None:
    """Put an index in place, whole or not at all."""
    infos = [asdict(entry.info) for entry in entries.values()]
    pts = [info.pop("pts") for info in infos]
    stamps = [entry.stamp for entry in entries.values()]
    table = json.dumps({"schema": SCHEMA, "files": list(entries), "stamps": stamps, "infos": infos})
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            np.savez(
                file,
                table=np.frombuffer(table.encode(), np.uint8),
                pts=np.concatenate([*pts, np.zeros(0, np.int64)]),
                starts=np.cumsum([0, *map(len, pts)]),
            )
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        print(f"{path} can't be written: {error.strerror}; the next run decodes all new videos again", file=sys.stderr)
    finally:
        with suppress(OSError):
            part.unlink()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one process at a time into the block, where the file system has locks."""
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        lock = (folder / ".index.lock").open("w")
    except OSError:
        yield
        return
    with lock:
        with suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
