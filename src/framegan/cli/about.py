"""run.json: what is run, written when a run begins or is resumed, for whoever looks at its folder later."""

import platform
import shlex
import subprocess
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig

from framegan.cli import compose, resume
from framegan.files import strict_json
from framegan.quoting import command
from framegan.runs.records import About, Code, Origin, Resumed
from framegan.runs.run_files import RunFiles

NOT_SETTINGS = {"resume", "resume_changes", "trust"}
"""What is said of a start of a run, and not of the run."""
PACKAGES = ("framegan", "torch", "lightning", "hydra-core")


def write(
    cfg: DictConfig,
    folder: Path,
    device: str,
    precision: str,
    origin: Origin | None = None,
    images: Origin | None = None,
    resumed: Sequence[Resumed] = (),
) -> None:
    """Write run.json: the command, the choices, every setting, the versions and the commit.

    Args:
        device: on which it is trained, for people.
        origin: what it started from. None = random weights.
        images: what its image generator is from, where clips are made of one.
        resumed: the commands that have resumed it with other settings.
    """
    chosen = choices_of(folder)
    about = About(
        command=command("train", *_options_of(folder), *map(shlex.quote, chosen["overrides"])),
        started=time.time(),
        **chosen,
        settings=settings_of(cfg),
        versions={"python": platform.python_version()} | {name: version(name) for name in PACKAGES},
        code=code_of(Path.cwd()),
        device=device,
        precision=precision,
        origin=origin,
        images=images,
        resumed=list(resumed),
    )
    strict_json.write(folder / "run.json", about.model_dump())


def resumed_by(folder: Path, samples_seen: int) -> list[Resumed]:
    """Return the commands that have resumed a run with other settings, with the one that does so now."""
    words, kept = compose.typed()["words"], RunFiles(folder)
    said = command("train", *map(shlex.quote, words))
    before = [one for one in kept.about.resumed if one.samples_seen <= samples_seen]
    new = {word for word in words if word.partition("=")[0].lstrip("+~") not in NOT_SETTINGS} - {*kept.overrides}
    is_said = bool(before) and before[-1].command == said
    return [*before, Resumed(samples_seen=samples_seen, command=said)] if new and not is_said else before


def choices_of(folder: Path) -> dict[str, Any]:
    """Return the choices of a run, model and data first, and what was set on its command line."""
    found = _runtime(folder).get("choices") or {}
    order = sorted(found, key=lambda group: (group != "model", group != "data", group))
    choices = {group: found[group] for group in order if found[group] is not None and not group.startswith("hydra/")}
    return {"choices": choices, "overrides": RunFiles(folder).overrides}


def _options_of(folder: Path) -> list[str]:
    """Return the options of a run's command line: where its own configurations lie, unless they are found anyway."""
    runtime = _runtime(folder)
    sources = [one["path"] for one in runtime.get("config_sources") or () if one["provider"] == "command-line"]
    usual = Path(runtime.get("cwd", "")) / "conf"
    return [f"--config-dir {shlex.quote(path)}" for path in sources if Path(path) != usual]


def settings_of(cfg: DictConfig) -> dict[str, Any]:
    """Return every value of a configuration by its dotted key, lists as text; what only follows others is left out."""
    own = {key: setting.value for key, setting in resume.settings_in(cfg) if setting.set_at == key}
    unknown = {key for key in compose.FILLED_IN if own.get(key) is None}  # as no data were read
    found = {key: value for key, value in own.items() if key.partition(".")[0] not in NOT_SETTINGS and value != {}}
    return {k: strict_json.dumps(v) if isinstance(v, list) else v for k, v in found.items() if k not in unknown}


def code_of(folder: Path) -> Code | None:
    """Return the git commit of a folder, and whether its files differ from it; None where there is none."""
    try:
        commit, changes = (
            subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, timeout=10, check=True).stdout
            for words in (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return Code(commit=commit.strip(), dirty=bool(changes.strip()))


def _runtime(folder: Path) -> dict[str, Any]:
    """Return what Hydra has noted down of the command of a run; nothing where that is missing."""
    file = folder / ".hydra" / "hydra.yaml"
    try:
        found = yaml.safe_load(file.read_bytes()) if file.exists() else {}
    except yaml.YAMLError:
        found = None
    for key in ("hydra", "runtime"):
        found = (found.get(key) or {}) if isinstance(found, dict) else None
    if not isinstance(found, dict):
        raise ValueError(f"{file} is damaged; remove it to resume without what it says")
    return found
