"""Sweeps: a folder that the same line finds again, a name for each job that says what is its own, and what came of it.

The folder of a sweep is named by its settings, so that the line that started it, given again, runs what is missing: a
job that has finished is not run again, one that was stopped is resumed, one that failed is tried once more.
"""

import copy
import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from framegan.cli import about, announcement, command_line, compose, errors, hydra_folder
from framegan.files.lock import HeldError
from framegan.runs import run_files, run_folder, run_list, saved_config
from framegan.runs.run_files import RunFiles

LONGEST = 100
"""Characters of the name of a folder; of a longer one the rest is left out."""
BEGUN: list[Path] = []
"""The folder of the sweep that this process has begun."""
MAXIMIZE = "maximize"
OF_A_START = ("hydra.", "hydra/", "resume=", "resume_changes=", "trust=")
"""How words begin that say how a sweep is started or gone on with, and not what it consists of."""
JOBS: set[Path] = set()
"""The folders of its jobs that were run in this process; a launcher may have run them elsewhere."""
FAILED: dict[Path, str] = {}
"""By the folder of a job that has failed in this process: why."""


def settings_of(words: Sequence[str]) -> list[str]:
    """Return what Hydra has to be told of a sweep besides its settings: where it lies, and how its jobs are named.

    Args:
        words: the settings of the command line, as Hydra reads them.
    """
    own = [word for word in words if not word.startswith(OF_A_START)]
    swept = {_key_of(word) for word in own if _is_swept(word)}
    fixed = [key for key in dict.fromkeys(map(_key_of, own)) if key not in swept]
    told = [f"hydra.job.config.override_dirname.exclude_keys=[{','.join(map(command_line.quoted, fixed))}]"]
    if not any(word.startswith("hydra.sweep.dir=") for word in words):
        told.append(f"hydra.sweep.dir={command_line.quoted(f'runs/sweeps/{_name(own)}')}")
    may_fail = "hydra.sweeper.max_failure_rate="
    if "hydra/sweeper=optuna" in words and not any(word.startswith(may_fail) for word in words):
        told.append(f"{may_fail}1.0")
    return told


def settings_judged() -> list[str]:
    """Return the settings of a run in which each has to change something.

    In a sweep over models or data that is what differs between its jobs: the rest may be meant for some of them.
    """
    typed = compose.typed()
    if "judged" in typed:
        return list(typed["judged"])
    words = typed["words"]
    swept = [word for word in words if _key_of(word) not in HydraConfig.get().job.config.override_dirname.exclude_keys]
    return swept if is_job() and any(re.match("model|data", _key_of(word)) for word in swept) else words


def _key_of(word: str) -> str:
    return word.partition("=")[0].lstrip("+~")


def _is_swept(word: str) -> bool:
    override = command_line.parsed(word)
    return override is not None and override.is_sweep_override()


def _name(words: Sequence[str]) -> str:
    """Return a name for a sweep: what is swept over, and a number that is another one for other settings."""
    swept = sorted(word for word in words if _is_swept(word))
    return _shortened(_plain(",".join(swept))[0], " ".join(sorted(words)))


def job_name(settings: str) -> str:
    """Return the name of the folder of a job: its own settings, each by the last part of its key where one has that.

    Args:
        settings: as `hydra.job.override_dirname`, such as model.generator_optimizer.lr=1e-4,model/loss=hinge, which
            makes loss=hinge,lr=1e-4.
    """
    plain, was_plain = _plain(settings)
    return (plain if was_plain and len(plain) <= LONGEST else _shortened(plain, settings)) or "job"


def _plain(settings: str) -> tuple[str, bool]:
    """Return settings by the last parts of their keys, fit for a folder, and whether no letter had to be replaced."""
    keys = re.findall(r"(?:^|,)[+~]*([\w./@]+)=", settings)
    ends = [re.split(r"[./@]", key)[-1] for key in keys]
    short = {key: end if ends.count(end) == 1 else key for key, end in zip(keys, ends, strict=True)}
    named = re.sub(r"(^|,)[+~]*([\w./@]+)=", lambda found: f"{found[1]}{short[found[2]]}=", settings)
    plain = re.sub(r"[^\w=,.+-]", "_", named)
    return plain, plain == named


