"""Archives as np.savez and torch.save write them: uncompressed, so that they take no more memory than bytes."""

import zipfile
from pathlib import Path

import numpy as np


def is_stored(path: Path) -> bool:
    """Say whether a file is an archive whose members are uncompressed and no longer than the file."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except Exception:  # zipfile stumbles over damage in many ways
        return False
    is_plain = all(member.compress_type == zipfile.ZIP_STORED for member in members)
    return is_plain and sum(member.file_size for member in members) <= path.stat().st_size


def names_in(path: Path) -> list[str]:
    """Return the names of the arrays in a file."""
    with zipfile.ZipFile(path) as archive:
        return [name.removesuffix(".npy") for name in archive.namelist()]


def load(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays in a file.

    Raises:
        ValueError: it is missing, damaged or compressed.
    """
    if not is_stored(path):
        raise ValueError(f"{path} is missing, damaged or compressed; delete it: it is rebuilt")
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return dict(arrays)
    except Exception as error:  # headers of arrays are parsed as Python, which may stumble over anything
        raise ValueError(f"{path} is damaged; delete it: it is rebuilt") from error
