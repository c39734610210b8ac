"""What is known of a run while it goes on: its callbacks write it, and each reads what another has written."""

import time
from dataclasses import dataclass, field

from typing_extensions import TypedDict

from framegan.metrics.estimate import Better
from framegan.metrics.record import Record


class Best(TypedDict):
    """The best value of a metric so far, when it was found, and which direction is better."""

    value: float
    samples_seen: int
    better: Better


class Notice(TypedDict):
    """A warning, and when it was given."""

    samples_seen: int
    text: str


@dataclass
class RunState:
    """The state of a run in one process, which its trainer holds."""

    metrics: dict[str, float] = field(default_factory=dict)
    """The latest value of everything that was logged, by its key."""
    names: list[str] | None = None
    """How the keys begin that the measures will give; None where one doesn't say."""
    records: list[Record] = field(default_factory=list)
    """What the measures have found last."""
    measured_at: int | None = None
    """The samples_seen of that; None until there was something."""
    restarted: set[str] = field(default_factory=set)
    """The keys of these of which earlier values can't be compared: the data or the protocol have changed."""
    best: dict[str, Best] = field(default_factory=dict)
    """By key of what the measures find: the best so far."""
    chosen: dict[str, Best] = field(default_factory=dict)
    """The metric that has decided which checkpoint is the best one, alone; empty until there is one."""
    notices: list[Notice] = field(default_factory=list)
    """The warnings that were given."""
    collapse: dict[str, str] = field(default_factory=dict)
    """By kind: the signs of collapse that the latest look has seen, each as it was told first."""
    total_samples: int | None = None
    """The length of the run."""
    doing: str = "the batch"
    """What has to be finished before the run can stop."""
    ending: Exception | None = None
    """What ends the run as soon as there is a checkpoint, where something went wrong that isn't of training."""
    stopped_by: str | None = None
    """The signal that stops the run, or `another rank`."""
    requeues: bool = False
    """Whether a scheduler has warned a rank, so that the job has to run again."""
    intervals: list[int] = field(default_factory=list)
    """In samples seen, of everything that is done every so often."""
    moments: list[int] = field(default_factory=list)
    """Likewise of what is done once, after so many samples."""
    page_is_due: bool = False
    """Whether something is there that its page doesn't show."""
    evaluation_seconds: float = 0.0
    """Spent on evaluation of any kind, in all sessions of the run."""
    advice: str = ""
    """What to set where evaluation takes too much of the time."""
    began: float = field(default_factory=time.perf_counter)
    seconds_before: float = 0.0
    """Of earlier sessions."""

    @property
    def seconds(self) -> float:
        """Of all sessions of the run."""
        return self.seconds_before + time.perf_counter() - self.began

    @property
    def training_seconds(self) -> float:
        """Of all sessions, without those of evaluation."""
        return self.seconds - self.evaluation_seconds
