"""On which devices this machine trains and samples; nothing else decides it."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor


def uses_cuda(accelerator: str) -> bool:
    """Say whether an accelerator of this name is a CUDA GPU here."""
    return accelerator in ("auto", "gpu") and torch.cuda.is_available()


def count_devices(devices: int | Sequence[int] | Literal["auto"], accelerator: str) -> int:
    """Return the number of processes on this machine.

    Raises:
        ValueError: the accelerator is unavailable or has fewer devices, or none are named.
    """
    if accelerator == "mps":
        raise ValueError(
            "trainer.accelerator=mps, but Apple's GPUs have no float64, which noise and metrics need; set trainer=cpu"
        )
    on_gpu = uses_cuda(accelerator)
    available = torch.cuda.device_count() if on_gpu else 1
    if accelerator == "gpu" and not on_gpu:
        raise ValueError("trainer.accelerator=gpu, but no CUDA GPU is available; set trainer=cpu")
    if devices == "auto":
        return available
    wanted = devices if isinstance(devices, int) else len(devices)
    if not wanted:
        raise ValueError(f"trainer.devices={devices} names no device; set how many, or the numbers of GPUs")
    if on_gpu and wanted > available:
        raise ValueError(
            f"trainer.devices={devices}, but {available} GPU(s) are visible here; set at most that many, or "
            "trainer=cpu for processes without GPUs"
        )
    return wanted


def faster_precision(accelerator: str) -> Literal["bf16-mixed", "fp32"]:
    """Return bf16-mixed where a device has units for it, which are GPUs since Ampere and processors with AMX."""
    if uses_cuda(accelerator):
        has_units = torch.cuda.get_device_capability() >= (8, 0)
    else:
        has_units = accelerator in ("auto", "cpu") and getattr(torch.cpu, "_is_amx_tile_supported", bool)()
    return "bf16-mixed" if has_units else "fp32"


def name_of(device: torch.device, num_ranks: int) -> str:
    """Return what a device is called, for people: "2 x NVIDIA H100" or "cpu (4 threads)"."""
    threads = torch.get_num_threads()
    name = f"{device.type} ({threads} thread{'s' * (threads > 1)})"
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
    return name if num_ranks == 1 else f"{num_ranks} x {name}"


def device_of(device: str) -> str:
    """Return cpu or cuda where auto leaves it to the machine.

    Raises:
        ValueError: there is no GPU for cuda.
    """
    if device == "cuda" and not uses_cuda("auto"):
        raise ValueError("device=cuda, but no CUDA GPU is available; set device=cpu")
    return "cuda" if device == "cuda" or uses_cuda(device) else "cpu"


def put(values: Tensor, device: torch.device) -> Tensor:
    """Return values of the CPU's on a device; nothing waits for a GPU, which copies them once it gets there."""
    return values.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else values.to(device)
