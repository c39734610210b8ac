"""The commands in the README do what it says, made short."""

import re
import shlex

import pytest
from commands import PROJECT, run
from small_clips import write_videos
from small_files import write_images, write_mnist

README = (PROJECT / "README.md").read_text()
COMMANDS = sorted(set(re.findall(r"^(?:\$ )?python src/(\w+)\.py (.*?)(?: +#.*)?$", README, re.MULTILINE)))
SHORT = (
    "total_samples=32",
    "data.batch_size=16",
    "trainer.accelerator=cpu",
    "trainer.devices=1",
    "evaluate_every=null",
)


def test_the_readme_has_commands():
    assert {script for script, _ in COMMANDS} == {"train", "generate", "evaluate", "prepare"}
    assert len(COMMANDS) >= 6


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with the data the README speaks of, and a run."""
    monkeypatch.chdir(tmp_path)
    write_mnist(tmp_path / "data" / "mnist", "train", 64)
    write_images(tmp_path / "photos", 32)
    write_videos(tmp_path / "clips", 16, num_frames=16)
    assert run("train", "model=mlp", "data=synthetic", "trainer=debug", "hydra.run.dir=runs/demo") is None
    return tmp_path


@pytest.mark.parametrize(("script", "arguments"), COMMANDS, ids=lambda value: value)
def test_a_command_of_the_readme(script, arguments, project):
    words = shlex.split(arguments)
    if script == "train":
        goes_on = "resume=runs" in arguments
        words += [word for word in SHORT if not goes_on or word.startswith(("trainer", "callbacks"))]
        words += ["total_samples=16"] if goes_on else []
    if script == "evaluate":  # the published networks are in test_metrics_configs
        words = [word for word in words if not word.startswith("metrics=")] + ["num_samples=16", "trainer.devices=1"]
    assert run(script, *words) is None


def test_the_make_targets_of_the_readme_exist():
    makefile = (PROJECT / "Makefile").read_text()
    targets = set(re.findall(r"^(?:\$ )?make (\w+)", README, re.MULTILINE))
    assert {"demo", "test"} <= targets
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
