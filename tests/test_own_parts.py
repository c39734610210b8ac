"""Parts of a package outside the repository: docs/own_parts.md as it is typed, and each breach of its contract."""

import re
import shlex

import pytest
import torch
from commands import PROJECT, run
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from framegan import contracts
from framegan.data.source import check as check_source
from framegan.losses import NonSaturating

DOCS = (PROJECT / "docs" / "own_parts.md").read_text()
FILES = re.findall(r"```(?:python|yaml)\n# (\S+)\n(.*?)```", DOCS, re.DOTALL)
COMMANDS = re.findall(r"^framegan (train|generate) (.*)$", DOCS, re.MULTILINE)
SHORT = ("total_samples=16", "data.batch_size=8", "trainer=cpu", "evaluate_every=null", "sample_every=null")


def test_the_commands_of_the_documentation(tmp_path, monkeypatch):
    for name, text in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    assert len(COMMANDS) == 5
    for script, arguments in COMMANDS:
        words = shlex.split(arguments)
        goes_on = any(word.startswith(("resume=", "runs/")) for word in words)
        small = ("data.resolution=16", "data.num_frames=4") if "my_clips" in arguments else ()
        small += ("model.generator.width=8", "model.discriminator.width=8") if "model=dcgan" in arguments else ()
        words = [word for word in words if not word.startswith("total_samples")]
        short = (
            ("total_samples=24",)
            if script == "train" and goes_on
            else ("num_samples=2", "batch_size=2")
            if goes_on
            else (*SHORT, *small)
        )
        assert run(script, *words, *short) is None, arguments
    message = str(run("train", "resume=runs/mine", "total_samples=32"))
    assert "trust=my_package" in message


class Good(nn.Module):
    shape = (1, 4, 4)
    latent_dim = 3

    def __init__(self, **attributes):
        super().__init__()
        self.layer = nn.Linear(3, 16)
        for name, value in attributes.items():
            setattr(self, name, value)

    def forward(self, latents, labels=None):
        return self.layer(latents).tanh().view(-1, 1, 4, 4)


class Critic(nn.Module):
    def __init__(self, returned=None, size=16):
        super().__init__()
        self.layer = nn.Linear(size, 1)
        self.returned = returned or (lambda logits: {"sample": logits})

    def forward(self, samples, labels=None):
        return self.returned(self.layer(samples.flatten(1)))


def made(function):
    """Return a good generator but for what it makes."""
    generator = Good()
    generator.forward = function
    return generator


NETWORKS = {
    "model.generator is a object; it should be a torch.nn.Module": (object(), Critic()),
    "model.generator has no shape; it should be": (Good(shape=None), Critic()),
    "model.generator has shape=(16,)": (Good(shape=(16,)), Critic()),
    "model.generator has no latent_dim": (Good(latent_dim=None), Critic()),
    "model.generator has latent_dim='3'": (Good(latent_dim="3"), Critic()),
    "model.generator has no num_classes; it should be the number": (Good(num_classes=None), Critic()),
    "can't be called as forward(latents, labels): too many": (made(lambda latents: latents), Critic()),
    "made a tensor (2, 3) of float32 of (2, 3) latents; it should make": (made(lambda z, y: z), Critic()),
    "made a NoneType of (2, 3) latents": (made(lambda z, y: None), Critic()),
    "made samples from 255 to 255; they should be in [-1, 1]": (
        made(lambda z, y: torch.full((2, 1, 4, 4), 255.0)),
        Critic(),
    ),
    "made two samples of the same latents": (made(lambda z, y: torch.rand(2, 1, 4, 4)), Critic()),
    "the parts should be a dictionary of sizes": (Good(latent_parts=lambda frames: {"content": 2}), Critic()),
    "model.discriminator is a function": (Good(), lambda samples, labels: samples),
    "model.discriminator returned a tensor (2, 1) of float32; it should be a dict": (Good(), Critic(lambda x: x)),
    "returned a dictionary of ['class']": (Good(), Critic(lambda x: {"class": x})),
    "returned a tensor (2,) of float32 under 'a' for 2 samples": (Good(), Critic(lambda x: {"a": x[:, 0]})),
    "model.discriminator can't take a tensor (2, 1, 4, 4) of float32, a tensor (2,) of int64, RuntimeError: mat1": (
        Good(),
        Critic(size=9),
    ),
    "predicts 5 classes": (Good(), Critic(lambda x: {"a": x, "class": x.expand(-1, 5)})),
}


