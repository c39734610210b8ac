"""What the files of a run folder say, each as data that is checked when it is read; see `framegan.runs.run_files`.

Another program, or somebody else, may have written them; earlier versions lack what has a default here.
"""

import math
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from framegan.by_class import OfClass


class Code(BaseModel):
    """Of the folder in which the command was run: its git commit, and whether files differed from it."""

    commit: str
    dirty: bool


class Origin(BaseModel):
    """A checkpoint whose weights a run took when it began, and the samples that it had seen."""

    checkpoint: str
    samples_seen: int


class Resumed(BaseModel):
    """A command that has resumed a run with other settings, and the samples that it had seen."""

    samples_seen: int
    command: str


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
    origin: Origin | None = None
    images: Origin | None = None
    resumed: list[Resumed] = []

    def commands(self, samples_seen: float = math.inf) -> list[str]:
        """Return the commands that a run was trained with, in their order, up to a number of samples seen."""
        first = self.command or " ".join(["framegan train", *self.overrides])
        later = [one for one in self.resumed if one.samples_seen < samples_seen]
        return [first, *(f"{one.command}  # after {one.samples_seen:,} samples" for one in later)]


class Value(BaseModel):
    """A value of a metric, when it was found, and what is better."""

    value: float
    samples_seen: int
    better: Literal["lower", "higher"] = "lower"


class Notice(BaseModel):
    """A warning or a rollback, and when it was."""

    samples_seen: int
    text: str


class Rollback(BaseModel):
    """An entry of rollbacks.json; see `framegan.runs.rollback`."""

    samples_seen: int
    to: int
    reason: str = ""
    learning_rate_factor: float = 1.0

    @property
    def text(self) -> str:
        return f"rolled back to {self.to:,} samples, learning rates x{self.learning_rate_factor:g}: {self.reason}"


class Summary(BaseModel, extra="allow"):
    """summary.json: how it goes."""

    status: str = "unknown"
    reason: str | None = None
    samples_seen: int = 0
    total_samples: int | None = None
    seconds: FiniteFloat = 0.0
    samples_per_second: FiniteFloat | None = None
    data_wait_fraction: FiniteFloat | None = None
    evaluation_fraction: FiniteFloat | None = None
    phases: dict[str, FiniteFloat] = {}
    peak_memory_mb: FiniteFloat | None = None
    num_ranks: int = 1
    final: dict[str, float | None] = {}
    best: dict[str, Value] = {}
    objective: str | None = None
    notices: list[Notice] = []

    @property
    def most_time(self) -> dict[str, float]:
        """The three phases that took most of the time, with the share of each, in [0, 1]."""
        spent = {name: seconds for name, seconds in self.phases.items() if 0 < seconds <= self.seconds}
        most = sorted(spent, key=spent.__getitem__, reverse=True)[:3]
        return {name: spent[name] / self.seconds for name in most}


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
    by_class: dict[str, OfClass] = {}


class TrainedOn(BaseModel):
    """Data that weights were trained on: what identifies them, and what was held out, as far as it is known.

    Args:
        identities: of the samples that weren't held out; see `framegan.data.identities.packed`.
    """

    fingerprint: str | None = None
    held_out: str | None = None
    inventory: dict[str, Any] | None = None
    identities: str = ""


class Data(TrainedOn):
    """data.json: the data of the run, those that its weights were trained on before, and what of that is held out now.

    Such as "3 of 5 samples"; see `framegan.cli.run_data.had`.
    """

    num_samples: int | None = None
    split: str = ""
    classes: dict[str, Annotated[int, Field(ge=0, lt=1 << 40)] | None] = {}
    earlier: list[TrainedOn] = []
    held_out_trained_on: str = ""


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
