"""What was measured of each class, and the table that shows it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class OfClass:
    """A value of the samples of one class.

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
        title: the part that the keys share: the embedding and the protocol.
        columns: the names of the values.
        rows: by class.
        reasons: why values are missing.
    """

    title: str
    columns: list[str]
    rows: dict[str, list[OfClass]]
    reasons: list[str]


def tables(records: Sequence[Measured]) -> list[Table]:
    """Return a table for each protocol whose values are given for each class too."""
    found: dict[str, dict[str, Mapping[str, OfClass]]] = {}
    for record in records:
        if record.by_class:
            embedding = f"_{record.protocol.get('embedding')}_{record.protocol.get('fingerprint')}_"
            name, _, ending = record.key.partition(embedding)
            found.setdefault((embedding + ending).strip("_"), {})[name] = record.by_class
    return [_table(title, columns) for title, columns in found.items()]


def _table(title: str, columns: Mapping[str, Mapping[str, OfClass]]) -> Table:
    classes = dict.fromkeys(name for column in columns.values() for name in column)
    rows = {name: [column.get(name, NOT_MEASURED) for column in columns.values()] for name in classes}
    reasons = dict.fromkeys(one.why_no_value for row in rows.values() for one in row if one.why_no_value)
    return Table(title, list(columns), rows, list(reasons))
