"""A super-resolution run that edits enlarge pictures by: its network, built as its saved configuration says."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from framegan import media, showing
from framegan.edits.enlarging import EnlargerOf, Enlarging


@dataclass(frozen=True)
class NetworkEnlarger:
    """A network with `enlarged`, such as that of `framegan.networks.espcn`; see `framegan.edits.enlarging.Enlarger`."""

    network: Any
    channels: int
    scale: int

    def begin(self) -> Enlarging:
        before: dict[str, Tensor] = {}

        def enlarge(pixels: np.ndarray) -> np.ndarray:
            frame = torch.tensor(pixels).movedim(-1, 0).unsqueeze(0)
            made = showing.enlarged(self.network, media.to_samples(frame), **before)
            if getattr(self.network, "recurrent", False):
                before["before"] = made
            return media.to_frames(made)[0]

        return enlarge


def enlargers(device: str = "auto", trust: Sequence[str] = ()) -> EnlargerOf:
    """Return what reads the network of a run, as it is written in an edit.

    Args:
        trust: packages whose parts the configurations of runs may build too.
    """

    def read(text: str) -> NetworkEnlarger:
        from framegan.cli import calls, errors
        from framegan.cli.generator import load
        from framegan.runs import run_folder

        with calls.undisturbed(), errors.plain_errors():
            found = load(run_folder.as_path(text), "ema", device, trust).generator
        if not hasattr(found, "enlarged") or not hasattr(found, "scale"):
            raise ValueError("this run's model makes samples and enlarges none; name a run of model=espcn or espcn_gan")
        channels = int(found.shape[0])
        if channels not in (1, 3):
            raise ValueError(f"this run enlarges samples of {channels} channels; pictures have 1, grey, or 3, colours")
        return NetworkEnlarger(found, channels, int(found.scale))

    return read
