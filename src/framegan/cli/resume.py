"""How a run is resumed: with which configuration, from which checkpoint, and what has changed since."""

import inspect
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from hydra.utils import get_object
from omegaconf import DictConfig, OmegaConf

from framegan import own_code
from framegan.cli import command_line, compose, errors, run_data
from framegan.files.atomic import UNWRITABLE
from framegan.quoting import command
from framegan.runs import run_folder, saved_config
from framegan.runs.run_files import RunFiles

AUTO = "auto"
LATEST = ("auto", "true", "yes", "last", "latest", "best", "1")
"""Words that name no run."""
ASK_FIRST = (
    "seed",
    "init_from",
    "model.",
    "data.",
    "trainer.precision",
    "trainer.channels_last",
    "trainer.micro_batches",
    "trainer.max_batches",
)
"""Settings that make another run of it; the rest may differ freely: devices, intervals, logs, the length."""
MAKES_SAMPLES = "model.generator."
"""How the keys begin of what decides, with a checkpoint's weights, which samples they make."""
IN_TRAINING_ALONE = ("model.generator.mixing",)
"""Settings of a generator that decide nothing of the samples that it makes once it is trained."""
MEASURED = ("metrics.", "objective", "evaluate_every", "callbacks.evaluate.")
"""Settings that decide what is known of a run, and which of its checkpoints is the best."""
STARTS = ("init_from", "model.generator.images")
"""Settings that name other runs, of which a run takes weights when it begins."""
PROBABILITY = "model.augmentation.probability"
NEVER_ASK = ("root", "num_workers", "keep_on_device_mb", "cache", "cache_dir", "compile_networks", "fused")
"""Last parts of the keys of settings that only say where the data are and how fast it all is."""


