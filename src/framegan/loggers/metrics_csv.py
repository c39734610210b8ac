"""metrics.csv: a row for each time something was logged, a column for each metric.

Lightning's CSVLogger deletes an existing file, which a resumed run can't afford.
"""

import csv
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from framegan.files import atomic
from framegan.loggers.run_logger import RunLogger

CLOCK = "samples_seen"
Row = dict[str, Any]


class MetricsCSV(RunLogger):
    """Appends to metrics.csv in the run folder; every row is in the file once it is logged.

    Calls in a row with the same clock make one row. That, a new metric and the first row of a session rewrite the file.

    Raises:
        ValueError: the file that is there is not such a table.
    """

    def __init__(self, folder: str):
        super().__init__(folder)
        self.path = Path(folder) / "metrics.csv"
        self.columns: list[str] = []
        self.last_step: int | None = -1
        try:
            is_sound = all(re.fullmatch(r"[0-9]{1,18}", str(row.get(CLOCK))) for row in self._rows())
        except (csv.Error, UnicodeDecodeError):
            is_sound = False
        if not is_sound:
            raise ValueError(f"{self.path} has rows without a number of {CLOCK}; move it elsewhere and run this again")

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        row: Row = {CLOCK: step, **metrics}
        if step != self.last_step and set(row) <= set(self.columns):
            with self.path.open("a", newline="") as file:
                csv.DictWriter(file, self.columns).writerow(row)
        else:
            rows = self._rows()
            if step == self.last_step:
                row = {**rows.pop(), **row}
            self._rewrite([*rows, row])
        self.last_step = step

    def cut(self, samples_seen: int) -> None:
        if self.path.exists():
            rows = [row for row in self._rows() if int(row[CLOCK]) <= samples_seen]
            self._rewrite(rows)
            self.last_step = int(rows[-1][CLOCK]) if rows else -1

    def sync(self) -> None:
        if self.path.exists():
            atomic.sync(self.path)

    def _rows(self) -> list[Row]:
        """Return the complete rows; one that a kill cut short is dropped."""
        if not self.path.exists():
            return []
        with self.path.open(newline="") as file:
            return [row for row in csv.DictReader(file) if None not in row.values()]

    def _rewrite(self, rows: Sequence[Row]) -> None:
        self.columns = list(dict.fromkeys([CLOCK, *(key for row in rows for key in row)]))
        with atomic.new_file(self.path) as part, part.open("w", newline="") as file:
            writer = csv.DictWriter(file, self.columns)
            writer.writeheader()
            writer.writerows(rows)
