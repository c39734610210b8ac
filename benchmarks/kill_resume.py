"""Kills a run with SIGKILL at random moments and resumes it: does it end like one that was never stopped?

Usage: python benchmarks/kill_resume.py --kills 20 [--devices 2] [--seed 0]

Each attempt starts the run again, kills all its processes after a random time, resumes it with the very command that
started it (`resume=auto`) and compares everything with an undisturbed run, bit by bit: weights, EMA, optimizers,
callbacks, the curve without its timing columns, evaluations and sample grids. The moments are spread over the time
from the first logged batch to the end.
"""

import argparse
import csv
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

TRAIN = Path(__file__).resolve().parent.parent / "src" / "train.py"
TIMING = ("samples_per_second", "data_wait_fraction")
OPTIONS = [
    *("model=dcgan", "model.generator.width=8", "model.discriminator.width=8", "model.generator.latent_dim=16"),
    *("model.discriminator_steps=2", "model/regularizers=r1", "model.regularizers.r1.every=3"),
    *("data=image_folder", "data.resolution=16", "data.flip=true", "data.batch_size=16"),
    *("trainer=cpu", "trainer.log_every_n_steps=3", "objective=fd", "callbacks.evaluate.num_samples=200"),
    *("total_samples=24000", "checkpoint_every=400", "sample_every=1600", "evaluate_every=1200", "resume=auto"),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--devices", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    dice = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        write_photos(place / "photos")
        command = [sys.executable, str(TRAIN), *OPTIONS, f"data.root={place / 'photos'}"]
        command.append(f"trainer.devices={arguments.devices}")
        reference = place / "undisturbed"
        seconds = run(command, reference)
        print(f"undisturbed, it trains for {seconds:.1f} s", flush=True)
        same = whole = 0
        for kill in range(arguments.kills):
            folder, after = place / f"killed_{kill}", dice.uniform(0, seconds)
            workers = 2 * (kill % 2)
            run([*command, f"data.num_workers={workers}"], folder, kill_after=after)
            at, is_whole = where(folder), checkpoints_are_whole(folder)
            run([*command, f"data.num_workers={workers}"], folder)
            different = differences(reference, folder)
            same, whole = same + (not different), whole + is_whole
            print(
                f"kill {kill:>2} after {after:5.1f} s, last checkpoint at {at:>6,}, {workers} workers: "
                f"{', '.join(different) or 'identical'}{'' if is_whole else ', A CHECKPOINT WAS LOST'}",
                flush=True,
            )
    print(f"{same} of {arguments.kills} identical; no checkpoint damaged in {whole} of {arguments.kills}")
    sys.exit(same != arguments.kills or whole != arguments.kills)


def run(command: list[str], folder: Path, kill_after: float | None = None) -> float:
    """Run a command in a folder, killed so many seconds after its first logged batch; return how long it trained."""
    before = set(folder.glob("metrics.csv"))
    process = subprocess.Popen([*command, f"hydra.run.dir={folder}"], stdout=subprocess.DEVNULL)
    while not before and process.poll() is None and not (folder / "metrics.csv").exists():
        time.sleep(0.02)
    start = time.monotonic()
    try:
        status = process.wait(kill_after)
        assert status == 0, f"the run failed with status {status}"
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)  # ranks it has started end with it
        process.wait()
        wait_for_ranks(folder)
    return time.monotonic() - start


def wait_for_ranks(folder: Path) -> None:
    """Wait until no process works in a folder any more."""
    while any(str(folder) in command_line(process) for process in Path("/proc").glob("[0-9]*")):
        time.sleep(0.05)


def command_line(process: Path) -> str:
    try:
        return (process / "cmdline").read_text() if int(process.name) != os.getpid() else ""
    except OSError:
        return ""


def where(folder: Path) -> int:
    """Return samples_seen of the last checkpoint, 0 without one."""
    path = folder / "checkpoints" / "last.ckpt"
    return int(load(path)["state_dict"]["samples_seen"]) if path.exists() else 0


def checkpoints_are_whole(folder: Path) -> bool:
    return all(zipfile.ZipFile(path).testzip() is None for path in folder.glob("checkpoints/*.ckpt"))


def differences(first: Path, second: Path) -> list[str]:
    """Return the names of what differs between two finished runs."""
    found = [
        name
        for name in ("last.ckpt", "best.ckpt")
        if not equal(*(plain(load(folder / "checkpoints" / name)) for folder in (first, second)))
    ]
    if rows(first) != rows(second):
        found.append("metrics.csv")
    for kind, read in (("evaluations", evaluation), ("samples", pixels)):
        names = {path.name for folder in (first, second) for path in (folder / kind).iterdir()}
        found += [
            f"{kind}/{name}"
            for name in sorted(names)
            if not all((folder / kind / name).exists() for folder in (first, second))
            or not equal(read(first / kind / name), read(second / kind / name))
        ]
    return found


def load(path: Path) -> Any:
    return torch.load(path, weights_only=True, map_location="cpu")


def plain(checkpoint: dict[str, Any]) -> dict[str, Any]:
    """Return what a checkpoint says of the training, without the seconds that it took."""
    callbacks = {
        name: {key: value for key, value in state.items() if key not in ("seconds", "waited", "phases")}
        for name, state in checkpoint["callbacks"].items()
    }
    kept = ("state_dict", "optimizer_states", "global_step")
    return {**{key: checkpoint[key] for key in kept}, "callbacks": callbacks}


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "metrics.csv").open() as file:
        return [{key: value for key, value in row.items() if key not in TIMING} for row in csv.DictReader(file)]


def evaluation(path: Path) -> Any:
    return [(record["key"], record["value"], record["interval"]) for record in json.loads(path.read_text())]


def pixels(path: Path) -> Any:
    return torch.from_numpy(np.asarray(Image.open(path)).copy())


def equal(first: Any, second: Any) -> bool:
    """Say whether two values are the same to the last bit."""
    if isinstance(first, torch.Tensor):
        return torch.equal(first, second)
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(equal(value, second[key]) for key, value in first.items())
    if isinstance(first, list | tuple):
        return len(first) == len(second) and all(map(equal, first, second))
    return bool(first == second)


def write_photos(folder: Path, number: int = 300) -> None:
    """Write small coloured pictures of noise in two classes."""
    noise = np.random.default_rng(0)
    for index in range(number):
        path = folder / "ab"[index % 2] / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noise.integers(0, 256, (20, 20, 3), dtype=np.uint8)).save(path)


if __name__ == "__main__":
    main()
