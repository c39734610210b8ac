"""Every option of the training step with every other: what can be switched on together trains as it should."""

from functools import partial
from itertools import combinations, product

import pytest
import torch
from commands import PROJECT
from hydra.utils import instantiate
from omegaconf import OmegaConf
from worlds import fit, flat, real_batches, tiny_gan

REGULARIZERS = ["none", *sorted(path.stem for path in (PROJECT / "conf" / "model" / "regularizers").glob("*.yaml"))]
OPTIONS = {
    "regularizer": REGULARIZERS,
    "compiled": [True, False],
    "precision": ["fp32", "bf16-mixed"],
    "micro_batches": [1, 3],
    "discriminator_steps": [1, 2],
    "share_fakes": [False, True],
    "channels_last": [False, True],
    "every": [1, 2],
    "clip_norm": [None, 0.1],
    "normalization": ["none", "batch"],
}


def pairs_of(options):
    """Return every choice of two options' values."""
    return {frozenset(pair) for pair in combinations(options.items(), 2)}


def covering():
    """Yield choices of all options, few of them, in which each value of one meets each value of every other."""
    choices = [dict(zip(OPTIONS, values, strict=True)) for values in product(*OPTIONS.values())]
    choices = [one for one in choices if not (one["share_fakes"] and one["micro_batches"] > 1)]  # which is refused
    pairs = [pairs_of(options) for options in choices]
    missing = set().union(*pairs)
    while missing:
        best = max(range(len(choices)), key=lambda number: len(pairs[number] & missing))
        missing -= pairs[best]
        yield choices[best]


def trained(regularizer, compiled, precision, micro_batches, channels_last, every, clip_norm, normalization, **options):
    """Return a small GAN after three steps; compiled as far as automatic differentiation, without a C++ compiler."""
    penalties = {}
    if regularizer != "none":
        node = OmegaConf.load(PROJECT / "conf" / "model" / "regularizers" / f"{regularizer}.yaml")
        node[regularizer].every = every
        penalties = instantiate(node, _convert_="all")
    gan = tiny_gan(
        normalization,
        regularizers=penalties,
        discriminator_clip_norm=clip_norm,
        compile_networks=compiled,
        **options,
    )
    for network in (gan.generator, gan.discriminator):
        network.compile = partial(network.compile, backend="aot_eager")
    how = {"precision": precision, "micro_batches": micro_batches, "channels_last": channels_last}
    return fit(gan, real_batches(3, batch_size=6), **how)


@pytest.mark.parametrize("options", covering(), ids=lambda options: "-".join(map(str, options.values())))
def test_every_option_of_the_step_goes_with_every_other(options):
    torch._dynamo.reset()
    gan = trained(**options)
    assert int(gan.samples_seen) == 18
    weights = torch.cat([flat(gan.generator), flat(gan.discriminator)])
    assert weights.dtype == torch.float32  # in mixed precision too
    assert torch.isfinite(weights).all()
    if options["compiled"]:
        plain = trained(**{**options, "compiled": False})
        assert list(gan.state_dict()) == list(plain.state_dict())
        tolerance = 1e-5 if options["precision"] == "fp32" else 5e-2
        for network in ("generator", "discriminator"):
            torch.testing.assert_close(
                flat(getattr(gan, network)), flat(getattr(plain, network)), rtol=0, atol=tolerance
            )
