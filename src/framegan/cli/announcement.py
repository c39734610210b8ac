"""What is printed when a run begins and when it ends."""

import copy
import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from framegan.cli import resume
from framegan.cli.run_data import classes_line
from framegan.quoting import command
from framegan.runs import run_folder
from framegan.runs.run_files import RunFiles, duration

if TYPE_CHECKING:
    from framegan.cli.session import Session


INDENT = 9
"""Characters in front of a text: its word and a space."""
AT_SPACES: Any = {"break_long_words": False, "break_on_hyphens": False}
COPIED = {"longer", "resume", "sample", "score"}
"""Words of rows that hold a line for the shell, which may not be broken."""


def beginning(session: "Session") -> str:
    """Return what is about to be trained, from where, how long, and where it goes."""
    return block(_beginning(session))


def block(rows: Iterable[tuple[str, str]]) -> str:
    """Return rows of a word and a text; on a terminal what is too long goes on below, but for what is to be copied."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize
    lines = []
    for word, text in rows:
        whole = text if word in COPIED else textwrap.fill(text, max(width - INDENT, 20), **AT_SPACES)
        lines.append(f"{word:<{INDENT - 1}} {textwrap.indent(whole, ' ' * INDENT).lstrip()}")
    return "\n".join(lines)


def near(path: Path) -> str:
    """Return a path as it is shortest from the folder that this process is in."""
    return min(os.path.relpath(path), str(path), key=len)


def _beginning(session: "Session") -> Iterator[tuple[str, str]]:
    from framegan import devices
    from framegan.runs.checkpoint import clock_of

    cfg, data, model, trainer = session.cfg, session.datamodule, session.model, session.trainer
    yield "run", near(session.folder)
    if session.checkpoint:
        yield "from", f"{near(session.checkpoint)} ({clock_of(session.checkpoint):,} samples)"
    elif session.origin:
        start = f"{near(Path(session.origin.checkpoint))} ({session.origin.samples_seen:,} samples), a new run"
        yield "from", start
        yield from (("loaded", line) for line in session.loaded)
    if session.images:
        path, samples_seen = near(Path(session.images.checkpoint)), session.images.samples_seen
        yield "images", f"made by the generator of {path} ({samples_seen:,} samples), which stays as it is"
    yield from (("changed", change) for change in session.changes)
    if (by := model.rate_factor) != 1:
        yield "rates", f"x{by:.3g}, R1 and R2 x{by**-2:.3g}: samples are larger than model.tuned_side"
    if model.learning_rate_factor != 1:
        yield "rates", f"x{model.learning_rate_factor:g} after a rollback (rollbacks.json)"
    how = ", channels last" * trainer.channels_last + ", steps replayed" * model.is_replayed(trainer)
    device = devices.name_of(trainer.strategy.root_device, trainer.world_size)
    yield "device", f"{device}, {trainer.precision_used}{how}"
    shape = "x".join(map(str, data.shape))
    classes = f"{data.num_classes} class{'es' * (data.num_classes > 1)}"
    left_out = "" if data.trained_on is None else f", {len(data.source) - len(data.trained_on):,} of them held out"
    yield "data", f"{len(data.source):,} samples of {shape}, {classes}, {data.split}{left_out}"
    if data.num_classes > 1:
        is_unasked = cfg.model.get("conditional") is False
        unasked = "; not given to the networks: model.conditional=true gives them" if is_unasked else ""
        yield "classes", f"{classes_line(data)}{unasked}"
    batch = cfg.data.batch_size * trainer.world_size
    each = f" ({cfg.data.batch_size:,} on each device)" if trainer.world_size > 1 else ""
    yield "batch", f"{batch:,} samples{each}"
    batches = -(-cfg.total_samples // batch)
    at_most = cfg.trainer.max_batches
    cut = f"; stops after {at_most:,} (trainer.max_batches)" if at_most is not None and at_most < batches else ""
    yield "length", f"{cfg.total_samples:,} samples, {batches:,} batch{'es' * (batches != 1)}{cut}"
    networks = {name: size_of(network) for name, network in model.of_name().items()}
    for name, size in networks.items():
        frozen = numbered(sum(p.numel() for p in getattr(model, name).parameters() if not p.requires_grad))
        held = "" if frozen == "0" else f", {frozen} of them frozen"
        word = "networks" if name == model.networks[0] else ""
        yield word, f"{name:<13}  {size:>{max(map(len, networks.values()))}} parameters{held}"
    how_often = partial(interval, total=cfg.total_samples)
    measured = bool(cfg.metrics) and cfg.evaluate_every is not None
    yield "metrics", f"{', '.join(cfg.metrics)}, {how_often(cfg.evaluate_every)}" if measured else "none"
    shown = f"now, {early(cfg)}{how_often(cfg.sample_every)}" if cfg.sample_every else "real ones alone"
    yield "samples", f"samples/ in the run folder, {shown}"
    if cfg.callbacks.summary.report:
        yield "page", f"report.html beside them, {how_often(cfg.checkpoint_every)}"


def size_of(network: Any) -> str:
    """Return the number of a network's parameters: 1.23 M, 664 K or 512."""
    return numbered(sum(parameter.numel() for parameter in network.parameters()))


