"""Small runs and what is in their folders."""

import csv
import json
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Thread

import torch
from commands import PROJECT
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from framegan.containers import walk

SHORT = ("data=synthetic", "trainer=cpu", "data.batch_size=16", "trainer.log_every_n_steps=2", "evaluate_every=null")
SMALL = ("model=mlp", "model.generator.widths=[16]", "model.discriminator.widths=[16]", *SHORT)
TIMING = ("samples_per_second", "data_wait_fraction")
"""Columns of metrics.csv that are never the same twice."""


@cache
def narrow(model: str) -> tuple[str, ...]:
    """Return the settings that choose a model and make its networks narrow."""
    with initialize_config_dir(str(PROJECT / "conf"), version_base="1.3"):
        nodes = OmegaConf.to_container(compose("train", [f"model={model}"]).model, resolve=False)
    widths = {"width": "8", "widths": "[16]"}
    found = [(key, widths[last]) for key, _ in walk(nodes) if (last := key.rpartition(".")[2]) in widths]
    return (f"model={model}", *(f"model.{key}={value}" for key, value in found))


def state(folder, name="last"):
    return torch.load(folder / "checkpoints" / f"{name}.ckpt", weights_only=True, map_location="cpu")


def summary(folder):
    return json.loads((folder / "summary.json").read_text())


def rows(folder, *without):
    with (folder / "metrics.csv").open() as file:
        return [{k: v for k, v in row.items() if k not in without} for row in csv.DictReader(file)]


def wait_until(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)


def wait_for(path: Path) -> None:
    wait_until(path.exists)


@contextmanager
def meanwhile(condition: Callable[[], object], act: Callable[[], object]) -> Iterator[None]:
    """Do something in a thread as soon as a condition holds, while this one runs what is in the block."""

    def wait() -> None:
        wait_until(condition)
        act()

    thread = Thread(target=wait)
    thread.start()
    yield
    thread.join()


def ranks() -> list[int]:
    """Return the processes that this one has started as ranks, in their order."""
    found = [int(child) for path in Path("/proc/self/task").glob("*/children") for child in path.read_text().split()]
    return sorted(pid for pid in found if b"framegan/__main__.py" in Path(f"/proc/{pid}/cmdline").read_bytes())


@contextmanager
def started(command: Sequence[str], **options) -> Iterator[subprocess.Popen]:
    """Start a process, which ends with the block: a test that fails must not wait for a run that never ends."""
    with subprocess.Popen(command, **options) as process:
        try:
            yield process
        finally:
            process.kill()
