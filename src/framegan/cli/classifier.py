"""Train the classifier that measures generators of the same images or clips: framegan train_classifier data=mnist"""

import os
import re
import shlex
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from pydantic import NonNegativeInt, PositiveInt

from framegan import working_folder
from framegan.cli import compose, errors
from framegan.cli.slips.known import Known
from framegan.quoting import command, to_type, typed


@hydra.main(version_base="1.3", config_path=compose.CONFIGURATIONS, config_name="classifier")
def main(cfg: DictConfig) -> None:
    compose.flush_denormals()
    compose.require_choice(cfg, "data")
    choices = HydraConfig.get()
    given = [override for override in choices.overrides.task if override.lstrip("+").startswith(("data", "seed="))]
    with errors.plain_errors():
        settings = compose.arguments_of(train_classifier, cfg)
        datamodule = compose.build(cfg.data.datamodule)
        train_classifier(datamodule, choices.runtime.choices["data"], given, **settings)


def train_classifier(
    datamodule: Any,
    name: str,
    given: list[str],
    out: str | None,
    epochs: PositiveInt | None,
    batch_size: PositiveInt | None,
    seed: NonNegativeInt,
) -> None:
    """Train on the split that is read, and write the weights.

    Args:
        datamodule: `framegan.data.datamodule.DataModule` of images or clips.
        name: what messages call them.
        given: what was set of the data and its draws, to be set again to train a generator.
    """
    from framegan.data.held_out import groups_of
    from framegan.data.videos.clips import Clips
    from framegan.evaluation import classifier_training
    from framegan.metrics import classifier
    from framegan.metrics.embedding import without_alpha

    source = datamodule.source
    classifier_training.check_data(source)
    shape = "x".join(map(str, source.shape))
    file = _target(out, classifier.file_of(name, source.shape, datamodule.fingerprint))
    print(f"data     {len(source):,} samples of {shape}, {source.num_classes} classes, {source.split}", flush=True)
    start = time.perf_counter()
    in_parts = not datamodule.is_small
    state, accuracy = classifier_training.train(
        source, epochs=epochs, batch_size=batch_size, seed=seed, in_parts=in_parts
    )
    classifier.save(file, state, without_alpha(source.shape), datamodule.classes, accuracy, name)
    tenth = "the tenth that was held out"
    if isinstance(source, Clips):
        number, what = groups_of(source)[0], "videos" if getattr(source.origin, "groups", None) is None else "groups"
        tenth += f", {classifier_training.tenth_of(number):,} of {number:,} {what}"
    print(f"trained  in {time.perf_counter() - start:,.0f} s; {accuracy:.2%} right of {tenth}")
    print(f"wrote    {file}")
    is_found = out is None and datamodule.fingerprint is not None
    measured = ["metrics=classifier", *([] if is_found else [to_type("metrics.classifier.embedding.weights", file)])]
    print(f"measure  {command('train', 'model=NAME', shlex.join(given), *measured)}", flush=True)


def how_to_train(overrides: Sequence[str], data: str | None, config: DictConfig | None = None) -> str:
    """Return what to say where a metric needs a classifier that was never trained.

    Args:
        overrides: what was set, of which those of the data are repeated.
        data: the name that was chosen, if they don't choose it.
        config: of a run, whose recipe may have set more of the data.
    """
    settings = map(shlex.quote, of_data(overrides, data, config))
    return f"train one, then repeat the command: {command('classifier', *settings)}"


def of_data(overrides: Sequence[str], data: str | None, config: DictConfig | None = None) -> list[str]:
    """Return those of the settings of a run that choose its data; the arguments are those of `how_to_train`."""
    found = [setting for setting in overrides if setting.lstrip("+~").startswith(("data=", "data.", "seed="))]
    found = found if any(setting.startswith("data=") for setting in found) else [f"data={data}", *found]
    return [*found, *(_of_recipe(config, found) if config is not None else [])]


def _of_recipe(config: DictConfig, given: list[str]) -> Iterator[str]:
    """Yield the settings by which the samples of a run differ from those that the given settings choose."""
    own = working_folder.configurations()
    known = Known("classifier", ["--config-dir", str(own)] if own else [])
    try:
        known.compose(given)
    except HydraException:  # the data are of a --config-dir that this command isn't told
        return
    before = dict(_leaves({key: known.config.get(key) for key in ("data", "seed")}))
    of_batches = {f"data.{key!s}" for key in OmegaConf.load(Path(compose.CONFIGURATIONS) / "datamodule.yaml")}
    for key, value in _leaves({key: config.get(key) for key in ("data", "seed")}):
        is_filled_in = key in compose.FILLED_IN and before.get(key) is None
        of_samples = key not in of_batches and not re.match(r"data\.datamodule\.(?!source\b)", key)
        if of_samples and not is_filled_in and (key not in before or before[key] != value):
            chosen = OmegaConf.select(config, key)
            plain = OmegaConf.to_container(chosen) if OmegaConf.is_config(chosen) else chosen
            yield f"{'' if key in before else '+'}{key}={typed(plain, key)}"


def _leaves(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values of a configuration by their dotted keys, lists as wholes, interpolations as written."""
    if OmegaConf.is_config(node):
        node = OmegaConf.to_container(node, resolve=False)
    if isinstance(node, dict) and node:
        for key, child in node.items():
            yield from _leaves(child, f"{path}.{key}".lstrip("."))
    else:
        yield path, node


def _target(out: str | None, by_itself: Path) -> Path:
    """Return the file to write, with its folder made; raise ValueError where it is something else's, or can't be."""
    from framegan.metrics.classifier import is_classifier

    file = Path(out or by_itself).expanduser()
    if file.is_dir():
        raise ValueError(f"out got {file}, a folder; give the file to write, such as {file / 'classifier.pt'}")
    if out and file.exists() and not is_classifier(file):
        raise ValueError(f"out={out} is there already and no classifier, so it isn't written over; name another file")
    file.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(file.parent, os.W_OK):
        raise ValueError(
            f"{file.parent} can't be written in; allow yourself to write there, or set out to another file"
        )
    return file