def numbered(number: int) -> str:
    for size, unit in ((1e6, " M"), (1e3, " K")):
        if number >= size:
            return f"{number / size:.3g}{unit}" if number < 1000 * size else f"{number / size:,.0f}{unit}"
    return str(number)


def early(cfg: DictConfig) -> str:
    """Return after how many samples of a run some are shown before the first interval has passed."""
    counts = OmegaConf.select(cfg, "callbacks.samples.early") or []
    shown = [f"{count:,}" for count in counts if count < min(cfg.sample_every, cfg.total_samples)]
    if not shown:
        return ""
    *others, last = shown
    return f"after {', '.join(others)}{' and ' if others else ''}{last}, "


def interval(every: int | str | None, total: int) -> str:
    """Return what an interval in samples means for a run of a length."""
    if every == "auto":
        return "a tenth of the time"
    return "at the end" if every is None or int(every) >= total else f"every {every:,} samples and at the end"


def ending(session: "Session") -> str:
    """Return how a run ended, where to look and what to run next."""
    return block(_ending(session))


def _ending(session: "Session") -> Iterator[tuple[str, str]]:
    cfg, where = session.cfg, near(session.folder)
    files = RunFiles(session.folder)
    summary, best = files.summary, files.best
    yield f"{summary.status}:", f"{summary.samples_seen:,} samples in {duration(summary.seconds)}"
    if best:
        found = f"{files.objective} {best.value:.5g} at {best.samples_seen:,} samples, {best.better} is better"
        is_kept = (session.folder / "checkpoints" / "best.ckpt").exists()
        yield "best", f"{found}{' (checkpoints/best.ckpt)' * is_kept}"
    if cfg.callbacks.summary.report:
        yield "look at", f"{where}/report.html"
    if summary.status == "collapsed":
        yield "why", f"{summary.reason}; the warning said what to try"
    else:
        yield next_line(cfg, files, where)
    run = run_folder.to_resume("checkpoint", where).removeprefix("checkpoint=")
    yield "sample", command("generate", run)
    yield "score", command("evaluate", run)


def next_line(cfg: DictConfig, files: RunFiles, where: str | Path) -> tuple[str, str]:
    """Return the line that resumes a run, or trains one that is whole twice as long, and the word for it.

    Args:
        cfg: the configuration of the run.
        where: its folder, as it is to be typed.
    """
    again = command("train", run_folder.to_resume("resume", where))
    if files.summary.samples_seen >= cfg.total_samples:
        longer = copy.deepcopy(cfg)
        longer.total_samples *= 2
        confirm = " resume_changes=true" if resume.is_another_run(cfg, longer) else ""
        return "longer", f"{again} total_samples={longer.total_samples}{confirm}"
    if cfg.trainer.max_batches is not None and files.status == "finished":
        return "longer", f"{again} trainer.max_batches=null resume_changes=true"
    return "resume", again
