"""What a run keeps of its data, in data.json: their classes with names and counts, and what identifies them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framegan.files import strict_json
from framegan.quoting import first_names
from framegan.runs import run_folder
from framegan.runs.records import TrainedOn
from framegan.runs.run_files import RunFiles

if TYPE_CHECKING:
    import numpy as np

    from framegan.data import datamodule
    from framegan.data.source import Inventory, Source

SHOWN_CLASSES = 20
LOOK_ALIKE = 0.02
"""Share of samples, such as empty ones, that may be the same in data that have nothing to do with each other."""


def write(folder: Path, data: "datamodule.DataModule", earlier: Sequence[TrainedOn] = ()) -> None:
    """Write data.json of a run folder, whole or not at all.

    Args:
        earlier: what else its weights were trained on.
    """
    counts: Sequence[int | None] = data.class_counts or [None] * len(data.classes)
    content = {
        "num_samples": len(data.source),
        "split": data.split,
        "classes": dict(zip(data.classes, counts, strict=True)),
        **told_of(data.source, data.held_out, data.inventory, data.identities).model_dump(),
        "earlier": [one.model_dump() for one in earlier],
        "held_out_trained_on": data.trained_on_before,
    }
    strict_json.write(folder / "data.json", content)


def told_of(
    source: "Source", share: float, inventory: "Inventory | None", identities: "np.ndarray | None"
) -> TrainedOn:
    """Return what identifies data, of which a share is held out."""
    import numpy as np

    from framegan.data.fingerprint import digest_of
    from framegan.data.held_out import digest_of_held_out, held_out
    from framegan.data.identities import packed

    return TrainedOn(
        fingerprint=digest_of(inventory),
        held_out=digest_of_held_out(source, share),
        inventory=inventory,
        identities=packed(None if identities is None else np.delete(identities, held_out(source, share))),
    )


def trained_on_in(folder: Path) -> tuple[list[TrainedOn], str]:
    """Return all that the weights in a run folder were trained on, as far as it is known, and what of that they hold
    out now; nothing of a folder that is none."""
    if not run_folder.saved_config(folder).exists():
        return [], ""
    kept = RunFiles(folder).data
    last = {name: getattr(kept, name) for name in TrainedOn.model_fields if name in kept.model_fields_set}
    return [*kept.earlier, TrainedOn(**last)], kept.held_out_trained_on


def besides(told: Sequence[TrainedOn], now: TrainedOn) -> list[TrainedOn]:
    """Return those of the data that are others than those now, without the inventories that aren't needed any more."""
    short = [one.model_copy(update={"inventory": None}) if one.identities else one for one in told]
    keys = [one.identities or (one.fingerprint, one.held_out) for one in (now, *short)]
    return [one for place, one in enumerate(short, 1) if keys[place] not in keys[:place]]


def had(earlier: Sequence[TrainedOn], now: TrainedOn, judged: "np.ndarray | None") -> str:
    """Return what weights were trained on of samples to be judged, such as "3 of 5 samples"; "" = none, as is known.

    Args:
        now: the data that they are among, or are held out from.
        judged: their identities; None = they aren't known one by one.
    """
    import numpy as np

    from framegan.data.fingerprint import in_common
    from framegan.data.identities import unpacked

    for one in earlier:
        found = ""
        if one.identities and judged is not None:
            number = int(np.isin(judged, unpacked(one.identities)).sum())
            if number > LOOK_ALIKE * len(judged) and one.identities != now.identities:
                found = f"{number:,} of {len(judged):,} samples"
        elif one.inventory and now.inventory and not _is_same(one, now):
            found = in_common(one.inventory, now.inventory)
        if found:
            return found
    return ""


def _is_same(one: TrainedOn, now: TrainedOn) -> bool:
    """Say whether both are the same samples, whatever clips are drawn of them, of which the same are held out.

    Earlier versions didn't say which; see `framegan.data.held_out.others_held_out`.
    """
    from framegan.data.fingerprint import without_draws

    assert one.inventory is not None and now.inventory is not None
    is_known = "held_out" in one.model_fields_set
    return without_draws(one.inventory) == without_draws(now.inventory) and one.held_out == (
        now.held_out if is_known else None
    )


def inventory_in(folder: Path, fingerprint: str) -> "Inventory | None":
    """Return the inventory that a run has kept of the data with this fingerprint; None where it has none of them."""
    kept = RunFiles(folder).data
    return kept.inventory if kept.fingerprint == fingerprint else None


def class_counts_in(folder: Path) -> dict[str, int] | None:
    """Return how many samples of each class a run was trained on, in the order of the classes; None where unknown."""
    kept = RunFiles(folder).data.classes
    counts = {name: count for name, count in kept.items() if count is not None}
    return counts if len(counts) == len(kept) and any(counts.values()) else None


def changes(folder: Path, fingerprint: Any, data: "datamodule.DataModule") -> list[str]:
    """Return a line for each way in which the data are not those that a run was trained on.

    Args:
        fingerprint: what the run's configuration says; see `framegan.data.earlier_runs` for those of earlier versions.
    """
    from framegan.data import earlier_runs
    from framegan.data.fingerprint import comparable, differences

    kept = comparable(fingerprint)
    if kept is None and (lines := earlier_runs.changes(fingerprint, data.classes, data.source)):
        return lines
    if kept is None and fingerprint is not None:
        return []
    if kept is None or data.inventory is None:
        return _changes_untold(folder, kept, data)
    if kept == data.fingerprint:
        return []
    inventory = inventory_in(folder, kept)
    return ["the samples have changed"] if inventory is None else differences(inventory, data.inventory)


def _changes_untold(folder: Path, kept: str | None, data: "datamodule.DataModule") -> list[str]:
    """Return likewise a line where a fingerprint is missing before or now, or both times and the size is another."""
    before, now = RunFiles(folder).data.num_samples, len(data.source)
    if before not in (None, now):
        return [f"length: {before} -> {now}"]
    if before is None or kept == data.fingerprint:
        return []
    those = "of the run" if kept is None else "now"
    rule = "they have no inventory, and are above 1 GB or others whenever they are read"
    return [f"nothing identifies the data {those}, so that they can't be compared: {rule}"]


def others_held_out(folder: Path, source: Any, share: float) -> str:
    """Return what to say where a share of the data of a run isn't what it has left out of training."""
    from framegan.data import held_out

    return held_out.others_held_out(source, share, RunFiles(folder).data.held_out)


def check_held_out(folder: Path, source: Any, share: float) -> None:
    """Raise ValueError where a share of the data of a run isn't what it has left out of training."""
    if line := others_held_out(folder, source, share):
        raise ValueError(f"{line}; it can't be judged by samples that it may have been trained on: train a new run")


def classes_line(data: "datamodule.DataModule") -> str:
    """Return the names of the classes with their counts, the first of many."""
    shown, counts = data.classes, data.class_counts
    if counts is not None:
        shown = [f"{name} ({count:,})" for name, count in zip(data.classes, counts, strict=True)]
    more = ": see data.json" if len(shown) > SHOWN_CLASSES else ""
    return first_names(shown, SHOWN_CLASSES) + more + ("; trained on equally often" if data.balance_classes else "")
