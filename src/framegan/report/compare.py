"""compare.html: several runs on one page; what differs between them, their curves and their samples side by side."""

import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from framegan.files import atomic
from framegan.report import curves, page, pictures
from framegan.runs import run_folder, run_list
from framegan.runs.run_files import RunFiles
from framegan.runs.run_list import Run

LEAST_FOR_IMPORTANCE = 8
"""Runs with a value, below which a share of the variance says nothing."""
COLUMNS = ("run", "status", "best", "at", "model", "data", "samples", "samples/s")
NUMBERS = {"best", "at", "samples", "samples/s"}
PICTURES = 2_000_000
"""Characters of all pictures together."""


def write(runs: Sequence[Run], path: Path) -> Path:
    """Write the page of some runs, whole or not at all, and return where it is.

    Raises:
        ValueError: a file of a run is damaged; the message names it.
    """
    with atomic.new_file(path, synced=False, shared=True) as part:
        part.write_text(html(run_list.by_objective(runs)), encoding="utf-8", errors="backslashreplace")
    return path


def html(runs: Sequence[Run]) -> str:
    """Return the page of runs in this order."""
    runs = [run for run in runs if run.status != "foreign"]
    keys, names = run_list.differing(runs), names_of(runs)
    for run in runs:
        run_folder.refuse_what_reaches_out(run.folder)
    whole = [(name, run) for name, run in zip(names, runs, strict=True) if run.status != "damaged"]
    files = [(name, RunFiles(run.folder)) for name, run in whole]
    rows = [
        {key: run_list.cell(key, value) for key, value in run_list.row_of(run, Path.cwd(), keys).items()}
        | {"run": name}
        for name, run in zip(names, runs, strict=True)
    ]
    reasons: dict[str, list[str]] = {}
    for name, run in zip(names, runs, strict=True):
        if run.reason:
            reasons.setdefault(run.reason, []).append(name)
    data = {"charts": _charts(files), "parallel": _parallel(whole)}
    return page.rendered(
        "compare.html",
        data,
        title=f"{len(runs)} runs compared",
        columns=[*COLUMNS[:4], *keys, *COLUMNS[4:]],
        numbers=NUMBERS,
        reasons=reasons,
        rows=rows,
        importance=importance([run for _, run in whole], run_list.varied([run for _, run in whole])),
        least=LEAST_FOR_IMPORTANCE,
        samples=_samples(files),
    )


def names_of(runs: Sequence[Run]) -> list[str]:
    """Return a name for each run: its folder's, with as much of the path as it takes to differ."""
    paths = [run.folder.resolve() for run in runs]
    above = Path(os.path.commonpath([path.parent for path in paths])) if paths else Path()
    return [path.relative_to(above).as_posix() for path in paths]


def _charts(runs: Sequence[tuple[str, RunFiles]]) -> list[dict[str, Any]]:
    """Return a chart for each metric and each key of the losses, with a curve for each run."""
    found: dict[str, dict[str, Any]] = {}
    for name, run in runs:
        for chart in curves.charts(run):
            for one in chart["series"]:
                shared = found.setdefault(one["name"], {**chart, "title": one["name"], "series": []})
                shared["series"].append({**one, "name": name})
    return sorted(found.values(), key=lambda chart: not chart.get("metric"))


def _parallel(runs: Sequence[tuple[str, Run]]) -> dict[str, Any] | None:
    """Return the axes of parallel coordinates: what varied, and the objective that most runs have; None without."""
    measured = [(name, run) for name, run in runs if run.best and run.objective == runs[0][1].objective]
    keys = run_list.varied([run for _, run in measured])
    if not keys:
        return None
    axes: list[dict[str, Any]] = []
    for key in keys:
        values = [run_list.value_of(run, key) for _, run in measured]
        axes.append({"name": key, "values": ["-" if value is None else value for value in values]})
    best = [run.best.value for _, run in measured if run.best]
    axes.append({"name": measured[0][1].objective, "values": best})
    better = measured[0][1].best.better if measured[0][1].best else "lower"
    return {"runs": [name for name, _ in measured], "axes": axes, "better": better}


def importance(runs: Sequence[Run], keys: Sequence[str]) -> list[tuple[str, float]]:
    """Return for each setting which share of the objective's variance it explains alone, the largest first.

    The share is eta squared (Fisher 1925): the variance of the means of runs with the same value, over that of all
    runs. A setting with another value in nearly every run explains everything, and is left out. Empty where fewer than
    LEAST_FOR_IMPORTANCE runs have a value.
    """
    measured = [run for run in runs if run.best and run.objective == runs[0].objective]
    values = [run.best.value for run in measured if run.best]
    if len(values) < LEAST_FOR_IMPORTANCE:
        return []
    mean = fmean(values)
    total = sum((value - mean) ** 2 for value in values)
    found = []
    for key in keys:
        groups = defaultdict(list)
        for run, value in zip(measured, values, strict=True):
            groups[str(run_list.value_of(run, key))].append(value)
        if total and 1 < len(groups) <= len(values) / 2:
            between = sum(len(group) * (fmean(group) - mean) ** 2 for group in groups.values())
            found.append((key, between / total))
    return sorted(found, key=lambda pair: -pair[1])


def _samples(runs: Sequence[tuple[str, RunFiles]]) -> list[dict[str, Any]]:
    """Return the latest samples of each run, as many as a page can carry; the seeds are the same in all of them."""
    shown, used = [], 0
    for name, run in runs:
        through = pictures.latest(run)
        if through and used + len(through["source"]) <= PICTURES:
            used += len(through["source"])
            shown.append({"name": name, **through})
    return shown
