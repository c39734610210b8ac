"""Features of real samples, kept on the disk: computed once for a data set, an embedding and a protocol.

They lie in the folder FRAMEGAN_STATISTICS names, or in statistics in the user's cache, one .npz file each without
pickle.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from framegan.files import archives, atomic
from framegan.files.user_cache import user_cache
from framegan.processes.ranks import say

SCHEMA = 3
"""Raised when what is kept, or which samples are chosen, changes: older files are then left alone."""


def path_of(key: str) -> Path:
    """Return where the features with this key lie.

    Raises:
        ValueError: the key is no file name, so that they could lie anywhere.
    """
    if Path(key).name != key:
        raise ValueError(f"{key!r} can't name a file of features; the fingerprint of the data has a character like /")
    return user_cache("statistics", variable="FRAMEGAN_STATISTICS") / f"{key}-features-{SCHEMA}.npz"


def is_kept(path: Path | None, *, with_classes: bool) -> bool:
    """Say whether there is a file of features, and if asked for of the samples' classes too."""
    return path is not None and archives.is_stored(path) and (not with_classes or "labels" in archives.names_in(path))


def kept(path: Path | None, *, with_classes: bool) -> tuple[Tensor, Tensor | None, list[str]] | None:
    """Return what `load` does; None where there is no such file, or it is damaged: features can be computed anew."""
    try:
        return load(path) if path is not None and is_kept(path, with_classes=with_classes) else None
    except ValueError:
        return None


def load(path: Path) -> tuple[Tensor, Tensor | None, list[str]]:
    """Return the features (N, D) in a file, and, unless it lacks them, the samples' labels (N,) and class names.

    Raises:
        ValueError: it is damaged, or holds something else.
    """
    try:
        arrays = archives.load(path)
        labels = torch.from_numpy(arrays["labels"]) if "labels" in arrays else None
        return torch.from_numpy(arrays["bank"]), labels, list(map(str, arrays.get("classes", ())))
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path} holds no features ({error}); delete it: it is rebuilt") from None


def save(path: Path, features: Tensor, labels: Tensor | None, classes: Sequence[str]) -> None:
    """Write what `load` returns, whole or not at all; the folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic.new_file(path, shared=True) as part, part.open("wb") as file:
        arrays = {"bank": features.cpu().numpy()}
        if labels is not None:
            arrays |= {"labels": labels.cpu().numpy(), "classes": np.array(classes, np.str_)}
        np.savez(file, allow_pickle=False, **arrays)


def keep(path: Path, features: Tensor, labels: Tensor | None, classes: Sequence[str]) -> None:
    """Write them as `save` does, or say why they can't be: whoever computes them needs them all the same."""
    try:
        save(path, features, labels, classes)
    except OSError as error:
        say(f"features of the real samples aren't kept, so that they are computed anew each time: {error}")
