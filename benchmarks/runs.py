"""How long `framegan runs` takes over a thousand run folders: python benchmarks/runs.py

The folders are made up: every tenth is damaged, every tenth runs, every tenth is of another program. The command is run
as it is typed, in turn with `ls -R` and with a Python that reads one JSON of each folder and no more; ratios are taken
round by round, so that they hold when the machine's speed drifts. CPU seconds and seconds of the clock.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from step_time import median_with_interval

MAIN = Path(__file__).resolve().parent.parent / "src" / "framegan" / "__main__.py"
KEY = "fd_random_conv2d_aadcc222_1024"
READ_ALL = "import json, pathlib; [json.loads(p.read_bytes()) for p in pathlib.Path('.').glob('*/run.json')]"


def make(folder: Path, number: int) -> None:
    """Make the small files of a run, with as many settings and rows as those of a real one."""
    (folder / "samples").mkdir(parents=True)
    if number % 10 == 1:
        (folder / ".hydra").mkdir()
        (folder / ".hydra" / "config.yaml").write_text("db: mysql\n")
        return
    settings = {f"model.setting_{place}": place for place in range(100)} | {"seed": number}
    about = {"command": "framegan train", "choices": {"model": "dcgan", "data": "digits"}, "settings": settings}
    best = {KEY: {"value": 1 + number / 100, "samples_seen": 2000, "better": "lower"}}
    summary = {"status": "running" if number % 10 == 2 else "finished", "samples_seen": 3000, "seconds": 20.0}
    text = json.dumps({**summary, "best": best, "objective": KEY, "samples_per_second": 150.0})
    (folder / "run.json").write_text(json.dumps(about))
    (folder / "summary.json").write_text(text[: len(text) // 2] if number % 10 == 3 else text)
    (folder / "metrics.csv").write_text("samples_seen,generator/loss\n" + "".join(f"{n},0.5\n" for n in range(200)))


def seconds(command: Sequence[str], folder: Path) -> tuple[float, float]:
    """Return the CPU seconds that a command takes in a folder, and those of the clock."""
    before, start = os.times(), time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    after, clock = os.times(), time.perf_counter() - start
    return after.children_user + after.children_system - before.children_user - before.children_system, clock


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folders", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for number in range(options.folders):
            make(folder / f"run_{number}", number)
        commands = {
            "framegan runs": [sys.executable, os.fspath(MAIN), "runs", "."],
            "ls -R": ["ls", "-R"],
            "one json of each": [sys.executable, "-c", READ_ALL],
        }
        rounds = [{name: seconds(line, folder) for name, line in commands.items()} for _ in range(options.rounds)]
    for name in commands:
        ratio, low, high = median_with_interval([one["framegan runs"][0] / one[name][0] for one in rounds])
        cpu, clock = sorted(one[name] for one in rounds)[len(rounds) // 2]
        times = f"framegan runs takes {ratio:.2f} times as long ({low:.2f} to {high:.2f})"
        print(f"{name:<17} {cpu:6.2f} s CPU, {clock:6.2f} s; {times}")


if __name__ == "__main__":
    main()
