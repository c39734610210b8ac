"""What is printed when a run begins and when it ends."""

import copy
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig

from framegan.cli import resume
from framegan.cli.run_data import classes_line
from framegan.quoting import command
from framegan.runs import run_folder
from framegan.runs.run_files import RunFiles, duration

if TYPE_CHECKING:
    from framegan.cli.session import Session


def beginning(session: "Session") -> str:
    """Return what is about to be trained, from where, how long, and where it goes."""
    return "\n".join(f"{word:<8} {text}" for word, text in _beginning(session))


def _beginning(session: "Session") -> Iterator[tuple[str, str]]:
    from framegan import devices
    from framegan.runs.checkpoint import clock_of

    cfg, data, gan, trainer = session.cfg, session.datamodule, session.gan, session.trainer
    yield "run", str(session.folder)
    if session.checkpoint:
        yield "from", f"{session.checkpoint} ({clock_of(session.checkpoint):,} samples)"
    yield from (("changed", change) for change in session.changes)
    if gan.learning_rate_factor != 1:
        yield "rates", f"x{gan.learning_rate_factor:g} after a rollback (rollbacks.json)"
    yield "device", f"{devices.name_of(trainer.strategy.root_device, trainer.world_size)}, {cfg.trainer.precision}"
    shape = "x".join(map(str, data.shape))
    yield "data", f"{len(data.source):,} samples of {shape}, {data.num_classes} classes, {data.split}"
    if data.num_classes > 1:
        yield "classes", classes_line(data)
    batch = cfg.data.batch_size * trainer.world_size
    each = f" ({cfg.data.batch_size} on each device)" if trainer.world_size > 1 else ""
    yield "batch", f"{batch:,} samples{each}; {-(-cfg.total_samples // batch):,} to {cfg.total_samples:,} samples"
    sizes = [size_of(getattr(gan, name)) for name in ("generator", "discriminator")]
    for name, size in zip(("generator", "discriminator"), sizes, strict=True):
        yield f"{name:<14}", f"{size:>{max(map(len, sizes))}} parameters"
    measured = bool(cfg.metrics) and cfg.evaluate_every is not None
    yield "metrics", f"{', '.join(cfg.metrics)}, {how_often(cfg.evaluate_every)}" if measured else "none"
    where = os.path.relpath(session.folder)
    shown = "at the start, " + how_often(cfg.sample_every) if cfg.sample_every else "real ones alone"
    yield "samples", f"{where}/samples, {shown}"
    yield "page", f"{where}/report.html, {how_often(cfg.checkpoint_every)}"


def size_of(network: Any) -> str:
    """Return the number of a network's parameters: 1.23 M, 664 K or 512."""
    number = sum(parameter.numel() for parameter in network.parameters())
    for size, unit in ((1e6, " M"), (1e3, " K")):
        if number >= size:
            return f"{number / size:.3g}{unit}" if number < 1000 * size else f"{number / size:,.0f}{unit}"
    return str(number)


def how_often(every: int | str | None) -> str:
    """Return what an interval in samples means."""
    if every is None:
        return "at the end"
    return "a tenth of the time" if every == "auto" else f"every {every:,} samples and at the end"


def ending(session: "Session") -> str:
    """Return how a run ended, where to look and what to run next."""
    cfg, where = session.cfg, os.path.relpath(session.folder)
    files = RunFiles(session.folder)
    summary, best = files.summary, files.best
    lines = [f"{summary.status}: {summary.samples_seen:,} samples in {duration(summary.seconds)}"]
    if best:
        found = f"{files.objective} {best.value:.5g} at {best.samples_seen:,} samples ({best.better} is better)"
        lines.append(f"best     {found}: checkpoints/best.ckpt")
    lines.append(f"look at  {where}/report.html")
    if summary.status == "collapsed":
        lines.append(f"why      {summary.reason}; the warning says how to resume from before")
    else:
        lines.append(next_line(cfg, files, where))
    run = run_folder.to_resume("checkpoint", where).removeprefix("checkpoint=")
    return "\n".join([*lines, f"sample   {command('generate', run)}"])


def next_line(cfg: DictConfig, files: RunFiles, where: str | Path) -> str:
    """Return the line that resumes a run, or trains one that is whole twice as long.

    Args:
        cfg: the configuration of the run.
        where: its folder, as it is to be typed.
    """
    again = command("train", run_folder.to_resume("resume", where))
    if files.summary.samples_seen >= cfg.total_samples:
        longer = copy.deepcopy(cfg)
        longer.total_samples *= 2
        confirm = " resume_changes=true" if resume.is_another_run(cfg, longer) else ""
        return f"longer   {again} total_samples={longer.total_samples}{confirm}"
    if cfg.trainer.max_batches is not None and files.status == "finished":
        return f"longer   {again} trainer.max_batches=null resume_changes=true"
    return f"resume   {again}"
