"""Run folders made up for tests of what reads them."""

import csv
import json
from pathlib import Path

import numpy as np
from PIL import Image

KEY = "fd_random_conv2d_aadcc222_16"


def run_folder(folder: Path, best: float | None = 3.0, **of_summary) -> Path:
    """Write the small files of a run that has finished, with curves over 100 rows and two evaluations."""
    settings = of_summary.pop("settings", {})
    choices = of_summary.pop("choices", {"model": "dcgan", "data": "digits"})
    (folder / "evaluations").mkdir(parents=True)
    (folder / "samples").mkdir()
    about = {"command": "framegan train model=dcgan data=digits", "choices": choices, "settings": settings}
    found = {} if best is None else {KEY: {"value": best, "samples_seen": 2000, "better": "lower"}}
    summary = {"status": "finished", "samples_seen": 3000, "total_samples": 3000, "seconds": 20.0, "best": found}
    summary |= {"objective": KEY if found else None, "samples_per_second": 150.0} | of_summary
    (folder / "run.json").write_text(json.dumps(about))
    (folder / "summary.json").write_text(json.dumps(summary))
    with (folder / "metrics.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["samples_seen", "discriminator/loss", "generator/loss", "generator/lr"])
        table.writerows([seen * 30, 1.4 - seen / 200, 0.7 + seen / 100, 2e-4] for seen in range(1, 101))
    for seen, value in ((2000, best or 1.0), (3000, 4.0)):
        record = {"key": KEY, "value": value, "interval": [value - 1, value + 1], "better": "lower", "num_fake": 16}
        (folder / "evaluations" / f"{seen}.json").write_text(json.dumps([{**record, "num_real": 16, "protocol": {}}]))
        picture(folder / "samples" / f"fake_{seen}.png", seen)
    picture(folder / "samples" / "real.png", 1)
    return folder


def picture(path: Path, seed: int, side: int = 64) -> None:
    """Write a picture of noise."""
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)).save(path)
