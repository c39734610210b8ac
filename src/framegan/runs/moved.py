"""Where the parts that configurations of earlier versions name lie today."""

from typing import Any

from framegan.containers import map_texts

MOVED = {
    "framegan.data.cifar10": "framegan.data.published.cifar10",
    "framegan.data.clips": "framegan.data.videos.clips",
    "framegan.data.digits": "framegan.data.published.digits",
    "framegan.data.frame_folder": "framegan.data.videos.frame_folder",
    "framegan.data.idx": "framegan.data.published.idx",
    "framegan.data.image_folder": "framegan.data.images.image_folder",
    "framegan.data.moving_digits": "framegan.data.drawn.moving_digits",
    "framegan.data.npy": "framegan.data.videos.npy",
    "framegan.data.shape_motion": "framegan.data.drawn.shape_motion",
    "framegan.data.stacked_mnist": "framegan.data.published.stacked_mnist",
    "framegan.data.strips": "framegan.data.videos.strips",
    "framegan.data.synthetic": "framegan.data.drawn.synthetic",
    "framegan.data.ucf101": "framegan.data.published.ucf101",
    "framegan.data.video_folder": "framegan.data.videos.video_folder",
    "framegan.ranks": "framegan.processes.ranks",
}


def with_todays_names(node: Any) -> Any:
    """Return plain containers in which each `_target_` of a part that has moved names its place of today."""
    return map_texts(node, _todays)


def _todays(key: str, text: str) -> str:
    module, _, name = text.rpartition(".")
    return f"{MOVED[module]}.{name}" if key == "_target_" and module in MOVED else text
