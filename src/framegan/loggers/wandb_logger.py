"""Weights & Biases: one run there for one run folder, with or without an account."""

import netrc
import os
import shlex
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from framegan.files import atomic
from framegan.loggers.run_logger import RunLogger


class WandB(RunLogger):
    """Sends metrics, pictures and the configuration to Weights & Biases.

    The run's id is kept in <run folder>/wandb_run_id, so that a resumed run logs to the same place. Online,
    rows that were sent before the stop and come again after a resume from an earlier checkpoint are not sent twice;
    offline, W&B can't say what it has, and they are.

    Args:
        project: where the run is listed.
        name: what it is called. None = the run folder's name.
        entity: the account or team. None = your own.
        group: runs of one group are listed together.
        offline: keep everything in <run folder>/wandb until `wandb sync`. None = where no account is
            configured, unless WANDB_MODE says otherwise.
    """

    def __init__(
        self,
        folder: str,
        project: str = "framegan",
        name: str | None = None,
        entity: str | None = None,
        group: str | None = None,
        tags: Sequence[str] = (),
        offline: bool | None = None,
    ):
        super().__init__(folder)
        self.options = {"project": project, "entity": entity, "group": group, "tags": list(tags)}
        self.options["name"] = name or Path(folder).name
        by_itself = os.environ.get("WANDB_MODE") or (None if has_account() else "offline")
        self.mode = {None: by_itself, True: "offline", False: "online"}[offline]
        self.sent_until = -1

    @cached_property
    def run(self) -> Any:
        import wandb

        id_file = Path(self.folder) / "wandb_run_id"
        run = wandb.init(
            **self.options,  # type: ignore[arg-type]
            id=id_file.read_text() if id_file.exists() else None,
            dir=self.folder,
            mode=self.mode,  # type: ignore[arg-type]
            resume="allow",
            settings=wandb.Settings(console="off", silent=True),
        )
        if run.disabled:
            return run
        atomic.write_text(id_file, run.id)
        run.define_metric("*", step_metric="samples_seen")
        self.sent_until = int(run.summary.get("samples_seen", -1))
        where = f"offline; to upload: wandb sync {shlex.quote(str(Path(run.dir).parent))}" if run.offline else run.url
        print(f"W&B      {where}", flush=True)
        return run

    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        run = self.run  # its first use finds out what was sent before
        if step is not None and step > self.sent_until:
            run.log({**metrics, "samples_seen": step})

    def log_hyperparams(self, params: Any, *_: Any, **__: Any) -> None:
        self.run.config.update(params, allow_val_change=True)

    def log_image(self, name: str, image: np.ndarray, step: int) -> None:
        import wandb

        self.log_metrics({name: wandb.Image(image)}, step)

    def log_video(self, name: str, path: Path, step: int) -> None:
        import wandb

        self.log_metrics({name: wandb.Video(str(path), format="mp4")}, step)

    def finalize(self, status: str) -> None:
        """End the W&B run: the next job of a sweep in this process must begin its own."""
        if "run" in self.__dict__:
            self.run.finish(exit_code=0 if status == "success" else 1)
            del self.run


def has_account() -> bool:
    """Say whether W&B knows who we are: by WANDB_API_KEY, or by a login that it saved."""
    host = urlsplit(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).netloc
    try:
        saved = netrc.netrc(Path(os.environ.get("NETRC", "~/.netrc")).expanduser()).authenticators(host)
    except (OSError, netrc.NetrcParseError):
        saved = None
    return bool(os.environ.get("WANDB_API_KEY") or saved)
