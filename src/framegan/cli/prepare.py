"""Decode videos once and for all: framegan prepare data=video_folder data.root=clips"""

import os
import shlex
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from pydantic import Field, NonNegativeInt, PositiveInt

from framegan.cli import compose, errors, prepare_images, preparing
from framegan.cli.preparing import GB
from framegan.quoting import command, to_type

NAMED_PROBLEMS = 10
ROOM = "choose another place with data.cache_dir=FOLDER, a smaller data.resolution, or format=jpeg"
AGAIN = "resumes with what is missing"
OF_FRAMES = {
    *("data", "root", "split", "labels", "classes", "layout", "frame_length", "resolution", "channels", "resize"),
    *("filter", "pixel_aspect", "rotate", "cache_dir"),
}
"""Settings of the data that strips no longer need, or have others for; those of clips stay."""

if TYPE_CHECKING:
    from framegan.data.frame_cache.shard_writer import Plan
    from framegan.data.video_set import FileVideos


@hydra.main(version_base="1.3", config_path=compose.CONFIGURATIONS, config_name="prepare")
def main(cfg: DictConfig) -> None:
    compose.require_choice(cfg, "data")
    choices = [override for override in HydraConfig.get().overrides.task if override.lstrip("+").startswith("data")]
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with errors.plain_errors():
            settings = compose.arguments_of(prepare, cfg, "seed", "data.cache", "data.cache_dir")
            if (images := prepare_images.images_of(cfg)) is not None:
                prepare_images.prepare(images, choices, settings)
                return
            if cfg.strips is not None and cfg.data.get("target_fps") is not None:
                raise ValueError(
                    "strips have all frames of the videos and not their times, by which data.target_fps="
                    f"{cfg.data.target_fps:g} would choose some; leave it out, and train on them with data.frame_stride"
                )
            prepare(_videos(cfg, choices), cfg.data.cache_dir, choices, **settings)
    except KeyboardInterrupt:
        errors.stop(f"interrupted; the same command {AGAIN if cfg.strips is None else _once_empty(cfg.strips)}")


def prepare(
    videos: Any,
    cache_dir: str | None,
    choices: list[str],
    format: Literal["raw", "jpeg"],
    quality: Annotated[int, Field(ge=1, le=100)],
    num_workers: NonNegativeInt | Literal["auto"],
    shard_mb: PositiveInt,
    verify: bool,
    replace: bool,
    dry_run: bool,
    strips: str | None,
) -> None:
    """Write the frame cache of videos, or strips of them.

    Args:
        videos: `framegan.data.video_set.FileVideos`.
        choices: what was set of the data, to be set again to train.
    """
    from framegan.data.frame_cache import layout
    from framegan.data.frame_cache.build import estimate, missing, plan, refuse_others
    from framegan.data.resolution import sides_of

    workers = (os.cpu_count() or 1) if num_workers == "auto" else num_workers
    num_frames = sum(videos.num_frames(index) for index in range(len(videos)))
    size = "x".join(map(str, [*sides_of(videos.resolution), videos.channels]))
    print(f"data     {len(videos):,} videos, {num_frames:,} frames of {size}, {videos.split}", flush=True)
    if strips is not None:
        _write_strips(videos, Path(strips), choices, workers, dry_run)
        return
    job = plan(videos, layout.cache_folder(videos, cache_dir), format, shard_mb, quality)
    to_write = missing(job)
    refuse_others(job, to_write, replace)
    num_bytes, seconds = estimate(job, to_write)
    _announce(job.folder, format, num_bytes, seconds, max(1, min(workers, len(to_write))))
    if not dry_run:
        preparing.check_room(job.folder, num_bytes, ROOM)
        _write(job, workers, verify, replace)
        print(f"train    {command('train', 'model=NAME', shlex.join(choices))}", flush=True)


