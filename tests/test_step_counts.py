"""What a step costs, in counts that don't depend on the machine: a second forward or a wait for the device shows."""

from collections import Counter

import pytest
from torch.utils._python_dispatch import TorchDispatchMode
from worlds import fit, real_batches, tiny_gan

from framegan import regularizers
from framegan.gan import GAN

STEPS = 3
"""The last one is counted: nothing is set up in it any more."""


class Operations(TorchDispatchMode):
    """Counts the operations that PyTorch is asked for, backward ones too, and numbers that are read off tensors.

    The clock, which is a whole number and lies on the CPU, may be read: that waits for no device.
    """

    def __init__(self):
        super().__init__()
        self.counts: Counter[str] = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func._overloadpacket.__name__
        self.counts["read" if name == "_local_scalar_dense" and args[0].is_floating_point() else name] += 1
        return func(*args, **(kwargs or {}))


def counted(monkeypatch, **options) -> Counter[str]:
    """Return how often the networks go forward and what else is done in a step that isn't logged."""
    gan, found = tiny_gan(**options), Counter()
    monkeypatch.setattr(gan, "log", lambda *_, **__: found.update(["log"]))
    for name in gan.networks:
        getattr(gan, name).register_forward_hook(lambda *_, name=name: found.update([name]))
    step = GAN.training_step

    def training_step(self, batch, batch_idx):
        found.clear()
        with Operations() as operations:
            measured = step(self, batch, batch_idx)
        found.update(operations.counts)
        return measured

    monkeypatch.setattr(GAN, "training_step", training_step)
    fit(gan, real_batches(STEPS), log_every_n_steps=100)
    return found


@pytest.mark.parametrize(
    ("options", "of_generator", "at_most"),
    [
        ({}, 2, 215),
        ({"share_fakes": True}, 1, 210),
        ({"regularizers": {"r1": regularizers.R1(1.0, every=2)}}, 2, 265),
    ],
    ids=["plain", "shared", "penalty"],
)
def test_a_step_goes_forward_as_often_as_it_has_to_and_waits_for_nothing(monkeypatch, options, of_generator, at_most):
    counts = counted(monkeypatch, **options)
    assert (counts["generator"], counts["discriminator"]) == (of_generator, 3)
    assert (counts["read"], counts["log"]) == (0, 0)
    assert counts.total() <= at_most


def a_number_read(gan, loss, *_):
    assert loss.mean().item() < 1e9


def a_value_logged(gan, loss, *_):
    gan.log("loss", loss.mean())


def a_second_forward(gan, loss, real, labels, latents, *_):
    gan.generator(latents, labels)


@pytest.mark.parametrize("step", ["generator_loss", "discriminator_loss"])
@pytest.mark.parametrize(
    ("waste", "key", "count"),
    [(a_number_read, "read", 1), (a_value_logged, "log", 1), (a_second_forward, "generator", 3)],
)
def test_what_is_put_into_a_step_shows(monkeypatch, step, waste, key, count):
    honest = getattr(GAN, step)

    def wasteful(self, *args):
        loss = honest(self, *args)
        waste(self, loss, *args)
        return loss

    monkeypatch.setattr(GAN, step, wasteful)
    assert counted(monkeypatch)[key] == count
