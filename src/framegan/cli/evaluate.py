"""Score a trained generator, or a folder of samples: framegan evaluate RUN_FOLDER metrics=fid"""

import copy
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import hydra
from omegaconf import DictConfig, OmegaConf
from pydantic import NonNegativeInt, PositiveInt

from framegan.cli import about, classifier, compose, errors, run_data
from framegan.cli.generator import Loaded, load
from framegan.quoting import command, first_names, to_type, words
from framegan.runs import run_folder, saved_config
from framegan.runs.run_files import RunFiles

ALIKE = ["classes", "labels", "resize", "filter", "scaled_decode", "pixel_aspect", "rotate", "frame_length", "layout"]
ALIKE += ["ending", "frame_stride", "target_fps", "short", "digits", "per_video"]
"""The settings of data that say which samples they are of the files, and how these look."""
OF_THE_FILES = {"folder", "cls"}
"""Values of data.labels that mean the same: the classes that come with the files, in folders or in tar files."""
NAMED_CLASSES = 10


@hydra.main(version_base="1.3", config_path=compose.CONFIGURATIONS, config_name="evaluate")
def main(cfg: DictConfig) -> None:
    compose.flush_denormals()
    if (cfg.checkpoint is None) == (cfg.fake is None):
        errors.stop("either a generator or a folder of samples is scored; give a run folder, or set fake=FOLDER")
    if cfg.checkpoint is None:
        compose.require_choice(cfg, "data")
    for word in compose.typed()["words"]:
        if (key := word.lstrip("+").partition("=")[0]).endswith(".held_out"):
            errors.stop(f"{key} says what training leaves out, which is settled when a run is scored; leave it out")
    if not cfg.metrics:
        errors.stop("no metric was chosen; set metrics=NAME, such as metrics=random_conv")
    from framegan.processes import scheduler
    from framegan.processes.ranks import is_rank, joined, was_typed

    scheduler.adopt_task()
    with errors.plain_errors():
        settings = compose.arguments_of(evaluate, cfg, "data")
        cfg.out = settings["out"]  # for all ranks, though the time may be part of it
        if cfg.checkpoint is not None and cfg.get("data") and was_typed():
            check_alike(cfg.data, cfg.checkpoint, settings["trust"])
        processes = compose.build(cfg.trainer)
        if processes.devices > 1 and not is_rank():
            compose.run_ranks("evaluate", cfg, processes.devices)
            return
        with joined(processes.timeout):
            measures = [compose.build(node) for node in cfg.metrics.values()]
            evaluate(cfg.get("data"), measures, **settings)


def evaluate(
    real_data: DictConfig | None,
    measures: Sequence[Any],
    checkpoint: str | None,
    fake: str | None,
    fake_frames: Literal["all", "data"] | None,
    num_samples: PositiveInt | None,
    seed: NonNegativeInt,
    weights: Literal["ema", "raw"],
    device: Literal["auto", "cpu", "cuda"],
    out: str,
    trust: list[str],
) -> None:
    """Write and print the records (`framegan.metrics.record.Record`) of the fake samples beside the real ones.

    Args:
        real_data: configuration of the real samples. None = what the checkpoint was trained on.
        measures: `framegan.metrics.record.Measure`.
        fake_frames: see `framegan.data.folder.samples_in`.
        seed: of the first fake sample; of a folder it draws those that are measured, where not all are.
        trust: packages whose parts the run folder's configuration may build too.
    """
    from framegan.metrics.classifier import NoClassifierError
    from framegan.metrics.record import check_keys, class_tables, measured, table, write
    from framegan.processes.ranks import is_first

    if checkpoint is None:
        assert fake is not None
        real, samples = both_folders(real_data, fake, fake_frames, seed, device)
    else:
        run = load(checkpoint, weights, device, trust, *([] if real_data else ["data.datamodule.source"]))
        real, samples = of_run(run, real_data, weights, seed)
    if num_samples is not None:
        measures = [measure.with_num_samples(num_samples) for measure in measures]
    try:
        for measure in measures:
            measure.check(real, samples)
        check_keys(measures, real, samples)
    except NoClassifierError as error:
        chosen = about.choices_of(run_folder.find(checkpoint)) if checkpoint and not real_data else None
        overrides = chosen["overrides"] if chosen else compose.typed()["words"]
        data = (chosen or compose.typed())["choices"].get("data")
        config = run.config if chosen else None
        raise ValueError(f"{error}; {classifier.how_to_train(overrides, data, config)}") from None
    records = measured(measures, real, samples)
    if is_first():
        file = Path(out) / "evaluation.json"
        write(file, records)
        print(*table(records), *class_tables(records), f"all of it is in {file}", sep="\n", flush=True)


