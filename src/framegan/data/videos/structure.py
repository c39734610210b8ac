"""Whether a video file holds what its own structure says: its end, and all the samples that an MP4 claims.

Decoders don't say: most read a file that was cut off up to the cut and then end as if it were whole. And FFmpeg makes
room for all samples that are claimed. A table of sizes takes room in the file for each sample; but where all have one
size, the claim is a single number.
"""

import mmap
import re
from collections.abc import Sequence
from pathlib import Path

from framegan.data.boxes import Box, boxes

BOXES = {b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"pnot", b"uuid", b"sidx"}
EBML, SEGMENT = b"\x1aE\xdf\xa3", b"\x18S\x80g"
ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
"""The first bytes of a WMV or ASF file, and of the part of its header that holds its size."""
OGG_PAGE, OGG_END = b"OggS", 4
"""The first bytes of a page of Ogg, and the flag of the last one."""
OGG_TAIL = 1 << 17
"""Bytes in which the last page of Ogg lies: none is longer than 65,307."""
DV = bytes.fromhex("1f0700")
"""The first bytes of raw DV: those of its first frame."""
DV_FRAMES = {0x00: 120_000, 0x80: 144_000}
"""How many bytes a frame of raw DV takes, or a multiple of that, by the highest bit of its fourth byte."""
TRANSPORT_PACKETS = {0: 188, 4: 192}
"""Where the first sync byte of a transport stream lies, and its packets' size."""

INDICES = (b"moov", b"moof", b"free", b"hoov")
"""Where FFmpeg looks for tables, whatever comes before; other kinds of files have no such boxes."""
TABLES = re.compile(b"trak|stsz|trun|cmov")
SIZES_OF_EACH = 0xF00
"""Flags of a trun that has a duration, a size, flags or an offset for each of its samples."""


def fault(path: Path) -> str | None:
    """Return why a file can't be whole or its claims true, or None: it is sound, or its kind doesn't show it.

    Raises:
        OSError: it can't be read.
    """
    if path.stat().st_size == 0:
        return "empty file"
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        found = list(boxes(file))
        return _missing_end(data, found) or _overclaim(data, found)


def _missing_end(data: mmap.mmap, found: Sequence[Box]) -> str | None:
    head = data[:256]
    if head[4:8] in BOXES:
        has_index = any(box.kind == b"moov" for box in found)
        return _short(data, found[-1].end) or (None if has_index else "cut off: it has no index (moov)")
    checks = {b"RIFF": _riff, EBML: _matroska, b"GIF8": _gif, b"FLV": _flv, ASF: _asf, OGG_PAGE: _ogg, DV: _dv}
    if check := next((checks[start] for start in checks if head.startswith(start)), None):
        return check(data)
    for at, size in TRANSPORT_PACKETS.items():
        if head[at::size][:2] == b"GG" and len(data) % size:
            return f"cut off in the middle of its last packet, at {len(data)} bytes"
    return None


def _short(data: mmap.mmap, announced: int) -> str | None:
    return f"cut off: {len(data)} of {announced} bytes are there" if len(data) < announced else None


def _riff(data: mmap.mmap) -> str | None:
    """Walk the RIFF chunks of an AVI, of which large files have several; 0 stands in one that was never finished."""
    position = 0
    while position + 8 <= len(data):
        length = int.from_bytes(data[position + 4 : position + 8], "little")
        if data[position : position + 4] != b"RIFF" or not length:
            return None
        position += 8 + length
    return _short(data, position)


def _matroska(data: mmap.mmap) -> str | None:
    """Look where the segment ends; it has no size where it was written as a stream."""
    length, start = _ebml_number(data, 4)
    at = start + length
    if data[at : at + 4] != SEGMENT:
        return None
    length, start = _ebml_number(data, at + 4)
    return _short(data, start + length)


def _ebml_number(data: mmap.mmap, at: int) -> tuple[int, int]:
    """Return a number (0: unknown) and where it ends; its leading zero bits say how many bytes follow."""
    size = 9 - data[at].bit_length()
    bits = 7 * size
    value = int.from_bytes(data[at : at + size]) & ((1 << bits) - 1)
    return value % ((1 << bits) - 1), at + size


def _gif(data: mmap.mmap) -> str | None:
    whole = data[-256:].rstrip(b"\0").endswith(b";")
    return None if whole else "cut off: its last byte is not the end mark of a GIF"


def _flv(data: mmap.mmap) -> str | None:
    """Look at the last tag: 4 bytes behind it repeat its size, 11 before its data hold that of the data."""
    length = int.from_bytes(data[-4:])
    at = max(0, len(data) - 4 - length)
    whole = int.from_bytes(data[at + 1 : at + 4]) == length - 11
    return None if whole else "cut off in the middle of its last tag"


def _asf(data: mmap.mmap) -> str | None:
    """Look at the size in the header of a WMV file, which is 0 where it was written as a stream."""
    at = data.find(ASF_PROPERTIES, 0, 1 << 16)
    return _short(data, int.from_bytes(data[at + 40 : at + 48], "little")) if at >= 0 else None


def _ogg(data: mmap.mmap) -> str | None:
    """Look at the last page: byte 5 are flags, byte 26 the number of bytes behind it with the sizes of its parts."""
    tail = data[-OGG_TAIL:]
    page = tail[tail.rfind(OGG_PAGE) :]
    parts = page[27 : 27 + page[26]] if len(page) > 27 else b""
    whole = parts and len(page) >= 27 + len(parts) + sum(parts) and page[5] & OGG_END
    return None if whole else "cut off: its last page is not marked as the end"


def _dv(data: mmap.mmap) -> str | None:
    whole = len(data) % DV_FRAMES[data[3] & 0x80] == 0
    return None if whole else f"cut off in the middle of its last frame, at {len(data)} bytes"


def _overclaim(data: mmap.mmap, found: Sequence[Box]) -> str | None:
    """Return why the claims of an MP4 or QuickTime file can't be true."""
    if not any(box.kind in INDICES for box in found):
        return None
    claimed = 0
    for box in found:
        if box.kind == b"mdat":  # the media themselves
            continue
        track = box.start
        for match in TABLES.finditer(data, box.start, box.end):
            kind, at = match[0], match.end()
            if kind == b"cmov":
                return "its index is compressed; copy it with: ffmpeg -i FILE -c copy NEW"
            if kind == b"trak":
                track = at
            elif kind == b"trun":
                flags, count = _number(data, at), _number(data, at + 4)
                claimed += 0 if flags & SIZES_OF_EACH else count
            elif not _is_sound(data, track, box.end):
                size, count = _number(data, at + 4), _number(data, at + 8)
                claimed += size * count
    if claimed > len(data):
        return f"it claims {claimed:,} bytes of samples or more, and has {len(data):,} in all"
    return None


def _is_sound(data: mmap.mmap, start: int, end: int) -> bool:
    """Say whether a track is nothing but sound whose samples last one tick each; FFmpeg reads those many at a time."""
    following = data.find(b"trak", start, end)
    end = end if following < 0 else following
    times = data.find(b"stts", start, end) + 8  # then: how many entries, samples of the first, ticks of each
    is_regular = times >= 8 and _number(data, times) == 1 and _number(data, times + 8) == 1
    return is_regular and data.find(b"soun", start, end) >= 0 and data.find(b"vide", start, end) < 0


def _number(data: mmap.mmap, at: int) -> int:
    return int.from_bytes(data[at : at + 4])
