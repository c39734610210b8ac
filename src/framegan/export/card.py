"""The model card beside exported files, and the example that runs them; what comes from a run is text, never markup."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from framegan.export.program import Program
from framegan.files import strict_json
from framegan.quoting import public
from framegan.runs.records import Evaluated
from framegan.runs.run_files import RunFiles, duration

TEMPLATES = files("framegan.export") / "templates"
NUM_SCORED = 50_000
"""Samples that torch-fidelity takes, as is usual."""


def card(
    run: RunFiles,
    program: Program,
    said: Mapping[str, str],
    *,
    checkpoint: Path,
    samples_seen: int,
    weights: str,
    fingerprint: str | None,
    license: str | None,
) -> str:
    """Return the card, in Markdown as model hubs show it: of what, how to use it, data, metrics, training, limits.

    Args:
        said: of each file beside it what it is.
        samples_seen: real samples that the weights were trained with; the card has the metrics that were measured then.
        weights: ema or raw.
        fingerprint: of the data that the weights were trained on last; None = it isn't known.
        license: of the weights; None = it isn't stated.

    Raises:
        ValueError: a file of the run is damaged; the message names it.
    """
    records = [one for one in run.evaluations.get(samples_seen, []) if one.value is not None]
    values = {
        "run": run,
        "files": said,
        "front_matter": _front_matter(program, license),
        "title": f"{'Clips' if len(program.shape) == 4 else 'Images'} by {code(run.folder.name)}",
        "what": _kind(program.shape),
        "model": run.about.choices.get("model"),
        "data_name": run.about.choices.get("data"),
        "weights": {"ema": "averaged weights", "raw": "weights that trained"}[weights],
        "weights_are_raw": weights == "raw",
        "checkpoint": checkpoint.name,
        "samples_seen": f"{samples_seen:,}",
        "classes": list(getattr(program.generator, "class_names", ())),
        "records": records,
        "other_data": None if fingerprint in (None, run.data.fingerprint) else fingerprint,
        "protocols": _protocols(records),
        "command": "\n".join(run.about.commands(samples_seen)),
        "fidelity": fidelity(program) if "generator.onnx" in said else None,
        "license": license,
    }
    return str(_environment().get_template("card.md").render(**shape_of(program), **values))


def example(program: Program, frames_per_second: float) -> str:
    """Return the text of a script that makes samples with the ONNX file, without framegan."""
    others = ""
    if program.num_classes:
        others += f', "labels": np.arange(8) % {program.num_classes}'
    if program.takes_truncation:
        others += ', "truncation": np.array(1, "f")'
    if program.given_frames:
        given = program.inputs(8)["given"]
        others += f', "given": np.zeros({tuple(given.shape)}, "f")'
    picture = "samples.webp" if len(program.shape) == 4 else "samples.png"
    values = {"others": others, "picture": picture, "duration": max(1, round(1000 / frames_per_second))}
    return str(_environment().get_template("example.py.txt").render(**shape_of(program), **values))


def fidelity(program: Program) -> str | None:
    """Return the line that scores the ONNX file with torch-fidelity; None where that takes no such samples."""
    if len(program.shape) != 3 or program.shape[0] not in (1, 3) or program.given_frames:
        return None
    of_model = {"z-type": "normal", "z-size": program.latent_dim, "num-classes": program.num_classes}
    of_model["num-samples"] = NUM_SCORED
    options = [f"--input1-model-{name} {value}" for name, value in of_model.items()]
    real = "--input2 REAL_IMAGES --samples-find-deep"
    if program.shape[1] == program.shape[2]:
        real += f" --samples-resize-and-crop {program.shape[1]}"
    return " ".join(["fidelity --fid --input1 generator.onnx", *options, real])


def shape_of(program: Program) -> dict[str, Any]:
    """Return what templates say of what goes into a program and comes out."""
    names = "shape parts latent_dim num_classes takes_truncation given_frames"
    return {name: getattr(program, name) for name in names.split()}


def _front_matter(program: Program, license: str | None) -> str:
    """Return what model hubs read of a card, as YAML."""
    tags = ["video-generation" if len(program.shape) == 4 else "image-generation"]
    front = {"license": license or "unknown", "library_name": "framegan", "tags": tags}
    return str(yaml.safe_dump(front, sort_keys=False))


def _protocols(records: Sequence[Evaluated]) -> dict[str, list[str]]:
    """Return the keys of the records by their protocols, as JSON."""
    found: dict[str, list[str]] = {}
    for one in records:
        found.setdefault(strict_json.dumps(one.protocol), []).append(one.key)
    return found


def _kind(shape: Sequence[int]) -> str:
    """Return what samples of a shape are, in words."""
    channels, *frames, height, width = shape
    of_channels = {1: "grey", 3: "RGB"}.get(channels, f"{channels}-channel")
    size = f"{of_channels} {'clips' if frames else 'images'} of {height}x{width} pixels"
    return f"{size} and {frames[0]} frames" if frames else size


def code(value: Any) -> str:
    """Return a text from anywhere as code within a line, or a cell, of Markdown."""
    text = re.sub(r"\s+", " ", "".join(letter if letter.isprintable() else " " for letter in public(str(value))))
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    space = " " if text[:1] in ("", "`", " ") or text[-1:] in ("`", " ") else ""
    return f"{fence}{space}{text}{space}{fence}".replace("|", "\\|")


def block(value: Any) -> str:
    """Return a text from anywhere as a block of code."""
    text = public(str(value)).rstrip()
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}\n{text}\n{fence}"


def number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.5g}"


@cache
def _environment() -> Any:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    loader = FunctionLoader(lambda name: (TEMPLATES / name).read_text(encoding="utf-8"))
    options: dict[str, Any] = {"trim_blocks": True, "lstrip_blocks": True, "keep_trailing_newline": True}
    found = Environment(loader=loader, undefined=StrictUndefined, autoescape=False, **options)
    found.filters.update(code=code, block=block, number=number, duration=duration)
    return found
