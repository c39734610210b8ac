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
from framegan.loggers.run_logger import RefusedError, RunLogger

ID_FILE = "wandb_run_id"
"""In a run folder: what W&B calls the run."""


class WandB(RunLogger):
    """Sends metrics, pictures and the configuration to Weights & Biases.

    The run's id is kept in ID_FILE of the run folder, so that a resumed run logs to the same place. W&B takes no row
    back: what a run that has gone back logs again stands beside what was sent before.

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
        self.origin: dict[str, Any] = {}

    @cached_property
    def run(self) -> Any:
        import wandb

        id_file = Path(self.folder) / ID_FILE
        try:
            run = wandb.init(
                **self.options,  # type: ignore[arg-type]
                id=id_file.read_text() if id_file.exists() else None,
                dir=self.folder,
                mode=self.mode,  # type: ignore[arg-type]
                resume="allow",
                settings=wandb.Settings(console="off", silent=True),
            )
        except wandb.errors.Error as error:
            raise RefusedError(
                f"W&B doesn't take the run: {' '.join(str(error).split())}; see to the account (wandb login), "
                "logger.wandb.entity and logger.wandb.project, or set logger.wandb.offline=true"
            ) from error
        if run.disabled:
            return run
        atomic.write_text(id_file, run.id)
        run.define_metric("*", step_metric="samples_seen")
        where = f"offline; to upload: wandb sync {shlex.quote(str(Path(run.dir).parent))}" if run.offline else run.url
        print(f"W&B      {where}", flush=True)
        return run

    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        self._send({self.tag(key): value for key, value in metrics.items()}, step)

    def _send(self, values: Mapping[str, Any], step: int | None) -> None:
        self.run.log({**values, "samples_seen": step})

    def log_hyperparams(self, params: Any, *_: Any, **__: Any) -> None:
        run = self.run
        run.config.update(params, allow_val_change=True)
        chosen = [params.get("choices", {}).get(group) for group in ("model", "data")]
        run.tags = tuple(dict.fromkeys([*(run.tags or ()), *filter(None, chosen)]))

    def log_image(self, name: str, image: np.ndarray, step: int, caption: str = "") -> None:
        import wandb

        self._send({name: wandb.Image(image, caption=caption or None)}, step)

    def log_video(self, name: str, path: Path, step: int, caption: str = "") -> None:
        import wandb

        self._send({name: wandb.Video(str(path), format="mp4", caption=caption or None)}, step)

    def log_records(self, records: Sequence[Mapping[str, Any]], step: int) -> None:
        import wandb

        super().log_records(records, step)
        for record in records:
            summary = "max" if record["better"] == "higher" else "min"
            self.run.define_metric(self.tag(record["key"]), step_metric="samples_seen", summary=summary)
        rows = [
            [step, one["key"], one["value"], *(one["interval"] or (None, None)), one["better"], dumps(one["protocol"])]
            for one in records
        ]
        columns: list[str | int] = ["samples_seen", "score", "value", "low", "high", "better", "protocol"]
        self._send({"evaluation": wandb.Table(columns=columns, data=rows)}, step)

    def log_summary(self, summary: Mapping[str, Any]) -> None:
        self.run.summary["status"] = summary["status"]
        best = summary["best"].get(summary["objective"])
        if best:
            self.run.summary["objective"] = best["value"]

    def log_notice(self, text: str, step: int) -> None:
        self.run.alert(title=f"{self.options['name']} at {step:,} samples", text=text)

    def log_origin(self, checkpoint: Path, samples_seen: int) -> None:
        """Say in the configuration what is resumed; online, use its artifact where that moment has one."""
        id_file, run = checkpoint.parent.parent / ID_FILE, self.run
        if not id_file.exists():
            return
        self.origin = {"resumed_from": {"run": id_file.read_text(), "samples_seen": samples_seen}}
        run.config.update(self.origin, allow_val_change=True)
        if self.artifacts and not (run.offline or run.disabled):
            self._use(f"{run.entity}/{run.project}/{_artifact(id_file.read_text())}", samples_seen)

    def _use(self, name: str, samples_seen: int) -> None:
        import wandb

        api = wandb.Api()
        for alias in ("latest", "best"):
            version = f"{name}:{alias}"
            if api.artifact_exists(version, type="model"):
                artifact = api.artifact(version, type="model")
                if artifact.metadata.get("samples_seen") == samples_seen:
                    self.run.use_artifact(artifact)
                    return

    def log_checkpoint(self, path: Path, samples_seen: int, what: str) -> None:
        import wandb

        if self.artifacts:
            metadata = {"samples_seen": samples_seen, **self.origin}
            artifact = wandb.Artifact(_artifact(self.run.id), type="model", metadata=metadata)
            artifact.add_file(str(path), name="checkpoint.ckpt")
            self.run.log_artifact(artifact, aliases=[what])

    def finalize(self, status: str) -> None:
        """End the W&B run: the next job of a sweep in this process must begin its own."""
        if "run" in self.__dict__:
            self.run.finish(exit_code=0 if status == "success" else 1)
            del self.run


def _artifact(run_id: str) -> str:
    return f"generator-{run_id}"


def has_account() -> bool:
    """Say whether W&B knows who we are: by WANDB_API_KEY, or by a login that it saved."""
    host = urlsplit(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).netloc
    try:
        saved = netrc.netrc(Path(os.environ.get("NETRC", "~/.netrc")).expanduser()).authenticators(host)
    except (OSError, netrc.NetrcParseError):
        saved = None
    return bool(os.environ.get("WANDB_API_KEY") or saved)
