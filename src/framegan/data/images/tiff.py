"""What the directory of a TIFF file says of its pixels, and which of them Pillow decodes as they are meant.

TIFF 6.0 (Adobe, 1992); the tags and their numbers are its own.
"""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from framegan.data.images.file import File

SUBFILE, WIDTH, LENGTH, BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER = 254, 256, 257, 258, 259, 262, 266
ORIENTATION, PLANAR, COLOUR_MAP, EXTRA, SAMPLE_FORMAT, SUBSAMPLING, DEPTH = 274, 284, 320, 338, 339, 530, 32997
OF_PIXELS = {
    SUBFILE, WIDTH, LENGTH, BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER, ORIENTATION, PLANAR, COLOUR_MAP, EXTRA,
    SAMPLE_FORMAT, SUBSAMPLING, DEPTH, 273, 277, 278, 279, 292, 293, 317, 322, 323, 324, 325, 332, 347, 512, 513, 514,
    515, 519, 520, 521, 529, 531, 532,
}  # fmt: skip
"""Tags without which pixels are decoded otherwise: strips, tiles, palettes and what decompression needs."""
REDUCED_OR_MASK = 1 | 4
"""Bits of SUBFILE: a small copy of another page, or which parts of it are transparent."""
YCBCR = 6
JPEG = (6, 7)
"""Compressions that turn YCbCr into RGB themselves."""
READ = {0, 1, 2, 3, 5, YCBCR}
"""PHOTOMETRIC: grey with white or black at zero, RGB, palette, CMYK."""
REMEDY = "save it as RGB or grey of 8 or 16 bits"
TIFF_MARKS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
MAX_ENTRIES = 1 << 16
"""Of all directories of a file together, with one more for each; more is not looked at."""
NO_DIRECTORY = "its directory can't be read"
WORDS = {1: "B", 3: "H", 4: "L", 13: "L", 16: "Q"}
"""Types of unsigned numbers: BYTE, SHORT, LONG, IFD, LONG8."""


@dataclass(frozen=True)
class Directory:
    """What is said of one page.

    Args:
        place: where it lies in the file, which has to stay open.
        order: "<" or ">", of bytes in numbers.
        word: letter of the numbers that are places and counts: Q in a BigTIFF, otherwise L.
        entries: 12 or, in a BigTIFF, 20 bytes of each tag, by its number.
    """

    file: BinaryIO
    place: int
    order: str
    word: str
    entries: dict[int, bytes]

    def numbers(self, tag: int, *default: int) -> tuple[int, ...]:
        """Return the unsigned numbers of a tag: the default where it is missing, none where it holds something else.

        Raises:
            struct.error: they lie beyond the end of the file.
        """
        if tag not in self.entries:
            return default
        entry = self.entries[tag]
        kind, count = struct.unpack_from(f"{self.order}H{self.word}", entry, 2)
        if kind not in WORDS or count > 64:
            return ()
        form, value = self.order + WORDS[kind] * count, entry[-struct.calcsize(self.order + self.word) :]
        size = struct.calcsize(form)
        if size > len(value):
            self.file.seek(*struct.unpack(self.order + self.word, value))
            value = self.file.read(size)
        return struct.unpack(form, value[:size])

    def number(self, tag: int, default: int) -> int:
        """Return the first number of a tag."""
        return next(iter(self.numbers(tag)), default)


def directories(file: BinaryIO) -> Iterator[Directory]:
    """Yield the directories of a TIFF file, as far as they can be read."""
    head = file.read(16)
    order = "<" if head[:2] == b"II" else ">"
    seen: set[int] = set()
    try:
        big = struct.unpack_from(f"{order}H", head, 2)[0] == 43
        count, word, size = ("Q", "Q", 20) if big else ("H", "L", 12)
        (place,) = struct.unpack_from(order + word, head, 8 if big else 4)
        left = MAX_ENTRIES
        while place and place not in seen and left > 0:
            seen.add(place)
            file.seek(place)
            (number,) = struct.unpack(order + count, file.read(struct.calcsize(order + count)))
            lines = file.read(min(number, left) * size)
            left -= number + 1
            following = file.read(struct.calcsize(order + word))
            whole = [lines[start : start + size] for start in range(0, len(lines) - size + 1, size)]
            entries = {struct.unpack_from(f"{order}H", line)[0]: line for line in whole}
            yield Directory(file, place, order, word, entries)
            (place,) = struct.unpack(order + word, following.ljust(struct.calcsize(order + word), b"\0"))
    except (struct.error, OSError, OverflowError):
        return


def refusal_of_tiff(path: File) -> str | None:
    """Return why the pixels of a TIFF file can't be delivered as they are meant, or None."""
    with path.open("rb") as file:
        try:
            first, num_whole = None, 0
            for page in directories(file):
                first = first or page
                num_whole += not page.number(SUBFILE, 0) & REDUCED_OR_MASK
                if num_whole > 1:
                    return "it holds several pages; save each as a file of its own"
            return _refusal(first, is_picture=not first.number(SUBFILE, 0) & REDUCED_OR_MASK) if first else NO_DIRECTORY
        except (struct.error, IndexError, OSError, OverflowError):
            return NO_DIRECTORY


def _refusal(page: Directory, *, is_picture: bool) -> str | None:
    photometric, compression = page.number(PHOTOMETRIC, 0), page.number(COMPRESSION, 1)
    bits, planar = page.number(BITS, 1), page.number(PLANAR, 1) == 2
    kinds = set(page.numbers(SAMPLE_FORMAT, 1))
    if not is_picture:
        return "its first page is a small copy or a mask; save the picture alone"
    if (depth := page.number(DEPTH, 1)) > 1:
        return f"it holds a volume of {depth} slices; save each as a file of its own"
    if kinds != {1}:
        return f"its samples are signed or no integers (SampleFormat {', '.join(map(str, sorted(kinds)))}); {REMEDY}"
    if photometric not in READ:
        return f"its colours (PhotometricInterpretation {photometric}) are not read; {REMEDY}"
    if photometric == YCBCR and compression not in JPEG and page.numbers(SUBSAMPLING, 2, 2) != (1, 1):
        return f"its YCbCr is subsampled outside a JPEG, which is not read; {REMEDY}"
    if bits > 16:
        return f"pixels of {bits} bits have no known range; {REMEDY}"
    if photometric < 2 and planar and page.numbers(EXTRA):
        return f"beside its grey lie planes of other samples, which are not read; {REMEDY}"
    return None


def without_other_tags(data: bytes) -> bytes:
    """Return a TIFF file with one directory, of the tags of its pixels and its orientation alone."""
    file, page = bytearray(data), next(directories(io.BytesIO(data)), None)
    if page:
        kept = [entry for tag, entry in sorted(page.entries.items()) if tag in OF_PIXELS]
        count = "Q" if page.word == "Q" else "H"
        content = struct.pack(page.order + count, len(kept)) + b"".join(kept) + bytes(struct.calcsize(f"<{page.word}"))
        file[page.place : page.place + len(content)] = content
    return bytes(file)
