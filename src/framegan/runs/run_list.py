"""The runs below a folder, as a table: what became of them, what differs between them, and which is best."""

import difflib
import os
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from framegan.quoting import first_names, printable
from framegan.runs.records import Value
from framegan.runs.run_files import RunFiles

NOT_SEARCHED = {".hydra", ".git", ".venv", "node_modules"}
"""Folders in which no runs lie."""
OF_A_RUN = {"checkpoints", "samples", "evaluations", "wandb", "tensorboard"}
"""Likewise, in the folder of a run."""
FROM_DATA = ("data.shape", "data.num_classes", "data.frames_per_second")
"""Settings that follow from the data and what is set of them; the fingerprint says whether the data differ."""
COLUMNS = ("run", "status", "model", "data", "samples", "best", "at", "samples/s", "age")
"""What a table shows besides the settings that differ."""

LONGEST = 60
"""Characters of a value, or of a key, in a table that people read."""


@dataclass(frozen=True)
class Run:
    """A run in a list.

    Args:
        status: as in `RunFiles.status`, `damaged` or `foreign`.
        reason: why it failed or what is damaged; None = nothing is wrong.
        settings: what was set, by its key.
        seen_alive: when it last wrote to its folder, in seconds since 1970.
    """

    folder: Path
    status: str
    reason: str | None = None
    choices: Mapping[str, str | None] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    samples_seen: int = 0
    samples_per_second: float | None = None
    objective: str | None = None
    best: Value | None = None
    seen_alive: float = 0.0


def runs_below(folder: Path) -> list[Run]:
    """Return every run below a folder; one of which a file is damaged is `damaged`, with what it is.

    What Hydra has made for another program is `foreign`.
    """
    found: list[Run] = []

    def unreadable(error: OSError) -> None:
        found.append(Run(Path(error.filename), "damaged", f"can't be read: {error.strerror}"))

    for place, folders, files in os.walk(folder, onerror=unreadable):
        left_out = NOT_SEARCHED
        if "run.json" in files or ".hydra" in folders:
            path, left_out = Path(place), NOT_SEARCHED | OF_A_RUN
            found.append(_run(path) if _is_ours(path, files) else Run(path, "foreign"))
        folders[:] = sorted(name for name in folders if name not in left_out)
    return found


def _is_ours(place: Path, files: Sequence[str]) -> bool:
    """Say whether a folder is of a run of ours; earlier versions made no run.json."""
    if "run.json" in files or {"summary.json", "metrics.csv"} <= {*files}:
        return True
    try:
        config = place / ".hydra" / "config.yaml"
        return not config.is_file() or b"framegan." in config.read_bytes()
    except OSError:
        return True  # a run that has lost its configuration is worth a word


def _run(folder: Path) -> Run:
    files = RunFiles(folder)
    try:
        summary, about = files.summary, files.about
        return Run(
            folder,
            files.status,
            summary.reason,
            about.choices,
            about.settings,
            summary.samples_seen,
            summary.samples_per_second,
            files.objective,
            files.best,
            files.seen_alive,
        )
    except (ValueError, OSError) as error:
        return Run(folder, "damaged", str(error).removeprefix(f"{folder}{os.sep}"))


def matching(runs: Iterable[Run], conditions: Sequence[str]) -> list[Run]:
    """Return the runs that meet every condition, such as model=dcgan, status=finished or data.batch_size=64.

    Args:
        conditions: a status may be given by its first word, as in status=stopped.

    Raises:
        ValueError: a condition isn't KEY=VALUE, or no run has such a key or value.
    """
    runs, pairs = list(runs), []
    for condition in conditions:
        key, equals, value = condition.partition("=")
        if not key or not equals:
            raise ValueError(f"--where got {condition!r}; it should be KEY=VALUE, such as --where model=dcgan")
        there = sorted({text for run in runs for text in _texts(run, key)})
        if runs and value not in there:
            keys = dict.fromkeys(["status", *(name for run in runs for name in (*run.choices, *run.settings))])
            close = difflib.get_close_matches(key, keys, n=1) if key not in keys else []
            hint = (
                f"did you mean {printable(close[0])}?" if close else f"there is: {first_names(there, 10) or 'nothing'}"
            )
            raise ValueError(f"none of the {len(runs):,} runs has {printable(condition)}; {hint}")
        pairs.append((key, value))
    return [run for run in runs if all(value in _texts(run, key) for key, value in pairs)]


