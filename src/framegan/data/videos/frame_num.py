"""Whether reference pictures of H.264 are missing, which FFmpeg's decoder replaces by others without marking a frame.

Each picture says its number among the reference pictures, frame_num: one more than that of the last reference picture
before it in decoding order, modulo a power of two that is 16 or more, and 0 at an IDR (ITU-T H.264, 7.4.3). Pictures
that no other one refers to can be missing without any harm to the rest; those whose numbers fit are not noticed.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO

from av.packet import Packet

from framegan.data.videos.h264_headers import PPS, SLICES, SPS, B, PictureSet, SequenceSet, Slice

HEADER = 1024
"""Bytes of a NAL unit that hold all that is read of it."""


class FrameNumbers:
    """Follows the packets of a stream in decoding order.

    Args:
        extradata: of the stream, as avcC or as NAL units behind start codes.
    """

    def __init__(self, extradata: bytes | None) -> None:
        self._sequences: dict[int, SequenceSet] = {}
        self._pictures: dict[int, PictureSet] = {}
        self._length = 0  # bytes that say a unit's length; 0 where start codes are between them
        self._last: int | None = None  # frame_num of the last reference picture
        self._begun = False  # after a keyframe where what is before it is missing, until a P picture
        self._configure(extradata or b"")

    def misses_references(self, packet: Packet) -> bool:
        """Say whether a picture of the next packet, or one after it, may refer to what is missing.

        Where a stream begins anew at a keyframe, it's only the pictures shown before that one which do.
        """
        if packet.has_sidedata("new_extradata"):
            self._configure(bytes(packet.get_sidedata("new_extradata")))
        data = bytes(packet)
        has_lengths = self._length and not data.startswith(b"\0\0\0\1")
        is_first = True
        for unit in _behind_lengths(BytesIO(data), self._length) if has_lengths else _between_codes(data):
            try:
                self._note(unit)
                if unit[0] & 31 not in SLICES or not unit[1] & 128:  # a picture's first slice has first_mb_in_slice 0
                    continue
                picture = Slice(unit, self._pictures, self._sequences)
            except LookupError:
                self._last = None
                continue
            if self._misses(picture, is_first, packet.is_keyframe):
                return True
            is_first = False
        return False

    def _misses(self, picture: Slice, is_first: bool, is_keyframe: bool) -> bool:
        if picture.is_idr:
            self._begun = False
        elif self._last is not None and not picture.sequence.gaps_allowed:
            count = (picture.frame_num - self._last) % (1 << picture.sequence.frame_num_bits)
            repeats = picture.is_field or not picture.is_reference or not is_first
            if count > 1 or (count == 0 and not repeats):
                if not (is_keyframe and picture.is_intra):
                    return True
                self._begun = True
        if self._begun and picture.kind == B:
            return True
        self._begun = self._begun and picture.is_intra
        if picture.is_reference:
            self._last = 0 if picture.restarts else picture.frame_num
        return False

    def _configure(self, extradata: bytes) -> None:
        if extradata[:1] == b"\1":
            self._length = (extradata[4:5] or b"\3")[0] % 4 + 1
        for unit in _of_avcc(BytesIO(extradata[5:])) if self._length else _between_codes(extradata):
            with suppress(LookupError):
                self._note(unit)

    def _note(self, unit: bytes) -> None:
        if unit[0] & 31 == SPS:
            sequence = SequenceSet(unit)
            self._sequences[sequence.number] = sequence
        elif unit[0] & 31 == PPS:
            picture = PictureSet(unit)
            self._pictures[picture.number] = picture


def _between_codes(data: bytes) -> Iterator[bytes]:
    for code in re.finditer(b"\0\0\1(?=.)", data, re.DOTALL):
        unit = data[code.end() : code.end() + HEADER]
        yield unit[:end] if (end := unit.find(b"\0\0\1")) >= 0 else unit


def _behind_lengths(data: BytesIO, size: int) -> Iterator[bytes]:
    """Yield the units of AVCC data, each behind its length, a big-endian number of `size` bytes."""
    while length := data.read(size):
        if unit := data.read(int.from_bytes(length))[:HEADER]:
            yield unit


def _of_avcc(data: BytesIO) -> Iterator[bytes]:
    """Yield the sets in extradata: twice a byte that says how many, and before each one its length in two bytes."""
    for mask in (31, 255):
        for _ in range((data.read(1) or b"\0")[0] & mask):
            if unit := data.read(int.from_bytes(data.read(2))):
                yield unit
