"""The commands in the README do what it says, made short; those of the other pages have settings that exist."""

import contextlib
import json
import re
import shutil
import subprocess

import pytest
from commands import PROJECT, prepared, run
from pages import PAGES, blocks, commands
from small_clips import write_videos
from small_files import write_images, write_mnist

import framegan
from framegan.cli.command_line import parsed
from framegan.containers import walk

README = PROJECT / "README.md"
COMMANDS = sorted({(name, *words) for name, words in commands(README)})
SHORT = (
    "total_samples=32",
    "data.batch_size=16",
    "trainer.accelerator=cpu",
    "trainer.devices=1",
    "evaluate_every=null",
)
RUN = re.compile(r"^(resume=|checkpoint=)?(runs/\w+|RUN_FOLDER)$")
"""What a page calls a run that it speaks of."""


def test_the_readme_has_commands():
    assert {name for name, *_ in COMMANDS} == {"train", "generate", "evaluate", "prepare", "play", "export"}
    assert len(COMMANDS) >= 6


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A folder with the data the README speaks of, and a run."""
    folder = tmp_path_factory.mktemp("project")
    write_mnist(folder / "data" / "mnist", "train", 64)
    write_images(folder / "photos", 32)
    write_videos(folder / "clips", 16, num_frames=16)
    with contextlib.chdir(folder):
        assert run("train", "model=mlp", "data=synthetic", "trainer=debug", "hydra.run.dir=runs/demo") is None
    return folder


@pytest.fixture
def project(written, tmp_path, monkeypatch):
    """The same, of the test's own."""
    shutil.copytree(written, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_command_of_the_readme(command, project):
    name, *words = command
    if name == "train":
        resumes = "resume=runs/demo" in words
        words += [word for word in SHORT if not resumes or word.startswith(("trainer", "callbacks"))]
        words += ["total_samples=16"] if resumes else []
        words = ["hydra.run.dir=runs/new" if word == "hydra.run.dir=runs/demo" else word for word in words]
    if name == "evaluate":  # the published networks are in test_metrics_configs
        words = [word for word in words if not word.startswith("metrics=")] + ["num_samples=16", "trainer.devices=1"]
    if name == "play":  # which goes on until Ctrl-C; it is run in test_play
        prepared(name, words)
        return
    if name == "export":
        words.append("format=safetensors")
    assert run(name, *words) is None


def test_the_settings_in_the_commands_of_all_pages_exist(project):
    run_elsewhere = {"README.md", "own_parts.md"}
    lines = {(name, *words) for page in PAGES if page.name not in run_elsewhere for name, words in commands(page)}
    assert len(lines) > 30
    for name, *words in sorted(line for line in lines if "--from" not in line):  # whose file is in no project
        prepared(name, [RUN.sub(r"\1runs/demo", word) for word in words])


def test_a_shell_and_hydra_take_the_kept_commands():
    """Those of experiments/*/*.json, whose braces a shell expands."""
    kept = [json.loads(file.read_text()) for file in PROJECT.glob("experiments/*/*.json")]
    lines = {line for one in kept for _, line in walk(one) if str(line).startswith("framegan train")}
    assert len(lines) > 40
    script = "\n".join(f"printf '%s\\n' {line.partition(';')[0]}" for line in sorted(lines))
    expanded = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True).stdout.splitlines()
    assert not [word for word in {*expanded} - {"framegan", "train"} if parsed(word) is None]


@pytest.mark.parametrize("page", [README, PROJECT / "docs" / "python.md"], ids=["README.md", "python.md"])
def test_the_python_of_a_page_runs(page, tmp_path, monkeypatch):
    train, evaluate = framegan.train, framegan.evaluate
    small = [*SHORT[1:], "model.generator.width=8", "model.discriminator.width=8"]
    monkeypatch.setattr(framegan, "train", lambda *words, **kept: train(*words, *small, **kept | {"total_samples": 32}))
    monkeypatch.setattr(framegan, "evaluate", lambda run, **choices: evaluate(run, **choices | {"num_samples": 16}))
    monkeypatch.chdir(tmp_path)
    exec("\n".join(blocks(page, "python")), {})


def test_the_make_targets_of_the_readme_exist():
    makefile = (PROJECT / "Makefile").read_text()
    targets = set(re.findall(r"^(?:\$ )?make (\w+)", README.read_text(), re.MULTILINE))
    assert {"demo", "test"} <= targets
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
