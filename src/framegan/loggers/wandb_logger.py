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
from framegan.files.strict_json import dumps
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
        group: runs of one group are listed together. None = those of a sweep are a group.
        tags: besides the model and the data.
        artifacts: whether the checkpoints of the best and the latest generator are uploaded at the end.
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
        artifacts: bool = False,
    ):
        super().__init__(folder)
        sweep = Path(folder).parent.name if (Path(folder).parent / "multirun.yaml").exists() else None
        self.options = {"project": project, "entity": entity, "group": group or sweep, "tags": list(tags)}
        self.options |= {"name": name or Path(folder).name, "job_type": "train"}
        self.artifacts = artifacts
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
        run = self.run
        run.config.update(params, allow_val_change=True)
        chosen = [params.get("choices", {}).get(group) for group in ("model", "data")]
        run.tags = tuple(dict.fromkeys([*(run.tags or ()), *filter(None, chosen)]))

    def log_image(self, name: str, image: np.ndarray, step: int, caption: str = "") -> None:
        import wandb

        self.log_metrics({name: wandb.Image(image, caption=caption or None)}, step)

    def log_video(self, name: str, path: Path, step: int, caption: str = "") -> None:
        import wandb

        self.log_metrics({name: wandb.Video(str(path), format="mp4", caption=caption or None)}, step)

    def log_records(self, records: Sequence[Mapping[str, Any]], step: int) -> None:
        import wandb

        for record in records:
            summary = "max" if record["better"] == "higher" else "min"
            self.run.define_metric(record["key"], step_metric="samples_seen", summary=summary)
        rows = [
            [step, one["key"], one["value"], *(one["interval"] or (None, None)), one["better"], dumps(one["protocol"])]
            for one in records
        ]
        columns: list[str | int] = ["samples_seen", "score", "value", "low", "high", "better", "protocol"]
        self.log_metrics({"evaluation": wandb.Table(columns=columns, data=rows)}, step)

    def log_summary(self, summary: Mapping[str, Any]) -> None:
        best = summary["best"].get(summary["objective"])
        if best:
            self.run.summary["objective"] = best["value"]

    def log_notice(self, text: str, step: int) -> None:
        self.run.alert(title=f"{self.options['name']} at {step:,} samples", text=text)

    def log_checkpoints(self, checkpoints: Mapping[str, Path], step: int) -> None:
        import wandb

        if not self.artifacts:
            return
        for alias, path in checkpoints.items():
            artifact = wandb.Artifact(f"generator-{self.run.id}", type="model", metadata={"samples_seen": step})
            artifact.add_file(str(path), name="checkpoint.ckpt")
            self.run.log_artifact(artifact, aliases=[alias])

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
