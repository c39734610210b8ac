"""How much longer than a plain PyTorch loop a step takes, with everything on: python benchmarks/step_time.py

Both train the same networks on the same data by the non-saturating loss, in one process: a block of framework steps
(logging, progress, checkpoints, sample grids, averaging, the data loader), then a block of plain steps, in turn. The
plain loop is in fp32, with PyTorch's Adam as it is and fake samples of its own for each network. The ratio is taken
pair by pair, so that it holds when the machine's speed drifts. Checkpoints and sample grids are rare: the median of the
pairs doesn't see them, the ratio of the sums does. The default length holds three of each.

    python benchmarks/step_time.py --model mocogan model.share_fakes=true trainer.precision=bf16-mixed
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from hydra import compose, initialize_config_dir
from lightning.pytorch import Callback
from plain_loop import PlainLoop

SOURCE = Path(__file__).resolve().parent.parent / "src"
sys.path.insert(0, str(SOURCE))

from framegan.cli import compose as composed  # noqa: E402
from framegan.cli.session import be_quiet, fill_in  # noqa: E402
from framegan.media import to_samples  # noqa: E402

GAME = ["model/loss=non_saturating", "model/regularizers=[]", "metrics=[]"]
MODELS = {
    "dcgan": ["experiments=dcgan_2016", "data=digits", "data.resolution=32"],
    "dcgan_64": ["experiments=dcgan_2016", "data=digits", "data.resolution=64"],
    "mlp": ["model=mlp", "data=digits", "data.resolution=28"],
    "mocogan": ["model=mocogan", "data=moving_digits", "data.resolution=32", "data.num_frames=8"],
    "mocogan_64": ["model=mocogan", "data=moving_digits", "data.resolution=64", "data.num_frames=16"],
    "vgan": ["model=vgan", "data=shape_motion", "data.resolution=64", "data.num_frames=32"],
}
BATCH_SIZE = {"dcgan": 64, "dcgan_64": 64, "mlp": 64, "mocogan": 16, "mocogan_64": 16, "vgan": 4}
"""What is measured, unless --batch says otherwise; vgan makes clips of no other size."""
Z_95 = 1.96


class Interleaved(Callback):
    """After each block of framework steps runs a block of plain ones; keeps the seconds of both.

    Args:
        num_pairs: pairs of blocks that count; `warm_up` more come first.
        block: steps in a block.
    """

    warm_up = 3

    def __init__(self, plain: PlainLoop, pixels: torch.Tensor, batch: int, num_pairs: int, block: int):
        self.plain, self.pixels, self.batch = plain, pixels, batch
        self.num_pairs, self.block = num_pairs, block
        self.seconds: list[tuple[float, float]] = []
        self.started = 0.0

    def on_train_start(self, trainer, gan):
        self.plain.to(gan.device)
        self.pixels = self.pixels.to(gan.device)
        self.started = now(gan.device)

    def on_train_batch_end(self, trainer, gan, outputs, batch, batch_idx):
        if (batch_idx + 1) % self.block:
            return
        start = now(gan.device)
        for _ in range(self.block):
            where = torch.randint(len(self.pixels), (self.batch,), device=gan.device)
            latents = torch.randn(2, self.batch, self.plain.generator.latent_dim, device=gan.device)
            self.plain.step(to_samples(self.pixels[where]), *latents)
        end = now(gan.device)
        self.seconds.append((start - self.started, end - start))
        trainer.should_stop = len(self.seconds) == self.num_pairs + self.warm_up
        self.started = end


def now(device: torch.device) -> float:
    """Return the time at which all is done that a device has been asked for, in seconds."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def measure(
    model: str, settings: Sequence[str], num_pairs: int, block: int, batch: int, folder: Path
) -> list[tuple[float, float]]:
    """Return the seconds per step of the framework and of the plain loop, pair by pair."""
    length = [f"data.batch_size={batch}", "total_samples=1_000_000_000"]
    with initialize_config_dir(composed.CONFIGURATIONS, version_base="1.3"):
        cfg = compose("train", [*MODELS[model], *GAME, *length, *settings])
    datamodule = composed.build(cfg.data.datamodule)
    fill_in(cfg, datamodule)
    gan, other = composed.build(cfg.model), composed.build(cfg.model)
    if cfg.trainer.cuda_graphs == "auto" and torch.cuda.is_available() and not gan.why_not_replayed():
        cfg.trainer.cuda_graphs = True  # auto leaves runs with callbacks that it doesn't know alone
    plain = PlainLoop(other.generator, other.discriminator)
    pixels = torch.stack([datamodule.source[index][0] for index in range(256)])
    interleaved = Interleaved(plain, pixels, batch, num_pairs, block)
    trainer = composed.build(
        cfg.trainer,
        callbacks=[*(composed.build(node) for node in cfg.callbacks.values()), interleaved],
        loggers=[composed.build(node, folder=str(folder)) for node in cfg.logger.values()],
        folder=str(folder),
    )
    trainer.fit(gan, datamodule=datamodule)
    return [(ours / block, theirs / block) for ours, theirs in interleaved.seconds[interleaved.warm_up :]]


def median_with_interval(values: list[float]) -> tuple[float, float, float]:
    """Return the median and its distribution-free 95 percent interval, from order statistics."""
    ordered, count = sorted(values), len(values)
    reach = Z_95 * count**0.5 / 2
    low, high = ordered[max(0, int(count / 2 - reach))], ordered[min(count - 1, int(count / 2 + reach))]
    return (ordered[(count - 1) // 2] + ordered[count // 2]) / 2, low, high


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--block", type=int, default=10, help="steps in a block")
    parser.add_argument("--model", choices=MODELS, default="dcgan")
    parser.add_argument("--batch", type=int, help="samples in a batch")
    parser.add_argument("settings", nargs="*", help="of the framework's side, such as model.share_fakes=true")
    options = parser.parse_args()
    be_quiet()
    with tempfile.TemporaryDirectory() as temporary:
        batch = options.batch or BATCH_SIZE[options.model]
        pairs = measure(options.model, options.settings, options.pairs, options.block, batch, Path(temporary))
    for name, column in (("framework", 0), ("plain loop", 1)):
        milliseconds = sorted(1000 * pair[column] for pair in pairs)
        print(f"{name:<11} {milliseconds[len(pairs) // 2]:8.2f} ms per step (median of {len(pairs)} blocks)")
    ratio, low, high = median_with_interval([ours / theirs for ours, theirs in pairs])
    print(f"ratio       {ratio:8.3f} (median of pairs, 95 percent interval {low:.3f} to {high:.3f})")
    ours, theirs = map(sum, zip(*pairs, strict=True))
    print(f"of the sums {ours / theirs:8.3f} (with every checkpoint and sample grid)")
