"""What the headers of H.264 say of a picture's place in decoding order (ITU-T H.264, 7.3.2.1, 7.3.2.2, 7.3.3, 7.3.4).

A header that is cut off, of an unknown set, or of a rare kind (slice groups, auxiliary planes) raises a LookupError.
"""

from dataclasses import dataclass

SLICES, IDR, SPS, PPS = (1, 2, 5), 5, 7, 8
"""Types of NAL units: slices of any picture, of one that refers to nothing before it, and the sets they name."""

WITH_CHROMA_FORMAT = (44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244)
P, B, I = 0, 1, 2  # noqa: E741
SP, SI = 3, 4


@dataclass(frozen=True)
class SequenceSet:
    """What a sequence parameter set says, named as there; poc is the picture order count."""

    chroma_array_type: int
    separate_planes: bool
    frame_num_bits: int
    poc_type: int
    poc_bits: int
    delta_always_zero: bool
    gaps_allowed: bool
    frames_only: bool


@dataclass(frozen=True)
class PictureSet:
    """What a picture parameter set says, named as there."""

    sequence: int
    has_bottom_poc: bool
    references: tuple[int, int]
    weighted: bool
    weighted_bipred: int
    has_redundant_count: bool


@dataclass(frozen=True)
class Slice:
    """What the first slice of a picture says of it.

    Args:
        restarts: frame_num is 0 from this picture on, without IDR: its marking has operation 5.
    """

    sequence: SequenceSet
    is_idr: bool
    is_reference: bool
    kind: int
    frame_num: int
    is_field: bool
    restarts: bool

    @property
    def is_intra(self) -> bool:
        return self.kind in (I, SI)


class Bits:
    """The bits of a NAL unit, without the bytes that keep start codes out of it."""

    def __init__(self, unit: bytes) -> None:
        unit = unit.replace(b"\0\0\3", b"\0\0")
        self.number, self.left = int.from_bytes(unit), 8 * len(unit)

    def u(self, bits: int) -> int:
        """Return u(bits), as all names here are those of the standard."""
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


def sequence_set(unit: bytes) -> tuple[int, SequenceSet]:
    """Return the number of a sequence parameter set and what it says."""
    bits = Bits(unit[1:])
    profile = bits.u(8)
    bits.u(16)
    number = bits.ue()
    chroma, separate = 1, 0
    if profile in WITH_CHROMA_FORMAT:
        chroma = bits.ue()
        separate = bits.u(1) if chroma == 3 else 0
        bits.ue(), bits.ue(), bits.u(1)  # depths, lossless
        if bits.u(1):
            for size in [16] * 6 + [64] * (6 if chroma == 3 else 2):
                _skip_scaling(bits, size)
    frame_num_bits = bits.ue() + 4
    poc_type = bits.ue()
    poc_bits = bits.ue() + 4 if poc_type == 0 else 0
    always_zero = 0
    if poc_type == 1:
        always_zero = bits.u(1)
        bits.se(), bits.se()
        for _ in range(bits.ue()):
            bits.se()
    bits.ue()
    gaps_allowed = bits.u(1)
    bits.ue(), bits.ue()
    return number, SequenceSet(
        chroma_array_type=0 if separate else chroma,
        separate_planes=bool(separate),
        frame_num_bits=frame_num_bits,
        poc_type=poc_type,
        poc_bits=poc_bits,
        delta_always_zero=bool(always_zero),
        gaps_allowed=bool(gaps_allowed),
        frames_only=bool(bits.u(1)),
    )


def _skip_scaling(bits: Bits, size: int) -> None:
    last = following = 8
    for _ in range(size if bits.u(1) else 0):
        if following:
            following = (last + bits.se()) % 256
        last = following or last


def picture_set(unit: bytes) -> tuple[int, PictureSet]:
    """Return the number of a picture parameter set and what it says."""
    bits = Bits(unit[1:])
    number, sequence = bits.ue(), bits.ue()
    bits.u(1)
    has_bottom_poc = bits.u(1)
    if bits.ue():
        raise LookupError("slice groups")
    references = bits.ue() + 1, bits.ue() + 1
    weighted, weighted_bipred = bits.u(1), bits.u(2)
    bits.se(), bits.se(), bits.se(), bits.u(2)
    return number, PictureSet(
        sequence, bool(has_bottom_poc), references, bool(weighted), weighted_bipred, bool(bits.u(1))
    )


def first_slice(unit: bytes, pictures: dict[int, PictureSet], sequences: dict[int, SequenceSet]) -> Slice | None:
    """Return what a slice says of its picture, or None where it isn't the first one of it."""
    bits = Bits(unit[1:])
    if bits.ue():
        return None
    kind = bits.ue() % 5
    picture = pictures[bits.ue()]
    sequence = sequences[picture.sequence]
    is_idr, is_reference = unit[0] & 31 == IDR, bool(unit[0] & 0x60)
    if sequence.separate_planes:
        bits.u(2)
    frame_num = bits.u(sequence.frame_num_bits)
    is_field = not sequence.frames_only and bool(bits.u(1))
    if is_field:
        bits.u(1)
    restarts = False
    if is_reference and not is_idr:
        _skip_order(bits, picture, sequence, is_field)
        _skip_references(bits, picture, sequence, kind)
        restarts = _restarts(bits)
    return Slice(sequence, is_idr, is_reference, kind, frame_num, is_field, restarts)


def _skip_order(bits: Bits, picture: PictureSet, sequence: SequenceSet, is_field: bool) -> None:
    has_bottom = picture.has_bottom_poc and not is_field
    if sequence.poc_type == 0:
        bits.u(sequence.poc_bits)
        if has_bottom:
            bits.se()
    elif sequence.poc_type == 1 and not sequence.delta_always_zero:
        bits.se()
        if has_bottom:
            bits.se()
    if picture.has_redundant_count:
        bits.ue()


def _skip_references(bits: Bits, picture: PictureSet, sequence: SequenceSet, kind: int) -> None:
    lists = {P: 1, SP: 1, B: 2}.get(kind, 0)
    if kind == B:
        bits.u(1)
    references = list(picture.references[:lists])
    if lists and bits.u(1):
        references = [bits.ue() + 1 for _ in references]
    for _ in references:
        if bits.u(1):
            while bits.ue() != 3:
                bits.ue()
    if picture.weighted_bipred == 1 if kind == B else picture.weighted and lists:
        bits.ue()
        if sequence.chroma_array_type:
            bits.ue()
        for _ in range(sum(references)):
            numbers = 2 if bits.u(1) else 0
            if sequence.chroma_array_type and bits.u(1):
                numbers += 4
            for _ in range(numbers):
                bits.se()


def _restarts(bits: Bits) -> bool:
    """Say whether a reference picture's marking makes it the only one; it is no IDR."""
    if bits.u(1):
        while operation := bits.ue():
            if operation == 5:
                return True
            for _ in range(2 if operation == 3 else 1):
                bits.ue()
    return False