@pytest.mark.parametrize("message", NETWORKS)
def test_a_network_that_breaks_its_contract(message):
    with pytest.raises(ValueError, match=re.escape(message)):
        contracts.check_networks(*NETWORKS[message])


def test_networks_that_keep_it():
    assert list(contracts.check_networks(Good(), Critic())) == ["sample"]


@pytest.mark.parametrize(
    "layers",
    [(nn.LazyLinear(1),), (spectral_norm(nn.Linear(16, 1)),), (nn.BatchNorm1d(16), nn.Dropout(), nn.Linear(16, 1))],
)
def test_layers_of_all_kinds_may_be_in_them(layers):
    critic = Critic()
    critic.layer = nn.Sequential(*layers)
    assert list(contracts.check_networks(Good(), critic)) == ["sample"]
    contracts.check_optimizer("discriminator", torch.optim.Adam, critic)


class Half(NonSaturating):
    def generator(self, real_logits, fake_logits):
        return fake_logits.mean()


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (object(), "model.loss is a object without generator_sees_real"),
        (type("L", (), {"generator_sees_real": False})(), "without discriminator(real_logits, fake_logits)"),
        (Half(), "model.loss.generator returned a tensor () of float32 of logits (2, 3); it should be one loss"),
    ],
)
def test_a_loss_that_breaks_its_contract(loss, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        contracts.check_loss(loss)


class Source:
    num_classes, split, shape = 2, "all", (1, 4, 4)

    def __init__(self, item=(torch.zeros(1, 4, 4, dtype=torch.uint8), 0), **attributes):
        self.item = item
        for name, value in attributes.items():
            setattr(self, name, value)

    def __len__(self):
        return 3

    def __getitem__(self, index):
        return self.item


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ([1, 2], "is a list without num_classes, split, shape"),
        (Source(num_classes=None), "with num_classes=None; it should be 1 or more"),
        (Source(shape=(4, 4)), "with shape=(4, 4)"),
        (Source(item=torch.zeros(1)), "each should be (uint8 tensor, its class)"),
        (Source(item=(torch.zeros(1, 4, 4), 0)), "first sample is a tensor (1, 4, 4) of float32; it should be uint8"),
        (Source(item=(torch.zeros(1, 4, 4, dtype=torch.uint8), 2)), "is of class 2; it should be 0 to 1"),
    ],
)
def test_a_source_that_breaks_its_contract(source, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        check_source(source)


def test_penalties_schedules_and_optimizers_that_break_it():
    for check, message in (
        (
            lambda: contracts.check_regularizers({"x": object()}, nn.Identity()),
            "model.regularizers.x is a object without at, ",
        ),
        (
            lambda: contracts.check_regularizers({"r1": {"gamma": 1}}, nn.Identity()),
            "set '~model.regularizers.r1' as well",
        ),
        (lambda: contracts.check_schedule("generator", lambda seen: None), "model.generator_schedule gives None at 0"),
        (lambda: contracts.check_optimizer("generator", "adam", Good()), "and _partial_: true"),
        (lambda: contracts.check_optimizer("generator", dict, nn.ReLU()), "model.generator has no parameters"),
        (lambda: contracts.check_shape(Good(), (3, 4, 4)), "of shape (1, 4, 4), and the data's are (3, 4, 4)"),
    ):
        with pytest.raises(ValueError, match=re.escape(message)):
            check()
