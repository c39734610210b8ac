"""What a run folder tells of its run, read as data: another program, or somebody else, may have written it.

run.json is written once for a session and says what is run; summary.json is written whenever a checkpoint is, and says
how it goes. Folders of earlier versions lack run.json: what was set is read from .hydra/overrides.yaml then.
"""

import csv
import math
import re
import time
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from framegan.files import strict_json
from framegan.files.lock import is_held
from framegan.runs.records import About, Data, Evaluated, Notice, Rollback, Summary, Tiles, Value

LARGEST = 1 << 23
"""Bytes of a JSON file; those of real runs have some thousand."""
LARGEST_LIST = 1 << 30
"""Likewise of one that has a line for every file of the data, or some for every class."""
CLOCK = "samples_seen"
SILENT = 120.0
"""Seconds without a sign of life after which a run that no process holds is taken for killed."""

Content = TypeVar("Content")


class RunFiles:
    """A run as its folder tells it; each file is read when it is first asked for.

    Raises:
        ValueError: by every property, the file is damaged; the message names it.
    """

    def __init__(self, folder: Path):
        self.folder = folder

    @cached_property
    def about(self) -> About:
        if (self.folder / "run.json").exists():
            return self._read("run.json", About)
        overrides = self.overrides
        pairs = dict(word.lstrip("+~").partition("=")[::2] for word in overrides)
        choices: dict[str, str | None] = {key: pairs[key] for key in ("model", "data") if key in pairs}
        return About(overrides=overrides, choices=choices, settings={**pairs})

    @cached_property
    def summary(self) -> Summary:
        if not (self.folder / "summary.json").exists():
            return Summary(samples_seen=max((int(row[CLOCK]) for row in self.rows), default=0))
        summary = self._read("summary.json", Summary)
        for key, value in summary.best.items():
            if "better" not in value.model_fields_set:  # of earlier versions, which left it to the records
                records = self._evaluated(value.samples_seen)
                value.better = next((record.better for record in records if record.key == key), "lower")
        return summary

    @cached_property
    def data(self) -> Data:
        return self._read("data.json", Data, LARGEST_LIST)

    @cached_property
    def tiles(self) -> Tiles:
        return self._read("samples/tiles.json", Tiles)

    @cached_property
    def notices(self) -> list[Notice]:
        """Warnings and rollbacks, in the order of the samples that had been seen; a rollback takes warnings back."""
        past = self._read("rollbacks.json", list[Rollback])
        rolled_back = [Notice(samples_seen=one.samples_seen, text=one.text) for one in past]
        return sorted([*self.summary.notices, *rolled_back], key=lambda notice: notice.samples_seen)

    @property
    def status(self) -> str:
        """What became of the run: running, finished, collapsed, stopped by SIGNAL, failed, killed or unknown."""
        status = self.summary.status
        if status not in ("running", "unknown") or time.time() - self.seen_alive < SILENT:
            return status
        return "running" if is_held(self.folder / ".lock") else "killed"  # it may be measuring for long

    @property
    def seen_alive(self) -> float:
        """When the run last wrote to its folder, in seconds since 1970."""
        files = (self.folder / name for name in ("summary.json", "metrics.csv", ".hydra/config.yaml"))
        return max((file.stat().st_mtime for file in files if file.exists()), default=0.0)

    @cached_property
    def objective(self) -> str | None:
        """The metric that says how good the run is; of earlier versions that name none, the first that has a best."""
        return self.summary.objective or next(iter(self.summary.best), None)

    @property
    def best(self) -> Value | None:
        """The best value of the objective."""
        return self.summary.best.get(self.objective or "")

    @cached_property
    def evaluations(self) -> dict[int, list[Evaluated]]:
        """The records by samples_seen."""
        found = [path.stem for path in (self.folder / "evaluations").glob("*.json") if path.stem.isdecimal()]
        return {int(seen): self._evaluated(seen) for seen in sorted(found, key=int)}

    @cached_property
    def curves(self) -> dict[str, list[tuple[int, float]]]:
        """Of every key in metrics.csv its values, finite ones, by samples_seen."""
        found = defaultdict(list)
        for row in self.rows:
            for key, value in row.items():
                if key != CLOCK and math.isfinite(value):
                    found[key].append((int(row[CLOCK]), value))
        return dict(found)

    @cached_property
    def rows(self) -> list[dict[str, float]]:
        """The rows of metrics.csv: what was measured after how many samples_seen; none that is just being written."""
        file = self.folder / "metrics.csv"
        if not file.exists():
            return []
        _check_file(file)
        try:
            with file.open(newline="", encoding="utf-8") as text:
                whole = [row for row in csv.DictReader(text) if None not in row.values()]
        except (csv.Error, UnicodeDecodeError) as error:
            raise ValueError(f"{file} is damaged: {error}") from None
        clocked = [row for row in whole if re.fullmatch(r"[0-9]{1,18}", row.get(CLOCK, ""))]
        return [_numbers(row) | {CLOCK: int(row[CLOCK])} for row in clocked]

    @cached_property
    def overrides(self) -> list[str]:
        """What was set on the command line."""
        file = self.folder / ".hydra" / "overrides.yaml"
        if not file.exists():
            return []
        _check_file(file)
        try:
            found = yaml.safe_load(file.read_bytes())
        except (yaml.YAMLError, RecursionError):
            raise ValueError(f"{file} is damaged") from None
        return [word for word in found if isinstance(word, str)] if isinstance(found, list) else []

    def _evaluated(self, seen: int | str) -> list[Evaluated]:
        return self._read(f"evaluations/{seen}.json", list[Evaluated], LARGEST_LIST)

    def _read(self, name: str, kind: type[Content], largest: int = LARGEST) -> Content:
        """Return what a file says; what is meant where there is none."""
        file = self.folder / name
        if not file.exists():
            return kind()
        _check_file(file)
        try:
            if file.stat().st_size > largest:
                raise ValueError(f"it has more than {largest:,} bytes")
            return TypeAdapter(kind).validate_python(strict_json.loads(file.read_bytes()))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise ValueError(f"{file} is damaged: {where or 'the file'}: {first['msg']}") from None
        except (ValueError, OSError) as error:
            raise ValueError(f"{file} is damaged: {error}") from None


def _check_file(file: Path) -> None:
    """Raise ValueError where something else has the name of a file; to open a pipe would wait for ever."""
    if not file.is_file():
        raise ValueError(f"{file} is not a file")


def mark(folder: Path, status: str, reason: str | None = None) -> None:
    """Write into summary.json what became of a run; the rest of it stays."""
    file = folder / "summary.json"
    before = strict_json.loads(file.read_bytes()) if file.exists() else {}
    strict_json.write(file, before | {"status": status, "reason": reason})


def may_fail(folder: Path) -> bool:
    """Say whether summary.json tells of a run that goes on, or has failed before."""
    return (folder / "summary.json").exists() and RunFiles(folder).summary.status in ("running", "failed")


def duration(seconds: float) -> str:
    """Return a time as people read it: 8.2 s, 3 min 20 s, 2 h 5 min."""
    if seconds < 60:
        return f"{seconds:.2g} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _numbers(row: Mapping[str, str]) -> dict[str, float]:
    """Return what of a row is a number."""
    found = {}
    for key, text in row.items():
        with suppress(ValueError, TypeError):  # TypeError: of cells beyond the last column
            found[key] = float(text)
    return found
