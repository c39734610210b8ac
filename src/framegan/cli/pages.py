"""What `framegan` and `framegan COMMAND --help` print: read from the YAML of the command, nothing is composed."""

import importlib
import os
import re
from pathlib import Path

import yaml

from framegan import __version__, program, working_folder

COMMANDS = {
    "train": ("train a GAN, or resume a run", "framegan train model=dcgan data=digits"),
    "generate": ("make samples with a trained generator", "framegan generate runs/demo num_samples=64"),
    "edit": (
        "edit pictures and clips: size, time, colour, captions",
        "framegan edit one.mp4 two.mp4 scale=2 speed=0.5",
    ),
    "play": ("show what a trained generator makes, live, on a local page", "framegan play runs/demo"),
    "export": ("write a trained generator as ONNX, with a model card", "framegan export runs/demo"),
    "push": ("upload an export to the Hugging Face Hub", "framegan push runs/demo repo=me/pets"),
    "evaluate": ("score a trained generator, or a folder of samples", "framegan evaluate runs/demo metrics=fid"),
    "prepare": (
        "decode videos once and for all",
        "framegan prepare data=video_folder data.root=clips",
    ),
    "classifier": ("train the classifier that some metrics need", "framegan classifier data=mnist"),
    "runs": ("list runs, the best first", "framegan runs"),
    "report": ("write the page of a run", "framegan report runs/demo"),
    "compare": ("write a page that compares runs, or a sweep", "framegan compare runs/a runs/b"),
    "new": ("write a part of your own: a model, loss, data set or metric", "framegan new model my_model"),
    "completion": ("complete commands and settings with the Tab key", 'eval "$(framegan completion bash)"'),
}
"""Of each command what it does, and an example."""
WIDTH = 80
"""Characters of a line of a terminal."""
DEEPEST = 4
"""Folders of groups in one another; framegan's own are two."""


def screen() -> str:
    """Return what there is, with an example of each."""
    lines = [f"framegan {__version__}: train GANs on images and short clips, and score them", ""]
    for name, (what, example) in COMMANDS.items():
        in_one = f"  {name:<11} {what}: {example}"
        lines += [in_one] if len(in_one) < WIDTH else [f"  {name:<11} {what}", f"  {'':<11}   {example}"]
    return "\n".join([*lines, "", "framegan COMMAND --help shows its settings and what there is to choose from."])


def page(command: str) -> str:
    """Return what a command does, what its settings are and what there is to choose from.

    It says what Hydra would, and the comments of the YAML besides.
    """
    if not has_settings(command):
        return str(importlib.import_module(f"framegan.cli.{command}").USAGE)
    text = (program.configurations() / f"{command}.yaml").read_text(encoding="utf-8")
    known = yaml.safe_load(text)
    listed = "\n".join(f"{group}: {', '.join(options)}" for group, options in groups().items())
    filled: str = known["hydra"]["help"]["template"]
    return filled.replace("$APP_CONFIG_GROUPS", f"{listed}\n").replace("$CONFIG", _settings(text, known["defaults"]))


def has_settings(command: str) -> bool:
    """Say whether a command is configured by Hydra; others say how they are used in their own USAGE."""
    return (program.configurations() / f"{command}.yaml").exists()


def groups() -> dict[str, list[str]]:
    """Return the options of each group, those in the working folder too."""
    found: dict[str, set[str]] = {}
    for place in filter(None, (program.configurations(), working_folder.configurations())):
        for folder, folders, files in os.walk(place, followlinks=True):
            group = Path(folder).relative_to(place)
            folders[:] = folders if len(group.parts) < DEEPEST else []  # a link may lead round in a circle
            options = {Path(file).stem for file in files if file.endswith(".yaml")}
            found.setdefault(group.as_posix(), set()).update(options)
    names = [name for name in sorted(found) if found[name] and name.partition("/")[0] not in (".", "hydra")]
    return {name: sorted(found[name]) for name in names}


def _settings(text: str, defaults: list[object]) -> str:
    """Return the settings in the YAML of a command, then those of what it chooses by itself."""
    own = text.partition("\n\n")[2].partition("\nhydra:")[0]
    for choice in reversed(defaults):
        group, name = next(iter(choice.items())) if isinstance(choice, dict) else ("", None)
        if name is not None and not group.startswith("override"):
            chosen = (program.configurations() / group / f"{name}.yaml").read_text(encoding="utf-8")
            own = re.sub(rf"^{group}: {{}}.*\n+", "", own, flags=re.MULTILINE)
            own += f"\n{group}: # {group}={name}\n" + re.sub("^(?=.)", "  ", chosen, flags=re.MULTILINE)
    return own
