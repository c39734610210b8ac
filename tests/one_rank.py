"""One of two gloo processes that train every small GAN in turn: python one_rank.py RANK PORT FOLDER"""

import copy
import logging
import os
import sys
import warnings
from collections.abc import Sequence
from functools import cache, partial

import torch

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
torch.set_num_threads(1)

from commands import PROJECT  # noqa: E402
from hydra import compose, initialize_config_dir  # noqa: E402
from hydra.utils import instantiate  # noqa: E402
from omegaconf import DictConfig  # noqa: E402
from torch.distributed.algorithms.ddp_comm_hooks import default_hooks  # noqa: E402
from torch.nn.parallel import DistributedDataParallel  # noqa: E402
from worlds import fit, flat, real_batches  # noqa: E402

from framegan import strategy as framegan_strategy  # noqa: E402
from framegan.cli.compose import build  # noqa: E402
from framegan.gan import GAN  # noqa: E402
from framegan.strategy import average_buffers  # noqa: E402

NUM_STEPS, BATCH_SIZE = 4, 8
CONF = PROJECT / "conf"


def choices(group: str) -> list[str]:
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


def is_temporal(model: str) -> bool:
    """Say whether a model makes clips: a critic of clips is chosen for it."""
    chosen = (CONF / "model" / f"{model}.yaml").read_text().partition("_self_")[0]
    return "- discriminator:" in chosen and "- discriminator: dcgan" not in chosen


def has_likelihood(model: str) -> bool:
    """Say whether a model is trained without a critic."""
    return "/maximum_likelihood@" in (CONF / "model" / f"{model}.yaml").read_text()


def given_frames(model: str) -> int:
    """Return how many frames a model is given here: 2, if it continues some."""
    return 2 * ("${data.given_frames}" in (CONF / "model" / f"{model}.yaml").read_text())


IMAGE_MODELS = [model for model in choices("model") if not is_temporal(model) and not has_likelihood(model)]
CLIP_MODELS = [model for model in choices("model") if is_temporal(model)]
OF_BATCHES = {"cgan_conv", "dcgan3d", "fastgan", "g3an", "independent_frames", "sngan", "tgan", "vgan", "wgan_gp"}
"""Models with batch normalisation where it can't be left out by a word; what they share isn't taken apart."""


def made_fast(model: str) -> tuple[str, ...]:
    """Return the words of a model with all that makes a step faster."""
    by_batch = "normalization: batch" in (CONF / "model" / f"{model}.yaml").read_text()
    shared = ("model.share_fakes=false",) if model in {*OF_BATCHES, "vae_gan"} else ()
    grouped = ("model.generator.normalization=group",) if by_batch else ()
    return f"model={model}", "trainer=fast", *shared, *grouped


COMPILED = ("model.compile_networks=true",)
BATCH_NORM = ("model=dcgan", "model.discriminator.normalization=batch")
CASES: dict[str, tuple[str, ...]] = {
    **{f"model={model}": (f"model={model}",) for model in choices("model")},
    "classes of clips": ("model=tgan", "model.conditional=true", "model/discriminator=dual"),
    "frames before": (*("model=frame_cgan", "model.generator.frames_before=1", "model.generator.normalization=group"),),
    "noise": ("model=mocogan", *(f"model.discriminator.heads.{name}.noise=0.1" for name in ("frame", "clip"))),
    "transformer": ("model=mocogan", "model.generator.motion=transformer"),
    **{f"loss={loss}": ("model=dcgan", f"model/loss={loss}") for loss in choices("model/loss")},
    **{f"regularizers={name}": (*BATCH_NORM, f"model/regularizers={name}") for name in choices("model/regularizers")},
    "lazy": ("model=dcgan", "model/regularizers=r1", "model.regularizers.r1.every=2"),
    "two critic steps": ("model=dcgan", "model/regularizers=wgan_gp", "model.discriminator_steps=2"),
    "shared fakes": ("model=dcgan", "model.share_fakes=true", "model.generator.normalization=none"),
    "channels last": (*BATCH_NORM, "trainer.channels_last=true"),
    **{f"fast {model}": made_fast(model) for model in [*IMAGE_MODELS, *CLIP_MODELS]},
    "clipped": ("model=dcgan", "model.generator_clip_norm=0.1", "model.discriminator_clip_norm=0.1"),
    "path length": ("model=stylegan2", "model.generator_regularizers.path_length.every=1"),
    "diffaugment": ("model=dcgan", "model/augmentation=diffaugment", "model/regularizers=r1"),
    "ada": (
        "model=dcgan",
        "model/augmentation=ada",
        "model.augmentation.interval=2",
        "model.augmentation.samples_to_certainty=100",
        "model.augmentation.probability=0.5",
    ),
    "frozen": (*BATCH_NORM, "model.freeze=[generator.layers.1,discriminator.layers.0,discriminator.layers.3]"),
    "compiled": (*BATCH_NORM, "model/regularizers=r1", "model.regularizers.r1.every=2", *COMPILED),
    "all together": (*made_fast("mocogan"), *COMPILED),
    "unused parameters": (
        *(*BATCH_NORM, "model/augmentation=ada", "model.augmentation.interval=2", "model.augmentation.probability=0.5"),
        "trainer.strategy=ddp_find_unused_parameters_true",
    ),
}


