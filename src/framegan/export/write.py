"""Write the files of an export, all of them or none: weights and programs, their card and an example."""

import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal, get_args

from torch import nn

from framegan.export import CARD, EXAMPLE, Format, card, formats
from framegan.export.program import Program, traced
from framegan.files import atomic, strict_json
from framegan.quoting import public
from framegan.runs.checkpoint import data_fingerprint_in
from framegan.runs.run_files import RunFiles

VERIFIED = f"any batch size, at most {{:.1g}} from the checkpoint's samples ({formats.TOLERANCE:g} is allowed)"


@dataclass(frozen=True)
class Trained:
    """A generator with the weights of a checkpoint.

    Args:
        frames_per_second: at which its clips play as fast as the data.
    """

    generator: nn.Module
    checkpoint: Path
    samples_seen: int
    weights: Literal["ema", "raw"]
    frames_per_second: float

    @property
    def folder(self) -> Path:
        """That of its run."""
        return self.checkpoint.parent.parent


def export(
    trained: Trained,
    out: Path,
    chosen: Sequence[Format],
    *,
    num_frames: int | None = None,
    license: str | None = None,
    overwrite: bool = False,
) -> dict[Path, str]:
    """Write an export into a folder, and return of each file what it is.

    Raises:
        ValueError: a file is there already, can't be written or made, or makes other samples than the checkpoint.
    """
    if not chosen:
        raise ValueError(f"format got an empty list; choose of {', '.join(get_args(Format))}")
    earlier = check_place(out, overwrite=overwrite)
    formats.check_installed(chosen)
    program = Program(trained.generator, num_frames)
    said: dict[str, str] = {}
    contents = _generators(program, trained, chosen, said)
    about = {"checkpoint": trained.checkpoint, "samples_seen": trained.samples_seen, "weights": trained.weights}
    about["fingerprint"] = data_fingerprint_in(trained.checkpoint)
    contents[CARD] = card.card(RunFiles(trained.folder), program, said, **about, license=license).encode()  # type: ignore[arg-type]
    if "onnx" in chosen:
        contents[EXAMPLE] = card.example(program, trained.frames_per_second).encode()
    try:
        out.mkdir(parents=True, exist_ok=True)
        with ExitStack() as files:
            for name, content in contents.items():  # each is in place when all are written
                files.enter_context(atomic.new_file(out / name, shared=True)).write_bytes(content)
        kept = {out / name for name in contents} | ({out / EXAMPLE} if out / "generator.onnx" not in earlier else set())
        for file in earlier - kept:  # of formats that the card no longer tells of; another example.py may be anybody's
            file.unlink()
    except OSError as error:
        raise ValueError(f"{out} can't be written: {error}; make room, or set out to another folder") from error
    return {out / name: said.get(name, "") for name in contents}


def check_place(out: Path, *, overwrite: bool) -> set[Path]:
    """Return the files of an earlier export in a folder.

    Raises:
        ValueError: they may not be replaced, or there is no place for a folder.
    """
    if out.exists() and not out.is_dir():
        raise ValueError(f"out={out} is a file; an export is several files: set out to a folder")
    names = [*(f"generator.{one}" for one in get_args(Format)), CARD, EXAMPLE]
    there = {out / name for name in names if (out / name).exists()}
    if there and not any(file.stem == "generator" for file in there):
        which = f"{out} holds {', '.join(sorted(file.name for file in there))}, which no export has left there"
        raise ValueError(f"{which}; set out to another folder, or move it away")
    if there and not overwrite:
        which = f"{out} holds {', '.join(sorted(file.name for file in there))} already"
        raise ValueError(f"{which}; set overwrite=true to replace that export, or out to another folder")
    above = next(folder for folder in (out, *out.absolute().parents) if folder.exists())
    if not os.access(above, os.W_OK):
        raise ValueError(f"{above} can't be written in; allow yourself to write there, or set out to another folder")
    return there


def _generators(program: Program, trained: Trained, chosen: Sequence[Format], said: dict[str, str]) -> dict[str, bytes]:
    """Return what is in the files of a generator, by their names, and put what each is into `said`."""
    about = _about(program, trained)
    contents: dict[str, bytes] = {}
    trace = traced(program) if {"onnx", "pt2"} & {*chosen} else None
    if trace and "onnx" in chosen:
        contents["generator.onnx"], far = formats.onnx(program, trace, about)
        said["generator.onnx"] = f"ONNX, opset {formats.OPSET}, {VERIFIED.format(far)}"
    if trace and "pt2" in chosen:
        contents["generator.pt2"], far = formats.pt2(program, trace)
        said["generator.pt2"] = f"torch.export program, {VERIFIED.format(far)}"
    if "safetensors" in chosen:
        contents["generator.safetensors"] = formats.safetensors(program, about)
        said["generator.safetensors"] = f"weights by their names in {about['class']}"
    return contents


def _about(program: Program, trained: Trained) -> dict[str, str]:
    """Return what files say of themselves: what is exported, and what it takes."""
    kind = type(program.generator)
    settings = RunFiles(trained.folder).about.settings
    own = {key: value for key, value in settings.items() if key.startswith("model.generator.")}
    facts = {
        "shape": program.shape,
        "latent_parts": program.parts,
        "classes": list(getattr(program.generator, "class_names", ())),
        "samples_seen": trained.samples_seen,
        "frames_per_second": trained.frames_per_second if len(program.shape) == 4 else None,
        "settings": own,
    }
    texts = {name: public(strict_json.dumps(value)) for name, value in facts.items()}
    return {"framegan": version("framegan"), "class": f"{kind.__module__}.{kind.__qualname__}", **texts} | {
        "weights": trained.weights
    }
