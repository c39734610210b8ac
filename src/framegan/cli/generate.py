"""Make samples with a trained generator: framegan generate RUN_FOLDER num_samples=64 seed=0"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import hydra
from omegaconf import DictConfig
from pydantic import Field, NonNegativeInt, PositiveInt

from framegan.cli import compose, errors, generate_checks, generate_rows, made_with
from framegan.cli.generate_rows import Row, Walk
from framegan.cli.generator import Loaded, load
from framegan.files import atomic
from framegan.processes.lifetime import at_end, undone
from framegan.runs import run_folder

if TYPE_CHECKING:
    from torch import Tensor

    from framegan.edits.samples import Postprocess
    from framegan.outputs import Style, Target

Category = NonNegativeInt | float | bool | str
Weights = Literal["ema", "raw"]
PositiveFinite = Annotated[float, Field(gt=0, allow_inf_nan=False)]
OF_IMAGES = 24
"""Frames a second, and from one seed to the next, of a video of what lies between images."""
LARGEST_SIDE = 16_383
"""Pixels; no .webp has more."""


@dataclass(frozen=True)
class Settings:
    """Of conf/generate.yaml, which says what each means."""

    checkpoint: str
    beside: list[str]
    num_samples: PositiveInt
    seed: NonNegativeInt
    weights: Weights | list[Weights]
    real: bool
    neighbours: PositiveInt | None
    samples_seen: NonNegativeInt | list[NonNegativeInt] | None
    category: Category | list[Category] | None
    content_seed: NonNegativeInt | None
    motion_seed: NonNegativeInt | None
    truncation: float | None
    num_frames: PositiveInt | None
    given: str | None
    interpolate: list[NonNegativeInt] | None
    steps: PositiveInt | None
    interpolation: Literal["spherical", "linear"] | None
    loop: Literal["pingpong", "closed"] | None
    out: str | None
    format: Literal["png", "mp4", "webm", "gif", "webp", "apng", "npy", "frames", "auto"]
    overwrite: bool
    frames_per_second: PositiveFinite | None
    codec: Literal["h264", "hevc", "vp9", "av1"] | None
    crf: NonNegativeInt | None
    pixel_format: Literal["yuv420p", "yuv444p"] | None
    size: PositiveInt | None
    scale: PositiveFinite | None
    resampling: Literal["nearest", "lanczos"] | None
    postprocess: list[str]
    grid_samples: NonNegativeInt
    margin: NonNegativeInt | None
    batch_size: PositiveInt | None
    device: Literal["auto", "cpu", "cuda"]
    trust: list[str]

    @property
    def needs_data(self) -> bool:
        """Whether real samples are shown too."""
        return self.real or self.neighbours is not None

    @property
    def held(self) -> dict[str, int]:
        """The seeds of the parts of latents that stay."""
        seeds = {"content": self.content_seed, "motion": self.motion_seed}
        return {part: seed for part, seed in seeds.items() if seed is not None}


@hydra.main(version_base="1.3", config_path=compose.CONFIGURATIONS, config_name="generate")
def main(cfg: DictConfig) -> None:
    run(cfg)


at_end(atomic.remove_unfinished)


def run(cfg: DictConfig, loaded: tuple[Loaded, str] | None = None) -> None:
    """Do what the command does.

    Args:
        loaded: the generator of `checkpoint`, with its weights; None = it is read from there.
    """
    compose.flush_denormals()
    compose.require_run(cfg, "generate")
    with errors.plain_errors():
        generate(Settings(**compose.arguments_of(Settings, cfg)), loaded)


def generate(settings: Settings, loaded: tuple[Loaded, str] | None = None) -> None:
    """Write files of the seeds seed, seed + 1, ... and a grid of the first of them, or what lies between seeds."""
    from framegan import outputs
    from framegan.cli.generate_work import Work

    runs = _runs(settings, loaded)
    first = runs[0][0]
    makes_clips = len(first.generator.shape) == 4
    moves = makes_clips or settings.interpolate is not None
    to = outputs.target(settings.out, settings.format, first.folder, makes_clips=makes_clips, moves=moves)
    generate_checks.check_together(settings, makes_clips, to)
    numbers = _numbers(settings, first.generator, to)
    size = _size(settings, first.generator.shape)
    edits = _edits(settings, first, to, size, numbers)
    style = _style(settings, first, to, size, edits)
    for run, weights in runs:
        print(f"{run.checkpoint} after {run.samples_seen:,} samples, {weights} weights")
    rows = generate_rows.rows_of(runs, settings.category)
    choices = _choices(settings, rows, to.path)
    _tell_length(first.generator, settings.num_frames)
    notes = made_with.Notes.of(
        rows[0], vars(settings), [run.samples_seen for run in _first_of_each(settings, runs)[1:]]
    )
    work = Work(settings, rows, numbers, to, style, size, choices, notes, edits)
    work.check_size()
    if not settings.overwrite:
        work.refuse_to_overwrite()
    try:
        with undone():
            print(work.write())
    except OSError as error:
        raise ValueError(f"{to.path} can't be written: {error}; make room, or set out to another folder") from error


def _choices(settings: Settings, rows: Sequence[Row], target: Path) -> dict[str, Any]:
    """Return what samples are like, for `framegan.sampling.batches`; what can't be leaves no folder behind."""
    from framegan import inputs

    held, is_given = settings.held, settings.given is not None
    for row in rows:
        generator = row.run.generator
        inputs.draw(generator, [settings.seed], row.category, settings.num_frames, held, is_given=is_given)
        inputs.options_of(generator, settings.num_frames, settings.truncation)
        fixed = {*held, *(["content"] if is_given else [])}
        all_held = fixed >= inputs.holdable(inputs.parts_of(generator)).keys()
        has_classes = row.category is None and getattr(generator, "num_classes", 0) > 1
        classes_vary = has_classes and inputs.class_part_of(generator) not in held
        if all_held and not classes_vary and (settings.num_samples > 1 or settings.interpolate is not None):
            given = [f"given={settings.given}"] if is_given else []
            names = " and ".join([*given, *(f"{part}_seed={seed}" for part, seed in held.items())])
            raise ValueError(f"{names} leave nothing to vary; leave one out, or set num_samples=1 for one sample")
    choices = {"num_frames": settings.num_frames, "held": held, "truncation": settings.truncation}
    return choices if settings.given is None else choices | {"given": _given(settings.given, rows[0].run, target)}


