"""Where the parts that configurations of earlier versions name lie today."""

from typing import Any

from framegan.containers import map_texts

ROOMS = {
    "drawn": ("moving_digits", "shape_motion", "synthetic"),
    "images": ("image_folder",),
    "published": ("cifar10", "digits", "idx", "stacked_mnist", "ucf101"),
    "videos": ("clips", "frame_folder", "npy", "strips", "video_folder"),
}
"""Modules that lay in framegan.data itself, by the room in it where they lie today."""
MOVED = {f"framegan.data.{name}": f"framegan.data.{room}.{name}" for room, names in ROOMS.items() for name in names}
MOVED |= {"framegan.ranks": "framegan.processes.ranks"}


def with_todays_names(node: Any) -> Any:
    """Return plain containers in which each `_target_` of a part that has moved names its place of today."""
    return map_texts(node, _todays)


def _todays(key: str, text: str) -> str:
    module, _, name = text.rpartition(".")
    return f"{MOVED[module]}.{name}" if key == "_target_" and module in MOVED else text
