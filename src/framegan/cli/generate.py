"""Make samples with a trained generator: framegan generate RUN_FOLDER num_samples=64 seed=0"""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import count, takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import hydra
from omegaconf import DictConfig, OmegaConf
from pydantic import NonNegativeInt, PositiveFloat, PositiveInt

from framegan.cli import compose, errors
from framegan.cli.generator import Loaded, load
from framegan.quoting import command
from framegan.runs import run_folder

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    Batches = Iterable[tuple[Sequence[int], Tensor]]

Format = Literal["mp4", "gif", "webp", "npy", "frames", "png", "auto"]
OF_IMAGES, OF_CLIPS = ("png", "npy"), ("mp4", "gif", "webp", "npy", "frames")
"""What the files in a folder can be; the first is what "auto" means."""
VIDEOS = (".mp4", ".gif", ".webp")
Category = NonNegativeInt | float | bool | str
NAME_OF_FOLDER = re.compile(r"(?!class_\d)\w[\w .-]{,59}")
"""Names of classes that may be those of folders; a checkpoint can have any."""
SHOWN_CLASSES = 20


@hydra.main(version_base="1.3", config_path=compose.CONFIGURATIONS, config_name="generate")
def main(cfg: DictConfig) -> None:
    compose.flush_denormals()
    if OmegaConf.is_missing(cfg, "checkpoint"):
        errors.stop(f"no run was named; give its folder, or a checkpoint in it: {command('generate', 'RUN_FOLDER')}")
    with errors.plain_errors():
        generate(**compose.arguments_of(generate, cfg))


