"""Results that say how they were made."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol, get_args, runtime_checkable

import torch

from framegan.by_class import OfClass, tables
from framegan.files import strict_json
from framegan.metrics.estimate import Better, JudgedAs
from framegan.metrics.sample_set import SampleSet
from framegan.quoting import printable

SHOWN_CLASSES = 20
"""Of which a table has rows."""


@dataclass(frozen=True, repr=False)
class Record:
    """One value and what it takes to compare it with another one.

    Args:
        key: what loggers call it: the score, the embedding with its fingerprint, the protocol.
        interval: in which that of the distributions lies, 95 %; None where there is none.
        better: which direction is better.
        protocol: the settings that decide the value.
        real: where the real samples come from.
        fake: where the fake ones come from.
        judged_as: as in `framegan.metrics.estimate.Estimate`.
        why_no_interval: likewise.
        by_class: the same of the samples of each class, where that was asked for, or of each predicted frame.
    """

    key: str
    value: float
    interval: tuple[float, float] | None
    better: Better
    num_real: int
    num_fake: int
    protocol: dict[str, Any]
    real: dict[str, Any]
    fake: dict[str, Any]
    judged_as: JudgedAs | None = None
    why_no_interval: str | None = None
    by_class: dict[str, OfClass] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.better not in get_args(Better):
            raise ValueError(f"the score {self.key} says that {self.better!r} is better; it should be lower or higher")

    def __repr__(self) -> str:
        return f"Record({self.key}={self.value:.6g}, 95 % interval {interval_of(self)}, {self.better} is better)"

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON, with the versions it was made with."""
        return asdict(self) | {"versions": {"framegan": version("framegan"), "torch": str(torch.__version__)}}


def interval_of(record: Record) -> str:
    """Return how the interval of a record is printed, or why there is none."""
    if record.interval is None:
        return f"none ({record.why_no_interval})" if record.why_no_interval else "none"
    return "{:.5g} to {:.5g}".format(*record.interval)


def table(records: Sequence[Record]) -> list[str]:
    """Return records as the lines of a table with a header."""
    rows = [("score", "value", "95 % interval", "better", "fake", "real")] + [
        (r.key, f"{r.value:.6g}", interval_of(r), r.better, f"{r.num_fake:,}", f"{r.num_real:,}") for r in records
    ]
    return _aligned(rows)


def class_tables(records: Sequence[Record]) -> list[str]:
    """Return what records say of each class, or frame, as the lines of tables, of many the first."""
    lines = []
    for one in tables(records):
        rows = [(one.each, *one.columns, "fake", "real")]
        for name, values in list(one.rows.items())[:SHOWN_CLASSES]:
            shown = ["-" if of.value is None else f"{of.value:.4g}" for of in values]
            counts = max(of.num_fake for of in values), max(of.num_real for of in values)
            rows.append((printable(name), *shown, *(f"{count:,}" for count in counts)))
        more = len(one.rows) - SHOWN_CLASSES
        lines += [
            "",
            f"of each {one.each}, {one.title}",
            *_aligned(rows),
            *([f"and {more:,} more"] if more > 0 else []),
        ]
        lines += [f"-: {reason}" for reason in one.reasons]
    return lines


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def write(path: Path, records: Sequence[Record]) -> None:
    """Write records as JSON, whole or not at all; the folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    strict_json.write(path, [record.as_dict() for record in records])


@runtime_checkable
class Measure(Protocol):
    """Compares real samples with fake ones."""

    def check(self, real: SampleSet, fake: SampleSet) -> None:
        """Raise ValueError, before anything is computed, where the two can't be compared."""

    def __call__(self, real: SampleSet, fake: SampleSet) -> list[Record]:
        """Return a record of each value; all ranks have to call it, and all get the same."""

    def with_num_samples(self, num_samples: int) -> "Measure":
        """Return the same measure of another number of samples."""


def check_keys(measures: Iterable[Measure], real: SampleSet, fake: SampleSet) -> None:
    """Raise ValueError, before anything is computed, where two measures will give values of the same key."""
    _check_different(key for one in measures if hasattr(one, "keys") for key in one.keys(real, fake))


def measured(measures: Iterable[Measure], real: SampleSet, fake: SampleSet) -> list[Record]:
    """Return the records of all measures; raise ValueError where two have the same key."""
    records = [record for measure in measures for record in measure(real, fake)]
    _check_different(record.key for record in records)
    return records


def _check_different(keys: Iterable[str]) -> None:
    found: set[str] = set()
    for key in keys:
        if key in found:
            raise ValueError(f"two scores are both called {key}; leave one of them out of the metrics")
        found.add(key)


def read(path: Path) -> list[Record]:
    """Return the records in a file that `write` has written."""
    found = json.loads(path.read_text(encoding="utf-8"))
    names = {field.name for field in fields(Record)}
    return [Record(**_with_tuple({name: one[name] for name in names & one.keys()})) for one in found]


def _with_tuple(record: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a record, or of one of its classes, as JSON gives them, with the types they had."""
    interval, by_class = record["interval"], record.get("by_class", {})
    of_classes = {name: OfClass(**_with_tuple(one)) for name, one in by_class.items()}
    return record | {"interval": interval and tuple(interval)} | ({"by_class": of_classes} if of_classes else {})