def _texts(run: Run, key: str) -> set[str]:
    """Return the texts by which what a run has for a key is known."""
    text = _text(value_of(run, key))
    return {text, text.partition(" ")[0]} if key == "status" else {text} - {""}


def value_of(run: Run, key: str) -> Any:
    """Return what a run has for a key: a choice, a setting, or its status."""
    if key == "status":
        return run.status
    return run.choices[key] if key in run.choices else run.settings.get(key)


def by_objective(runs: Sequence[Run]) -> list[Run]:
    """Return the runs with the best first; those of another objective than most have come after, then those without.

    One of which a smaller value is better for some runs, and a larger one for others, counts as two.
    """
    objectives = Counter((run.objective, run.best.better) for run in runs if run.best)
    order = {objective: place for place, (objective, _) in enumerate(objectives.most_common())}

    def place(run: Run) -> tuple[int, float]:
        if run.best is None:
            return len(order), -run.seen_alive
        return order[run.objective, run.best.better], run.best.value * (1 if run.best.better == "lower" else -1)

    return sorted(runs, key=place)


def differing(runs: Sequence[Run]) -> list[str]:
    """Return the keys of choices and settings of which runs that have them have different values.

    Left out are those that are shown anyway, and what follows from a choice: which class it builds.
    """
    found: dict[str, set[str]] = {}
    for run in runs:
        for key, value in (*run.settings.items(), *run.choices.items()):
            found.setdefault(key, set()).add(_text(value))
    hidden = (*COLUMNS, *FROM_DATA)
    return [
        key for key, values in found.items() if len(values) > 1 and key not in hidden and not key.endswith("._target_")
    ]


def varied(runs: Sequence[Run]) -> list[str]:
    """Return what differs between runs, their models and data included."""
    chosen = [key for key in ("model", "data") if len({_text(value_of(run, key)) for run in runs}) > 1]
    return [*chosen, *differing(runs)]


def age(seconds: float) -> str:
    """Return a time in its largest unit: 12 s, 5 min, 3 h, 2 d."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def row_of(run: Run, beside: Path, keys: Sequence[str]) -> dict[str, Any]:
    """Return what a table shows of a run: the values of COLUMNS, and of keys; None where it has none.

    Args:
        beside: the folder from which paths are given.
    """
    best = run.best
    values = {
        "run": os.path.relpath(run.folder, beside),
        "status": run.status,
        "samples": run.samples_seen,
        "best": best.value if best else None,
        "at": best.samples_seen if best else None,
        "samples/s": run.samples_per_second,
        "age": time.time() - run.seen_alive if run.seen_alive else None,
    }
    return {key: value_of(run, key) for key in ("model", "data", *keys)} | values


def cell(column: str, value: Any) -> str:
    """Return a value of a table as people read it."""
    if value is None:
        return ""
    if column == "age":
        return age(value)
    formats = {"samples": ",", "best": ".5g", "at": ",", "samples/s": ",.0f"}
    style = formats.get(column, ".6g" if isinstance(value, float) else "")
    return format(value, style) if style else _text(value) if column == "run" else short(_text(value))


def short(text: str) -> str:
    """Return a text as it stands in a table: of a long one, its beginning and its end."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]}...{text[3 - LONGEST // 2 :]}"


def _text(value: Any) -> str:
    return "" if value is None else "true" if value is True else "false" if value is False else str(value)
