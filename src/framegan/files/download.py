"""Downloads one file: mirrors in turn, broken transfers resumed, checked by its sum, in place whole or not at all."""

import hashlib
import sys
import time
from collections.abc import Sequence
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from framegan.files import atomic
from framegan.files.live import bar
from framegan.files.lock import alone

TIMEOUT = 15.0
"""Seconds to wait for a connection, and then for each next piece."""

ATTEMPTS = 5
"""How often one mirror may break off, as long as every attempt gets further."""


def fetch(name: str, folder: Path, urls: Sequence[str], checksum: str) -> Path:
    """Return the path of a file in a folder; download it first where it isn't there.

    Any number of processes may ask for the same file at once: one downloads it, the others wait. What a broken
    download has got so far stays beside it, and the next one resumes it.

    Args:
        urls: the mirrors, tried in order.
        checksum: "sha256:..." or "md5:..." of the whole file, or "git:..." with its name in a Git repository.

    Raises:
        FileNotFoundError: it is unavailable; the message says why, mirror by mirror, and where to put it by hand.
    """
    path = folder / name
    if _fits(path, checksum):
        return path
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with alone(lock := folder / f".{name}.lock"):
            problems = [] if _fits(path, checksum) else _download(path, urls, checksum)
            lock.unlink(missing_ok=True)  # whoever waits for it makes another
    except OSError as error:
        problems = [f"{folder} can't be written: {_reason(error)}"]
    if problems:
        state = "is not the published file" if path.exists() else "is missing"
        tried = "".join(f"\n  {problem}" for problem in problems)
        raise FileNotFoundError(
            f"{path} {state} and can't be downloaded:{tried}\n"
            f"  Get {name} ({checksum}) from {' or '.join(urls)} and put it into the folder {folder.absolute()}"
        )
    return path


def _download(path: Path, urls: Sequence[str], checksum: str) -> list[str]:
    """Put the file in place and return nothing, or return what is wrong with each mirror."""
    if not sys.stderr.isatty():
        print(f"downloading {path}", file=sys.stderr, flush=True)
    part, problems = atomic.part_of(path), []
    for url in urls:
        if problem := _complete(part, url, checksum):
            problems.append(f"{url}: {problem}")
            continue
        atomic.sync(part)
        part.replace(path)
        return []
    return problems


def _complete(part: Path, url: str, checksum: str) -> str | None:
    """Complete a partial file from one mirror; return None, or why that failed."""
    problem = None
    for _ in range(ATTEMPTS):
        before = _size(part)
        try:
            _append(part, url)
        except (OSError, HTTPException) as error:
            problem, got_further = _reason(error), _size(part) > before
        else:
            if _fits(part, checksum):
                return None
            part.unlink(missing_ok=True)
            problem, got_further = "the file there has another checksum", before > 0
        if not got_further:
            break
    return problem


def _append(part: Path, url: str) -> None:
    """Download what a partial file lacks; all of it from a server that can't send ranges."""
    offset = _size(part)
    wanted = {"Range": f"bytes={offset}-"} if offset else {}
    try:
        response = urlopen(Request(url, headers={"User-Agent": "framegan", **wanted}), timeout=TIMEOUT)
    except HTTPError as error:
        if error.code == 416 and offset:  # nothing follows these bytes: the checksum tells whether they are all
            return
        raise
    with response:
        start = offset if response.status == 206 else 0
        if start and not response.headers.get("Content-Range", "").startswith(f"bytes {offset}-"):
            raise OSError("the server sent another range than it was asked for")
        length = response.headers.get("Content-Length")
        total = start + int(length) if length else None
        with part.open("ab" if start else "wb") as file:
            _copy(response, file, part.stem, total)
        if total is not None and _size(part) != total:
            raise ConnectionError(f"the connection broke after {_size(part)} of {total} bytes")


def _copy(response: Any, file: IO[bytes], name: str, total: int | None) -> None:
    started, start = time.monotonic(), file.tell()

    def text(size: int) -> str:
        speed = (size - start) / max(time.monotonic() - started, 1e-3)
        whole = "" if total is None else f" / {total / 1e6:,.1f}"
        return f"{name} {size / 1e6:,.1f}{whole} MB, {speed / 1e6:,.1f} MB/s"

    with bar(total, text, start) as advance:
        while piece := response.read1(1 << 16):
            advance(file.write(piece))


def _fits(path: Path, checksum: str) -> bool:
    if not path.is_file():
        return False
    algorithm, _, digest = checksum.partition(":")
    kind: Any = algorithm
    if algorithm == "git":  # SHA-1 of the kind and size, and then of the content
        kind = partial(hashlib.sha1, b"blob %d\0" % _size(path), usedforsecurity=False)
    with path.open("rb") as file:
        return hashlib.file_digest(file, kind).hexdigest() == digest


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _reason(error: Exception) -> str:
    cause = error.reason if isinstance(error, URLError) and not isinstance(error, HTTPError) else error
    return getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
