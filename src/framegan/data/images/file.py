"""What an image is read from: a file of its own, or a part of a tar file."""

import io
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Literal, Protocol


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
    """

    tar: Path
    name: str
    start: int
    size: int

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.name).suffix

    def open(self, mode: Literal["rb"], /) -> BinaryIO:
        return io.BytesIO(self.read_bytes())

    def read_bytes(self) -> bytes:
        with self.tar.open("rb") as file:
            file.seek(self.start)
            return file.read(self.size)
