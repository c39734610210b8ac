"""Train a GAN: python src/train.py model=dcgan data=mnist"""

import json
import logging
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

import launch

READ_HERE = {"resume", *launch.FILLED_IN}


@hydra.main(version_base="1.3", config_path=launch.CONFIGURATIONS, config_name="train")
def main(cfg: DictConfig) -> float | None:
    folder = Path(HydraConfig.get().runtime.output_dir)
    for group in ("model", "data"):
        launch.require_choice(cfg, group)
    with launch.plain_errors():
        launch.check(cfg, READ_HERE)

    from framegan.strategy import is_child, run_and_forget_ranks

    if cfg.resume is None and not is_child() and any(folder.glob("checkpoints/*.ckpt")):
        launch.stop(
            f"{folder} already holds a run. To go on with it: python src/train.py resume={folder}  "
            "For a new run choose another folder: hydra.run.dir=FOLDER"
        )
    return run_and_forget_ranks(lambda: train(cfg, folder))


def train(cfg: DictConfig, folder: Path) -> float | None:
    """Build what the configuration says, train it, and return the best value of the objective."""
    import torch
    from lightning.pytorch.utilities.exceptions import MisconfigurationException

    be_quiet()
    with launch.plain_errors(MisconfigurationException):
        datamodule = launch.build(cfg.data.datamodule)
        fill_in(cfg, datamodule)
        torch.manual_seed(cfg.seed)
        torch.set_flush_denormal(True)  # weights that fade away would make a processor crawl
        gan = launch.build(cfg.model)
        loggers = [launch.build(node, folder=str(folder)) for node in cfg.logger.values()]
        trainer = launch.build(
            cfg.trainer,
            callbacks=[launch.build(node) for node in cfg.callbacks.values()],
            loggers=loggers,
            folder=str(folder),
            child_command=launch.child_command(__file__, folder, cfg),
        )
        datamodule.check_batch_fits(trainer.world_size)

    checkpoint = launch.checkpoint_of(cfg.resume, ["last"]) if cfg.resume else None
    if trainer.is_global_zero:
        launch.save_config(cfg, folder)
        announce(folder, datamodule, gan)
    status = "failed"
    try:
        for logger in loggers:
            logger.log_hyperparams(launch.as_dict(cfg))
        trainer.fit(gan, datamodule=datamodule, ckpt_path=checkpoint, weights_only=True)
        status = "success"
    finally:
        for logger in loggers:
            logger.finalize(status)
    if trainer.is_global_zero:
        say_goodbye(folder, cfg.total_samples)
    return best_of(folder)


def fill_in(cfg: DictConfig, datamodule: Any) -> None:
    """Write into the configuration what only the data could tell, for the networks and for the run folder."""
    cfg.data.shape = list(datamodule.shape)
    cfg.data.num_classes = datamodule.num_classes
    cfg.data.fingerprint = datamodule.fingerprint
    if cfg.data.get("split") == "auto":
        cfg.data.split = datamodule.split


def announce(folder: Path, datamodule: Any, gan: Any) -> None:
    """Print what is about to be trained, and where it goes."""
    shape = "x".join(map(str, datamodule.shape))
    print(f"run      {folder}")
    print(
        f"data     {len(datamodule.source):,} samples of {shape}, {datamodule.num_classes} classes, {datamodule.split}"
    )
    for name in ("generator", "discriminator"):
        size = sum(parameter.numel() for parameter in getattr(gan, name).parameters())
        print(f"{name:<14} {size / 1e6:.2f} M parameters", flush=True)


def say_goodbye(folder: Path, total_samples: int) -> None:
    """Print how the run ended, where to look and what to type next."""
    summary = json.loads((folder / "summary.json").read_text())
    seen, where = summary["samples_seen"], os.path.relpath(folder)
    print(f"\n{summary['status']}: {seen:,} samples in {summary['seconds']:,.0f} s")
    print(f"look at  {where}/samples/fake_{seen}.png beside real.png; the curves are in metrics.csv")
    if seen < total_samples:
        print(f"go on    python src/train.py resume={where}")
    else:
        print(f"longer   python src/train.py resume={where} total_samples={2 * total_samples}")
    print(f"sample   python src/generate.py checkpoint={where} num_samples=64 seed=0", flush=True)


def best_of(folder: Path) -> float | None:
    """Return the best value of the objective that the run has measured; None without one."""
    summary = json.loads((folder / "summary.json").read_text())
    return summary["best"][summary["objective"]]["value"] if summary["objective"] else None


def be_quiet() -> None:
    """Silence what Lightning says about choices that are made on purpose here."""
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    logging.getLogger("lightning.fabric").setLevel(logging.ERROR)
    for message in ("does not have many workers", "log_every_n_steps", "in eval mode", "treespec", "broadcast_buffers"):
        warnings.filterwarnings("ignore", f".*{message}.*")


if __name__ == "__main__":
    sys.argv[1:] = launch.resuming(sys.argv[1:])
    main()