@cache
def _composed(*words: str) -> DictConfig:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("train", [*words])


def composed(*words: str) -> DictConfig:
    """Return a configuration of one's own by the words of a command line; a copy takes a quarter of the time."""
    return copy.deepcopy(_composed(*words))


def configured(case: str) -> DictConfig:
    """Return the configuration of a case, made small."""
    model = CASES[case][0].partition("=")[2]
    of_clips = model in CLIP_MODELS
    cfg = composed(*CASES[case], "data=shape_motion" if of_clips else "data=synthetic")
    cfg.data.shape, cfg.data.num_classes = [3, 4, 16, 16] if of_clips else [3, 16, 16], 2
    cfg.data.given_frames = given_frames(model)
    make_small(cfg.model)
    give_images(cfg)
    return cfg


def built(model: str, shape: Sequence[int], *options: str, num_classes: int = 3) -> GAN:
    """Return a narrow GAN of a model as it is configured."""
    cfg = composed(f"model={model}", "data=synthetic", *options)
    cfg.data.shape, cfg.data.num_classes, cfg.data.given_frames = list(shape), num_classes, given_frames(model)
    make_small(cfg.model)
    give_images(cfg)
    torch.manual_seed(0)
    return build(cfg.model)


def give_images(cfg: DictConfig) -> None:
    """Give a generator of clips that is made of one of images one of its size."""
    if "image_generator" in cfg.model.generator:
        channels, _, *sides = cfg.data.shape
        shape = [channels, *sides]
        given = {"_target_": "framegan.networks.dcgan.Generator", "shape": shape, "latent_dim": 8, "width": 4}
        cfg.model.generator.image_generator = given


def make_small(node: DictConfig) -> None:
    """Make networks narrow, and have critics of frames draw two of each clip."""
    for key, value in node.items():
        if isinstance(value, DictConfig):
            make_small(value)
        elif key == "width":
            node[key] = 8
        elif key == "widths":
            node[key] = [16, 16]
        elif key == "num_frames":
            node[key] = 2


def trained(case: str, rows: slice = slice(None), **options):
    """Train a case in double precision on some rows of each batch; return the GAN and the noise each step saw."""
    cfg, noise = configured(case), []
    torch.manual_seed(0)
    gan = instantiate(cfg.model, _convert_="all").double()
    for network in gan.of_name().values():
        network.compile = partial(network.compile, backend="aot_eager")  # needs no C++ compiler
    own_rows = gan.own_rows
    gan.own_rows = lambda *args: noise.append(own_rows(*args)) or noise[-1]
    batches = real_batches(options.pop("num_steps", NUM_STEPS), 2 * BATCH_SIZE, tuple(cfg.data.shape))[:, rows]
    fit(gan, batches.double(), **options)
    return gan, noise


def buffers(gan) -> torch.Tensor:
    """Return the running averages of all networks as a checkpoint gets them."""
    average_buffers(gan)
    return torch.cat([torch.empty(0), *(b.flatten() for b in gan.buffers() if b.is_floating_point())])


def bytes_averaged(case: str, rows: slice) -> int:
    """Return how many bytes of gradients a rank has averaged with the others while it trained a case."""
    found = [0]

    class Counted(DistributedDataParallel):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.register_comm_hook(None, self.average)

        @staticmethod
        def average(state, bucket):
            found[0] += bucket.buffer().nbytes
            return default_hooks.allreduce_hook(None, bucket)

    framegan_strategy.DistributedDataParallel = Counted
    trained(case, rows, devices=2)
    framegan_strategy.DistributedDataParallel = DistributedDataParallel
    return found[0]


if __name__ == "__main__":
    rank, port, folder = sys.argv[1:]
    os.environ.update({"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "TORCHELASTIC_RUN_ID": "test"})
    os.environ.update({"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "RANK": rank, "LOCAL_RANK": rank})
    results = {}
    for case in CASES:
        rows = slice(int(rank) * BATCH_SIZE, (int(rank) + 1) * BATCH_SIZE)
        trainer = configured(case).trainer
        gan, noise = trained(case, rows, devices=2, strategy=trainer.strategy, channels_last=trainer.channels_last)
        results[case] = {
            "networks": {name: flat(network) for name, network in gan.of_name().items()},
            "ema": flat(gan.generator_ema),
            "buffers": buffers(gan),
            "noise": noise,
            "samples_seen": int(gan.samples_seen),
            "keys": list(gan.state_dict()),
        }
    results["bytes"] = bytes_averaged("model=dcgan", rows)
    torch.save(results, f"{folder}/{rank}.pt")
    torch.distributed.destroy_process_group()
