"""The Lightning Trainer of a GAN run: no epochs, no validation loop, the right strategy for its devices."""

import io
import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.plugins.environments import LightningEnvironment, TorchElasticEnvironment
from lightning.pytorch.plugins.io import TorchCheckpointIO
from lightning.pytorch.trainer.connectors.signal_connector import _SignalConnector
from pydantic import NonNegativeInt, PositiveFloat, PositiveInt

from framegan.devices import count_devices, faster_precision, uses_cuda
from framegan.loggers.run_logger import RunLogger
from framegan.processes.ranks import is_rank
from framegan.run_state import RunState
from framegan.strategy import GANStrategy

PRECISIONS: dict[str, Any] = {"fp32": "32-true", "bf16-mixed": "bf16-mixed"}

OURS_INSTEAD: dict[str, Any] = dict.fromkeys(
    ("use_distributed_sampler", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False
)
"""What the data and the callbacks do in place of Lightning."""

LARGEST_LOG_INTERVAL = 50
"""Batches from one row of metrics to the next, once the interval has grown."""


class GANTrainer(Trainer):
    """A trainer whose length, checkpoints and logs are left to the callbacks, which count samples.

    Args:
        accelerator: auto: a CUDA GPU where there is one, else the processor; Apple's GPUs (mps) are refused.
        devices: processes on this machine, one GPU each where there are GPUs; a list names the GPUs.
        strategy: "auto" is `GANStrategy` for more than one process and none for one; "ddp" is `GANStrategy` always;
            "ddp_find_unused_parameters_true" wraps all networks as one, right but with twice the traffic.
        precision: auto: bf16-mixed where the device has units for it, else fp32.
        fast: what other settings follow that are left as they are; see conf/trainer/fast.yaml.
        channels_last: lay the weights of convolutions with their channels next to each other, which most devices
            compute faster; sums are taken in another order.
        cuda_graphs: have a GPU replay steps, which it was told of once, rather than tell it of each operation. auto: on
            one GPU, where a step of the model can be replayed.
        timeout: seconds that a rank waits for the others before the run is given up.
        micro_batches: pieces a batch is processed in, gradients summed (gradient accumulation): less memory, the same
            result but for batch normalisation.
        log_every_n_steps: batches from one row of metrics to the next. "auto": each of the first 16, then every 2nd,
            4th, ... and at most every 50th; a function of the clock, so that a resumed run has the same rows.
        profile: what the callback of this name follows.
        max_batches: stop after this many batches whatever total_samples says, to try things out. None = no such limit.
        folder: the run folder.

    Raises:
        ValueError: the accelerator is unavailable or has fewer devices.
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
        precision: Literal["fp32", "bf16-mixed", "auto"] = "fp32",
        fast: bool = False,
        channels_last: bool = False,
        cuda_graphs: bool | Literal["auto"] = False,
        strategy: Literal["auto", "ddp", "ddp_find_unused_parameters_true"] = "auto",
        timeout: PositiveFloat = 1800.0,
        micro_batches: PositiveInt = 1,
        log_every_n_steps: PositiveInt | Literal["auto"] = "auto",
        max_batches: PositiveInt | None = None,
        deterministic: bool = False,
        profile: bool = False,
        callbacks: Sequence[Callback] = (),
        loggers: Sequence[RunLogger] = (),
        folder: str | Path = ".",
    ):
        num_devices, num_nodes = _as_launched(count_devices(devices, accelerator), num_nodes)
        chosen: Any = strategy
        if strategy != "auto" or num_devices * num_nodes > 1:
            chosen = GANStrategy(
                as_one=strategy == "ddp_find_unused_parameters_true", timeout=timedelta(seconds=timeout)
            )
        self.precision_used = faster_precision(accelerator) if precision == "auto" else precision
        self.fast, self.channels_last, self.cuda_graphs = fast, channels_last, cuda_graphs
        self.micro_batches, self.folder, self.run = micro_batches, Path(folder), RunState()
        self.grows_log_interval = log_every_n_steps == "auto"
        self.of_rank_0 = list(loggers)
        super().__init__(
            accelerator="gpu" if uses_cuda(accelerator) else "cpu",  # Lightning's auto would take Apple's GPUs
            devices=devices if isinstance(devices, list) and uses_cuda(accelerator) else num_devices,
            num_nodes=num_nodes,
            precision=PRECISIONS[self.precision_used],
            strategy=chosen,
            plugins=[TorchElasticEnvironment() if is_rank() else LightningEnvironment(), CheckpointInPlace()],
            log_every_n_steps=LARGEST_LOG_INTERVAL if log_every_n_steps == "auto" else log_every_n_steps,
            deterministic=deterministic,
            max_epochs=1 if max_batches else -1,
            limit_train_batches=max_batches,
            callbacks=list(callbacks),
            logger=self.of_rank_0,
            default_root_dir=folder,
            **OURS_INSTEAD,
        )
        self._signal_connector = SignalsAsTheyWere(self)

    @property
    def run_loggers(self) -> list[RunLogger]:
        """The loggers on rank 0; none on the others."""
        return self.of_rank_0 if self.is_global_zero else []

    def is_logged(self, step: int) -> bool:
        """Say whether a batch, counted from the beginning of the run, makes a row of metrics."""
        interval = self.log_every_n_steps
        if self.grows_log_interval:
            interval = min(interval, 1 << max(0, (step // 8).bit_length() - 1))
        return step % interval == 0


class SignalsAsTheyWere(_SignalConnector):
    """Puts the handlers of signals back when a run ends; none is set.

    Lightning's own ends a run at SIGTERM as if all were well, with status 0 and without a checkpoint.
    """

    def register_signal_handlers(self) -> None:
        self._original_handlers = self._get_current_signal_handlers()


class CheckpointInPlace(TorchCheckpointIO):
    """Writes a checkpoint to the path it is given; Lightning's own way leads through the system's temporary folder."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        buffer = io.BytesIO()  # torch.save into a file hides why it couldn't be written
        torch.save(checkpoint, buffer)
        Path(path).write_bytes(buffer.getbuffer())


def _as_launched(num_devices: int, num_nodes: int) -> tuple[int, int]:
    """Return the number of processes on each machine and of machines, as started; one device asked for is any number.

    Raises:
        ValueError: other numbers were asked for.
    """
    if not is_rank():
        return num_devices, num_nodes
    num_ranks, num_local = int(os.environ["WORLD_SIZE"]), int(os.environ["LOCAL_WORLD_SIZE"])
    if num_devices * num_nodes not in (1, num_ranks):
        raise ValueError(
            f"trainer.devices={num_devices} and trainer.num_nodes={num_nodes}, but {num_ranks} processes were started; "
            "leave both out, or start as many processes as they say"
        )
    return num_local, num_ranks // num_local
