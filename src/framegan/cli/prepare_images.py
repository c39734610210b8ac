"""Decode a folder of images once and for all: framegan prepare data=image_folder data.root=photos"""

import math
import shlex
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hydra.utils import get_class
from omegaconf import DictConfig, OmegaConf

from framegan.cli import compose, errors, preparing
from framegan.cli.preparing import GB
from framegan.quoting import command

if TYPE_CHECKING:
    from framegan.data.images.image_folder import ImageFolder

TRIED = 32
"""Images that are decoded to say how long all of them take."""
OF_CLIPS = {"format": "raw", "strips": None, "quality": 95, "shard_mb": 128, "replace": False, "num_workers": "auto"}
"""What has to stay as it is set by default."""


def images_of(cfg: DictConfig) -> "ImageFolder | None":
    """Build the images as training will; None where the data are others."""
    target = OmegaConf.select(cfg, "data.datamodule.source._target_")
    if target is None or not target.endswith(".ImageFolder"):
        return None
    from framegan.data.images.image_folder import ImageFolder

    if not issubclass(get_class(target), ImageFolder):
        return None
    if cfg.data.cache == "none":
        errors.stop("data.cache=none keeps nothing; leave it out")
    return compose.build(cfg.data.datamodule).source


def prepare(images: "ImageFolder", choices: list[str], settings: Mapping[str, Any]) -> None:
    """Keep all images decoded, on the disk.

    Args:
        choices: what was set of the data, to be set again to train.
        settings: those of `framegan.cli.prepare.prepare`.
    """
    if given := [key for key, value in OF_CLIPS.items() if settings[key] != value]:
        errors.stop(f"{given[0]}={settings[given[0]]} is for clips; images are kept as they are decoded: leave it out")
    kept, train = images.kept, command("train", "model=NAME", shlex.join(choices))
    size = "x".join(map(str, [*images.shape[1:], images.channels]))
    print(f"data     {len(images):,} images of {size}, {images.split}", flush=True)
    if kept is None:
        few = "they are few, and decoded in some seconds whenever they are needed"
        errors.stop(f"there is nothing to prepare: {few}. Train on them right away: {train}")
    if images.bad.found:
        errors.stop(images.whole_alone(images.bad.found))
    num_bytes = len(images) * math.prod(images.shape)
    found = kept.find() is not None
    is_damaged = found and not (kept.is_whole() if settings["verify"] else kept.mapped() is not None)
    if found and not is_damaged:
        print(f"cache    {kept.folder} is up to date", flush=True)
    else:
        if is_damaged:
            print(f"damaged  what lies in {kept.folder}", flush=True)
        seconds = _seconds(images)
        about = f"about {seconds / 60:,.0f} minutes" if seconds >= 90 else f"about {max(1, seconds):.0f} s"
        room = f"{num_bytes / GB:,.2f} GB" if num_bytes >= GB else f"{num_bytes / 1e6:,.1f} MB"
        print(f"cache    {kept.folder}: {room} of decoded images, {about}", flush=True)
        if settings["dry_run"]:
            return
        _write(images, num_bytes)
    print(f"train    {train}", flush=True)


def _write(images: "ImageFolder", num_bytes: int) -> None:
    from framegan.data.contents import SETTLED

    assert images.kept is not None
    preparing.check_room(images.kept.folder, num_bytes, "make room, or set a smaller data.resolution")
    time.sleep(min(SETTLED, max(0.0, images.kept.settles_in())))
    start = time.perf_counter()
    try:
        with preparing.stopped_if_full(images.kept.folder, "begins again", "XDG_CACHE_HOME=FOLDER"):
            images.build_kept()
    except KeyboardInterrupt:
        errors.stop("interrupted; nothing is kept, and the same command begins again")
    print(f"done     {len(images):,} images in {time.perf_counter() - start:,.0f} s")


def _seconds(images: "ImageFolder") -> float:
    """Return about how long it takes to decode all images."""
    tried = range(0, len(images), -(-len(images) // TRIED))
    start = time.perf_counter()
    for number in tried:
        images[number]
    return (time.perf_counter() - start) / len(tried) * len(images)
