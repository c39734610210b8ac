"""Notes in files: what a picture or a video says of itself, in the place that its format has for comments.

A note is text; in the files it is ASCII, so that every reader shows it.
"""

import struct
import zlib
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

KEY = "Comment"
"""The keyword of the text chunk of a .png or .apng; EXIF's ImageDescription has the number below."""
DESCRIPTION = 0x010E
LONGEST = 1 << 16
"""Bytes of a note. A longer one is none of ours."""
SIGNATURE, HEADER = b"\x89PNG\r\n\x1a\n", 33
"""What a PNG begins with, and how many bytes go before its other chunks."""


def png_info(note: str) -> PngInfo | None:
    """Return what Pillow writes into a .png."""
    if not note:
        return None
    info = PngInfo()
    info.add_text(KEY, note)
    return info


def exif(note: str) -> bytes:
    """Return what Pillow writes into a .webp."""
    if not note:
        return b""
    kept = Image.Exif()
    kept[DESCRIPTION] = note
    return kept.tobytes()


def insert_into_png(path: Path, note: str) -> None:
    """Put a text chunk behind the header of a .apng."""
    if note:
        whole, chunk = path.read_bytes(), b"tEXt" + f"{KEY}\0{note}".encode("ascii")
        framed = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        path.write_bytes(whole[:HEADER] + framed + whole[HEADER:])


def append_to_gif(path: Path, note: str) -> None:
    """Put a comment before the end of a .gif."""
    if note:
        text, whole = note.encode("ascii"), path.read_bytes()
        blocks = [text[first : first + 255] for first in range(0, len(text), 255)]
        comment = b"\x21\xfe" + b"".join(bytes([len(block)]) + block for block in blocks) + b"\0"
        path.write_bytes(whole[:-1] + comment + whole[-1:])


def read(path: Path) -> str:
    """Return the note of a picture or a video, "" where it has none.

    Raises:
        ValueError: the file is neither, or can't be read.
    """
    try:
        with Image.open(path) as image:
            if image.format == "PNG":
                found = image.info.get(KEY, "")
            elif image.format == "GIF":
                found = _of_gif(path)
            else:
                found = image.getexif().get(DESCRIPTION, "")
    except (OSError, SyntaxError, ValueError):
        found = _of_video(path)
    return found if isinstance(found, str) and len(found) <= LONGEST else ""


def _of_gif(path: Path) -> str:
    """Return the comment at the very end, where we write it."""
    tail = path.read_bytes()[-2 * LONGEST :]
    place = tail.rfind(b"\x21\xfe")
    found, place = b"", place + 2
    while 1 < place < len(tail) and tail[place]:
        found += tail[place + 1 : place + 1 + tail[place]]
        place += 1 + tail[place]
    return found.decode("ascii", errors="replace") if tail[place + 1 :] == b"\x3b" else ""


def _of_video(path: Path) -> str:
    import av

    try:
        with av.open(path) as container:
            found = {key.lower(): value for key, value in container.metadata.items()}
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} can't be read as a picture or a video: {error}") from error
    return str(found.get("comment", ""))
