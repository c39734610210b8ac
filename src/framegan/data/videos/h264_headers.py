"""What the headers of H.264 say of a picture's place in decoding order (ITU-T H.264, 7.3.2.1, 7.3.2.2, 7.3.3, 7.3.4).

All names are those of the standard; poc is the picture order count. A header that is cut off, of an unknown set, or of
a rare kind (slice groups, auxiliary planes) raises a LookupError.
"""

from collections.abc import Mapping

SLICES, IDR, SPS, PPS = (1, 2, 5), 5, 7, 8
"""Types of NAL units: slices of any picture, of one that refers to nothing before it, and the sets they name."""

WITH_CHROMA_FORMAT = (44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244)
P, B, I = 0, 1, 2  # noqa: E741
SP, SI = 3, 4


class Bits:
    """The bits of a NAL unit behind its first byte, without the bytes that keep start codes out of it."""

    def __init__(self, unit: bytes) -> None:
        unit = unit[1:].replace(b"\0\0\3", b"\0\0")
        self.number, self.left = int.from_bytes(unit), 8 * len(unit)

    def u(self, bits: int) -> int:
        self.left -= bits
        if self.left < 0:
            raise LookupError("cut off")
        return self.number >> self.left & ((1 << bits) - 1)

    def ue(self) -> int:
        zeros = 0
        while not self.u(1):
            zeros += 1
        return (1 << zeros) - 1 + self.u(zeros)

    def se(self) -> int:
        number = self.ue()
        return (number + 1) // 2 if number % 2 else -number // 2


class SequenceSet:
    """What a sequence parameter set says."""

    def __init__(self, unit: bytes) -> None:
        bits = Bits(unit)
        profile = bits.u(8)
        bits.u(16)
        self.number = bits.ue()
        chroma, self.separate_planes = 1, 0
        if profile in WITH_CHROMA_FORMAT:
            chroma = bits.ue()
            self.separate_planes = bits.u(1) if chroma == 3 else 0
            bits.ue(), bits.ue(), bits.u(1)  # depths, lossless
            if bits.u(1):
                for size in [16] * 6 + [64] * (6 if chroma == 3 else 2):
                    _skip_scaling(bits, size)
        self.chroma_array_type = 0 if self.separate_planes else chroma
        self.frame_num_bits = bits.ue() + 4
        poc_type = bits.ue()
        self.poc_bits = bits.ue() + 4 if poc_type == 0 else 0
        self.has_delta = False
        if poc_type == 1:
            self.has_delta = not bits.u(1)
            bits.se(), bits.se()
            for _ in range(bits.ue()):
                bits.se()
        bits.ue()
        self.gaps_allowed = bits.u(1)
        bits.ue(), bits.ue()
        self.frames_only = bits.u(1)


def _skip_scaling(bits: Bits, size: int) -> None:
    last = following = 8
    for _ in range(size if bits.u(1) else 0):
        if following:
            following = (last + bits.se()) % 256
        last = following or last


class PictureSet:
    """What a picture parameter set says."""

    def __init__(self, unit: bytes) -> None:
        bits = Bits(unit)
        self.number, self.sequence = bits.ue(), bits.ue()
        bits.u(1)
        self.has_bottom_poc = bits.u(1)
        if bits.ue():
            raise LookupError("slice groups")
        self.references = bits.ue() + 1, bits.ue() + 1
        self.weighted, self.weighted_bipred = bits.u(1), bits.u(2)
        bits.se(), bits.se(), bits.se(), bits.u(2)
        self.has_redundant_count = bits.u(1)


class Slice:
    """What the first slice of a picture says of it."""

    def __init__(self, unit: bytes, pictures: Mapping[int, PictureSet], sequences: Mapping[int, SequenceSet]) -> None:
        bits = Bits(unit)
        bits.ue()
        self.kind = bits.ue() % 5
        self.is_intra = self.kind in (I, SI)
        self.picture = pictures[bits.ue()]
        self.sequence = sequences[self.picture.sequence]
        self.is_idr, self.is_reference = unit[0] & 31 == IDR, bool(unit[0] & 0x60)
        bits.u(2 * self.sequence.separate_planes)
        self.frame_num = bits.u(self.sequence.frame_num_bits)
        self.is_field = not self.sequence.frames_only and bool(bits.u(1))
        bits.u(self.is_field)
        self.restarts = False
        if self.is_reference and not self.is_idr:
            self._skip_poc(bits)
            self._skip_references(bits)
            self.restarts = _restarts(bits)  # frame_num is 0 from here on, without IDR

    def _skip_poc(self, bits: Bits) -> None:
        bits.u(self.sequence.poc_bits)
        if self.sequence.has_delta:
            bits.se()
        if self.picture.has_bottom_poc and not self.is_field and (self.sequence.poc_bits or self.sequence.has_delta):
            bits.se()
        if self.picture.has_redundant_count:
            bits.ue()

    def _skip_references(self, bits: Bits) -> None:
        lists = {P: 1, SP: 1, B: 2}.get(self.kind, 0)
        if self.kind == B:
            bits.u(1)
        references = list(self.picture.references[:lists])
        if lists and bits.u(1):
            references = [bits.ue() + 1 for _ in references]
        for _ in references:
            if bits.u(1):
                while bits.ue() != 3:
                    bits.ue()
        if self.picture.weighted_bipred == 1 if self.kind == B else self.picture.weighted and lists:
            has_chroma = self.sequence.chroma_array_type > 0
            bits.ue()
            if has_chroma:
                bits.ue()
            for _ in range(sum(references)):
                for numbers in (2, 4)[: 1 + has_chroma]:  # of luma and chroma, each behind its own flag (7.3.3.2)
                    for _ in range(numbers * bits.u(1)):
                        bits.se()


def _restarts(bits: Bits) -> bool:
    """Say whether a reference picture's marking makes it the only one, by operation 5; it is no IDR."""
    if bits.u(1):
        while operation := bits.ue():
            if operation == 5:
                return True
            for _ in range(2 if operation == 3 else 1):
                bits.ue()
    return False
