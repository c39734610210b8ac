"""Features of real samples, kept on the disk: computed once for a data set, an embedding and a protocol.

They lie in the folder FRAMEGAN_STATISTICS names, or in statistics in the user's cache, one .npz file each without
pickle.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from framegan.files import archives, atomic
from framegan.files.user_cache import user_cache

SCHEMA = 2
"""Raised when what is kept, or which samples are chosen, changes: older files are then left alone."""


def path_of(key: str) -> Path:
    """Return where the features with this key lie.

    Raises:
        ValueError: the key is no file name, so that they could lie anywhere.
    """
    if Path(key).name != key:
        raise ValueError(f"{key!r} can't name a file of features; the fingerprint of the data has a character like /")
    return user_cache("statistics", variable="FRAMEGAN_STATISTICS") / f"{key}-features-{SCHEMA}.npz"


def load(path: Path) -> Tensor:
    """Return the features (N, D) in a file.

    Raises:
        ValueError: it is damaged, or holds something else.
    """
    try:
        return torch.from_numpy(archives.load(path)["bank"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path} holds no features ({error}); delete it: it is rebuilt") from None


def save(path: Path, features: Tensor) -> None:
    """Write features (N, D), whole or not at all; the folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic.new_file(path, shared=True) as part, part.open("wb") as file:
        np.savez(file, bank=features.cpu().numpy())
