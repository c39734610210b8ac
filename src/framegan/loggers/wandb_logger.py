"""Weights & Biases: one run there for one run folder, with or without an account."""

import netrc
import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from lightning.pytorch.utilities.rank_zero import rank_zero_only

from framegan.loggers.run_logger import RunLogger


class WandB(RunLogger):
    """Sends metrics, pictures and the configuration to Weights & Biases.

    The run's id is kept in <run folder>/wandb_run_id, so that a resumed run goes on in the same place. Online,
    rows that were sent before the stop and come again after a resume from an earlier checkpoint are not sent twice;
    offline, W&B can't say what it has, and they are.

    Args:
        project: where the run is listed.
        name: what it is called. None = the run folder's name.
        entity: the account or team. None = your own.
        group: runs of one group are listed together.
        offline: keep everything in <run folder>/wandb until `wandb sync`. None = where no account is configured.
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
        self.offline = not has_account() if offline is None else offline
        self.sent_until = -1
        self.finished = False

    @cached_property
    def run(self) -> Any:
        import wandb

        id_file = Path(self.folder) / "wandb_run_id"
        run = wandb.init(
            **self.options,  # type: ignore[arg-type]
            id=id_file.read_text().strip() if id_file.exists() else None,
            dir=self.folder,
            mode="offline" if self.offline else None,
            resume="allow",
            settings=wandb.Settings(console="off", silent=True),
        )
        id_file.write_text(run.id)
        run.define_metric("*", step_metric="samples_seen")
        self.sent_until = int(run.summary.get("samples_seen") or -1)
        if self.offline:
            print(f"W&B      offline; to upload: wandb sync {run.dir.removesuffix('/files')}", flush=True)
        return run

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        if step is not None and self.run is not None and step > self.sent_until:
            self.run.log({**metrics, "samples_seen": step})

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any]) -> None:  # type: ignore[override]
        self.run.config.update(params, allow_val_change=True)

    @rank_zero_only
    def log_image(self, name: str, image: np.ndarray, step: int) -> None:
        import wandb

        if self.run is not None and step > self.sent_until:
            self.run.log({name: wandb.Image(image), "samples_seen": step})

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """End the W&B run: the next job of a sweep in this process must begin its own."""
        if "run" in self.__dict__ and not self.finished:
            self.run.finish(exit_code=0 if status == "success" else 1)
            self.finished = True


def has_account() -> bool:
    """Say whether W&B knows who we are and isn't told to stay offline."""
    if os.environ.get("WANDB_MODE"):
        return os.environ["WANDB_MODE"] == "online"
    if os.environ.get("WANDB_API_KEY"):
        return True
    try:
        return netrc.netrc().authenticators("api.wandb.ai") is not None
    except (OSError, netrc.NetrcParseError):
        return False
