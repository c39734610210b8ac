"""A folder or file of one's own in place of the name of a data set: data=../clips."""

import mimetypes
import os
from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import Path

from framegan.cli.errors import stop
from framegan.quoting import quoted

LOOKED_AT = 2000
"""Files by which a folder is judged."""
VIDEOS = {".ts", ".mts", ".m2ts", ".vob", ".mkv", ".webm", ".flv", ".avi", ".ogv", ".wmv", ".3gp", ".m4v"}
"""Endings of videos that a system's own table may not know, or knows as something else."""

SOURCES = {"video": "video_folder", "image": "image_folder", "npy": "npy", "tar": "image_tars"}
"""What reads each kind of files."""


def data_choice(value: str) -> list[str]:
    """Return the settings that data=VALUE stands for where the value is a folder or file; none where it is neither."""
    path = Path(value).expanduser()
    if not path.exists():
        if "/" in value or value.startswith("~"):
            stop(f"data={value}: there is no such folder; set data=NAME data.root=FOLDER to what your data are")
        return []
    from framegan.data.images.image_file import EXTENSIONS

    kinds = [_kind(name, EXTENSIONS) for name in islice(_files(path), LOOKED_AT)]
    found = [kind for kind in SOURCES if kind in kinds]
    if not found:
        stop(f"data={value} holds no images and no videos; set data=NAME data.root=FOLDER to what your data are")
    if found[:2] == ["video", "image"] or (len(found) > 1 and "tar" in found):
        there = " and ".join(f"{kinds.count(kind)} {kind}{'s' * (kinds.count(kind) != 1)}" for kind in found)
        choices = " or ".join(f"data={SOURCES[kind]} data.root={value}" for kind in found)
        stop(f"data={value} holds {there}; set {choices}")
    return [f"data={SOURCES[found[0]]}", f"data.root={quoted(path)}"]


def _files(path: Path) -> Iterator[str]:
    if path.is_file():
        yield path.name
    for _, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (name for name in sorted(files) if not name.startswith("."))


def _kind(name: str, of_images: Collection[str]) -> str:
    """Return video, image, npy, tar or other; a .gif may be the first two, and is an image where it lies alone."""
    ending = Path(name).suffix.lower()
    if ending in (".npy", ".tar"):
        return ending[1:]
    guessed = (mimetypes.guess_type(name.lower(), strict=False)[0] or "other").partition("/")[0]
    return "video" if ending in VIDEOS else "image" if ending in of_images else guessed