def arguments_of(options: Sequence[str], words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return options and settings, made to start from the saved configuration of the run that `resume=` names."""
    wanted = command_line.value_of("resume", words)
    if wanted in (None, "", AUTO):
        return list(options), list(words)
    if command_line.is_multirun(options, words):
        errors.stop("resume=FOLDER resumes one run; a sweep is resumed with resume=auto hydra.sweep.dir=FOLDER")
    if str(wanted).lower() in LATEST and not Path(str(wanted)).exists():
        errors.stop(f"resume={wanted} names no run; set resume=RUN_FOLDER, or resume=auto hydra.run.dir=RUN_FOLDER")
    with errors.plain_errors():
        folder = run_folder.find(str(wanted))
        config = run_folder.saved_config(folder)
        saved_config.check_alone(config)
        trust = command_line.value_of("trust", words) or []
        if not isinstance(trust, list) or not all(isinstance(name, str) for name in trust):
            raise ValueError(f"trust got {trust!r}; it should be a package, such as trust=mypackage or trust=[a,b]")
        saved_config.read(config, trust)
        if (named := command_line.value_of("hydra.run.dir", words)) is not None:
            _check_place(str(named), str(wanted))
    for word in words:
        group = word.partition("=")[0].partition("@")[0].lstrip("+~")
        if "=" in word and not group.startswith("hydra") and (Path(compose.CONFIGURATIONS) / group).is_dir():
            errors.stop(
                f"{word} chooses from a group, but a resumed run keeps its choices; leave it out and set single "
                "values, or repeat the whole command of the run with resume=auto hydra.run.dir=FOLDER"
            )
    own_options, place = command_line.started_in(folder, config.parent)
    settings = [word for word in words if not word.startswith("trust=")]  # older runs lack the key
    return [*own_options, *options], [*place, "hydra/job_logging=stdout", *settings]  # or Hydra makes a file for it


def check_folder(cfg: DictConfig, folder: Path) -> None:
    """Raise ValueError where a new run would overwrite one, or where it isn't said which one to resume."""
    chosen = any(override.startswith("hydra.run.dir=") for override in HydraConfig.get().overrides.hydra)
    if cfg.resume == AUTO and HydraConfig.get().mode == RunMode.RUN and not chosen:
        raise ValueError("resume=auto resumes the run in its folder, if there is one; set hydra.run.dir=FOLDER")
    holds_a_run = any(folder.glob("checkpoints/*.ckpt"))
    if cfg.resume not in (None, AUTO):
        _check_place(folder, cfg.resume)
    if cfg.resume is None and holds_a_run:
        again = command("train", run_folder.to_resume("resume", folder))
        raise ValueError(
            f"{folder} already holds a run. To resume it: {again}  "
            "For a new run choose another folder: hydra.run.dir=FOLDER"
        )


def _check_place(folder: str | Path, run: str) -> None:
    """Raise ValueError where a run is to be resumed in a folder that isn't its own."""
    if run_folder.find(run) != Path(folder).resolve():
        raise ValueError(
            f"a run is resumed in its folder, and hydra.run.dir={folder} is another one than that of {run}; "
            "leave it out, or resume a copy of the run's folder"
        )


def checkpoint_of(cfg: DictConfig, folder: Path) -> Path | None:
    """Return the checkpoint that a run resumes from; None where it starts.

    With resume=auto that is the newest whole one of the run folder.

    Raises:
        ValueError: the one that was asked for is damaged, or all are.
    """
    from framegan.runs.checkpoint import samples_seen_of
    from framegan.runs.checkpoint_files import newest_first

    if cfg.resume is None:
        return None
    if cfg.resume == AUTO:
        whole = _newest_whole(folder)
        if whole is None and newest_first(folder / "checkpoints"):
            raise ValueError(
                f"every checkpoint in {folder} is damaged; to start over set hydra.run.dir to another folder"
            )
        return whole
    names = [path.stem for path in newest_first(run_folder.find(cfg.resume) / "checkpoints")]
    wanted = run_folder.checkpoint_of(cfg.resume, names or ["last"])
    try:
        samples_seen_of(wanted)
    except ValueError as error:
        other = _newest_whole(wanted.parent.parent)
        if other is None:
            raise ValueError(f"{error}; no other checkpoint beside it is intact") from None
        raise ValueError(
            f"{error}; to resume from the newest intact one: {command('train', run_folder.to_resume('resume', other))}"
        ) from None
    return wanted


def check_length(cfg: DictConfig, checkpoint: Path) -> None:
    """Raise ValueError where a run is asked to end before the checkpoint that it would resume from.

    One that is as long as it was may have lacked its end alone: the last evaluation, samples and summary.
    """
    from framegan.runs.checkpoint import clock_of

    seen, total = clock_of(checkpoint), cfg.total_samples
    before = saved_config.plain(run_folder.saved_config(run_folder.find(checkpoint))).get("total_samples")
    if total < seen and total != before:
        raise ValueError(
            f"total_samples={total:,}, but {checkpoint} has seen {seen:,} samples; nothing was changed. Set "
            f"total_samples above {seen:,} to train longer, or resume from a checkpoint before {total:,} samples"
        )


def check_changes(cfg: DictConfig, checkpoint: Path, data: Any) -> list[str]:
    """Return a line for each setting, and each change of the data, that isn't as the run of a checkpoint saved it.

    Args:
        cfg: the configuration now, with what the data have filled in.
        data: `framegan.data.datamodule.DataModule`.

    Raises:
        ValueError: one of them makes it another run, and resume_changes=true wasn't set.
    """
    folder = run_folder.find(checkpoint)
    before = saved_config.plain(run_folder.saved_config(folder))
    changed = dict(_changed(before, cfg))
    _compare_precision(cfg, folder, changed)
    for line in (changed[key] for key in STARTS if key in changed):
        raise ValueError(f"{line}; a resumed run has its weights already: set it back, or start a new run")
    if PROBABILITY in changed and OmegaConf.select(cfg, "model.augmentation.target") is not None:
        raise ValueError(f"{changed[PROBABILITY]}; a resumed run goes on from where its probability was: set it back")
    makes_others = [key for key in changed if key.startswith(MAKES_SAMPLES) and key not in IN_TRAINING_ALONE]
    for line in (changed[key] for key in makes_others):
        raise ValueError(
            f"{line}; the checkpoints that the run has might make other samples with it: set it back, or start a new "
            f"run from these weights: {run_folder.to_resume('init_from', folder)}"
        )
    changed.pop("data.frames_per_second", None)  # it only follows from the data
    changed.pop("data.fingerprint", None)  # nobody has set it; what it stands for is named
    kept = OmegaConf.select(before, "data.fingerprint")
    for line in run_data.changes(folder, kept, data):
        changed[f"data.{line}"] = f"data: {line}"
    if "data.held_out" not in changed:
        line = run_data.others_held_out(folder, data.source, data.held_out)
        changed |= {"data.held_out": line} if line else {}
    asking = [line for key, line in changed.items() if _makes_another_run(key)]
    if asking and not cfg.resume_changes:
        lines = "".join(f"\n  {line}" for line in asking)
        raise ValueError(
            f"the run was trained with other settings or data:{lines}\n"
            "set them back to resume the run as it was, or set resume_changes=true to resume it with these"
        )
    return list(changed.values())


def _compare_precision(cfg: DictConfig, folder: Path, changed: dict[str, str]) -> None:
    """Compare what trainer.precision came to, rather than its words: auto is another one on another device."""
    from framegan.devices import faster_precision

    then, wanted = RunFiles(folder).about.precision, cfg.trainer.precision
    now = faster_precision(cfg.trainer.accelerator) if wanted == "auto" else wanted
    if then and then == now:
        changed.pop("trainer.precision", None)
    elif then:
        of_device = " (auto, on this device)" if wanted == "auto" else ""
        changed["trainer.precision"] = f"trainer.precision: {then} -> {now}{of_device}"


def is_another_run(before: DictConfig, now: DictConfig) -> bool:
    """Say whether resume_changes=true is needed to resume from one configuration with the other."""
    return any(_makes_another_run(key) for key, _ in _changed(before, now))


def has_other_results(before: DictConfig, now: DictConfig) -> bool:
    """Say whether a finished run would come to something else, or might, with other settings than before."""
    return any(
        _makes_another_run(key) or key.startswith(MEASURED) or key.endswith(".root") for key, _ in _changed(before, now)
    )


@contextmanager
def stopped_with_how(folder: Path, timeout: float | None = None) -> Iterator[None]:
    """End the program with one message, and with how to resume, where a run has to end for what is no fault of ours.

    That is a disk that is full, data that can't be read, a lack of memory, an operation that trainer.deterministic=true
    forbids or that a GPU can't record, another rank that is gone.

    Args:
        timeout: seconds that a rank waits for the others. None = there are none yet.
    """
    from framegan.data.source import UnreadableDataError
    from framegan.data.train_loader import death_of_worker
    from framegan.processes.ranks import OtherRankError, said_of_others

    try:
        with said_of_others(timeout) if timeout else nullcontext():
            yield
    except Exception as error:
        when = "to resume"
        of_settings = errors.out_of_memory(error) or errors.not_deterministic(error) or errors.not_recorded(error)
        message = death_of_worker(str(error)) or of_settings or own_code.story(error)
        if isinstance(error, OSError) and error.errno in UNWRITABLE:
            when, message = "once there is room", f"{folder} can't be written: {error}"
        elif isinstance(error, UnreadableDataError | OtherRankError):
            message = str(error)
        if message is None or errors.wants_traceback():
            raise
        whole, again = _newest_whole(folder), command("train", run_folder.to_resume("resume", folder))
        errors.stop(f"{message}; {f'{whole} is intact; {when}: {again}' if whole else 'there is no checkpoint yet'}")


def _newest_whole(folder: Path) -> Path | None:
    """Return the newest checkpoint of a run that isn't damaged; None without one."""
    from framegan.runs.checkpoint_files import clocks, newest_first

    return next((path for path, _ in clocks(newest_first(folder / "checkpoints"))), None)


class Setting(NamedTuple):
    """A value, the key where it was set, which others refer to, and the part and argument that take it, if any."""

    value: Any
    set_at: str
    argument: tuple[str, str] | None


def _changed(before: DictConfig, now: DictConfig) -> Iterator[tuple[str, str]]:
    """Yield the key and what to say of every setting that differs, under the key where it was set.

    One that an earlier version lacked doesn't where it is what the parts take without it.
    """
    old, new = dict(settings_in(before)), dict(settings_in(now))
    for key in dict.fromkeys([*old, *new]):
        was = old[key].value if key in old else "nothing"
        value, source = (new[key].value, new[key].set_at) if key in new else ("nothing", key)
        follows = source != key
        is_said_there = follows and (_makes_another_run(source) or not _makes_another_run(key))
        if was == value or is_said_there or key.startswith("resume") or (key not in old and _is_default(key, new)):
            continue
        yield key, f"{key}: {_shown(was)} -> {_shown(value)}" + (f", which follows from {source}" if follows else "")


def settings_in(cfg: DictConfig) -> Iterator[tuple[str, Setting]]:
    """Yield every setting in a configuration by its key."""
    return _settings(compose.as_shown(cfg), compose.as_dict(cfg, resolve=False))


def _settings(
    node: Any, raw: Any, path: str = "", argument: tuple[str, str] | None = None
) -> Iterator[tuple[str, Setting]]:
    if isinstance(node, dict) and node:
        part = node.get("_target_")
        for key, value in node.items():
            inner, of_part = raw[key] if isinstance(raw, dict) else raw, (part, key) if part else None
            yield from _settings(value, inner, f"{path}.{key}".lstrip("."), of_part)
    else:
        is_reference = isinstance(raw, str) and raw.startswith("${")
        source = raw[2:-1].removeprefix("oc.select:").partition(",")[0] if is_reference else path
        yield path, Setting(node, source, argument)


def _is_default(key: str, settings: Mapping[str, Setting]) -> bool:
    """Say whether every argument that was set at a key is what its part takes without it; a script takes null so."""
    is_default = [True] if key in settings and settings[key].value is None and not settings[key].argument else []
    for value, set_at, argument in settings.values():
        if set_at == key and argument:
            parameter = inspect.signature(get_object(argument[0])).parameters.get(argument[1])
            is_default += [] if parameter is None else [bool(value == parameter.default)]
    return bool(is_default) and all(is_default)


def _shown(value: Any) -> Any:
    return json.dumps(value) if value is None or isinstance(value, bool) else value


def _makes_another_run(key: str) -> bool:
    return key.startswith(ASK_FIRST) and key.rpartition(".")[2] not in NEVER_ASK
