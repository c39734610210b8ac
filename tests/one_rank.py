"""One of two gloo processes that train a tiny GAN: python one_rank.py CASE RANK PORT FOLDER"""

import logging
import os
import sys
import warnings

import torch

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
torch.set_num_threads(1)

from worlds import CLIP, SHAPE, fit, flat, real_batches, tiny_clip_gan, tiny_gan  # noqa: E402

from framegan import losses, regularizers  # noqa: E402

NUM_STEPS, BATCH_SIZE = 4, 8

CASES = {
    "batch_norm": {"normalization": "batch"},
    "r1": {"normalization": "group", "regularizers": {"r1": regularizers.R1(gamma=1)}},
    "batch_norm_r1_lazy": {"normalization": "batch", "regularizers": {"r1": regularizers.R1(gamma=1, every=2)}},
    "wgan_gp_two_steps": {
        "normalization": "none",
        "regularizers": {"gp": regularizers.WGANGP(weight=1)},
        "discriminator_steps": 2,
    },
    "clips": {"loss": losses.Relativistic(), "regularizers": {"r1": regularizers.R1(gamma=1)}},
}
SHAPES = {case: CLIP if case == "clips" else SHAPE for case in CASES}
STRATEGIES = ("ddp", "ddp_find_unused_parameters_true")


def trained(case: str, batches: torch.Tensor, **options):
    """Train a case in double precision; return the GAN and the noise each step of it saw."""
    gan, noise = (tiny_clip_gan if case == "clips" else tiny_gan)(**CASES[case]).double(), []
    noise_like = gan._noise_like
    gan._noise_like = lambda *args, **kwargs: noise.append(noise_like(*args, **kwargs)) or noise[-1]
    fit(gan, batches.double(), precision="fp64", **options)
    return gan, noise


if __name__ == "__main__":
    case, strategy, rank, port, folder = sys.argv[1:]
    os.environ.update(
        TORCHELASTIC_RUN_ID="test",
        MASTER_ADDR="127.0.0.1",
        MASTER_PORT=port,
        WORLD_SIZE="2",
        LOCAL_WORLD_SIZE="2",
        RANK=rank,
        LOCAL_RANK=rank,
    )
    rows = slice(int(rank) * BATCH_SIZE, (int(rank) + 1) * BATCH_SIZE)
    batches = real_batches(NUM_STEPS, 2 * BATCH_SIZE, SHAPES[case])[:, rows]
    gan, noise = trained(case, batches, devices=2, strategy=strategy)
    torch.save(
        {
            "generator": flat(gan.generator),
            "discriminator": flat(gan.discriminator),
            "ema": flat(gan.generator_ema),
            "noise": noise,
            "samples_seen": int(gan.samples_seen),
            "keys": list(gan.state_dict()),
        },
        f"{folder}/{rank}.pt",
    )
