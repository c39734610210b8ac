"""What the header and the tables of an SGI image say, and which of them Pillow decodes as they are meant.

The SGI Image File Format, version 1.00 (Haeberli).
"""

import struct
from pathlib import Path
from typing import BinaryIO

HEADER = 512
"""Bytes before the tables of where each row starts and how long it is, or before the pixels where there are none."""


def refusal_of_sgi(path: Path) -> str | None:
    """Return why the pixels of an SGI image can't be delivered as they are meant, or None."""
    with path.open("rb") as file:
        head = file.read(HEADER).ljust(HEADER, b"\0")
        compressed, width_of_sample, rows = head[2], head[3], struct.unpack_from(">HHHH", head, 4)
        if any(head[104:108]):  # an outdated kind, which Pillow takes for grey
            return "its pixels are numbers of colours that are not in it; save it as PNG"
        if compressed and not _rows_are_ended(file, width_of_sample, _num_rows(*rows)):
            return "its rows lack their end marks, without which they are not read; save it as PNG"
    return None


def _num_rows(dimensions: int, width: int, height: int, channels: int) -> int:
    """Return how many rows there are of all channels."""
    return {1: 1, 2: height}.get(dimensions, height * channels)


def _rows_are_ended(file: BinaryIO, width_of_sample: int, number: int) -> bool:
    """Say whether each row ends with a count of 0, as FFmpeg doesn't write it; Pillow leaves all black without one."""
    tables = file.read(8 * number)
    if len(tables) < 8 * number:
        return True  # cut short, which its decoder says
    starts, lengths = (
        struct.unpack(f">{number}L", tables[: 4 * number]),
        struct.unpack(f">{number}L", tables[4 * number :]),
    )
    for start, length in set(zip(starts, lengths, strict=True)):
        file.seek(start + max(0, length - width_of_sample))
        if any(byte & 0x7F for byte in file.read(width_of_sample)):
            return False
    return True
