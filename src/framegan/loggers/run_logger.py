"""What every logger of a run offers beyond Lightning's: pictures, records, and going back to an earlier clock."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from lightning.pytorch.loggers import Logger

from framegan.runs.curve_groups import tag


class RefusedError(Exception):
    """Where a run is to be logged it isn't taken; the message says what to set."""


class RunLogger(Logger):
    """Keeps what a run logs in, or beside, its folder; rank 0 alone has any. `step` is samples_seen everywhere.

    Args:
        folder: the run folder.
    """

    def __init__(self, folder: str):
        super().__init__()
        self.folder = folder
        self.measured: set[str] = set()
        """The keys of the metrics, as far as they have been told by `log_records`."""

    def tag(self, key: str) -> str:
        """Return what a dashboard calls a key: behind its group, as on the page of the run."""
        return tag(key, self.measured)

    @property
    def name(self) -> str:
        return type(self).__name__

    @property
    def version(self) -> str:
        return ""

    def log_hyperparams(self, params: Any, *_: Any, **__: Any) -> None:
        """Keep the configuration, plain containers; by default it is left to the run folder."""

    def log_origin(self, checkpoint: Path, samples_seen: int) -> None:
        """Keep which checkpoint this session resumes from."""

    def log_image(self, name: str, image: np.ndarray, step: int, caption: str = "") -> None:
        """Keep an (H, W, C) uint8 image with 1 or 3 channels; by default it is left to the run folder."""

    def log_video(self, name: str, path: Path, step: int, caption: str = "") -> None:
        """Keep an encoded video (.mp4); by default it is left to the run folder."""

    def log_records(self, records: Sequence[Mapping[str, Any]], step: int) -> None:
        """Keep what the measures have found, as in evaluations/N.json; their values are logged after that."""
        self.measured |= {str(record["key"]) for record in records}

    def log_summary(self, summary: Mapping[str, Any]) -> None:
        """Keep what summary.json says at the end of a session."""

    def log_notice(self, text: str, step: int) -> None:
        """Pass a warning on to whoever watches from elsewhere."""

    def log_checkpoint(self, path: Path, samples_seen: int, what: str) -> None:
        """Keep a checkpoint at the end of a session, by what it is: best or latest."""

    def cut(self, samples_seen: int) -> None:
        """Forget what was logged after this point, before a run resumes from there."""

    def sync(self) -> None:
        """Wait until what was logged so far is on the disk, where a resumed run needs it."""
