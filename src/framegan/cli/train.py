"""Train a GAN: framegan train model=dcgan data=mnist"""

import copy
import json
import logging
import os
import warnings
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, NoReturn

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from hydra.utils import get_object
from omegaconf import DictConfig, OmegaConf

from framegan.cli import compose, errors, resume
from framegan.processes.lifetime import undone
from framegan.quoting import command
from framegan.runs import run_folder


@hydra.main(version_base="1.3", config_path=compose.CONFIGURATIONS, config_name="train")
def main(cfg: DictConfig) -> float | None:
    folder = Path(HydraConfig.get().runtime.output_dir)
    with undone() as held:
        held.callback(run_folder.remove_if_empty, folder)
        compose.flush_denormals()
        cfg = compose.of_today(cfg)
        for group in ("model", "data"):
            compose.require_choice(cfg, group)
        with errors.plain_errors():
            compose.check(cfg, "resume", "resume_changes", "trust")
        return run(cfg, folder, held)


def run(cfg: DictConfig, folder: Path, held: ExitStack) -> float | None:
    """Hold the run folder, and train in this process or in several; return the best value of the objective."""
    from framegan.processes import scheduler
    from framegan.processes.ranks import is_rank, was_typed
    from framegan.trainer import count_devices

    if is_rank() and HydraConfig.get().mode == RunMode.MULTIRUN:
        errors.stop(
            f"torchrun would start the sweep once for each rank; type {command('train', '-m trainer.devices=N')}"
        )
    scheduler.adopt_task()
    with errors.plain_errors(), resume.one_message_if_full(folder):
        num_ranks, num_nodes = count_devices(cfg.trainer.devices, cfg.trainer.accelerator), cfg.trainer.num_nodes
        if was_typed():
            held.enter_context(run_folder.alone_in(folder))
            held.callback(run_folder.withdraw, folder)
        resume.check_folder(cfg, folder)
        if was_typed() and (cfg.resume is None or not run_folder.saved_config(folder).exists()):
            run_folder.save_choices(folder)
    if is_rank() or (num_ranks * num_nodes == 1 and cfg.trainer.strategy == "auto"):
        return train(cfg, folder)
    compose.run_ranks("train", cfg, num_ranks, num_nodes)
    return end_of(folder) if was_typed() else None  # the other machines have taken the first one's folder


def train(cfg: DictConfig, folder: Path) -> float | None:
    """Train as rank 0 says, as one of several ranks or alone; return the best value of the objective."""
    from framegan.processes.ranks import from_rank_zero, joined
    from framegan.runs import rollback

    def decide() -> tuple[dict[str, Any], Path, Path | None]:
        if cfg.resume is None:
            rollback.forget(folder)
        checkpoint = resume.checkpoint_of(cfg, folder)
        if checkpoint:
            resume.check_length(cfg, checkpoint)
        return compose.as_dict(cfg, resolve=False), folder, checkpoint

    with joined(cfg.trainer.timeout):
        with errors.plain_errors():
            config, chosen, checkpoint = from_rank_zero(decide)
        if chosen != folder:  # Hydra has made one for each machine or rank, with the time in its name
            with suppress(OSError):
                folder.rmdir()
        train_with_rollbacks(OmegaConf.create(config), chosen, checkpoint)
        return from_rank_zero(lambda: end_of(chosen))


def train_with_rollbacks(cfg: DictConfig, folder: Path, checkpoint: Path | None) -> None:
    """Train, and start over from an earlier checkpoint whenever a callback asks for it."""
    from framegan.data.source import UnreadableDataError
    from framegan.data.train_loader import death_of_worker
    from framegan.processes.ranks import OtherRankError, is_first, said_of_others
    from framegan.runs.rollback import Rollback, TrainingStoppedError

    while True:
        try:
            with said_of_others(cfg.trainer.timeout):
                return train_here(cfg, folder, checkpoint)
        except TrainingStoppedError as error:
            errors.stop(str(error))
        except (UnreadableDataError, OtherRankError) as error:
            stop_until_resumed(error, str(error), folder)
        except (RuntimeError, MemoryError) as error:
            message = death_of_worker(str(error)) or errors.out_of_memory(error)
            if message is None:
                raise
            stop_until_resumed(error, message, folder)
        except Rollback as rollback:
            checkpoint = rollback.checkpoint
            if is_first():
                print(f"\n{rollback}", flush=True)


def stop_until_resumed(error: Exception, message: str, folder: Path) -> NoReturn:
    """End the program with one message, and with what resumes the run."""
    if os.environ.get("HYDRA_FULL_ERROR") == "1":
        raise error
    errors.stop(f"{message}; {resume.how_to(folder)}")


