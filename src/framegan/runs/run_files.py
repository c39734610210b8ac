"""What a run folder tells of its run, read as data: another program, or somebody else, may have written it.

run.json is written once for a session and says what is run; summary.json is written whenever a checkpoint is, and says
how it goes. Folders of earlier versions lack run.json: what was set is read from .hydra/overrides.yaml then.
"""

import csv
import math
import re
import time
from collections import defaultdict
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from framegan.files import strict_json
from framegan.files.lock import is_held

LARGEST = 1 << 23
"""Bytes of a JSON file; those of real runs have some thousand."""
SILENT = 120.0
"""Seconds without a sign of life after which a run that no process holds is taken for killed."""


class Code(BaseModel):
    """Of the folder in which the command was run: its git commit, and whether files differed from it."""

    commit: str
    dirty: bool


class About(BaseModel):
    """run.json: what is run."""

    command: str = ""
    started: float | None = None
    choices: dict[str, str | None] = {}
    overrides: list[str] = []
    settings: dict[str, bool | int | float | str | None] = {}
    versions: dict[str, str] = {}
    code: Code | None = None
    device: str = ""
    precision: str = ""


class Value(BaseModel):
    """A value of a metric, and when it was found."""

    value: float
    samples_seen: int
    better: Literal["lower", "higher"] = "lower"


class Notice(BaseModel):
    """A warning or a rollback, and when it was."""

    samples_seen: int
    text: str


class Summary(BaseModel):
    """summary.json: how it goes."""

    status: str = "unknown"
    reason: str | None = None
    samples_seen: int = 0
    total_samples: int | None = None
    seconds: float = 0.0
    samples_per_second: float | None = None
    data_wait_fraction: float | None = None
    evaluation_fraction: float | None = None
    peak_memory_mb: float | None = None
    num_ranks: int = 1
    final: dict[str, float | None] = {}
    best: dict[str, Value] = {}
    objective: str | None = None
    notices: list[Notice] = []


class Evaluated(BaseModel):
    """A record in evaluations/N.json."""

    key: str
    value: float | None
    interval: tuple[float, float] | None = None
    better: Literal["lower", "higher"] = "lower"
    num_real: int = 0
    num_fake: int = 0
    protocol: dict[str, Any] = {}
    why_no_interval: str | None = None


EVALUATION = TypeAdapter(list[Evaluated])


class Data(BaseModel):
    """data.json: the data of the run."""

    num_samples: int | None = None
    split: str = ""
    classes: dict[str, int] = Field(default_factory=dict)
    fingerprint: str = ""


class Tile(BaseModel):
    """What a tile of a grid of fake samples is made from."""

    model_config = ConfigDict(populate_by_name=True)
    seed: int
    of_class: str | None = Field(None, alias="class")

    @property
    def caption(self) -> str:
        return f"seed {self.seed}" if self.of_class is None else f"seed {self.seed}, class {self.of_class}"


class Tiles(BaseModel):
    """samples/tiles.json: the tiles of those grids, row by row."""

    columns: int = 1
    tiles: list[Tile] = []


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
            return self._read("run.json", TypeAdapter(About))
        overrides = self._overrides()
        pairs = dict(word.lstrip("+~").partition("=")[::2] for word in overrides)
        choices: dict[str, str | None] = {key: pairs[key] for key in ("model", "data") if key in pairs}
        return About(overrides=overrides, choices=choices, settings={**pairs})

    @cached_property
    def summary(self) -> Summary:
        if (self.folder / "summary.json").exists():
            return self._read("summary.json", TypeAdapter(Summary))
        return Summary(samples_seen=max((seen for seen, *_ in self._rows()), default=0))

    @cached_property
    def data(self) -> Data:
        return self._read("data.json", TypeAdapter(Data)) if (self.folder / "data.json").exists() else Data()

    @cached_property
    def tiles(self) -> Tiles:
        name = "samples/tiles.json"
        return self._read(name, TypeAdapter(Tiles)) if (self.folder / name).exists() else Tiles()

    @property
    def status(self) -> str:
        """What became of the run: running, finished, stopped by SIGNAL, failed, killed or unknown."""
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
        found = [path for path in (self.folder / "evaluations").glob("*.json") if path.stem.isdecimal()]
        return {int(path.stem): self._read(path, EVALUATION) for path in sorted(found, key=lambda path: int(path.stem))}

    @cached_property
    def curves(self) -> dict[str, list[tuple[int, float]]]:
        """Of every key in metrics.csv its values, finite ones, by samples_seen."""
        found = defaultdict(list)
        for seen, row in self._rows():
            for key, text in row.items():
                value = _number(text)
                if value is not None:
                    found[key].append((seen, value))
        return dict(found)

    def _rows(self) -> list[tuple[int, dict[str, str]]]:
        file = self.folder / "metrics.csv"
        if not file.exists():
            return []
        try:
            with file.open(newline="", encoding="utf-8") as text:
                rows = [{key: value for key, value in row.items() if key and value} for row in csv.DictReader(text)]
        except (csv.Error, UnicodeDecodeError) as error:
            raise ValueError(f"{file} is damaged: {error}") from None
        clocks = [str(row.pop("samples_seen", "")) for row in rows]
        return [(int(seen), row) for seen, row in zip(clocks, rows, strict=True) if re.fullmatch(r"[0-9]{1,18}", seen)]

    def _read(self, path: str | Path, kind: TypeAdapter[Any]) -> Any:
        file = path if isinstance(path, Path) else self.folder / path
        try:
            if file.stat().st_size > LARGEST:
                raise ValueError(f"it has more than {LARGEST:,} bytes")
            return kind.validate_python(strict_json.loads(file.read_bytes()))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise ValueError(f"{file} is damaged: {where or 'the file'}: {first['msg']}") from None
        except (ValueError, OSError) as error:
            raise ValueError(f"{file} is damaged: {error}") from None

    def _overrides(self) -> list[str]:
        file = self.folder / ".hydra" / "overrides.yaml"
        try:
            found = yaml.safe_load(file.read_bytes()) if file.exists() else []
        except yaml.YAMLError:
            raise ValueError(f"{file} is damaged") from None
        return [str(word) for word in found] if isinstance(found, list) else []


def mark(folder: Path, status: str, reason: str | None = None) -> None:
    """Write into summary.json what became of a run; the rest of it stays."""
    file = folder / "summary.json"
    before = strict_json.loads(file.read_bytes()) if file.exists() else {}
    strict_json.write(file, before | {"status": status, "reason": reason})


def is_said_to_run(folder: Path) -> bool:
    """Say whether summary.json says that a run goes on."""
    return (folder / "summary.json").exists() and RunFiles(folder).summary.status == "running"


def duration(seconds: float) -> str:
    """Return a time as people read it: 8.2 s, 3 min 20 s, 2 h 5 min."""
    if seconds < 60:
        return f"{seconds:.2g} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except (ValueError, TypeError):
        return None
    return value if math.isfinite(value) else None
