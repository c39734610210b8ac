"""Decoded images, kept beside the data, so that the next run has them at once.

Of each way to decode a folder there is one file, uint8 (N, C, H, W) as .npy. Its name says what is in it: the way, the
files as they were, and a check sum of the pixels. Where any of the files has changed, all of them are decoded again.
"""

import hashlib
import os
import time
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import PIL

from framegan.data.cache_places import beside, places
from framegan.data.contents import SETTLED
from framegan.files import strict_json
from framegan.files.atomic import new_file

FOLDER = "images"
FEW, LITTLE = 1000, 1 << 24
"""Images, and bytes of their files, that are decoded in some seconds: fewer than both aren't kept."""
AT_ONCE = 1 << 26
"""Bytes of pixels that are summed up at a time."""


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
        try:
            states = [(folder / file).stat() for file in files]
        except OSError:
            return None
        if len(files) < FEW and sum(state.st_size for state in states) < LITTLE:
            return None
        seen = [[file, s.st_size, s.st_mtime_ns, s.st_ctime_ns] for file, s in zip(files, states, strict=True)]
        way = {**way, "sides": sides, "folder": os.path.relpath(folder, root), "pillow": PIL.__version__}
        changed = max(max(state.st_mtime, state.st_ctime) for state in states)
        return cls(root, _digits(way), _digits(seen), changed, len(files), sides)

    def find(self) -> np.ndarray | None:
        """Return them as they lie on the disk; None: they aren't there."""
        for place in places(self.root):
            for file in (place / FOLDER).glob(f"{self.way}_{self.stamp}_*.npy"):
                with suppress(OSError, ValueError, EOFError):
                    pixels = np.load(file, mmap_mode="r", allow_pickle=False)
                    fits = pixels.dtype == np.uint8 and (len(pixels), *pixels.shape[2:]) == (self.number, *self.sides)
                    if fits and pixels.offset + pixels.nbytes == file.stat().st_size:  # so the channels are right too
                        return pixels
        return None

    def load(self) -> np.ndarray | None:
        """Return them from memory; None: they aren't there, or damaged."""
        pixels = self.find()
        if pixels is None:
            return None
        assert isinstance(pixels, np.memmap)
        read = np.array(pixels)
        return read if str(pixels.filename).endswith(f"_{_sum(read)}.npy") else None

    def write(self, pixels: np.ndarray) -> None:
        """Keep them where the disk allows it, and nothing else of the same way to decode."""
        if time.time() - self.changed <= SETTLED:  # another change might leave no trace
            return
        folder = beside(self.root) / FOLDER
        file = folder / f"{self.way}_{self.stamp}_{_sum(pixels)}.npy"
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            with new_file(file, synced=False, shared=True) as part, part.open("wb") as stream:
                np.save(stream, pixels, allow_pickle=False)
            for other in folder.glob(f"{self.way}_*.npy"):
                if other != file:
                    other.unlink()


def _digits(value: Any) -> str:
    return hashlib.sha256(strict_json.dumps(value).encode()).hexdigest()[:16]


def _sum(pixels: np.ndarray) -> str:
    found, whole = 0, pixels.reshape(-1)
    for first in range(0, len(whole), AT_ONCE):
        found = zlib.crc32(whole[first : first + AT_ONCE].data, found)
    return f"{found:08x}"