def _runs(settings: Settings, loaded: tuple[Loaded, str] | None) -> list[tuple[Loaded, str]]:
    """Return each generator with each of the weights that are asked for."""
    several = settings.weights if isinstance(settings.weights, list) else [settings.weights]
    weights: list[Weights] = list(dict.fromkeys(several))
    if not weights:
        raise ValueError("weights got []; it should be ema, raw or [ema,raw]")
    places: list[str | Path] = [settings.checkpoint, *(Path(place).expanduser() for place in settings.beside)]
    also = ["data.datamodule.source"] if settings.needs_data else []
    if loaded is not None and (also or settings.device != "auto"):
        loaded = None  # what else is built of its configuration is checked as it is read

    def run_of(place: str | Path, one: Weights) -> Loaded:
        if loaded is not None and (str(place), one) == (settings.checkpoint, loaded[1]):
            return loaded[0]
        return load(place, one, settings.device, settings.trust, *also)

    runs = [(run_of(place, one), str(one)) for place in places for one in weights]
    generate_rows.check_alike(runs)
    if len(runs[0][0].generator.shape) == 4 and settings.frames_per_second is None:
        generate_rows.check_settings(runs, ["frames_per_second"], ", or set frames_per_second")
    if settings.given is not None:
        from framegan.data import given

        names = list(given.Settings.__annotations__)
        generate_rows.check_settings(runs, names, ", for the frames that are given are read in one way for all")
    asked = settings.samples_seen if isinstance(settings.samples_seen, list) else [settings.samples_seen]
    if len(asked) > len(places):
        raise ValueError(f"samples_seen={asked} has more numbers than there are runs; give one of each")
    for wanted, run in zip(asked, _first_of_each(settings, runs), strict=False):
        if wanted not in (None, run.samples_seen):
            raise ValueError(
                f"{run.checkpoint} has seen {run.samples_seen:,} samples, not samples_seen={wanted:,}: it makes "
                "other samples; give the checkpoint of that moment, or set samples_seen=null"
            )
    return runs


