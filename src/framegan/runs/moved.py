"""Where the parts that configurations of earlier versions name lie today, and how they are set."""

from typing import Any

from framegan.containers import map_texts, walk

ROOMS = {
    "drawn": ("moving_digits", "shape_motion", "synthetic"),
    "images": ("image_folder",),
    "published": ("cifar10", "digits", "idx", "stacked_mnist", "ucf101"),
    "videos": ("clips", "frame_folder", "npy", "strips", "video_folder"),
}
"""Modules that lay in framegan.data itself, by the room in it where they lie today."""
MOVED = {f"framegan.data.{name}": f"framegan.data.{room}.{name}" for room, names in ROOMS.items() for name in names}
MOVED |= {"framegan.ranks": "framegan.processes.ranks"}
CLIP_CRITIC = "framegan.networks.critics.ClipCritic"
WITHOUT_CLASSES = [f"framegan.networks.{name}.Generator" for name in ("vgan", "tgan", "dcgan3d", "independent_frames")]
"""Generators of clips that once took no class; a list, as what a file names may be of any kind."""


def with_todays_names(node: Any) -> Any:
    """Return plain containers in which each `_target_` of a part that has moved names its place of today.

    Critics of clips that were set by `projection` are set by `conditioning`.
    """
    renamed = map_texts(node, _todays)
    for _, part in walk(renamed):
        if isinstance(part, dict) and part.get("_target_") == "framegan.gan.GAN":
            _set_conditions(part)
    return renamed


def _set_conditions(gan: dict[str, Any]) -> None:
    """Set how a GAN of clips is given the class, where it was trained before any but `mocogan` could be."""
    generator = gan.get("generator")
    takes_none = isinstance(generator, dict) and generator.get("_target_") in WITHOUT_CLASSES
    if takes_none:
        gan.setdefault("conditional", False)
    for _, part in walk(gan.get("discriminator")):
        if isinstance(part, dict) and "projection" in part and part.get("_target_") == CLIP_CRITIC:
            projects = part.pop("projection")
            if not takes_none:
                part["conditioning"] = "auxiliary_projection" if projects else "auxiliary"


def _todays(key: str, text: str) -> str:
    module, _, name = text.rpartition(".")
    return f"{MOVED[module]}.{name}" if key == "_target_" and module in MOVED else text