def train_here(cfg: DictConfig, folder: Path, checkpoint: Path | None) -> None:
    """Build what the configuration says and train it in this process, whatever others do beside it."""
    import torch
    from lightning.pytorch.callbacks import Callback, LambdaCallback
    from lightning.pytorch.utilities.exceptions import MisconfigurationException

    from framegan import contracts
    from framegan.callbacks.stop_on_signal import StopOnSignal
    from framegan.data import run_data
    from framegan.loggers.run_logger import RunLogger
    from framegan.processes import scheduler
    from framegan.processes.ranks import from_rank_zero, is_first
    from framegan.runs.checkpoint import check as check_contents
    from framegan.runs.rollback import learning_rate_factor

    def begin(*_: Any) -> None:
        if is_first():  # what stops a run before it begins leaves the settings as they were
            run_folder.save_config(cfg, folder)
            run_data.write(folder, datamodule)

    be_quiet()
    with errors.plain_errors(MisconfigurationException):
        told = {"shape": None, "num_classes": None} if checkpoint else {}  # by the data that were there then
        datamodule = compose.build(cfg.data.datamodule, **told)
        fill_in(cfg, datamodule)
        changes = resume.check_changes(cfg, checkpoint, datamodule) if checkpoint else []
        torch.manual_seed(cfg.seed)
        gan = gan_of(cfg, learning_rate_factor(folder))
        contracts.check_shape(gan.generator, datamodule.shape)
        loggers = built(RunLogger, "logger", cfg.logger, folder=str(folder))
        trainer = compose.build(
            cfg.trainer,
            callbacks=[*built(Callback, "callbacks", cfg.callbacks), LambdaCallback(on_train_start=begin)],
            loggers=loggers,
            folder=str(folder),
        )
        datamodule.check_batch_fits(trainer.world_size)
        if checkpoint:
            changes += check_contents(checkpoint, gan, trainer.world_size)

    status = "failed"
    try:
        with resume.one_message_if_full(folder):
            if trainer.is_global_zero:
                announce(folder, datamodule, gan, checkpoint, changes)
            for logger in loggers:
                logger.log_hyperparams(compose.as_shown(cfg))
            trainer.fit(gan, datamodule=datamodule, ckpt_path=checkpoint, weights_only=True)
        status = "success"
    finally:
        for logger in loggers:
            logger.finalize(status)
    if trainer.is_global_zero:
        say_goodbye(cfg, folder)
    if any(isinstance(callback, StopOnSignal) and callback.requeues for callback in trainer.callbacks):
        job = from_rank_zero(scheduler.requeue)
        if job:  # a job that ends well is not run again
            errors.stop(f"SLURM was about to end job {job}; it is back in the queue", ends_sweep=True)


def gan_of(cfg: DictConfig, learning_rate_factor: float) -> Any:
    """Build the networks and their game; what is wrong is told with the name of the model that was chosen."""
    try:
        return compose.build(cfg.model, learning_rate_factor=learning_rate_factor)
    except ValueError as error:
        chosen = HydraConfig.get().runtime.choices.get("model")
        raise ValueError(f"model={chosen}: {error}" if chosen else str(error)) from error


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


def announce(folder: Path, datamodule: Any, gan: Any, checkpoint: Path | None, changes: Sequence[str]) -> None:
    """Print what is about to be trained, from where, and where it goes."""
    from framegan.data.run_data import classes_line
    from framegan.runs.checkpoint import clock_of

    shape = "x".join(map(str, datamodule.shape))
    print(f"run      {folder}")
    if checkpoint:
        print(f"from     {checkpoint} ({clock_of(checkpoint):,} samples)")
    for change in changes:
        print(f"changed  {change}")
    if gan.learning_rate_factor != 1:
        print(f"rates    x{gan.learning_rate_factor:g} after a rollback (rollbacks.json)")
    print(
        f"data     {len(datamodule.source):,} samples of {shape}, {datamodule.num_classes} classes, {datamodule.split}"
    )
    if datamodule.num_classes > 1:
        print(f"classes  {classes_line(datamodule)}")
    for name in ("generator", "discriminator"):
        size = sum(parameter.numel() for parameter in getattr(gan, name).parameters())
        print(f"{name:<14} {size / 1e6:.2f} M parameters", flush=True)


def say_goodbye(cfg: DictConfig, folder: Path) -> None:
    """Print how the run ended, where to look and what to type next."""
    summary = json.loads((folder / "summary.json").read_text())
    seen, where = summary["samples_seen"], os.path.relpath(folder)
    resume_it, checkpoint = (run_folder.to_resume(key, where) for key in ("resume", "checkpoint"))
    print(f"\n{summary['status']}: {seen:,} samples in {summary['seconds']:,.0f} s")
    pictures = f"{where}/samples/fake_{seen}.png beside real.png; the curves are in metrics.csv"
    print(f"look at  {pictures if cfg.sample_every else f'{where}/metrics.csv, the curves'}")
    if seen < cfg.total_samples and cfg.trainer.max_batches is not None and summary["status"] == "finished":
        print(f"longer   {command('train', resume_it)} trainer.max_batches=null resume_changes=true")
    elif seen < cfg.total_samples:
        print(f"resume   {command('train', resume_it)}")
    else:
        longer = copy.deepcopy(cfg)
        longer.total_samples *= 2
        confirm = " resume_changes=true" if resume.is_another_run(cfg, longer) else ""
        print(f"longer   {command('train', resume_it)} total_samples={longer.total_samples}{confirm}")
    print(f"sample   {command('generate', checkpoint)} num_samples=64 seed=0", flush=True)


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
