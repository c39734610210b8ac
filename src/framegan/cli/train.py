"""Train a GAN: framegan train model=dcgan data=mnist"""

import json
from contextlib import ExitStack, nullcontext, suppress
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from framegan.cli import announcement, compose, errors, hydra_folder, resume, sweep
from framegan.cli.session import Session
from framegan.containers import without_mixed_lists
from framegan.processes.lifetime import undone
from framegan.quoting import command
from framegan.runs import run_folder
from framegan.runs.moved import with_todays_names
from framegan.runs.run_files import RunFiles

OF_EVERY_RUN = {
    **dict.fromkeys(("non_finite", "log_metrics", "clock", "stop"), ""),
    "checkpoint": "; checkpoint_every=null writes one at the end alone",
    "summary": "; callbacks.summary.report=false writes no page",
}
"""Callbacks that a run can't do without, and what may be meant."""


@hydra.main(version_base="1.3", config_path=compose.CONFIGURATIONS, config_name="train")
def main(cfg: DictConfig) -> float | None:
    """Train in this process or in several, and return the best value of the objective."""
    folder = Path(HydraConfig.get().runtime.output_dir)
    with undone() as held:
        held.callback(hydra_folder.remove_if_empty, folder)
        from framegan.processes.ranks import was_typed  # which takes seconds, in which Ctrl-C may come

        compose.flush_denormals()
        config = without_mixed_lists(with_todays_names(compose.as_dict(cfg, resolve=False)))
        cfg = OmegaConf.create(config, flags={"struct": True})
        sweep.check_search(cfg)
        if sweep.is_job():
            sweep.JOBS.add(folder.resolve())
        with sweep.failure_kept(cfg, folder) if sweep.is_job() else nullcontext():
            num_ranks = check(cfg)
            if sweep.is_job():
                with errors.plain_errors():
                    is_finished = sweep.is_finished(cfg, folder)
                if is_finished:
                    print(f"finished {folder}, before", flush=True)
                    return end_of(folder)
                cfg.resume = resume.AUTO
            take_folder(cfg, folder, held)
            with sweep.failure_kept(cfg, folder):
                if num_ranks is None:
                    return train(cfg, folder)
                compose.run_ranks("train", cfg, num_ranks, cfg.trainer.num_nodes)
                return end_of(folder) if was_typed() else None  # the other machines have taken the first one's folder
    return end_of(folder) if RunFiles(folder).status == "collapsed" else None  # it has failed, as its sweep says


def check(cfg: DictConfig) -> int | None:
    """Stop where the configuration can't be trained; return as `ranks_of`."""
    for group in ("model", "data"):
        compose.require_choice(cfg, group)
    for name, instead in OF_EVERY_RUN.items():
        if name not in (cfg.get("callbacks") or {}):
            errors.stop(f"callbacks.{name} is a part of every run and can't be left out{instead}")
    with errors.plain_errors():
        compose.check(cfg, *compose.own_settings("train"))
    return ranks_of(cfg)


def ranks_of(cfg: DictConfig) -> int | None:
    """Return how many ranks are to be started on this machine; None where this process trains itself."""
    from framegan.devices import count_devices
    from framegan.processes import scheduler
    from framegan.processes.ranks import is_rank

    if is_rank() and HydraConfig.get().mode == RunMode.MULTIRUN:
        again = command("train", "-m trainer.devices=N")
        errors.stop(f"torchrun would start the sweep once for each rank; run {again} instead")
    scheduler.adopt_task()
    with errors.plain_errors():
        num_ranks = count_devices(cfg.trainer.devices, cfg.trainer.accelerator)
    trains_here = is_rank() or (num_ranks * cfg.trainer.num_nodes == 1 and cfg.trainer.strategy == "auto")
    return None if trains_here else num_ranks


def take_folder(cfg: DictConfig, folder: Path, held: ExitStack) -> None:
    """Hold the run folder, and stop where it holds another run than the one that is resumed."""
    from framegan.processes.ranks import was_typed

    with errors.plain_errors(), resume.stopped_with_how(folder):
        if was_typed():
            held.enter_context(run_folder.alone_in(folder))
            held.callback(hydra_folder.withdraw, folder)
        resume.check_folder(cfg, folder)
        begins = cfg.resume is None or not any(folder.glob("checkpoints/*.ckpt"))
        if was_typed() and (begins or not run_folder.saved_config(folder).exists()):
            hydra_folder.save_choices(folder)


def train(cfg: DictConfig, folder: Path) -> float | None:
    """Train as rank 0 says, as one of several ranks or alone; return the best value of the objective."""
    from framegan.processes import scheduler
    from framegan.processes.ranks import from_rank_zero, is_first, joined

    with joined(cfg.trainer.timeout):
        with errors.plain_errors():
            config, chosen, checkpoint = from_rank_zero(lambda: begin(cfg, folder))
        if chosen != folder:  # Hydra has made one for each machine or rank, with the time in its name
            with suppress(OSError):
                folder.rmdir()
        with resume.stopped_with_how(chosen, cfg.trainer.timeout):
            session = Session(OmegaConf.create(config), chosen, checkpoint)
            while (ending := session.fit()) and ending.starts_over:
                if is_first():
                    print(f"\n{ending.message}", flush=True)
                del session  # two may not fit into memory
                session = Session(OmegaConf.create(config), chosen, ending.checkpoint)
            if ending:
                errors.stop(ending.message)
            if is_first():
                print(f"\n{announcement.ending(session)}", flush=True)
            with errors.plain_errors():
                job = from_rank_zero(scheduler.requeue) if session.trainer.run.requeues else None
        if job:  # a job that ends well is not run again
            errors.stop(f"SLURM was about to end job {job}; it is back in the queue", ends_sweep=True)
        return from_rank_zero(lambda: end_of(chosen))


def begin(cfg: DictConfig, folder: Path) -> tuple[dict[str, Any], Path, Path | None]:
    """Return what all ranks train: the configuration, the run folder, and the checkpoint to resume from, if any."""
    from framegan.runs import rollback

    if cfg.resume is None:
        rollback.forget(folder)
    checkpoint = resume.checkpoint_of(cfg, folder)
    if checkpoint:
        resume.check_length(cfg, checkpoint)
    return compose.as_dict(cfg, resolve=False), folder, checkpoint


def end_of(folder: Path) -> float | None:
    """Return the best value of the objective of a run, None without one.

    A run that a signal has stopped ends a sweep, where its jobs run here, one after the other.
    """
    summary = json.loads((folder / "summary.json").read_text())
    if summary["status"].startswith("stopped by") and sweep.is_job() and sweep.runs_here():
        raise SystemExit(f"error: the sweep was {summary['status']}; the same line resumes it")
    if summary["objective"] is None:
        return None
    best = summary["best"][summary["objective"]]
    sweep.check_direction(summary["objective"], best.get("better"))
    return best["value"]
