"""What tells samples apart one by one, so that those that weights were trained on are known again in other data.

An identity is 32 bits of what a file contains or a picture in memory shows, before any resizing: whatever is made of a
sample, it stays. Two different samples have the same one by chance in one of four billion pairs.
"""

import base64

import numpy as np

from framegan.data.source import Inventory, Source, TensorSource
from framegan.data.videos.clips import Clips


def identities_of(source: Source, inventory: Inventory | None) -> np.ndarray | None:
    """Return the identity of each sample, uint32 (N,); None where samples aren't known one by one."""
    if isinstance(source, TensorSource):
        return source.identified()
    files = (inventory or {}).get("files")
    numbers = source.of_videos if isinstance(source, Clips) else range(len(source))
    number_of_all = len(source.videos) if isinstance(source, Clips) else len(source)
    if not isinstance(files, dict) or len(files) != number_of_all:  # several are in one file
        return None
    found = np.array([int(str(content)[:8], 16) for content in files.values()], dtype=np.uint32)
    return found[[*numbers]]


def packed(identities: np.ndarray | None) -> str:
    """Return identities, of which each counts once, as text; "" of None."""
    return "" if identities is None else base64.b64encode(np.unique(identities).astype("<u4").tobytes()).decode()


def unpacked(text: str) -> np.ndarray:
    """Return the identities that a text stands for.

    Raises:
        ValueError: it stands for none.
    """
    return np.frombuffer(base64.b64decode(text, validate=True), dtype="<u4")
