"""A run folder: where things are in it, what of it is refused, and who holds it."""

import os
import shlex
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml
from omegaconf import DictConfig, OmegaConf

from framegan.files import atomic
from framegan.files.lock import alone
from framegan.quoting import to_type
from framegan.runs.trust import needed

PATIENCE = 30.0
"""Seconds to wait for a process that still holds a run folder; one that was killed is just ending."""


def as_path(given: str | os.PathLike[str]) -> Path:
    """Return where a run is said to be; raise ValueError where that is no path."""
    try:
        return Path(given).expanduser()
    except (TypeError, RuntimeError):
        raise ValueError(f"{given!r} is no path; give a run folder, or a checkpoint in one") from None


def find(path: str | Path) -> Path:
    """Return the run folder that is meant by a run folder or by a checkpoint in one.

    It may come from somebody else: one with links and the like in it is refused.

    Raises:
        ValueError: it is neither, or is refused.
    """
    path, folder = Path(path), _folder_of(path)
    if not path.exists():
        raise ValueError(f"{path} does not exist; give a run folder, or a checkpoint in one")
    if not saved_config(folder).exists():
        problem = "not a run folder: it has no .hydra/config.yaml; give a folder that framegan train has made"
        if folder != path:
            problem = "not in checkpoints/ of a run folder, whose .hydra/config.yaml it needs; put it there"
        raise ValueError(f"{path} is {problem}")
    refuse_what_reaches_out(folder)
    return folder.resolve()


def _folder_of(path: str | Path) -> Path:
    path = Path(path)
    return path.absolute().parent.parent if path.suffix == ".ckpt" else path


def refuse_what_reaches_out(folder: Path) -> None:
    """Raise ValueError where a run folder holds what leads out of it: links, pipes, settings that say where keys go.

    In wandb/ nothing is written but by W&B, which makes links of its own.
    """
    settings = folder / "wandb" / "settings"
    if settings.exists():
        raise ValueError(f"{settings} tells W&B where to send your key and your run; check it, then remove it")
    for place, folders, files in os.walk(folder):
        for path in (Path(place) / name for name in [*folders, *files]):
            try:
                mode = path.lstat().st_mode
            except FileNotFoundError:  # another process has put it in place by now, under another name
                continue
            if stat.S_ISLNK(mode):
                raise ValueError(
                    f"{path} is a link to {path.readlink()}, and what is written to a run folder has to stay in it; "
                    "put there what it links to, or remove it"
                )
            if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
                raise ValueError(f"{path} is a pipe, a socket or a device, not a file; remove it")
        if place == str(folder) and "wandb" in folders:
            folders.remove("wandb")


def saved_config(folder: Path) -> Path:
    """Return where a run folder keeps its configuration."""
    return folder / ".hydra" / "config.yaml"


def frames_per_second(config: DictConfig) -> float | None:
    """Return how fast the clips of a run's data play, as its configuration keeps it; None where that doesn't say."""
    kept = OmegaConf.select(config, "data.frames_per_second")
    if kept is None:
        return None
    if isinstance(kept, bool) or not isinstance(kept, int | float) or not 0 < kept < float("inf"):
        raise ValueError(f"data.frames_per_second in the run folder is {kept!r}; set frames_per_second=NUMBER")
    return float(kept)


def checkpoint_of(path: str | Path, preferences: Sequence[str]) -> Path:
    """Return the checkpoint meant by a path: itself, or the first of the preferred ones in a run folder."""
    path = Path(path)
    if path.suffix == ".ckpt":
        return path.resolve()
    candidates = [find(path) / "checkpoints" / f"{name}.ckpt" for name in preferences]
    found = next((candidate for candidate in candidates if candidate.exists()), None)
    if found is None:
        raise ValueError(f"{path} holds no checkpoint: {' or '.join(map(str, candidates))} is missing")
    return found


def to_resume(key: str, path: str | Path) -> str:
    """Return KEY=PATH of a run folder or a checkpoint as it is typed, with what has to be trusted for it."""
    config = saved_config(_folder_of(path))
    names = needed(yaml.safe_load(config.read_bytes())) if config.exists() else []
    if not names:
        return to_type(key, path)
    trust = names[0] if len(names) == 1 else shlex.quote(f"[{','.join(names)}]")
    return f"{to_type(key, path)} trust={trust}"


def save_config(cfg: DictConfig, folder: Path) -> None:
    """Write .hydra/config.yaml of a run folder, as composed."""
    target = saved_config(folder)
    target.parent.mkdir(parents=True, exist_ok=True)
    kept = OmegaConf.merge(cfg, {"resume": None, "resume_changes": False, "trust": []})
    atomic.write_text(target, OmegaConf.to_yaml(kept))


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold a run folder for as long as this process trains there.

    Raises:
        ValueError: another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    refusal = f"another process trains in {folder}; wait until it ends, or set hydra.run.dir=FOLDER"
    waiting = f"waiting  for another process that trains in {folder}"
    with alone(folder / ".lock", refusal, PATIENCE, waiting):
        yield