def check_alike(data: Any, checkpoint: str, trust: Sequence[str]) -> None:
    """Raise ValueError where data would be made otherwise than a run's by settings that were left as they are."""
    config = saved_config.read(run_folder.saved_config(run_folder.find(checkpoint)), trust, [])
    chosen = {setting.lstrip("+").partition("=")[0] for setting in compose.typed()["words"]}
    both = [key for key in ALIKE if key in data and key in config.data and f"data.{key}" not in chosen]
    now, then = (compose.as_dict(OmegaConf.create({key: one[key] for key in both})) for one in (data, config.data))
    unlike = [key for key in both if now[key] != then[key] and {str(now[key]), str(then[key])} != OF_THE_FILES]
    if unlike:
        told = [" ".join(map(shlex.quote, words({f"data.{key}": one[key] for key in unlike}))) for one in (then, now)]
        raise ValueError(
            f"the run was trained with {told[0]}, and these data would have {told[1]}; set the former to compare like "
            "with like, or the latter if that is meant"
        )


def of_run(run: Loaded, real_data: DictConfig | None, weights: str, seed: int) -> tuple[Any, Any]:
    """Return the real samples, and those of a run's generator."""
    from framegan.evaluation.fake_samples import FakeSamples
    from framegan.processes.ranks import say

    say(f"fake     {run.checkpoint} after {run.samples_seen:,} samples, {weights} weights")
    origin = {"checkpoint": str(run.checkpoint), "weights": weights, "samples_seen": run.samples_seen}
    if real_data:
        _check_given(real_data, run)
        real = real_samples(real_data, run)
    else:
        real = trained_on(run.config.data, run.folder, _to_name_them(run))
    counts, num_classes = None, getattr(run.generator, "num_classes", 0)
    if num_classes > 1:
        counts = proportions(run, real, num_classes, are_named=real_data is not None)
    return real, FakeSamples(run.generator, origin, seed, counts, getattr(run.generator, "class_names", ()))


def _check_given(data: Any, run: Loaded) -> None:
    """Raise ValueError where other frames of clips are said to be given than the generator continues."""
    given, continued = data.get("given_frames", 0), getattr(run.generator, "given_frames", 0)
    if given not in (0, continued):
        trained = f"{continued} given frames" if continued else "none"
        raise ValueError(f"data.given_frames={given}, but the generator was trained with {trained}; leave it out")


def real_samples(data: Any, run: Loaded | None = None) -> Any:
    """Return the real samples of a data configuration, drawn by the seed of the run, or 0.

    Args:
        run: where it was trained on the same samples, they are judged as those of the run.
    """
    from framegan.data.fingerprint import digest_of, inventory_of
    from framegan.data.held_out import held_out
    from framegan.data.identities import identities_of
    from framegan.evaluation.real_samples import RealSamples, origin_of

    composed = copy.deepcopy(data._get_root())
    composed.seed = run.config.get("seed", 0) if run else 0  # that of the fake samples has nothing to do with these
    source = compose.build(composed.data.datamodule).source
    inventory = inventory_of(source)
    fingerprint = digest_of(inventory)
    origin = origin_of(fingerprint, source.split, inventory)
    is_own = run is not None and _is_trained_on(run, inventory)
    left_out = run.config.data.get("held_out", 0.0) if run and is_own else None
    if run and left_out:
        run_data.check_held_out(run.folder, source, left_out)

    def had() -> str:
        identities = identities_of(source, inventory)
        now = run_data.told_of(source, left_out or 0.0, inventory, identities)
        judged = identities if left_out is None or identities is None else identities[held_out(source, left_out)]
        return run_data.had(run_data.trained_on_in(run.folder)[0], now, judged) if run else ""

    return RealSamples(lambda: source, fingerprint, origin, held_out=left_out, trained_on=had)


def _is_trained_on(run: Loaded, inventory: Any) -> bool:
    """Say whether a run was trained on samples of this inventory, whatever clips it has drawn from the same videos."""
    from framegan.data.fingerprint import comparable, digest_of, without_draws

    trained = comparable(run.config.data.fingerprint)
    if trained is None or inventory is None:
        return False
    kept = run_data.inventory_in(run.folder, trained)
    of_same_videos = kept is not None and without_draws(kept) == without_draws(inventory)
    return of_same_videos or digest_of(inventory) == trained


