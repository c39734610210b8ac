"""The curves of a run as the page draws them: grouped by what they are, thinned to what a screen shows."""

from collections.abc import Iterable, Sequence
from typing import Any

from framegan.runs.curve_groups import GROUPS, group_of
from framegan.runs.records import Evaluated
from framegan.runs.run_files import RunFiles

MOST_POINTS = 1000
"""Of a curve; of more, the smallest and the largest of as many neighbours are drawn."""

Point = tuple[int, float] | tuple[int, float, float, float]
"""The samples_seen, a value, and in a chart with intervals the ends of its interval."""


def charts(run: RunFiles) -> list[dict[str, Any]]:
    """Return the charts of a run: the metrics first, then the groups, then what belongs to none of them."""
    curves, measured = run.curves, {record.key: record for records in run.evaluations.values() for record in records}
    found = [_metric(run, record) for record in measured.values()]
    groups: dict[str, list[str]] = {title: [] for title in GROUPS}
    for key in curves:
        if key not in measured:
            groups.setdefault(group_of(key, measured) or key, []).append(key)
    drawn = {title: [_series(key, curves[key]) for key in keys] for title, keys in groups.items() if keys}
    return found + [{"title": title, "series": series} for title, series in drawn.items()]


def _metric(run: RunFiles, record: Evaluated) -> dict[str, Any]:
    """Return the chart of a metric: its values with their intervals where every one has one, and the best."""
    rows = [
        (seen, one.value, *(one.interval or ()))
        for seen, records in run.evaluations.items()
        for one in records
        if one.key == record.key and one.value is not None
    ]
    points = rows if all(len(row) == 4 for row in rows) else [row[:2] for row in rows]
    return {"title": record.key, "series": [_series(record.key, points)], "better": record.better, "metric": True}


def _series(name: str, points: Sequence[Point]) -> dict[str, Any]:
    seen, *columns = list(zip(*thinned(points), strict=True)) or [(), ()]
    named = zip(("y", "low", "high"), map(rounded, columns), strict=False)
    return {"name": name, "x": list(seen), **dict(named)}


def thinned(points: Sequence[Point], most: int = MOST_POINTS) -> list[Point]:
    """Return at most `most` points, in their order: of each stretch of neighbours the smallest and the largest."""
    if len(points) <= most:
        return list(points)
    stretch = -(-2 * len(points) // most)
    kept: list[Point] = []
    for start in range(0, len(points), stretch):
        some = points[start : start + stretch]
        kept += sorted({min(some, key=lambda point: point[1]), max(some, key=lambda point: point[1])})
    return kept


def rounded(values: Iterable[float]) -> list[float]:
    """Return values with six digits, which is more than a screen shows."""
    return [float(f"{value:.6g}") for value in values]
