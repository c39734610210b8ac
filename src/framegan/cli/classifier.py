"""Train the classifier that measures generators of the same images: framegan train_classifier data=mnist"""

import shlex
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from pydantic import NonNegativeInt, PositiveInt

from framegan.cli import compose, errors
from framegan.quoting import command, to_type


@hydra.main(version_base="1.3", config_path=compose.CONFIGURATIONS, config_name="classifier")
def main(cfg: DictConfig) -> None:
    compose.flush_denormals()
    compose.require_choice(cfg, "data")
    choices = HydraConfig.get()
    given = [override for override in choices.overrides.task if override.lstrip("+").startswith("data")]
    with errors.plain_errors():
        settings = compose.arguments_of(train_classifier, cfg)
        datamodule = compose.build(cfg.data.datamodule)
        train_classifier(datamodule, choices.runtime.choices["data"], given, **settings)


def train_classifier(
    datamodule: Any,
    name: str,
    given: list[str],
    out: str | None,
    epochs: PositiveInt,
    batch_size: PositiveInt,
    seed: NonNegativeInt,
) -> None:
    """Train on the split that is read, and write the weights.

    Args:
        datamodule: `framegan.data.datamodule.DataModule` of images.
        name: what messages call them.
        given: what was set of the data, to be set again to train a generator.
    """
    from framegan.metrics import classifier, classifier_training

    source = datamodule.source
    classifier_training.check_data(source.shape, source.num_classes, len(source))
    shape = "x".join(map(str, source.shape))
    file = _target(out, classifier.file_of(name, source.shape, datamodule.fingerprint))
    print(f"data     {len(source):,} samples of {shape}, {source.num_classes} classes, {source.split}", flush=True)
    start = time.perf_counter()
    samples, labels = _read(source)
    options = {"epochs": epochs, "batch_size": batch_size, "seed": seed}
    state, accuracy = classifier_training.train(samples, labels, source.num_classes, **options)
    classifier.save(file, state, source.shape, datamodule.classes, accuracy, name)
    print(f"trained  in {time.perf_counter() - start:,.0f} s; {accuracy:.2%} right of the tenth that was held out")
    print(f"wrote    {file}")
    is_found = out is None and datamodule.fingerprint is not None
    measured = ["metrics=classifier", *([] if is_found else [to_type("metrics.classifier.embedding.weights", file)])]
    print(f"measure  {command('train', 'model=NAME', shlex.join(given), *measured)}", flush=True)


def how_to_train(overrides: Sequence[str], data: str | None) -> str:
    """Return what to say where a metric needs a classifier that was never trained.

    Args:
        overrides: what was set, of which those of the data are repeated.
        data: the name that was chosen, if they don't choose it.
    """
    of_data = [setting for setting in overrides if setting.lstrip("+~").startswith(("data=", "data."))]
    if not any(setting.startswith("data=") for setting in of_data):
        of_data.insert(0, f"data={data}")
    return f"train one, then repeat the command: {command('classifier', *map(shlex.quote, of_data))}"


def _target(out: str | None, by_itself: Path) -> Path:
    """Return the file to write, with its folder made."""
    file = Path(out or by_itself).expanduser()
    if file.is_dir():
        raise ValueError(f"out got {file}, a folder; give the file to write, such as {file / 'classifier.pt'}")
    file.parent.mkdir(parents=True, exist_ok=True)
    return file


def _read(source: Any) -> "tuple[Any, Any]":
    """Return all samples of a source, uint8 (N, C, H, W), and their labels (N,)."""
    from framegan.data.source import BatchSource, in_memory, read, told_plainly

    with told_plainly():
        batches = source if isinstance(source, BatchSource) else in_memory(source)
        return read(batches, [(index, 0) for index in range(len(source))])
