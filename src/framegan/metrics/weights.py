"""Published weights: found on this machine or downloaded, checked, and named by their fingerprint."""

import hashlib
import textwrap
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from framegan.files import archives
from framegan.files.download import fetch
from framegan.files.user_cache import user_cache

Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True)
class Published:
    """A file of weights that papers use.

    Args:
        urls: where it is published; tried in order.
        checksum: of the file, as `fetch` takes it.
    """

    name: str
    urls: Sequence[str]
    checksum: str

    @property
    def path(self) -> Path:
        """Where it lies once downloaded: in the folder FRAMEGAN_WEIGHTS, or else weights in the user's cache."""
        return user_cache("weights", variable="FRAMEGAN_WEIGHTS") / self.name

    def find(self, path: str | None = None) -> Path:
        """Return the path of a file of the user's own, taken as it is, or of the published one: (path or None) -> path.

        Raises:
            FileNotFoundError: it isn't there; the published one can't be downloaded either.
        """
        if path is None:
            return fetch(self.name, self.path.parent, self.urls, self.checksum)
        return existing(path, f"leave the weights out (null) to take the published {self.name}")


def existing(path: str, remedy: str) -> Path:
    """Return the path of a file.

    Raises:
        FileNotFoundError: it doesn't exist; the message ends with the remedy.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise FileNotFoundError(f"{file.absolute()} is not a file; give the path of one, or {remedy}")
    return file


def fingerprint_of_file(path: Path) -> str:
    """Return the first 8 hexadecimal digits of a file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:8]


def load(network: Callable[[], Network], path: Path) -> Network:
    """Return a network with the weights of a state-dict file, on the CPU, in float32 whatever the default type.

    Args:
        network: what builds it; no random number is drawn.

    Raises:
        ValueError: the file holds something else.
    """
    with torch.device("meta"):
        built = network().float()
    try:
        built.to_empty(device="cpu").load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:  # unpickling what isn't a pickle raises anything
        raise ValueError(
            f"{path} is not a state dict of {type(built).__name__}, "
            f"as torch.save(network.state_dict(), PATH) makes one: {textwrap.shorten(str(error), 120)}"
        ) from error
    return built


def read(path: Path) -> dict[str, Any]:
    """Return a dictionary of tensors that torch.save has written; of a new file, they are read when they are used.

    Raises:
        ValueError: the file holds something else, or more than tensors and plain values.
    """
    try:
        is_archive = zipfile.is_zipfile(path)  # published files are older
        if is_archive and not archives.is_stored(path):
            raise ValueError("it is damaged or compressed")
        saved = torch.load(path, map_location="cpu", weights_only=True, mmap=is_archive)
    except Exception as error:  # unpickling what isn't a pickle raises anything
        raise ValueError(
            f"{path} can't be read as weights, as torch.save(network.state_dict(), PATH) writes them: "
            f"{textwrap.shorten(str(error), 120)}"
        ) from error
    if not isinstance(saved, dict):
        raise ValueError(f"{path} holds a {type(saved).__name__}; weights are a dictionary of tensors")
    return saved


def load_torchscript(path: Path) -> Any:
    """Return the module of a TorchScript file.

    Raises:
        ValueError: the file is no TorchScript.
    """
    try:
        return torch.jit.load(path, map_location="cpu")
    except RuntimeError as error:
        raise ValueError(f"{path} is not a TorchScript file, as torch.jit.save(program, PATH) makes one") from error