def _first_of_each(settings: Settings, runs: Sequence[tuple[Loaded, str]]) -> list[Loaded]:
    """Return the runs, the one named first and those of `beside`, each once whatever its weights."""
    return [run for run, _ in runs[:: len(runs) // (1 + len(settings.beside))]]


def _numbers(settings: Settings, generator: Any, to: "Target") -> "Sequence[int] | Walk":
    """Return the seeds of a row, or the way from one to the next."""
    if settings.interpolate is None:
        return range(settings.seed, settings.seed + settings.num_samples)
    from framegan.interpolation import STEPS, check_seeds

    check_seeds(settings.interpolate)
    steps = STEPS
    if to.kind == "video":
        is_clip = len(generator.shape) == 4
        steps = max(1, 2 * (settings.num_frames or generator.shape[1]) - 2) if is_clip else OF_IMAGES
    way = settings.interpolation or "spherical"
    return Walk(settings.interpolate, settings.steps or steps, way, settings.loop == "closed")


def _size(settings: Settings, shape: Sequence[int]) -> tuple[int, int]:
    """Return the height and width that samples are written at."""
    height, width = shape[-2:]
    factor = settings.scale or (settings.size / max(height, width) if settings.size else 1)
    made = max(1, round(height * factor)), max(1, round(width * factor))
    if max(made) > LARGEST_SIDE:
        raise ValueError(f"samples of {made[0]}x{made[1]} are too large; set size to at most {LARGEST_SIDE:,}")
    return made


def _given(given: str, run: Loaded, target: Path) -> "Tensor":
    """Return the frames that clips begin with, (C, given_frames, H, W) in [-1, 1].

    Raises:
        ValueError: the generator takes none, or they can't be read or would be written over.
    """
    from framegan import inputs, media
    from framegan.data.given import frames_of

    number = getattr(run.generator, "given_frames", 0)
    if number == 0:
        raise ValueError(f"given={given}, but this generator makes whole clips; leave it out, or train model=predictor")
    if not given.strip():
        raise ValueError("given= is empty; is a variable not set? Set it to a video, a picture or a folder of pictures")
    path = Path(given).expanduser()
    if path.is_file() and path.resolve() == target.resolve():
        raise ValueError(f"out={target} is the file that is given, which would be lost; set out to another")
    settings = compose.as_dict(run.config)["data"]
    pixels, chosen = frames_of(path, run.generator.shape, number, settings)
    which = ", ".join(str(place + 1) for place in chosen)
    print(f"given    {given}: frame{'s' * (number > 1)} {which}")
    return inputs.given_of(run.generator, media.to_samples(pixels), 1)[0]


def _rate(settings: Settings, run: Loaded) -> float:
    """Return the frames a second of what is made, before it is edited."""
    from framegan import video_formats

    of_data = run_folder.frames_per_second(run.config) or video_formats.FRAMES_PER_SECOND
    return settings.frames_per_second or (of_data if len(run.generator.shape) == 4 else OF_IMAGES)


def _edits(
    settings: Settings, run: Loaded, to: "Target", size: tuple[int, int], numbers: "Sequence[int] | Walk"
) -> "Postprocess | None":
    """Return how samples are edited, None where they aren't; what is on the way between seeds is one clip."""
    if not settings.postprocess:
        return None
    from framegan.cli.enlarger import enlargers
    from framegan.edits.samples import postprocess

    channels, *moving = run.generator.shape[:-2]
    length = (settings.num_frames or moving[0]) if moving else None
    if isinstance(numbers, Walk) and to.kind == "video":
        length = len(numbers)
    try:
        runs = enlargers(settings.device, settings.trust)
        return postprocess(settings.postprocess, (*size, channels), length, _rate(settings, run), runs)
    except ValueError as error:
        raise ValueError(f"postprocess: {error}") from error


def _style(
    settings: Settings, run: Loaded, to: "Target", size: tuple[int, int], edits: "Postprocess | None"
) -> "Style":
    """Return how videos are written; raise ValueError where none is, or their files can't hold that."""
    from framegan import video_formats
    from framegan.outputs import Style

    encoding = video_formats.Encoding(settings.codec, settings.crf, settings.pixel_format)
    makes_clips = len(run.generator.shape) == 4
    ending = {"each": f".{to.format}", "tar": f".{to.format}"}.get(to.kind, to.path.suffix)
    if not makes_clips and to.kind != "video" and settings.frames_per_second is not None:
        given = f"frames_per_second={settings.frames_per_second:g}"
        raise ValueError(f"{given}, but this generator makes images; leave it out")
    rate = _rate(settings, run)
    if edits is not None:
        rate, size = float(edits.after.rate), (edits.after.height, edits.after.width)
        video_formats.check_rate(ending, rate, "the last edit to rate")
    if to.kind != "video":  # in one video the size of all side by side counts, see `Work.check_size`
        video_formats.check(ending, rate, encoding, size)
    if to.kind == "each" and makes_clips:
        video_formats.check_rate(".mp4", rate)  # of the grid
    return Style(rate, encoding)


def _tell_length(generator: Any, num_frames: int | None) -> None:
    """Print what is known of clips that are longer than those trained."""
    if len(generator.shape) == 4 and (num_frames or 0) > generator.shape[1]:
        known = getattr(generator, "longer_clips", "look whether they keep moving")
        print(f"num_frames={num_frames} is more than the {generator.shape[1]} trained: {known}")
