"""What was measured of each class, or of each frame of a clip, and the table that shows it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class OfClass:
    """A value of the samples of one class, or of one frame.

    Args:
        value: None where there is none.
        interval: as that of a record.
        why_no_value: what to say in its place.
    """

    value: float | None
    interval: tuple[float, float] | None
    num_real: int
    num_fake: int
    why_no_value: str | None = None


NOT_MEASURED = OfClass(None, None, 0, 0, "not every score was measured of every class")


class Measured(Protocol):
    """A record; see `framegan.metrics.record.Record`."""

    @property
    def key(self) -> str: ...

    @property
    def protocol(self) -> dict[str, Any]: ...

    @property
    def by_class(self) -> Mapping[str, OfClass]: ...


@dataclass(frozen=True)
class Table:
    """The values of each class under one protocol.

    Args:
        each: what a row is: class or frame.
        title: the part that the keys share: the embedding and the protocol.
        columns: the names of the values.
        rows: by class.
        reasons: why values are missing.
    """

    each: str
    title: str
    columns: list[str]
    rows: dict[str, list[OfClass]]
    reasons: list[str]


def tables(records: Sequence[Measured]) -> list[Table]:
    """Return a table for each protocol whose values are given for each class, or frame, too."""
    found: dict[tuple[str, str], dict[str, Mapping[str, OfClass]]] = {}
    for record in records:
        if record.by_class:
            protocol, each = record.protocol, "frame" if {"given", "predicted"} <= record.protocol.keys() else "class"
            of_classes = f"_{protocol.get('embedding')}_{protocol.get('fingerprint')}_"
            shared = f"_{protocol['given']}to{protocol['predicted']}_" if each == "frame" else of_classes
            name, _, ending = record.key.partition(shared)
            found.setdefault((each, (shared + ending).strip("_")), {})[name] = record.by_class
    return [_table(each, title, columns) for (each, title), columns in found.items()]


def _table(each: str, title: str, columns: Mapping[str, Mapping[str, OfClass]]) -> Table:
    classes = dict.fromkeys(name for column in columns.values() for name in column)
    rows = {name: [column.get(name, NOT_MEASURED) for column in columns.values()] for name in classes}
    reasons = dict.fromkeys(one.why_no_value for row in rows.values() for one in row if one.why_no_value)
    return Table(each, title, list(columns), rows, list(reasons))
