"""Train a GAN: framegan train model=dcgan data=mnist"""

import copy
import json
import logging
import os
import warnings
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from hydra.utils import get_object
from omegaconf import DictConfig, OmegaConf

from framegan.cli import compose, errors, hydra_folder, resume
from framegan.processes.lifetime import undone
from framegan.quoting import command
from framegan.runs import run_folder


@hydra.main(version_base="1.3", config_path=compose.CONFIGURATIONS, config_name="train")
def main(cfg: DictConfig) -> float | None:
    """Train in this process or in several, and return the best value of the objective."""
    from framegan.processes.ranks import was_typed

    folder = Path(HydraConfig.get().runtime.output_dir)
    with undone() as held:
        held.callback(hydra_folder.remove_if_empty, folder)
        compose.flush_denormals()
        cfg = compose.of_today(cfg)
        for group in ("model", "data"):
            compose.require_choice(cfg, group)
        with errors.plain_errors():
            compose.check(cfg, "resume", "resume_changes", "trust")
        num_ranks, num_nodes = ranks_of(cfg)
        take_folder(cfg, folder, held)
        if num_ranks is None:
            return train(cfg, folder)
        compose.run_ranks("train", cfg, num_ranks, num_nodes)
        return end_of(folder) if was_typed() else None  # the other machines have taken the first one's folder


def ranks_of(cfg: DictConfig) -> tuple[int | None, int]:
    """Return how many ranks are to be started here, None where this process trains itself, and on how many machines."""
    from framegan.devices import count_devices
    from framegan.processes import scheduler
    from framegan.processes.ranks import is_rank

    if is_rank() and HydraConfig.get().mode == RunMode.MULTIRUN:
        again = command("train", "-m trainer.devices=N")
        errors.stop(f"torchrun would start the sweep once for each rank; run {again} instead")
    scheduler.adopt_task()
    with errors.plain_errors():
        num_ranks, num_nodes = count_devices(cfg.trainer.devices, cfg.trainer.accelerator), cfg.trainer.num_nodes
    trains_here = is_rank() or (num_ranks * num_nodes == 1 and cfg.trainer.strategy == "auto")
    return None if trains_here else num_ranks, num_nodes


def take_folder(cfg: DictConfig, folder: Path, held: ExitStack) -> None:
    """Hold the run folder, and stop where it holds another run than the one that is resumed."""
    from framegan.processes.ranks import was_typed

    with errors.plain_errors(), resume.told_how(folder):
        if was_typed():
            held.enter_context(run_folder.alone_in(folder))
            held.callback(hydra_folder.withdraw, folder)
        resume.check_folder(cfg, folder)
        if was_typed() and (cfg.resume is None or not run_folder.saved_config(folder).exists()):
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
        with resume.told_how(chosen, cfg.trainer.timeout):
            session = Session(OmegaConf.create(config), chosen, checkpoint)
            while (ending := session.fit()) and ending.starts_over:
                if is_first():
                    print(f"\n{ending.message}", flush=True)
                del session  # two may not fit into memory
                session = Session(OmegaConf.create(config), chosen, ending.checkpoint)
            if ending:
                errors.stop(ending.message)
            session.say_goodbye()
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