def _videos(cfg: DictConfig, choices: list[str]) -> "FileVideos":
    """Build the videos, as train.py will; stop where there is nothing to decode.

    Args:
        choices: what was set of the data; what train.py will need besides is added.
    """
    from framegan.data.video_set import FileVideos

    node = OmegaConf.select(cfg, "data.datamodule.source.videos")
    videos = None
    if cfg.strips is None and cfg.data.get("classes") is not None:
        errors.stop("all classes are prepared; leave out data.classes here: a run with it reads its part of the frames")
    if node is not None and cfg.strips is None:  # all that train.py will refuse
        OmegaConf.update(cfg, "data.cache", "none")
        datamodule = compose.build(cfg.data.datamodule)
        videos = datamodule.source.videos
        if cfg.dry_run:
            datamodule.check_batch_fits(num_ranks=1)
        elif (lacking := -(-cfg.data.batch_size // len(datamodule.source.kept))) > cfg.data.clips_per_video:
            choices.append(f"data.clips_per_video={lacking}")
    elif node is not None:
        videos = compose.build(node)
    if not isinstance(videos, FileVideos):
        is_of_tars = str(cfg.data.datamodule.source.get("_target_", "")).endswith(".ImageTars")
        why = (
            "images in tar files can be prepared once they are unpacked, for data=image_folder; as they are they are "
            "decoded when they are needed, in several processes with data.num_workers=4. To train on them"
            if is_of_tars
            else "these data need no preparing: there are no videos to decode. Train on them right away"
        )
        errors.stop(f"{why}: {command('train', 'model=NAME', shlex.join(choices))}")
    return videos


def _announce(folder: Path, format: str, num_bytes: int, seconds: float, num_workers: int) -> None:
    if not num_bytes:
        print(f"cache    {folder} is up to date", flush=True)
        return
    seconds /= num_workers
    minutes = f"{seconds / 60:,.0f} minutes" if seconds >= 90 else f"{max(1, seconds):.0f} s"
    about = "" if format == "raw" else "about "
    room = f"{about}{num_bytes / GB:,.2f} GB of {format} frames"
    print(f"cache    {folder}: {room}, about {minutes} with {num_workers} processes", flush=True)


def _write(job: "Plan", num_workers: int, verify: bool, replace: bool) -> None:
    from framegan.data.frame_cache.build import prepare

    start = time.perf_counter()
    with preparing.stopped_if_full(job.folder, AGAIN, "data.cache_dir=FOLDER"):
        done = prepare(job, num_workers, verify, replace)
    for number in done.damaged:
        print(f"damaged  shard {number}: rebuilt")
    took = time.perf_counter() - start
    print(f"done     {done.num_frames:,} frames, {done.num_bytes / GB:,.2f} GB, in {took:,.0f} s")
    _list_failures(done.failures)


def _once_empty(folder: str | Path) -> str:
    return f"begins again once {folder} is empty"


def _write_strips(videos: "FileVideos", folder: Path, choices: list[str], num_workers: int, dry_run: bool) -> None:
    from framegan.data.frame_cache.strip_writer import settings_of, write_strips
    from framegan.data.resolution import sides_of
    from framegan.data.video_set import size_in_bytes

    if folder.resolve().is_relative_to(videos.root.resolve()):
        errors.stop(f"strips={folder} lies in data.root={videos.root}, and would be read as data; set another folder")
    if there := len(list(folder.rglob("*.png"))):
        errors.stop(f"{folder} holds {there:,} PNG files already; empty it, or set strips to another folder")
    print(f"strips   {folder}: {len(videos):,} PNG files, at most {size_in_bytes(videos) / GB:,.2f} GB", flush=True)
    if dry_run:
        return
    preparing.check_room(folder, size_in_bytes(videos), ROOM)
    with preparing.stopped_if_full(folder, _once_empty(folder), "strips=FOLDER"):
        failures = write_strips(videos, folder, num_workers)
    _list_failures(failures)
    height, width = sides_of(videos.resolution)
    size = [f"data.resolution={height}"]
    if height != width:
        size = [shlex.quote(f"data.resolution=[{height},{width}]"), f"data.frame_length={width}"]
    size += [f"data.channels={videos.channels}"] if videos.channels != 3 else []
    size += settings_of(videos)
    of_clips = [one for one in choices if one.partition("=")[0].removeprefix("data.") not in OF_FRAMES]
    settings = "model=NAME data=strips", to_type("data.root", folder), *size, shlex.join(of_clips)
    print(f"train    {command('train', *filter(None, settings))}", flush=True)


def _list_failures(failures: Mapping[str, str]) -> None:
    if not failures:
        return
    print(f"skipped  {len(failures)} that can't be decoded; fix or remove them, or train with data.on_error=skip:")
    for name, reason in list(failures.items())[:NAMED_PROBLEMS]:
        print(f"           {name}: {reason}")
    if len(failures) > NAMED_PROBLEMS:
        print(f"           and {len(failures) - NAMED_PROBLEMS} more")
