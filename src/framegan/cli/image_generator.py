"""The trained image generator that a generator of clips is made of: that of the run which `images` names.

What it is goes into the configuration, as `image_generator`, and its weights are a part of the clips' generator, so
that the other run is needed at the beginning alone.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from framegan.cli import generator
from framegan.cli.compose import as_dict
from framegan.quoting import first_names
from framegan.runs import run_folder, saved_config

SHOWN = 4
"""Names of classes that a message has room for."""


def fill_in(cfg: DictConfig, checkpoint: Path | None, classes: Sequence[str]) -> generator.Loaded | None:
    """Write into the configuration what the image generator is; return it where the run begins with its weights.

    Args:
        checkpoint: that the run is resumed from, which has the weights. None = from the beginning.
        classes: the names of the classes of the data.

    Raises:
        ValueError: there is no such run, it asks for parts that aren't trusted, or its classes are others.
    """
    from framegan.processes.ranks import from_rank_zero

    node = cfg.model.get("generator")
    if not isinstance(node, DictConfig) or "images" not in node or "image_generator" not in node:
        return None
    if checkpoint:
        if node.image_generator is None:  # as it was typed, not as the run folder has it
            file = run_folder.saved_config(run_folder.find(checkpoint))
            node.image_generator = saved_config.read_values(file, cfg.trust, "model.generator.image_generator")
        return None
    if node.images is None:
        return None

    def first() -> tuple[Path, dict[str, Any]]:
        try:
            loaded = generator.load(node.images, "ema", "cpu", cfg.trust)
        except ValueError as error:
            raise ValueError(f"model.generator.images={node.images}: {error}") from error
        return loaded.checkpoint, loaded.generator.state_dict()

    file, weights = from_rank_zero(first)  # all ranks take what the first one finds: that run may still train
    found = generator.load(file, "ema", "cpu", cfg.trust)
    found.generator.load_state_dict(weights)
    names = found.generator.class_names
    if names and names != list(classes):
        raise ValueError(
            f"model.generator.images={node.images} makes images of the classes {first_names(names, SHOWN)}, and the "
            f"clips are of {first_names(classes, SHOWN)}; choose clips of the same classes, or a run of images without"
        )
    node.image_generator = as_dict(found.config)["model"]["generator"]
    return found
