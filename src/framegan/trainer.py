"""The Lightning Trainer of a GAN run: no epochs, no validation loop, the right strategy for its devices."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from lightning.pytorch import Callback, Trainer
from pydantic import NonNegativeInt, PositiveInt

from framegan.loggers.run_logger import RunLogger
from framegan.strategy import GANStrategy

PRECISIONS: dict[str, Any] = {"fp32": "32-true", "fp64": "64-true", "bf16-mixed": "bf16-mixed"}


class GANTrainer(Trainer):
    """A trainer whose length, checkpoints and logs are left to the callbacks, which count samples.

    Args:
        devices: processes on this machine, one GPU each where there are GPUs; a list names the GPUs.
        strategy: "auto" is `GANStrategy` for more than one process and none for one; "ddp" is `GANStrategy` always;
            "ddp_find_unused_parameters_true" is Lightning's own, right but with twice the traffic.
        micro_batches: pieces a batch is processed in, gradients summed (gradient accumulation): less memory, the same
            result but for batch normalisation.
        log_every_n_steps: batches from one row of metrics to the next.
        max_batches: stop after so many batches whatever total_samples says, to try things out. None = no such limit.
        folder: the run folder.
        child_command: see `GANStrategy`.

    Raises:
        ValueError: the accelerator isn't there or has fewer devices.
    """

    log_every_n_steps: int
    train_dataloader: Any
    datamodule: Any
    callbacks: list[Callback]

    def __init__(
        self,
        accelerator: Literal["auto", "cpu", "gpu", "mps"] = "auto",
        devices: PositiveInt | list[NonNegativeInt] | Literal["auto"] = 1,
        num_nodes: PositiveInt = 1,
        precision: Literal["fp32", "fp64", "bf16-mixed"] = "fp32",
        strategy: Literal["auto", "ddp", "ddp_find_unused_parameters_true"] = "auto",
        micro_batches: PositiveInt = 1,
        log_every_n_steps: PositiveInt = 50,
        max_batches: PositiveInt | None = None,
        deterministic: bool = False,
        callbacks: Sequence[Callback] = (),
        loggers: Sequence[RunLogger] = (),
        folder: str | Path = ".",
        child_command: Sequence[str] | None = None,
    ):
        uses_cuda = accelerator in ("auto", "gpu") and torch.cuda.is_available()
        num_devices = _count(devices, uses_cuda, accelerator)
        chosen: Any = "auto"
        if strategy == "ddp" or num_devices * num_nodes > 1:
            chosen = GANStrategy(child_command)
        if strategy == "ddp_find_unused_parameters_true":
            chosen = strategy
        self.micro_batches = micro_batches
        self.folder = Path(folder)
        self.run_loggers = list(loggers)
        super().__init__(
            accelerator=accelerator,
            devices=devices if isinstance(devices, list) and uses_cuda else num_devices,
            num_nodes=num_nodes,
            precision=PRECISIONS[precision],
            strategy=chosen,
            log_every_n_steps=log_every_n_steps,
            deterministic=deterministic,
            max_epochs=1 if max_batches else -1,
            limit_train_batches=max_batches,
            callbacks=list(callbacks),
            logger=self.run_loggers,
            default_root_dir=folder,
            use_distributed_sampler=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )


def _count(devices: int | list[int] | str, uses_cuda: bool, accelerator: str) -> int:
    """Return the number of processes on this machine."""
    available = torch.cuda.device_count() if uses_cuda else 1
    if accelerator == "gpu" and not uses_cuda:
        raise ValueError("trainer.accelerator=gpu, but no CUDA GPU is visible here; type trainer=cpu")
    if devices == "auto":
        return available
    wanted = len(devices) if isinstance(devices, list) else int(devices)
    if uses_cuda and wanted > available:
        raise ValueError(
            f"trainer.devices={devices}, but {available} GPU(s) are visible here; ask for at most so many, or type "
            "trainer=cpu for processes without GPUs"
        )
    return wanted
