"""Features of real samples, kept on the disk: computed once for a data set, an embedding and a protocol.

They lie in the folder FRAMEGAN_STATISTICS names, or in statistics in the user's cache, one .npz file each without
pickle.
"""

from pathlib import Path

import numpy as np
import torch

from framegan.files import archives, atomic
from framegan.files.user_cache import user_cache
from framegan.metrics.frechet import Moments
from framegan.metrics.scores import Features

SCHEMA = 2
"""Raised when what is kept, or which samples are chosen, changes: older files are then left alone."""


def path_of(key: str, *, needs_bank: bool) -> Path:
    """Return where the features with this key lie.

    Raises:
        ValueError: the key is no file name, so that they could lie anywhere.
    """
    if Path(key).name != key:
        raise ValueError(f"{key!r} can't name a file of features; the fingerprint of the data has a character like /")
    kind = "features" if needs_bank else "moments"
    return user_cache("statistics", variable="FRAMEGAN_STATISTICS") / f"{key}-{kind}-{SCHEMA}.npz"


def find(key: str | None, *, needs_bank: bool) -> Path | None:
    """Return the file with this key that can be read; one with the features serves for their moments too."""
    if key is None:
        return None
    candidates = [path_of(key, needs_bank=kind) for kind in dict.fromkeys((needs_bank, True))]
    return next((path for path in candidates if archives.is_stored(path)), None)


def load(path: Path) -> Features:
    """Return the features in a file.

    Raises:
        ValueError: it is damaged, or holds something else.
    """
    arrays = archives.load(path)
    try:
        mean, scatter = (torch.from_numpy(arrays[name]) for name in ("mean", "scatter"))
        bank = torch.from_numpy(arrays["bank"]) if "bank" in arrays else None
        return Features(Moments(int(arrays["num_samples"]), mean, scatter), bank)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} holds no features ({error}); delete it: it is rebuilt") from None


def save(key: str, features: Features) -> None:
    """Keep features under this key, whole or not at all."""
    path = path_of(key, needs_bank=features.bank is not None)
    path.parent.mkdir(parents=True, exist_ok=True)
    moments = features.moments
    arrays = {"mean": moments.mean.cpu().numpy(), "scatter": moments.scatter.cpu().numpy()}
    if features.bank is not None:
        arrays["bank"] = features.bank.cpu().numpy()
    with atomic.new_file(path, shared=True) as part, part.open("wb") as file:
        np.savez(file, num_samples=moments.num_samples, **arrays)  # type: ignore[arg-type]
