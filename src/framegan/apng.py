"""How long the last picture of an .apng is shown, which FFmpeg takes before it has seen any picture."""

import struct
import zlib
from fractions import Fraction
from pathlib import Path

SIGNATURE_LENGTH = 8
LARGEST = 65_535
"""Of the numerator and the denominator of a delay."""
DELAY = slice(24, 28)
"""Where the delay is in the kind and the content of a chunk fcTL."""


def set_last_delay(path: Path, seconds: Fraction) -> None:
    """Have the last picture shown so long; of a single one nothing is said."""
    whole, place, last = bytearray(path.read_bytes()), SIGNATURE_LENGTH, 0
    while place < len(whole):
        length, kind = struct.unpack_from(">I4s", whole, place)
        last = place if kind == b"fcTL" else last
        place += length + 12  # of the length, the kind and the checksum
    if last:
        given = min(seconds, Fraction(LARGEST))
        delay = given.limit_denominator(max(1, int(LARGEST / max(Fraction(1), given))))
        (length,) = struct.unpack_from(">I", whole, last)
        chunk = whole[last + 4 : last + 8 + length]
        chunk[DELAY] = struct.pack(">HH", delay.numerator, delay.denominator)
        whole[last + 4 : last + 12 + length] = chunk + struct.pack(">I", zlib.crc32(chunk))
        path.write_bytes(whole)
