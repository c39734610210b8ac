"""The wheel, built from a clean tree and installed where the checkout is not: all of it works in an empty folder."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from commands import PROJECT
from small_clips import write_videos

ALL_OF_IT = ("src", "conf", "experiments", "pyproject.toml", "README.md", "LICENSE")
BUILD = "from setuptools.build_meta import build_wheel; import sys; build_wheel(sys.argv[1])"
OWN = {"model": "blob", "loss": "margin", "data": "squares", "metric": "spread"}
STRAY = ("numpy.py", "logging.py", "torch/__init__.py", "hydra/__init__.py", "conf/nginx.conf")
"""Files in the folder that have the names of what framegan needs."""


@pytest.fixture(scope="module")
def bin_folder(tmp_path_factory) -> Path:
    """The programs of an environment that has the wheel, and everything of this one but the checkout."""
    place = tmp_path_factory.mktemp("wheel")
    listed = subprocess.run(["git", "ls-files", *ALL_OF_IT], cwd=PROJECT, capture_output=True, text=True, check=True)
    for name in listed.stdout.splitlines():
        (place / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(PROJECT / name, place / "tree" / name, follow_symlinks=False)
    subprocess.run([sys.executable, "-c", BUILD, place], cwd=place / "tree", check=True, capture_output=True)
    shutil.rmtree(place / "tree")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place / "env"], check=True)
    (wheel,) = place.glob("*.whl")
    python = place / "env" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel]
    subprocess.run(pip, check=True)
    (site,) = place.glob("env/lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"])  # whose own .pth files are not read
    return python.parent


def test_every_command_and_python_in_an_empty_folder(bin_folder, tmp_path):
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}

    def said(*line: str | Path) -> str:
        words = [str(bin_folder / line[0]), *map(str, line[1:])]
        done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    for kind, name in OWN.items():
        assert f"my_package/{name}.py, conf/" in said("framegan", "new", kind, name)
    for name in STRAY:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("raise SystemExit('a file of the working folder was imported')")
    parts = ("model=blob", "model/loss=margin", "data=squares", "metrics=spread", "metrics.spread.num_fake=16")
    short = ("trainer=cpu", "data.num_workers=1", "data.batch_size=16", "total_samples=32", "evaluate_every=16")
    assert "finished: 32 samples" in said("framegan", "train", *parts, *short, "hydra.run.dir=runs/own")
    assert "spread" in (tmp_path / "runs" / "own" / "summary.json").read_text()
    assert "2 samples" in said("python", "-m", "framegan", "generate", "runs/own", "trust=my_package", "num_samples=2")
    write_videos(tmp_path / "clips", 4, num_frames=8)
    assert said("python", PROJECT / "tests" / "as_installed.py").endswith("all of it works\n")
    for name in STRAY:
        (tmp_path / name).unlink()
    for folder in ("torch", "hydra"):
        (tmp_path / folder).rmdir()
    assert "4 passed" in said("python", "-m", "pytest", "-q", "tests")
