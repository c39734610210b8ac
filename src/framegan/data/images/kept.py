"""Decoded images, kept beside the data, so that the next run has them at once.

Of each way to decode a folder there is one file, uint8 (N, C, H, W) as .npy. Its name says what is in it: the way, the
files as they were, and a check sum of the pixels. Where any of the files has changed, all of them are decoded again.
"""

import hashlib
import io
import math
import os
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import PIL

from framegan.data.cache_places import beside, places
from framegan.data.contents import SETTLED
from framegan.files import strict_json
from framegan.files.atomic import left_in, part_of
from framegan.processes.ranks import say

FOLDER = "images"
FEW, LITTLE = 1000, 1 << 24
"""Images, and bytes of their files, that are decoded in some seconds: fewer than both aren't kept."""
DIGITS = 16
"""Of what a name tells apart."""
AT_ONCE = 1 << 26
"""Bytes of pixels that are read or written at a time."""
CHANNELS = (1, 2, 3, 4)
MOST_OF_HEADER = 1 << 10
"""Bytes, which are more than any header has."""
FORGOTTEN = 3600.0
"""Seconds for which nothing was added to what is half written: whoever wrote it is gone."""
SUMMED = 1 << 30
"""Bytes of pixels that are summed up before they are read from the disk: more of them would take too long."""


@dataclass(frozen=True)
class KeptImages:
    """Where the decoded images of a folder are kept.

    Args:
        root: what the data lie below; see `framegan.data.cache_places.places`.
        way: digits of the folder, of what is read of it, and of every setting that decides the pixels.
        stamp: digits of the names, sizes and times of all files.
        changed: time of the last change of one.
        number: of the images.
        sides: height and width of them.
    """

    root: Path
    way: str
    stamp: str
    changed: float
    number: int
    sides: tuple[int, int]

    @classmethod
    def of(
        cls, root: Path, folder: Path, files: Sequence[str], sides: tuple[int, int], way: Mapping[str, Any]
    ) -> "KeptImages | None":
        """Return where they are kept; None: nowhere, for they are few, or one of the files can't be looked at."""
        seen, num_bytes, changed = hashlib.sha256(), 0, 0.0
        try:
            for file in files:  # one by one: millions of states at once would take gigabytes
                state = (folder / file).stat()
                seen.update(strict_json.dumps([file, state.st_size, state.st_mtime_ns, state.st_ctime_ns]).encode())
                num_bytes += state.st_size
                changed = max(changed, state.st_ctime)  # whatever time it was given
        except OSError:
            return None
        if len(files) < FEW and num_bytes < LITTLE:
            return None
        way = {**way, "sides": sides, "folder": os.path.relpath(folder, root), "pillow": PIL.__version__}
        return cls(root, _digits(way), seen.hexdigest()[:DIGITS], changed, len(files), sides)

    def find(self) -> np.ndarray | None:
        """Return them as they lie on the disk; None: they aren't there."""
        for place in places(self.root):
            for file in (place / FOLDER).glob(f"{self.way}_{self.stamp}_*.npy"):
                with suppress(OSError), file.open("rb") as stream:
                    head, size = stream.read(MOST_OF_HEADER), file.stat().st_size
                    for shape in ((self.number, channels, *self.sides) for channels in CHANNELS):
                        header = _header(shape)
                        if head.startswith(header) and size == len(header) + math.prod(shape):
                            return np.memmap(file, np.uint8, "r", len(header), shape)
        return None

    def load(self) -> np.ndarray | None:
        """Return them from memory; None: they aren't there, or damaged."""
        pixels = self.find()
        if pixels is None:
            return None
        read = np.array(pixels)
        return read if _is_named_by(pixels, read) else None

    def mapped(self) -> np.ndarray | None:
        """Return them as they lie on the disk; None: they aren't there, or are damaged, as far as that is soon seen."""
        pixels = self.find()
        if pixels is None or pixels.nbytes > SUMMED or _is_named_by(pixels, pixels):
            return pixels
        say(f"cache    {self.folder} is damaged; decoding instead. framegan prepare with these data makes it again")
        return None

    def is_whole(self) -> bool:
        """Say whether they are there, to the last bit, however long it takes to see."""
        pixels = self.find()
        return pixels is not None and _is_named_by(pixels, pixels)

    @property
    def folder(self) -> Path:
        """Where they are written to."""
        return beside(self.root) / FOLDER

    def write(self, pixels: np.ndarray) -> None:
        """Keep them where the disk allows it, unless a file was changed a moment ago."""
        if self.settles_in() <= 0:
            with suppress(OSError):
                self.build(pixels.shape[1], in_parts(pixels))

    def settles_in(self) -> float:
        """Return the seconds in which another change of a file might leave no trace, so that none may be kept."""
        return self.changed + SETTLED - time.time()

    def build(self, channels: int, pixels: Iterable[np.ndarray]) -> None:
        """Keep uint8 (N, C, H, W) pixels, some images after the other, and nothing else of the same way to decode.

        Raises:
            OSError: they can't be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        for left in left_in(self.folder):
            if time.time() - left.stat().st_mtime > FORGOTTEN:
                left.unlink(missing_ok=True)
        part, found = part_of(self.folder / f"{self.way}_{self.stamp}", shared=True), 0
        try:
            with part.open("wb") as stream:
                stream.write(_header((self.number, channels, *self.sides)))
                for some in pixels:
                    stream.write(some.data)
                    found = zlib.crc32(some.data, found)
            file = part.with_name(f"{self.way}_{self.stamp}_{found:08x}.npy")
            part.replace(file)
        finally:
            part.unlink(missing_ok=True)
        for other in self.folder.glob(f"{self.way}_*.npy"):
            if other != file:
                other.unlink(missing_ok=True)


def in_parts(pixels: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the rows of an array, as many at a time as have AT_ONCE bytes."""
    rows = max(1, AT_ONCE // max(1, pixels[:1].nbytes))
    for first in range(0, len(pixels), rows):
        yield pixels[first : first + rows]


def _digits(value: Any) -> str:
    return hashlib.sha256(strict_json.dumps(value).encode()).hexdigest()[:DIGITS]


def _header(shape: tuple[int, ...]) -> bytes:
    """Return how a file of uint8 pixels begins. Of none is more believed: any header, read, may ask for anything."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return stream.getvalue()


def _is_named_by(file: np.ndarray, pixels: np.ndarray) -> bool:
    """Say whether the name of a mapped file has the check sum of pixels."""
    assert isinstance(file, np.memmap)
    found = 0
    for some in in_parts(pixels):
        found = zlib.crc32(some.data, found)
    return str(file.filename).endswith(f"_{found:08x}.npy")