def generate(
    checkpoint: str,
    num_samples: PositiveInt,
    seed: NonNegativeInt,
    weights: Literal["ema", "raw"],
    category: Category | list[Category] | None,
    content_seed: NonNegativeInt | None,
    motion_seed: NonNegativeInt | None,
    truncation: float | None,
    num_frames: PositiveInt | None,
    given: str | None,
    out: str | None,
    format: Format,
    frames_per_second: PositiveFloat | None,
    grid_samples: PositiveInt,
    batch_size: PositiveInt | None,
    device: Literal["auto", "cpu", "cuda"],
    trust: list[str],
) -> None:
    """Write files of the seeds seed, seed + 1, ... and a grid of the first of them; of several classes of each.

    Args:
        given: a video, a picture or a folder of pictures whose first frames all clips begin with.
        trust: packages whose parts the run folder's configuration may build too.
    """
    from framegan import sampling

    run = load(checkpoint, weights, device, trust)
    generator, makes_clips = run.generator, len(run.generator.shape) == 4
    target = _target(out, run.folder, makes_clips=makes_clips)
    kind = _format(format, target, makes_clips=makes_clips)
    rate = _rate(frames_per_second, run, kind, target)
    print(f"{run.checkpoint} after {run.samples_seen:,} samples, {weights} weights")
    _tell_length(generator, num_frames)
    folders = _folders(generator, category, target)
    shown = min(num_samples, max(1, grid_samples // len(folders)))
    seeds = range(seed, seed + (num_samples if kind else shown))
    held = {part: one for part, one in (("content", content_seed), ("motion", motion_seed)) if one is not None}
    for one in folders.values():  # what can't be leaves no folder behind
        sampling.draw(generator, seeds[:1], one, num_frames, held, is_given=given is not None)
    sampling.options_of(generator, num_frames, truncation)
    choices: dict[str, Any] = {"num_frames": num_frames, "held": held, "truncation": truncation}
    if given is not None:
        choices["given"] = _given(given, run, held, target)
    batches = {
        folder: sampling.batches(generator, seeds, batch_size, category=one, **choices)
        for folder, one in folders.items()
    }
    try:
        grid = _write(batches, target, kind, rate, shown, getattr(generator, "given_frames", 0))
    except OSError as error:
        raise ValueError(f"{target} can't be written: {error}; make room, or set out to another folder") from error
    each = f" of each of {len(folders)} categories" if len(folders) > 1 else ""
    speed = f" at {rate:g} frames a second" if makes_clips else ""
    others = _others(list(folders), num_samples) if kind else ""
    print(f"{grid} shows {shown} sample{'s' * (shown > 1)}{each}{speed}{others}")


def _given(given: str, run: Loaded, held: Mapping[str, int], target: Path) -> "Tensor":
    """Return the frames that clips begin with, (C, given_frames, H, W) in [-1, 1].

    Raises:
        ValueError: the generator takes none, they can't be read or would be written over, or another beginning is asked
            for too.
    """
    from framegan import media, sampling
    from framegan.data.given import frames_of

    number = getattr(run.generator, "given_frames", 0)
    if number == 0:
        raise ValueError(f"given={given}, but this generator makes whole clips; leave it out, or train model=predictor")
    if not given.strip():
        raise ValueError("given= is empty; is a variable not set? Set it to a video, a picture or a folder of pictures")
    if "content" in held:
        raise ValueError(f"given={given} says what clips begin with; leave out content_seed={held['content']}")
    path = Path(given).expanduser()
    if path.is_file() and path.resolve() == target.resolve():
        raise ValueError(f"out={target} is the file that is given, which would be lost; set out to another")
    settings = compose.as_dict(run.config)["data"]
    pixels, chosen = frames_of(path, run.generator.shape, number, settings)
    which = ", ".join(str(place + 1) for place in chosen)
    print(f"given    {given}: frame{'s' * (number > 1)} {which}, with an orange margin in the grid")
    return sampling.given_of(run.generator, media.to_samples(pixels), 1)[0]


def _write(
    batches: "Mapping[Path, Batches]",
    target: Path,
    kind: str | None,
    frames_per_second: float,
    shown: int,
    given_frames: int,
) -> Path:
    """Write samples and a grid of the first of them, and return its path.

    Args:
        batches: of each class, by the folder that its files go to.
        kind: what these files are. None = `target` is the file of the grid, and there are none.
        shown: how many of each class are in the grid, where it has a row.
        given_frames: of each clip, which are marked there.
    """
    from framegan import media, video_files

    rows: list[list[np.ndarray]] = []
    for folder, of_class in batches.items():
        rows.append([])
        (folder if kind else target.parent).mkdir(parents=True, exist_ok=True)
        for seeds, samples in of_class:
            pixels = media.to_frames(samples)
            rows[-1].extend(pixels[: shown - len(rows[-1])])
            if kind:
                for seed, one in zip(seeds, pixels, strict=True):
                    _write_one(folder / f"seed_{seed}", one, kind, frames_per_second)
    grid = media.tiled([one for row in rows for one in row], shown if len(rows) > 1 else None, given_frames)
    is_image = grid.ndim == 3
    file = target.with_name(f"{target.name}_grid{'.png' if is_image else '.mp4'}") if kind else target
    if is_image:
        media.write_png(file, grid)
    else:
        video_files.write(file, media.enlarged(grid), frames_per_second)
    return file


def _rate(wanted: float | None, run: Loaded, kind: str | None, target: Path) -> float:
    """Return how fast clips play; raise ValueError where their files, or that of the grid, can't hold that."""
    from framegan import video_files

    if len(run.generator.shape) == 3:
        if wanted is not None:
            raise ValueError(f"frames_per_second={wanted:g}, but this generator makes images; leave it out")
        return 0.0
    rate = wanted or run_folder.frames_per_second(run.config) or video_files.FRAMES_PER_SECOND
    for ending in [f".{kind}", ".mp4"] if kind else [target.suffix]:
        video_files.check_rate(ending, rate)
    return rate


def _tell_length(generator: Any, num_frames: int | None) -> None:
    """Print what is known of clips that are longer than those trained."""
    if len(generator.shape) == 4 and (num_frames or 0) > generator.shape[1]:
        known = getattr(generator, "longer_clips", "look whether they keep moving")
        print(f"num_frames={num_frames} is more than the {generator.shape[1]} trained: {known}")


def _folders(generator: Any, category: Any, target: Path) -> dict[Path, str | None]:
    """Return the class of the samples in each folder as `framegan.sampling` takes it, and print which these are.

    One class, or those of the seeds (None), goes to the target itself, each of several to a folder below.
    """
    from framegan.quoting import first_names
    from framegan.runs.categories import BY_NUMBER, class_number

    if category is None:
        return {target: None}
    names, several = generator.class_names, isinstance(category, list)
    wanted = category if several else [category]
    numbers = [class_number(one, getattr(generator, "num_classes", 0), names) for one in wanted]
    if not numbers or len(set(numbers)) < len(numbers):
        raise ValueError(f"category got {category}; it should be one class or more, each once: category=[cat,dog]")
    said = first_names((f"{n}: {names[n]}" if names else str(n) for n in numbers), SHOWN_CLASSES)
    unnamed = "" if names else ", counted from 0: the checkpoint keeps no names of classes"
    print(f"{'category' if len(numbers) == 1 else 'categories'} {said}{unnamed}")
    if not several:
        return {target: f"{BY_NUMBER}{numbers[0]}"}
    stems = [names[n] if names and NAME_OF_FOLDER.fullmatch(names[n]) else f"class_{n}" for n in numbers]
    return {target / stem: f"{BY_NUMBER}{number}" for stem, number in zip(stems, numbers, strict=True)}


def _others(folders: Sequence[Path], num_samples: int) -> str:
    """Return where the samples are, num_samples in each folder, and beside how many files that were there."""
    counts = [len(list(folder.iterdir())) for folder in folders]
    num_made = num_samples * len(counts)
    others, which = sum(counts) - num_made, "it is" if num_made == 1 else f"all {num_made:,} are"
    where = f"{folders[0].parent}, a folder for each category" if len(folders) > 1 else folders[0]
    return f"; {which} in {where}" + (f", beside {others:,} that were there" if others else "")


def _target(out: str | None, folder: Path, *, makes_clips: bool) -> Path:
    """Return where to write; raise ValueError where that can't hold what the generator makes."""
    target = Path(out) if out else folder / "generated"
    if target.name in ("", ".."):  # the grid is written beside the folder, under its name
        target = target.resolve()
    if not target.name:
        raise ValueError(f"out={out} has no folder above it, where the grid is written; set out to another folder")
    allowed, made = (VIDEOS, "clips") if makes_clips else ((".png",), "images")
    if target.suffix and target.suffix not in allowed and not target.is_dir():
        raise ValueError(
            f"out got {target}; a grid of {made} ends in {' or '.join(allowed)}; other names are folders, "
            "and one with a dot in it has to exist"
        )
    return target


def _format(format: Format, target: Path, *, makes_clips: bool) -> str | None:
    """Return the format of the files in a folder, None where the target is one file itself.

    Raises:
        ValueError: the samples, or the target, have another one.
    """
    allowed, made = (OF_CLIPS, "clips") if makes_clips else (OF_IMAGES, "images")
    is_file = target.suffix in (".png", *VIDEOS)
    if format == "auto":
        return None if is_file else allowed[0]
    if is_file:
        raise ValueError(f"out={target} is one file, and its ending says its format; leave out format={format}")
    if format not in allowed:
        raise ValueError(f"format={format}, but this generator makes {made}; set format to {' or '.join(allowed)}")
    return format


def _write_one(stem: Path, pixels: "np.ndarray", format: str, frames_per_second: float) -> None:
    """Write one sample: an image (H, W, C) or a clip (T, H, W, C)."""
    from framegan import media, video_files

    file = stem.with_suffix(f".{format}")
    if format == "frames":
        stem.mkdir(exist_ok=True)
        for number, frame in enumerate(pixels):
            media.write_png(stem / f"frame_{number:04}.png", frame)
        for left in takewhile(Path.exists, (stem / f"frame_{number:04}.png" for number in count(len(pixels)))):
            left.unlink()  # of a longer clip that was there
    elif format == "npy":
        media.write_npy(file, pixels)
    elif format == "png":
        media.write_png(file, pixels)
    else:
        video_files.write(file, pixels, frames_per_second)
