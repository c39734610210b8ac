"""Images whose pixels Pillow doesn't hand over as their files mean them: refused, with the reason.

The files say so in headers that Pillow doesn't show: of BMP, and DIB, which is one without its first 14 bytes; of
JPEG 2000 (ISO/IEC 15444-1, Annex A.5.1); of SGI (The SGI Image File Format, version 1.00, Haeberli); of TIFF, see
`framegan.data.images.tiff`.
"""

import os
import re
import struct
from contextlib import suppress
from typing import Any, BinaryIO

from framegan.data.boxes import boxes
from framegan.data.images.file import File, from_start
from framegan.data.images.jpeg import is_lossless
from framegan.data.images.tiff import REMEDY, TIFF_MARKS, refusal_of_tiff

GREY = {"1", "L", "LA", "La", "I;16", "I;16B", "I"}
COLOUR = {"P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr"}
"""Pillow's modes that are read; 32 bits (I) only from PPM, where they hold 16."""
READ = GREY | COLOUR
BITFIELDS = 3
"""Compression of a BMP: the bits of each channel are given by masks."""
CODESTREAM = b"\xff\x4f\xff\x51"
"""The first bytes of a JPEG 2000 codestream; the header of its samples follows at once."""
HDR = {16: "PQ", 18: "HLG"}
"""Numbers of the transfer curves whose light goes beyond the white of RGB (ITU-T H.273)."""
HEAD = 1 << 16
"""Bytes in which a file says what its colours are."""
SGI_HEADER = 512
"""Bytes before the tables of where each row starts and how long it is, or before the pixels where there are none."""


def refusal(image: Any, path: File) -> str | None:
    """Return why an open image can't be delivered as it is meant, or None."""
    of_format = {
        "AVIF": _of_hdr,
        "PNG": _of_hdr,
        "BMP": _of_bitmap,
        "DIB": _of_bitmap,
        "JPEG": _of_jpeg,
        "JPEG2000": _of_jpeg2000,
        "PCX": _of_pcx,
        "PPM": _of_ppm,
        "SGI": _of_sgi,
        "TGA": _of_tga,
    }
    with from_start(image) as file:
        if image.format == "TIFF" and (reason := refusal_of_tiff(path)):
            return reason
        if image.format in of_format and (reason := of_format[image.format](image, file)):
            return reason
    with suppress(EOFError, OSError, ValueError):  # cut short, as its decoder says better; an MPO holds previews
        if image.format not in ("TIFF", "MPO") and getattr(image, "is_animated", False):
            return "it holds several pictures; save each as a file of its own, or as an .mp4 or .gif to read a video"
    if image.mode not in READ or (image.mode == "I" and image.format != "PPM"):
        return f"pixels of mode {image.mode!r} have no known range; save it with 8 or 16 bits per channel"
    return None


def _of_hdr(image: Any, file: BinaryIO) -> str | None:
    """Refuse what says, in a box (ISO/IEC 14496-12, 12.1.5) or a chunk (PNG 3, 11.3.2.6), that it is HDR."""
    head = file.read(HEAD)
    found = re.search(rb"colrnclx..\x00([\x10\x12])|\x00\x00\x00\x04cICP.([\x10\x12])", head, re.DOTALL)
    if found is None or b"tmap" in head:  # what makes HDR of a picture in SDR lies beside that
        return None
    curve = HDR[(found[1] or found[2])[0]]
    return f"it is HDR ({curve}), and its colours would be pale; save it as SDR first, with tone mapping"


def refusal_of_unknown(path: File) -> str:
    """Return why Pillow doesn't open an image."""
    with path.open("rb") as file:
        head = file.read(4)
    if not head:
        return "empty file"
    if head in TIFF_MARKS:
        return refusal_of_tiff(path) or f"its kind of TIFF is not read; {REMEDY}"
    return "not an image that can be read"


def header_of_bitmap(image: Any) -> tuple[int, int, int]:
    """Return how many bits a pixel of an open BMP or DIB has, the compression, and the mask of the alpha."""
    with from_start(image) as file:
        file.seek(14 if image.format == "BMP" else 0)
        head = file.read(56).ljust(56, b"\0")
    (size,) = struct.unpack_from("<L", head)
    if size == 12:
        return struct.unpack_from("<H", head, 10)[0], 0, 0
    bits, compression = struct.unpack_from("<HL", head, 14)
    return bits, compression, struct.unpack_from("<L", head, 52)[0] if size >= 56 else 0