class Session:
    """One training of a run in this process, whatever others do beside it: data, networks and trainer, built to fit.

    Args:
        cfg: what only the data can tell is filled in.
        checkpoint: to resume from. None = from the beginning.
    """

    def __init__(self, cfg: DictConfig, folder: Path, checkpoint: Path | None):
        import torch
        from lightning.pytorch.utilities.exceptions import MisconfigurationException

        from framegan import contracts
        from framegan.runs import checkpoint as checkpoints

        be_quiet()
        self.cfg, self.folder, self.checkpoint = cfg, folder, checkpoint
        self.changes: list[str] = []
        with errors.plain_errors(MisconfigurationException):
            told = {"shape": None, "num_classes": None} if checkpoint else {}  # by the data that were there then
            self.datamodule = compose.build(cfg.data.datamodule, **told)
            fill_in(cfg, self.datamodule)
            if checkpoint:
                self.changes += resume.check_changes(cfg, checkpoint, self.datamodule)
            torch.manual_seed(cfg.seed)
            self.gan = self._gan()
            contracts.check_shape(self.gan.generator, self.datamodule.shape)
            self.trainer = self._trainer()
            self.datamodule.check_batch_fits(self.trainer.world_size)
            if checkpoint:
                self.changes += checkpoints.check(checkpoint, self.gan, self.trainer.world_size)

    def fit(self) -> Any:
        """Train, and return the `framegan.runs.rollback.Ending` where that has gone wrong, else None."""
        from framegan.runs.rollback import TrainingEndedError

        loggers, status = self.trainer.run_loggers, "failed"
        try:
            self.announce()
            for logger in loggers:
                logger.log_hyperparams(compose.as_shown(self.cfg))
            self.trainer.fit(self.gan, datamodule=self.datamodule, ckpt_path=self.checkpoint, weights_only=True)
            status = "success"
        except TrainingEndedError as ended:
            return ended.ending
        except SystemExit as end:
            if isinstance(end.__context__, KeyboardInterrupt):  # Lightning would end the process of whoever calls this
                raise end.__context__ from None
            raise
        finally:
            for logger in loggers:
                logger.finalize(status)
        return None

    def _gan(self) -> Any:
        """Build the networks and their game; an error names the model that was chosen."""
        from framegan.runs.rollback import learning_rate_factor

        try:
            return compose.build(self.cfg.model, learning_rate_factor=learning_rate_factor(self.folder))
        except ValueError as error:
            chosen = HydraConfig.get().runtime.choices.get("model")
            raise ValueError(f"model={chosen}: {error}" if chosen else str(error)) from error

    def _trainer(self) -> Any:
        from lightning.pytorch.callbacks import Callback, LambdaCallback

        from framegan.loggers.run_logger import RunLogger

        callbacks = built(Callback, "callbacks", self.cfg.callbacks)
        return compose.build(
            self.cfg.trainer,
            callbacks=[*callbacks, LambdaCallback(on_train_start=self._keep_settings)],
            loggers=built(RunLogger, "logger", self.cfg.logger, folder=str(self.folder)),
            folder=str(self.folder),
        )

    def _keep_settings(self, *_: Any) -> None:
        """Save what is trained with; what stops a run before it begins leaves the settings as they were."""
        from framegan.data import run_data

        if self.trainer.is_global_zero:
            run_folder.save_config(self.cfg, self.folder)
            run_data.write(self.folder, self.datamodule)

    def announce(self) -> None:
        """Print what is about to be trained, from where, and where it goes."""
        from framegan.data.run_data import classes_line
        from framegan.runs.checkpoint import clock_of

        if not self.trainer.is_global_zero:
            return
        data, factor = self.datamodule, self.gan.learning_rate_factor
        print(f"run      {self.folder}")
        if self.checkpoint:
            print(f"from     {self.checkpoint} ({clock_of(self.checkpoint):,} samples)")
        for change in self.changes:
            print(f"changed  {change}")
        if factor != 1:
            print(f"rates    x{factor:g} after a rollback (rollbacks.json)")
        shape = "x".join(map(str, data.shape))
        print(f"data     {len(data.source):,} samples of {shape}, {data.num_classes} classes, {data.split}")
        if data.num_classes > 1:
            print(f"classes  {classes_line(data)}")
        for name in ("generator", "discriminator"):
            size = sum(parameter.numel() for parameter in getattr(self.gan, name).parameters())
            print(f"{name:<14} {size / 1e6:.2f} M parameters", flush=True)

    def say_goodbye(self) -> None:
        """Print how the run ended, where to look and what to run next."""
        if not self.trainer.is_global_zero:
            return
        cfg, where = self.cfg, os.path.relpath(self.folder)
        summary = json.loads((self.folder / "summary.json").read_text())
        seen = summary["samples_seen"]
        again, checkpoint = (run_folder.to_resume(key, where) for key in ("resume", "checkpoint"))
        print(f"\n{summary['status']}: {seen:,} samples in {summary['seconds']:,.0f} s")
        pictures = f"{where}/samples/fake_{seen}.png beside real.png; the curves are in metrics.csv"
        print(f"look at  {pictures if cfg.sample_every else f'{where}/metrics.csv, the curves'}")
        if seen < cfg.total_samples and cfg.trainer.max_batches is not None and summary["status"] == "finished":
            print(f"longer   {command('train', again)} trainer.max_batches=null resume_changes=true")
        elif seen < cfg.total_samples:
            print(f"resume   {command('train', again)}")
        else:
            longer = copy.deepcopy(cfg)
            longer.total_samples *= 2
            confirm = " resume_changes=true" if resume.is_another_run(cfg, longer) else ""
            print(f"longer   {command('train', again)} total_samples={longer.total_samples}{confirm}")
        print(f"sample   {command('generate', checkpoint)} num_samples=64 seed=0", flush=True)


def built(kind: type, key: str, nodes: DictConfig, **arguments: Any) -> list[Any]:
    """Return what the nodes below a key build; raise ValueError where one names a class of another kind."""
    for name, node in nodes.items():
        target = get_object(node._target_)
        if isinstance(target, type) and not issubclass(target, kind):
            raise ValueError(f"{key}.{name!s} is a {target.__name__}; it should be a {kind.__name__}")
    return [compose.build(node, **arguments) for node in nodes.values()]


def fill_in(cfg: DictConfig, datamodule: Any) -> None:
    """Write into the configuration what only the data could tell, for the networks and for the run folder."""
    cfg.data.shape = list(datamodule.shape)
    cfg.data.num_classes = datamodule.num_classes
    cfg.data.fingerprint = datamodule.fingerprint
    if datamodule.frames_per_second is not None:
        cfg.data.frames_per_second = datamodule.frames_per_second
    if cfg.data.get("split") == "auto":
        cfg.data.split = datamodule.split


def end_of(folder: Path) -> float | None:
    """Return the best value of the objective of a run, None without one; one that a signal has stopped ends a sweep."""
    summary = json.loads((folder / "summary.json").read_text())
    compose.end_sweep_if_stopped(summary["status"])
    return summary["best"][summary["objective"]]["value"] if summary["objective"] else None


def be_quiet() -> None:
    """Silence what Lightning says about choices that are made on purpose here."""
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    logging.getLogger("lightning.fabric").setLevel(logging.ERROR)
    for message in ("does not have many workers", "log_every_n_steps", "in eval mode", "treespec", "broadcast_buffers"):
        warnings.filterwarnings("ignore", f".*{message}.*")
