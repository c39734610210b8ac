"""What a run keeps of its data, in data.json: their classes with names and counts, and what identifies them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framegan.data import earlier_runs
from framegan.data.fingerprint import comparable, differences
from framegan.data.source import Inventory
from framegan.files import strict_json
from framegan.quoting import first_names

if TYPE_CHECKING:
    from framegan.data import datamodule

SHOWN_CLASSES = 20


def write(folder: Path, data: "datamodule.DataModule") -> None:
    """Write data.json of a run folder, whole or not at all."""
    counts: Sequence[int | None] = data.class_counts or [None] * len(data.classes)
    content = {
        "num_samples": len(data.source),
        "split": data.split,
        "classes": dict(zip(data.classes, counts, strict=True)),
        "fingerprint": data.fingerprint,
        "inventory": data.inventory,
    }
    strict_json.write(folder / "data.json", content)


def inventory_in(folder: Path, fingerprint: str) -> Inventory | None:
    """Return the inventory that a run has kept of the data with this fingerprint; None where it has none of them."""
    kept = _read(folder)
    inventory = kept.get("inventory") if kept.get("fingerprint") == fingerprint else None
    return inventory if isinstance(inventory, dict) else None


def class_counts_in(folder: Path) -> dict[str, int] | None:
    """Return how many samples of each class a run was trained on, in the order of the classes; None where unknown."""
    kept = _read(folder).get("classes")
    if not isinstance(kept, dict) or not all(type(count) is int and 0 <= count < 2**40 for count in kept.values()):
        return None
    return kept if sum(kept.values()) else None


def _read(folder: Path) -> dict[str, Any]:
    """Return what data.json of a run folder holds; nothing where it is missing or damaged."""
    try:
        kept = strict_json.loads((folder / "data.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def changes(folder: Path, fingerprint: Any, data: "datamodule.DataModule") -> list[str]:
    """Return a line for each way in which the data are not those that a run was trained on.

    Args:
        fingerprint: what the run's configuration says; see `framegan.data.earlier_runs` for those of earlier versions.
    """
    kept = comparable(fingerprint)
    if kept is None:
        return earlier_runs.changes(fingerprint, data.classes, data.source)
    if data.inventory is None or kept == data.fingerprint:
        return []
    inventory = inventory_in(folder, kept)
    return ["the samples have changed"] if inventory is None else differences(inventory, data.inventory)


def classes_line(data: "datamodule.DataModule") -> str:
    """Return the names of the classes with their counts, the first of many."""
    shown, counts = data.classes, data.class_counts
    if counts is not None:
        shown = [f"{name} ({count:,})" for name, count in zip(data.classes, counts, strict=True)]
    return first_names(shown, SHOWN_CLASSES) + (": see data.json" if len(shown) > SHOWN_CLASSES else "")
