"""What identifies a data set, however it is stored and wherever: its inventory, and that in a few digits.

Two sources with the same fingerprint have the same samples; where that can't be known there is none.
"""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from typing import Any

import torch

from framegan.data.source import Inventory, Source, inventory_told_by
from framegan.files.live import track
from framegan.quoting import first_names
from framegan.spread import spread

LARGEST = 1 << 30
"""Bytes of the samples of a source without an inventory that is read whole for its fingerprint."""
NUM_READ_TWICE = 16
KIND = re.compile(r"[0-9a-f]{20}")
"""Those of earlier versions had 16 digits, and did not cover everything."""
NAMED = 5
EXTENT = {"length", "shape", "num_videos", "video_frames", "resolution", "channels", "clips"}
"""What inventories say of how much of what is drawn there is, and how it is cut and shown."""


def inventory_of(source: Source) -> Inventory | None:
    """Return what decides a source's samples: as it says itself, else a digest of them all.

    None where the source doesn't say and has no end, or gives other samples whenever it is asked.

    Raises:
        ValueError: what it says is not made of plain values.
    """
    told = inventory_told_by(source)
    if told is None:
        told = _read_whole(source)
    if told is None:
        return None
    whole = {"length": len(source), "shape": list(source.shape), "num_classes": source.num_classes, **told}
    try:
        return dict(json.loads(json.dumps(whole)))
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"the inventory of {type(source).__name__} holds what JSON can't: {error}; let it return a dictionary of "
            "texts, numbers, lists and dictionaries"
        ) from None


def is_steady(source: Source) -> bool:
    """Say whether a source gives the same samples when it is asked again, going by some of them."""
    few = spread(NUM_READ_TWICE, len(source))
    first, again = [_digest(*source[number]) for number in few], [_digest(*source[number]) for number in few]
    return first == again


def digest_of(inventory: Inventory | None) -> str | None:
    """Return the fingerprint of an inventory."""
    if inventory is None:
        return None
    return hashlib.sha256(json.dumps(inventory, sort_keys=True).encode()).hexdigest()[:20]


def comparable(fingerprint: Any) -> str | None:
    """Return a fingerprint that was kept, or None where it can't be compared, as those of earlier versions."""
    return fingerprint if isinstance(fingerprint, str) and KIND.fullmatch(fingerprint) else None


def without_draws(inventory: Inventory) -> Inventory:
    """Return an inventory without what says which clips are drawn from the videos, and how many."""
    clips = inventory.get("clips")
    if not isinstance(clips, dict):
        return inventory
    of_draws = ("seed", "clips_per_video")
    same = {"length": None, "clips": {name: value for name, value in clips.items() if name not in of_draws}}
    return {**inventory, **same}


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return a line for each way in which two inventories differ: files that came, went or changed, or settings."""
    old, new = _files(before), _files(now)
    both = old.keys() & new.keys()
    changed = {name for name in both if _content(old[name]) != _content(new[name])}
    ways = {
        "added": new.keys() - old.keys(),
        "removed": old.keys() - new.keys(),
        "changed": changed,
        "in another class": {name for name in both - changed if old[name] != new[name]},
    }
    of_files = [
        f"{len(names):,} file{'s' * (len(names) > 1)} {way}: {first_names(sorted(names), NAMED)}"
        for way, names in ways.items()
        if names
    ]
    of_settings = [
        f"{key}: {before.get(key, 'nothing')} -> {now.get(key, 'nothing')}"
        for key in dict.fromkeys([*before, *now])
        if key != "files" and before.get(key) != now.get(key)
    ]
    return of_files or [line for line in of_settings if not line.startswith("length: ")] or of_settings


def in_common(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Return what two inventories have in common, whatever is made of it, in words such as "3 of 5 files"; "" of none.

    It goes by files, by samples that were told as one, and by what is drawn from the same seed.
    """
    old, new = set(map(_content, _files(before).values())), list(map(_content, _files(now).values()))
    if same := sum(one in old for one in new):
        return f"{same:,} of {len(new):,} file{'s' * (len(new) > 1)}"
    drawn, again = ({key: told for key, told in one.items() if key not in EXTENT} for one in (before, now))
    is_same = "samples" in before and before["samples"] == now.get("samples")
    return "the same samples" if is_same or ("drawn" in before and drawn == again) else ""


def _files(inventory: Mapping[str, Any]) -> dict[str, str]:
    files = inventory.get("files")
    return {str(name): str(what) for name, what in files.items()} if isinstance(files, dict) else {}


def _content(entry: str) -> str:
    return entry.partition(" ")[0]


def _read_whole(source: Source) -> Inventory | None:
    """Return a digest of all samples; None where they are too many, or are not the same when they are read again."""
    length = len(source)
    if length * math.prod(source.shape) > LARGEST:
        return None
    few = spread(NUM_READ_TWICE, length)
    first = {number: _digest(*source[number]) for number in few}
    digest = hashlib.sha256()
    for number in track(range(length), "reading", length):
        one = _digest(*source[number])
        if one != first.get(number, one):
            return None
        digest.update(one)
    return {"samples": digest.hexdigest()[:16]}


def _digest(pixels: torch.Tensor, label: int) -> bytes:
    content = pixels.cpu().contiguous().numpy().tobytes()
    return hashlib.sha256(content + f"{int(label)} {tuple(pixels.shape)}".encode()).digest()
