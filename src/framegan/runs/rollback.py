"""Rollbacks: a run that went wrong starts over from an earlier checkpoint, with half of its learning rates.

Each time is kept in <run folder>/rollbacks.json, beside the checkpoints and not in them, so that a run that is resumed
later keeps its smaller learning rates. Delete the file to have the full ones again.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from framegan.files import strict_json
from framegan.quoting import command, to_type
from framegan.runs.checkpoint_files import clocks, copy, lasting, newest_first

FACTOR = 0.5
"""What the learning rates are multiplied by each time."""


@dataclass(frozen=True)
class Ending:
    """How training has ended where something went wrong.

    Args:
        message: what, and what to set.
        starts_over: whether it goes back to a checkpoint; else it stops.
        checkpoint: to start from. None = the beginning.
    """

    message: str
    starts_over: bool = False
    checkpoint: Path | None = None


class TrainingEndedError(Exception):
    """Leaves the training loop, from wherever in it; whoever has started it takes the ending."""

    def __init__(self, ending: Ending):
        super().__init__(ending.message)
        self.ending = ending


class CollapsedError(TrainingEndedError):
    """Likewise, where training has collapsed."""


class PastRollback(TypedDict):
    """What rollbacks.json keeps of each time."""

    samples_seen: int
    to: int
    setting: str
    reason: str
    learning_rate_factor: float


@dataclass(frozen=True)
class Trouble:
    """What went wrong with a run.

    Args:
        what: one sentence, without its full stop.
        began: samples_seen at the latest moment that was still good.
        noticed: samples_seen now.
        advice: settings to try.
        setting: of the configuration, that says what to do about it.
        best_is_good: whether best.ckpt is a better one to resume from than the newest checkpoint from before.
    """

    what: str
    began: int
    noticed: int
    advice: str
    setting: str
    best_is_good: bool = False


def learning_rate_factor(folder: Path) -> float:
    """Return what the learning rates of a run are multiplied by, after its rollbacks."""
    return float(FACTOR ** len(past_rollbacks(folder)))


def past_rollbacks(folder: Path) -> list[PastRollback]:
    """Return what rollbacks.json of a run folder says, oldest first.

    Raises:
        ValueError: the file holds something else.
    """
    path = folder / "rollbacks.json"
    if not path.exists():
        return []
    try:
        return TypeAdapter(list[PastRollback]).validate_python(strict_json.loads(path.read_bytes()))
    except ValueError:
        raise ValueError(f"{path} is not a list of rollbacks; delete it to restore the full learning rates") from None


def forget(folder: Path) -> None:
    """Have the full learning rates again, for another run in the same folder."""
    (folder / "rollbacks.json").unlink(missing_ok=True)


def ending_of(folder: Path, trouble: Trouble, action: str, max_rollbacks: int) -> Ending:
    """Roll a run back where that is the action, and not too often; else stop, and say what is good and what to set."""
    past = past_rollbacks(folder)
    if action != "rollback":
        return Ending(f"{trouble.what}.\n{what_to_do(folder, trouble)}")
    if len(past) >= max_rollbacks:
        times = ", ".join(f"at {before['samples_seen']:,} samples ({before['setting']})" for before in past)
        return Ending(
            f"{trouble.what}.\nThe run was rolled back {len(past)} times already, {times}, and may be "
            f"{max_rollbacks} times. {what_to_do(folder, trouble, f' max_rollbacks={max_rollbacks + 3}')}"
        )
    return _roll_back(folder, trouble, past, max_rollbacks)


def what_to_do(folder: Path, trouble: Trouble, besides: str = "") -> str:
    """Return which checkpoint is from before the trouble, under a name that it keeps, and what to type.

    Args:
        besides: what has to be set too for it to work.
    """
    checkpoint, seen = good_checkpoint(folder, trouble)
    in_a_new_run = f"In a new run try {trouble.advice}"
    if checkpoint is None:
        return f"No checkpoint is from before that. {in_a_new_run}"
    path = os.path.relpath(lasting(checkpoint, seen))
    again = command("train", to_type("resume", path), f"{trouble.setting}=rollback{besides}")
    return (
        f"The last good checkpoint is {path} ({seen:,} samples). It is kept unless the run is rolled back further. "
        f"To resume from it, with half of the learning rates whenever this happens: {again}\n{in_a_new_run}"
    )


def _roll_back(folder: Path, trouble: Trouble, past: list[PastRollback], max_rollbacks: int) -> Ending:
    """Make the last good checkpoint the run's last one."""
    checkpoint, going_to = good_checkpoint(folder, trouble)
    factor = FACTOR ** (len(past) + 1)
    entry = PastRollback(
        samples_seen=trouble.noticed,
        to=going_to,
        setting=trouble.setting,
        reason=trouble.what,
        learning_rate_factor=factor,
    )
    last = folder / "checkpoints" / "last.ckpt"
    if checkpoint and checkpoint != last:
        copy(checkpoint, last)
    for path, seen in clocks(newest_first(last.parent)):
        if seen > going_to:
            path.unlink()
    strict_json.write(folder / "rollbacks.json", [*past, entry])
    return Ending(
        f"{trouble.what}. Rolled back to {going_to:,} samples, with the learning rates x{factor:g} "
        f"(rollback {len(past) + 1} of at most {max_rollbacks})",
        starts_over=True,
        checkpoint=checkpoint and last,
    )


def good_checkpoint(folder: Path, trouble: Trouble) -> tuple[Path | None, int]:
    """Return the best or else the newest checkpoint from before the trouble, and its samples_seen; else (None, 0)."""
    good = {path: seen for path, seen in clocks(newest_first(folder / "checkpoints")) if seen <= trouble.began}
    best = folder / "checkpoints" / "best.ckpt"
    chosen = best if trouble.best_is_good and best in good else max(good, key=good.__getitem__, default=None)
    return chosen, good[chosen] if chosen else 0
