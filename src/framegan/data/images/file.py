"""What an image is read from: a file of its own, or a part of a tar file."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Literal, Protocol

MIDDLE = 1 << 12
"""Bytes of which few files have the same."""


class File(Protocol):
    """A `Path`, or what is read like one."""

    @property
    def suffix(self) -> str: ...

    def open(self, mode: Literal["rb"], /) -> BinaryIO: ...

    def read_bytes(self) -> bytes: ...


@dataclass(frozen=True)
class TarMember:
    """A file in a tar file without compression.

    Args:
        start: where its bytes begin.
        size: how many there are.
        stamp: of the tar file as it was looked into; see `stamp_of`.
    """

    tar: Path
    name: str
    start: int
    size: int
    stamp: tuple[int, int]

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.name).suffix

    def open(self, mode: Literal["rb"], /) -> BinaryIO:
        return io.BytesIO(self.read_bytes())

    def read_bytes(self) -> bytes:
        """Return its content.

        Raises:
            OSError: the tar file has changed, so that something else may lie here.
        """
        with self.tar.open("rb") as file:
            if stamp_of(os.fstat(file.fileno())) != self.stamp:
                raise OSError(f"{self.tar} has changed since it was looked into; start again")
            file.seek(self.start)
            return file.read(self.size)

    def read_middle(self) -> bytes:
        """Return `MIDDLE` bytes of its content at most."""
        half = self.size // 2
        return replace(self, start=self.start + half, size=min(MIDDLE, self.size - half)).read_bytes()


def stamp_of(state: os.stat_result) -> tuple[int, int]:
    """Return what tells a file from the same one changed: its size and its time."""
    return state.st_size, state.st_mtime_ns


@contextmanager
def from_start(image: Any) -> Iterator[BinaryIO]:
    """Yield the file of an open image at its start; afterwards it is where its decoder left it."""
    place = image.fp.tell()
    image.fp.seek(0)
    try:
        yield image.fp
    finally:
        image.fp.seek(place)
