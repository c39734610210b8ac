"""metrics.csv: a row for each time something was logged, a column for each metric.

Lightning's CSVLogger deletes an existing file, which a resumed run can't afford.
"""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

from lightning.pytorch.utilities.rank_zero import rank_zero_only

from framegan.loggers.run_logger import RunLogger

CLOCK = "samples_seen"
Row = dict[str, str]


class MetricsCSV(RunLogger):
    """Appends to metrics.csv in the run folder; every row is on disk once it is logged."""

    def __init__(self, folder: str):
        super().__init__(folder)
        self.path = Path(folder) / "metrics.csv"
        self.columns: list[str] | None = None

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        if self.columns is None:
            self.columns = self._header()
        new = [key for key in metrics if key not in self.columns]
        if new:
            rows = self._rows()
            self.columns += new
            self._rewrite(rows)
        with self.path.open("a", newline="") as file:
            csv.DictWriter(file, self.columns).writerow({CLOCK: step, **metrics})

    @rank_zero_only
    def cut(self, samples_seen: int) -> None:
        self.columns = self._header()
        if self.path.exists():
            self._rewrite([row for row in self._rows() if int(row[CLOCK]) <= samples_seen])

    def _header(self) -> list[str]:
        if not self.path.exists():
            return [CLOCK]
        with self.path.open(newline="") as file:
            return next(csv.reader(file), [CLOCK])

    def _rows(self) -> list[Row]:
        """Return the complete rows; one that a kill cut short is dropped."""
        if not self.path.exists():
            return []
        with self.path.open(newline="") as file:
            return [row for row in csv.DictReader(file) if None not in row.values()]

    def _rewrite(self, rows: Iterable[Row]) -> None:
        assert self.columns is not None
        partial = self.path.with_suffix(".part")
        with partial.open("w", newline="") as file:
            writer = csv.DictWriter(file, self.columns)
            writer.writeheader()
            writer.writerows(rows)
        partial.replace(self.path)