def _of_bitmap(image: Any, file: BinaryIO) -> str | None:
    bits, compression, alpha = header_of_bitmap(image)
    if bits == 4 and image.mode in ("1", "L") and not compression:
        return "a palette of greys with 4 bits a pixel is not read; save it as PNG"
    if bits == 16 and compression == BITFIELDS and alpha:
        return "16 bits a pixel with alpha are not read; save it as PNG"
    return None


def _of_jpeg(image: Any, file: BinaryIO) -> str | None:
    if image.mode == "CMYK" and "adobe" not in image.info:
        return "its CMYK may be inverted or not, for Adobe's marker is missing; save it as RGB"
    if image.mode == "RGB" and not {"adobe", "jfif"} & {*image.info} and is_lossless(file.read()):
        return "its colours may be RGB or YCbCr, for it is lossless without a marker that says so; save it as PNG"
    return None


def _of_jpeg2000(image: Any, file: BinaryIO) -> str | None:
    is_bare = file.read(4) == CODESTREAM
    file.seek(0 if is_bare else next((box.content for box in boxes(file) if box.kind == b"jp2c"), 0))
    header = file.read(42)
    if len(header) < 42 or not header.startswith(CODESTREAM):
        return None
    (channels,) = struct.unpack_from(">H", header, 40)
    depths = file.read(3 * channels)[::3]  # bits less one, with the highest bit set where they are signed
    if any(depth & 0x80 for depth in depths):
        return "its samples are signed; save it with 8 bits per channel, or as PNG"
    if len(depths) > 1 and max(depths) > 7:  # Pillow rounds the brightest of them up to 256, which is black
        return f"colours of {max(depths) + 1} bits are not read; save it with 8 bits per channel, or as PNG"
    return None


def _of_pcx(image: Any, file: BinaryIO) -> str | None:
    """Refuse a file without the palette at its end, which Pillow then takes for grey."""
    if image.mode != "L":
        return None
    has_palette = file.seek(0, os.SEEK_END) > 128 + 769 and file.seek(-769, os.SEEK_END) and file.read(1) == b"\x0c"
    return None if has_palette else "its palette is missing: it is cut short, or it has none; save it as PNG"


def _of_ppm(image: Any, file: BinaryIO) -> str | None:
    """Refuse a file in which a second picture follows; those written as text have no end that could be found."""
    tile = image.tile[0]
    if tile.codec_name != "raw":
        return None
    bits = {"1": 1, "L": 8, "RGB": 24}.get(image.mode, 16)
    file.seek(tile.offset + -(-image.width * bits // 8) * image.height)
    is_followed = re.match(rb"\s*P[1-7fF]\s", file.read(8))
    return "it holds several pictures; save each as a file of its own" if is_followed else None


def _of_sgi(image: Any, file: BinaryIO) -> str | None:
    head = file.read(SGI_HEADER).ljust(SGI_HEADER, b"\0")
    if any(head[104:108]):  # an outdated kind, which Pillow takes for grey
        return "its pixels are numbers of colours that are not in it; save it as PNG"
    dimensions, _, height, channels = struct.unpack_from(">HHHH", head, 4)
    num_rows = {1: 1, 2: height}.get(dimensions, height * channels)
    if head[2] and not _rows_are_ended(file, head[3], num_rows):
        return "its rows lack their end marks, without which they are not read; save it as PNG"
    return None


def _rows_are_ended(file: BinaryIO, width_of_sample: int, num_rows: int) -> bool:
    """Say whether each row ends with a count of 0, as FFmpeg doesn't write it; Pillow leaves all black without one."""
    tables = file.read(8 * num_rows)
    if len(tables) < 8 * num_rows:
        return True  # cut short, which its decoder says
    numbers = struct.unpack(f">{2 * num_rows}L", tables)
    for start, length in set(zip(numbers[:num_rows], numbers[num_rows:], strict=True)):
        file.seek(start + max(0, length - width_of_sample))
        if any(byte & 0x7F for byte in file.read(width_of_sample)):
            return False
    return True


def _of_tga(image: Any, file: BinaryIO) -> str | None:
    return None if image.tile else "its kind of pixels is not read; save it as PNG"
