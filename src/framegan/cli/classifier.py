"""Train the classifier that measures generators of the same images: framegan train_classifier data=mnist"""

import shlex
import time
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
        train_classifier(datamodule.source, choices.runtime.choices["data"], given, **settings)


def train_classifier(
    source: Any,
    name: str,
    given: list[str],
    out: str | None,
    epochs: PositiveInt,
    batch_size: PositiveInt,
    seed: NonNegativeInt,
) -> None:
    """Train on the split that is read, and write the weights.

    Args:
        source: `framegan.data.source.Source` of images.
        name: of the data.
        given: what was set of the data, to be set again to train a generator.
    """
    from framegan.metrics import classifier, classifier_training

    classifier_training.check_data(source.shape, source.num_classes, len(source))
    shape = "x".join(map(str, source.shape))
    file = _target(out, f"{name}_{shape}.pt")
    print(f"data     {len(source):,} samples of {shape}, {source.num_classes} classes, {source.split}", flush=True)
    start = time.perf_counter()
    samples, labels = _read(source)
    options = {"epochs": epochs, "batch_size": batch_size, "seed": seed}
    state, accuracy = classifier_training.train(samples, labels, source.num_classes, **options)
    classifier.save(file, state, source.shape, source.num_classes, accuracy, name)
    print(f"trained  in {time.perf_counter() - start:,.0f} s; {accuracy:.2%} right of the tenth that was held out")
    print(f"wrote    {file}")
    measured = ["metrics=classifier", to_type("metrics.classifier.embedding.weights", file)]
    print(f"measure  {command('train', 'model=NAME', shlex.join(given), *measured)}", flush=True)


def _target(out: str | None, name: str) -> Path:
    """Return the file to write, with its folder made."""
    from framegan.files.user_cache import user_cache

    file = Path(out or user_cache(variable="FRAMEGAN_WEIGHTS") / "classifiers" / name).expanduser()
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
