"""How soon the watchdog notices a collapse, and whether it cries wolf: python benchmarks/watchdog.py --seed 5

Ten runs are made to collapse and ten are healthy, each a minute or less on one core. Nine of the ten are changed for
the worse at half of their length, so that it is known when their collapse begins; the tenth never learns. Prints the
table of docs/watchdog.md. The thresholds were set on seeds 0, 1 and 2.
"""

import argparse
import csv
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from hydra import compose, initialize_config_dir
from lightning.pytorch import Callback

SOURCE = Path(__file__).resolve().parent.parent / "src"
sys.path.insert(0, str(SOURCE))

from framegan.callbacks.watchdog import Watchdog  # noqa: E402
from framegan.cli import compose as composed  # noqa: E402
from framegan.cli.session import be_quiet, fill_in  # noqa: E402
from framegan.gan import GAN  # noqa: E402

LOOKS = 25
EVALUATIONS = 10
"""In a run, as in `make demo` and the other recipes."""

LENGTH = 16_000
SOON = 0.2
"""Share of the run within which a collapse is to be noticed."""

SMALL = ("data.batch_size=32",)
WIDTH = ("model.generator.width=16", "model.discriminator.width=16")
DCGAN = ("experiments=dcgan_2016", "data.resolution=16", *WIDTH, *SMALL)
PLAIN = (*DCGAN, "model.discriminator.normalization=none")
FAST = ("model.generator_optimizer.lr=1e-3", "model.discriminator_optimizer.lr=1e-3")
MEDIUM = ("model.generator_optimizer.lr=5e-4", "model.discriminator_optimizer.lr=5e-4")
R1 = ("model/regularizers=[r1]", "model.regularizers.r1.gamma=1", "model.regularizers.r1.every=1")
MLP = ("model=mlp", "data.resolution=8", "model.discriminator.widths=[256,256]", "model.generator.widths=[256,256]")
MODELS: dict[str, tuple[str, ...]] = {
    "dcgan, digits": (*DCGAN, "data=digits"),
    "dcgan with R1, digits": (*PLAIN, *FAST, *R1, "data=digits"),
    "dcgan, relativistic with R1, digits": (*PLAIN, *FAST, *R1, "model/loss=relativistic", "data=digits"),
    "dcgan, least squares with R1, digits": (*PLAIN, *FAST, *R1, "model/loss=least_squares", "data=digits"),
    "dcgan, hinge, spectral norm, digits": (
        *(*PLAIN, *MEDIUM, "model/loss=hinge", "model.discriminator.spectral_norm=true", "data=digits"),
    ),
    "dcgan, WGAN-GP, digits": (
        *(*PLAIN, *MEDIUM, "model/loss=wasserstein", "model/regularizers=[wgan_gp]"),
        *("model.discriminator_steps=2", "data=digits"),
    ),
    "dcgan with R1, synthetic": (*PLAIN, *FAST, *R1, "data=synthetic"),
    "mlp with R1, digits": (*MLP, *FAST, *R1, *SMALL, "model.discriminator.dropout=0", "data=digits"),
    "mlp with R1, synthetic": (*MLP, *FAST, *R1, *SMALL, "model.discriminator.dropout=0", "data=synthetic"),
    "mocogan, shape_motion": (
        *("model=mocogan", "data=shape_motion", "metrics=random_conv", "data.resolution=16", "data.num_frames=4"),
        *("data.batch_size=16", "model.generator.width=8"),
        *("model.discriminator.heads.frame.width=8", "model.discriminator.heads.clip.width=8"),
    ),
    "mlp, digits": (*MLP, *SMALL, "data=digits"),
    "dcgan, minimax, digits": (
        *(*DCGAN, "model/loss=minimax", "data=digits", "model.discriminator_optimizer.lr=2e-3"),
    ),
}
HEALTHY = list(MODELS)[:10]


def rate(name: str, factor: float) -> Callable[[GAN], None]:
    """Return the change that multiplies a network's learning rate."""

    def change(gan: GAN) -> None:
        gan.schedules[name] = lambda samples_seen: factor

    return change


def without_penalty(gan: GAN) -> None:
    gan.regularizers.clear()


def with_momentum(gan: GAN) -> None:
    for group in gan.optimizers()[0].param_groups:
        group["betas"] = (0.99, 0.999)


@dataclass(frozen=True)
class Collapse:
    """What is changed at half of a run, in words and in deed; nothing where it never learns."""

    model: str
    how: str
    changes: tuple[Callable[[GAN], None], ...] = ()


