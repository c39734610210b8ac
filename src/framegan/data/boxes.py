"""The boxes that MP4, QuickTime and JPEG 2000 files are made of: 4 bytes size, 4 bytes kind, the content."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO


@dataclass(frozen=True)
class Box:
    """A box of the top level.

    Args:
        start: where it begins in the file.
        content: where its content begins.
        end: where it says that it ends, which may be behind the end of the file.
    """

    kind: bytes
    start: int
    content: int
    end: int


def boxes(file: IO[bytes]) -> Iterator[Box]:
    """Yield the boxes of a file; a size of 1 stands for one of 8 bytes behind the kind, 0 for the rest of the file."""
    size, position = file.seek(0, os.SEEK_END), 0
    while position + 8 <= size:
        file.seek(position)
        head = file.read(16)
        length, content = int.from_bytes(head[:4]), position + 8
        if length == 1:
            length, content = int.from_bytes(head[8:]), position + 16
        end = position + length if length >= 8 else size
        yield Box(head[4:8], position, content, end)
        position = end