def _shortened(name: str, of: str) -> str:
    """Return a name no longer than LONGEST with a number that stands for what it is the name of."""
    return f"{name[: LONGEST - 7]}-{hashlib.sha256(of.encode()).hexdigest()[:6]}"


@contextmanager
def told_at_the_end() -> Iterator[None]:
    """Print what came of the sweep that is run in the block; raise SystemExit where a job failed and no one said so."""
    try:
        yield
    finally:
        found = run_list.by_objective(run_list.runs_below(BEGUN[0])) if BEGUN else []
        runs = [
            replace(run, status="failed", reason=why, best=None) if (why := FAILED.get(run.folder.resolve())) else run
            for run in found
        ]
        if runs:
            tell(BEGUN[0], runs)
    runs = [run for run in runs if run.folder.resolve() in {*JOBS, *FAILED} or not JOBS]
    failed = sum(run.status in ("failed", "damaged") for run in runs)
    if failed:
        raise SystemExit(f"error: {failed:,} of {len(runs):,} jobs failed; the same line tries them again")


def tell(folder: Path, runs: Sequence[run_list.Run]) -> None:
    """Print the table of a sweep, the best run with what to do with it, and where they are compared."""
    from framegan.cli import runs as table
    from framegan.report import compare

    print(f"\nsweep    {folder}")
    table.show(runs, table.columns_of(runs, None), beside=folder)
    try:
        if best := next((run.folder for run in runs if run.best), None):
            config = saved_config.plain(run_folder.saved_config(best))
            print(announcement.block([("best", str(best)), announcement.next_line(config, RunFiles(best), best)]))
        if len(runs) > 1:
            print(f"compare  {compare.write(runs, folder / 'compare.html')}", flush=True)
    except (ValueError, OSError) as error:
        raise SystemExit(f"error: the sweep can't be compared: {error}") from None


@contextmanager
def failure_kept(cfg: DictConfig, folder: Path) -> Iterator[None]:
    """Write into summary.json why the run in the block has failed; a job of a sweep ends without an exception then.

    What is there of an earlier run, which this one couldn't resume, stays, and so does what another process trains.
    """
    try:
        yield
    except (Exception, SystemExit) as error:
        from framegan.processes.ranks import was_typed

        is_held = isinstance(error.__context__, HeldError)
        if is_held or not was_typed() or (isinstance(error, SystemExit) and not isinstance(error.code, str)):
            raise
        of_job = isinstance(error, errors.JobFailedError)
        known = of_job or isinstance(error, SystemExit)
        said = (str(error) if known else f"{type(error).__name__}: {error}").removeprefix("error: ")
        try:
            if is_job() and not run_folder.saved_config(folder).exists():
                hydra_folder.save_choices(folder)
                about.write(cfg, folder, "", "")
                run_files.mark(folder, "running")
            may_say_so = run_files.may_fail(folder)
            if may_say_so:
                run_files.mark(folder, "failed", said)
                _write_page(cfg, folder)
            elif of_job and RunFiles(folder).status != "collapsed":
                FAILED[folder.resolve()] = said
        except (ValueError, OSError):  # the folder is damaged, which the table says, or can't be written
            raise error from None
        if not of_job or not (may_say_so or runs_here()):
            raise


def _write_page(cfg: DictConfig, folder: Path) -> None:
    """Write the page of a run that has failed, unless it has none; what keeps it from that is not why it failed."""
    from framegan.report import page

    if OmegaConf.select(cfg, "callbacks.summary.report"):
        with suppress(ValueError, OSError):
            page.write(folder)


