"""The pictures and clips of a run inside a page, as data, within a size that a page can carry."""

import base64
import io
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from PIL import Image

from framegan.runs.run_files import RunFiles

PICTURES = 1_600_000
"""Characters of all pictures together; of more, every second one is left out."""
CLIP = 500_000
"""Bytes of a clip; of a larger one the page names the file."""
LONGEST_SIDE = 1024
"""Of a picture in the page, in pixels."""


def through_training(run: RunFiles) -> list[dict[str, Any]]:
    """Return the sample grids in the order of training, the first and the last one and the best's among them."""
    found = grids(run)
    kept = {number: picture(path) for number, path in found.items()}
    best = nearest(list(found), run.best.samples_seen) if run.best else None
    while sum(map(len, kept.values())) > PICTURES and len(kept) > 3:
        first, *others, last = kept
        between = [number for number in others if number != best]
        kept = {number: kept[number] for number in kept if number in (first, best, last, *between[1::2])}
    return [{"seen": number, "source": kept[number]} for number in kept if kept[number]]


def grids(run: RunFiles) -> dict[int, Path]:
    """Return the sample grids by samples_seen, in their order."""
    found = [(re.fullmatch(r"fake_([0-9]{1,18})", path.stem), path) for path in (run.folder / "samples").glob("*.png")]
    return dict(sorted((int(name[1]), path) for name, path in found if name))


def latest(run: RunFiles) -> dict[str, Any] | None:
    """Return the latest sample grid; None where there is none that can be read."""
    shown = [(number, picture(path)) for number, path in list(grids(run).items())[-1:]]
    return next(({"seen": number, "source": source} for number, source in shown if source), None)


def nearest(numbers: list[int], wanted: int) -> int | None:
    """Return the number nearest to one, None where there are none."""
    return min(numbers, key=lambda number: abs(number - wanted), default=None)


def picture(path: Path) -> str:
    """Return a picture as a data URL; empty where it can't be read."""
    try:
        state = path.stat()
        return _picture(path, state.st_mtime_ns, state.st_size)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return ""


@lru_cache(maxsize=512)
def _picture(path: Path, changed: int, size: int) -> str:
    """Return a picture as a data URL; a page is written many times in a run, and a picture once."""
    with Image.open(path, formats=["PNG"]) as image:
        shown = image.convert("RGBA" if image.has_transparency_data else "RGB")
    if max(shown.size) > LONGEST_SIDE:
        shown.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    out = io.BytesIO()
    shown.save(out, format="WEBP", quality=80, method=2)
    return _data_url("image/webp", out.getvalue())


def clip(path: Path) -> str:
    """Return a clip as a data URL; empty where it isn't there or is too large."""
    if not path.is_file() or path.stat().st_size > CLIP:
        return ""
    return _data_url("video/mp4", path.read_bytes())


def _data_url(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