COLLAPSING = [
    Collapse("dcgan with R1, digits", "discriminator frozen", (rate("discriminator", 0),)),
    Collapse("dcgan with R1, digits", "discriminator's rate x 50", (rate("discriminator", 50),)),
    Collapse(
        "dcgan, least squares with R1, digits", "both rates x 20", (rate("generator", 20), rate("discriminator", 20))
    ),
    Collapse(
        "dcgan with R1, synthetic", "generator's rate x 10, momentum 0.99", (rate("generator", 10), with_momentum)
    ),
    Collapse("mlp with R1, digits", "discriminator frozen", (rate("discriminator", 0),)),
    Collapse("mlp with R1, digits", "no penalty, generator's rate x 50", (without_penalty, rate("generator", 50))),
    Collapse("mlp with R1, synthetic", "no penalty, generator's rate x 10", (without_penalty, rate("generator", 10))),
    Collapse("mlp, digits", "generator's rate x 50", (rate("generator", 50),)),
    Collapse("mocogan, shape_motion", "generator's rate x 50", (rate("generator", 50),)),
    Collapse("dcgan, minimax, digits", "from the start: textbook loss, discriminator's rate x 10"),
]


class ChangeAt(Callback):
    """Makes changes once a clock is reached."""

    def __init__(self, samples_seen: int, changes: tuple[Callable[[GAN], None], ...]):
        self.samples_seen, self.changes = samples_seen, changes

    def on_train_batch_end(self, trainer, gan, *_):
        if int(gan.samples_seen) >= self.samples_seen:
            for change in self.changes:
                change(gan)
            self.changes = ()


def run(model: str, collapse: Collapse | None, seed: int, folder: Path) -> dict[str, int]:
    """Train, and return when the watchdog first saw which sign."""
    options = [f"seed={seed}", f"total_samples={LENGTH}", f"sample_every={LENGTH // 4}", f"checkpoint_every={LENGTH}"]
    options += [f"evaluate_every={LENGTH // EVALUATIONS}", f"callbacks.watchdog.every={LENGTH // LOOKS}"]
    options += ["callbacks.evaluate.num_samples=500", "trainer=cpu", "trainer.log_every_n_steps=10"]
    with initialize_config_dir(composed.CONFIGURATIONS, version_base="1.3"):
        cfg = compose("train", [*MODELS[model], *options])
    folder.mkdir(parents=True, exist_ok=True)
    datamodule = composed.build(cfg.data.datamodule)
    fill_in(cfg, datamodule)
    torch.manual_seed(seed)
    gan = composed.build(cfg.model)
    callbacks = [composed.build(node) for node in cfg.callbacks.values()]
    change = [ChangeAt(LENGTH // 2, collapse.changes)] if collapse else []
    trainer = composed.build(
        cfg.trainer,
        callbacks=[*callbacks, *change],
        loggers=[composed.build(node, folder=str(folder)) for node in cfg.logger.values()],
        folder=str(folder),
    )
    trainer.fit(gan, datamodule=datamodule)
    return next(callback.told for callback in callbacks if isinstance(callback, Watchdog))


def faded(metrics: Path) -> int:
    """Return samples_seen where the generator's gradient has sunk to a tenth of the largest, median of five rows."""
    with metrics.open() as file:
        rows = [row for row in csv.DictReader(file) if row["generator/gradient_norm"]]
    norms = [float(row["generator/gradient_norm"]) for row in rows]
    medians = [statistics.median(norms[place : place + 5]) for place in range(len(norms) - 4)]
    largest = max(range(len(medians)), key=medians.__getitem__)
    place = next(p for p in range(largest, len(medians)) if medians[p] < medians[largest] / 10)
    return int(rows[place]["samples_seen"])


def collapsing(seed: int, folder: Path) -> None:
    """Print the rows of the runs that collapse, and how many were noticed in time."""
    caught = 0
    for number, collapse in enumerate(COLLAPSING):
        where = folder / f"collapse_{number}"
        told = run(collapse.model, collapse, seed, where)
        begins = LENGTH // 2 if collapse.changes else faded(where / "metrics.csv")
        noticed = min(told.values(), default=LENGTH + begins)
        later = (noticed - begins) / LENGTH
        caught += 0 <= later <= SOON
        cells = collapse.model, collapse.how, f"{begins:,}", f"{noticed:,}", f"{later:.0%}", names(told)
        print(f"| {' | '.join(cells)} |", flush=True)
    print(f"caught within {SOON:.0%} of the run: {caught} of {len(COLLAPSING)}")


def healthy(seed: int, folder: Path) -> None:
    """Print the rows of the healthy runs, and how many false alarms there were."""
    alarms = 0
    for number, model in enumerate(HEALTHY):
        told = run(model, None, seed, folder / f"healthy_{number}")
        alarms += bool(told)
        noticed = f"{min(told.values()):,}" if told else "never"
        print(f"| {model} | healthy | | {noticed} | | {names(told)} |", flush=True)
    print(f"false alarms: {alarms} of {len(HEALTHY)}")


def names(told: dict[str, int]) -> str:
    """Return the kinds of signs in the order they were seen."""
    return ", ".join(kind.split("_")[0] for kind in sorted(told, key=told.__getitem__))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=Path("runs/watchdog"))
    options = parser.parse_args()
    be_quiet()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    print("| run | made to collapse by | begins | noticed | of the run later | by |\n|---|---|---|---|---|---|")
    for part in (collapsing, healthy):
        part(options.seed, options.folder / str(options.seed))