def is_finished(cfg: DictConfig, folder: Path) -> bool:
    """Say whether a job of a sweep has finished in a folder as it is set now, so that it need not run again.

    One that was stopped as it had collapsed would collapse again.
    """
    from framegan.cli import resume
    from framegan.data.fingerprint import comparable

    files = RunFiles(folder)
    if not run_folder.saved_config(folder).exists() or files.status not in ("finished", "collapsed"):
        return False
    before, now = saved_config.plain(run_folder.saved_config(folder)), copy.deepcopy(cfg)
    for key in compose.FILLED_IN:
        if (filled_in := OmegaConf.select(before, key)) is not None:
            OmegaConf.update(now, key, filled_in, force_add=True)
    if OmegaConf.select(now, "data.split") == "auto":
        now.data.split = OmegaConf.select(before, "data.split")  # which was read, it takes the data to say
    is_long = files.summary.samples_seen >= cfg.total_samples == before.get("total_samples")
    would_collapse = files.status == "collapsed" and before.get("on_collapse") == cfg.on_collapse != "warn"
    if not (is_long or cfg.trainer.max_batches is not None or would_collapse) or resume.has_other_results(before, now):
        return False
    try:
        now_read = _fingerprint_now(cfg)
    except (ValueError, OSError):  # with data that are gone there is nothing to compare
        return True
    return comparable(OmegaConf.select(before, "data.fingerprint")) in (None, now_read)


def _fingerprint_now(cfg: DictConfig) -> str | None:
    return _fingerprint_of(OmegaConf.to_yaml(cfg.data.datamodule, resolve=True))


@cache
def _fingerprint_of(data: str) -> str | None:
    """Return the fingerprint of data as they are now, once for all jobs that read them."""
    node = OmegaConf.create(data)
    assert isinstance(node, DictConfig)
    datamodule = compose.build(node, shape=None, num_classes=None)
    return str(datamodule.fingerprint) if datamodule.fingerprint else None


def check_search(cfg: DictConfig) -> None:
    """End a search by Optuna, before a job is trained, that would get nothing, or that is known to want the worst."""
    if _direction() is None:
        return
    for key, example in (("evaluate_every", 20_000), ("metrics", "random_conv")):
        if not cfg.get(key) and cfg.get("objective") is None:
            errors.stop(
                f"Optuna searches by the objective, and without {key} nothing is measured; set {key}={example}",
                ends_sweep=runs_here(),
            )
    check_direction("objective_mode", {"min": "lower", "max": "higher"}.get(cfg.get("objective_mode")))
    from framegan.callbacks.checkpoint import OF_THE_STEP

    objective = str(cfg.get("objective"))
    of_the_step = objective.partition("/")[0] in OF_THE_STEP and objective != "class_accuracy"  # a metric's as well
    if cfg.get("objective_mode") == "auto" and of_the_step and _direction() == MAXIMIZE:
        errors.stop(
            f"of {objective}, which no metric measures, objective_mode=auto takes the lowest for the best, and "
            f"hydra.sweeper.direction={MAXIMIZE} searches for the highest; set objective_mode=max, or "
            "hydra.sweeper.direction=minimize",
            ends_sweep=runs_here(),
        )


def check_direction(objective: str, better: str | None) -> None:
    """End a search by Optuna where that goes for the worst values of the objective.

    Args:
        better: lower or higher; None = it isn't known.
    """
    towards, direction = {"lower": "minimize", "higher": MAXIMIZE}.get(str(better)), _direction()
    if towards and direction in ("minimize", MAXIMIZE) and direction != towards:
        errors.stop(
            f"by {objective} {better} is better, and hydra.sweeper.direction={direction} searches for the worst; set "
            f"hydra.sweeper.direction={towards}",
            ends_sweep=runs_here(),
        )


def _direction() -> Any:
    """Return where Optuna searches, minimize or maximize, or a list of these; None where there is no search."""
    direction = HydraConfig.get().sweeper.get("direction") if is_job() else None
    return getattr(direction, "name", direction)


def runs_here() -> bool:
    """Say whether the jobs of a sweep run in this process, one after the other."""
    return bool(HydraConfig.get().launcher._target_.endswith(".BasicLauncher"))


def is_job() -> bool:
    """Say whether this is a job of a sweep."""
    return HydraConfig.get().mode == RunMode.MULTIRUN


OmegaConf.register_new_resolver("job_name", job_name, replace=True)