def _to_name_them(run: Loaded) -> str:
    """Return how to name the data of a run where they are elsewhere, or others, now."""
    chosen = about.choices_of(run.folder)
    settings = classifier.of_data(chosen["overrides"], chosen["choices"].get("data"), run.config)
    placed = ["data.root=PLACE" if setting.startswith("data.root=") else setting for setting in settings]
    return f"to compare with data at another place, or as they are now, name them: {' '.join(map(shlex.quote, placed))}"


def trained_on(data: Any, folder: Path, remedy: str) -> Any:
    """Return the real samples of a run's data configuration, which are read only if their features weren't kept.

    Args:
        remedy: what to do where they aren't there, or have changed.
    """
    from framegan.data.datamodule import DataModule
    from framegan.data.files import NoFolderError
    from framegan.data.fingerprint import comparable
    from framegan.evaluation.real_samples import RealSamples, origin_of

    def source() -> Any:
        try:
            read = DataModule(compose.build(data.datamodule.source))
        except NoFolderError as error:
            raise ValueError(f"the real samples are needed, and {error.root} is not a folder; {remedy}") from None
        except errors.USER_ERRORS as error:
            raise ValueError(f"the real samples are needed, and are unavailable: {error}") from None
        if changes := run_data.changes(folder, data.fingerprint, read):
            raise ValueError(
                f"the data have changed since the run was trained; {remedy}"
                + "".join(f"\n  {line}" for line in changes)
            )
        run_data.check_held_out(folder, read.source, left_out)
        return read.source

    inventory = run_data.inventory_in(folder, data.fingerprint)
    origin = origin_of(data.fingerprint, data.get("split") or "all", inventory)
    left_out = data.get("held_out", 0.0)
    known: dict[str, Any] = {"held_out": left_out, "trained_on": lambda: RunFiles(folder).data.held_out_trained_on}
    return RealSamples(source, comparable(data.fingerprint), origin, tuple(data.shape), **known)


def proportions(run: Loaded, real: Any, num_classes: int, *, are_named: bool) -> list[int]:
    """Return how often each class of a run is asked for beside the others: as often as it is in the data.

    Args:
        are_named: whether the real samples are of data that were named, which may be others than the run's. Where
            these have other classes, those that the run was trained on are asked for, as often as there.

    Raises:
        ValueError: how often they are in the data of the run is unknown, and the named ones have others.
    """
    from framegan.data.source import classes_of

    kept = run_data.class_counts_in(run.folder)
    if kept is None and are_named and real.num_classes != num_classes:
        raise ValueError(
            f"the generator makes {num_classes} classes and the data that were named have {real.num_classes}; set data "
            "to data with the classes that it was trained on"
        )
    if kept is None:
        return list(real.class_counts)
    names = getattr(run.generator, "class_names", ()) or [*kept]  # data.json is of the end of the run
    counts = dict(zip(classes_of(real.source), real.class_counts, strict=True)) if are_named else kept
    if not counts.keys() <= {*names}:
        counts = kept
    if not counts.keys() <= {*names}:
        raise ValueError(
            f"the run has other classes now than this checkpoint, {first_names(names, NAMED_CLASSES)}, and it isn't "
            "known how often to ask for each; set data to data with these classes"
        )
    return [counts.get(name, 0) for name in names]


def both_folders(
    data: Any, fake: str, frames: Literal["all", "data"] | None, seed: int, device: str
) -> tuple[Any, Any]:
    """Return the real samples, and those in a folder as `framegan.data.folder` reads them.

    Raises:
        ValueError: either can't be read; where both are missing, it says so of both.
    """
    from framegan.data.folder import missing, recipe_of, samples_in
    from framegan.devices import device_of
    from framegan.evaluation.real_samples import RealSamples
    from framegan.processes.ranks import say

    problem = missing(fake)
    if run_folder.saved_config(Path(fake).expanduser()).exists():
        problem = f"fake={fake} is a run; to score its generator: {command('evaluate', to_type('checkpoint', fake))}"
    try:
        real = real_samples(data)
    except errors.USER_ERRORS as error:
        raise ValueError("\n".join(filter(None, [str(error), problem]))) from None
    if problem:
        raise ValueError(problem)
    source = samples_in(fake, real.source, frames)
    origin = {"folder": str(Path(fake).expanduser().absolute()), "fit": recipe_of(source)}
    samples = RealSamples(lambda: source, None, origin, device=device_of(device), draw=1 + seed)
    say(f"fake     {fake}: {samples.num_samples:,} samples")
    return real, samples
