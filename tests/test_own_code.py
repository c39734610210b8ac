"""Code and YAML of one's own that can't be used: one message with the file, the line and what it says."""

import sys
from pathlib import Path

import pytest
from commands import prepared, train
from omegaconf import OmegaConf

import framegan
from framegan.cli import compose, errors
from framegan.data.source import UnreadableDataError, told_plainly
from framegan.own_code import locate
from framegan.runs import saved_config

GOOD = """import torch
from torch import nn


class Net(nn.Module):
    shape, latent_dim = (1, 4, 4), 3

    def __init__(self, shape=()):
        super().__init__()
        self.layer = nn.Linear(3, 16)

    def forward(self, latents, labels=None):
        return self.layer(latents).tanh().view(-1, 1, 4, 4)
"""
IN = "\n  in lab_of_own/nets.py, line "


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder with a package that nothing else knows, before and after."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    for name in [name for name in sys.modules if name.partition(".")[0] == "lab_of_own"]:
        del sys.modules[name]


def write(name, text):
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text)


@pytest.mark.parametrize(
    ("good", "bad", "message"),
    [
        ("Module):", "Module)", f"nets can't be imported, SyntaxError: expected ':'{IN}5: class Net(nn.Module)"),
        ("import torch", "\tx = 1", f"IndentationError: unexpected indent{IN}1: x = 1"),
        ("import torch", "x = '\0'", "nets can't be imported, SyntaxError: source code string cannot contain null"),
        ("nn.Module", "nm.Module", f"NameError: name 'nm' is not defined{IN}5: class Net(nm.Module):"),
        ("nn.Module", "nn.Modul", f"AttributeError: module 'torch.nn' has no attribute 'Modul'{IN}5: class"),
        ("import torch", "import torhc", f"ModuleNotFoundError: No module named 'torhc'{IN}1: import torhc"),
        ("import torch", "raise SystemExit", f"nets can't be imported, SystemExit{IN}1: raise SystemExit"),
        ("class Net", "class Nett", "has no attribute 'Net'); did you mean lab_of_own.nets.Nett?"),
        ("class Net", "class Other", "has no attribute 'Net'); there are: Other"),
        ("class Net(nn.Module)", "Net = 3\nclass _X", "it is a int, and no class or function"),
    ],
)
def test_a_class_that_can_not_be_had(good, bad, message):
    write("lab_of_own/nets.py", GOOD.replace(good, bad, 1))
    with pytest.raises(ValueError) as raised:
        locate("lab_of_own.nets.Net")
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("lab_of_own.nest.Net", "did you mean lab_of_own.nets.Net?"),
        ("lab_of_won.nets.Net", "did you mean lab_of_own.nets.Net?"),
        ("elsewhere.nets.Net", "elsewhere is neither installed nor in /.*; run this in the folder that holds it, set"),
        ("framegan.losses.Hing", "did you mean framegan.losses.Hinge?"),
        *((target, "it should be a class by its module") for target in ("Net", "lab/nets.py", "lab:Net", None, 3)),
    ],
)
def test_a_name_that_leads_nowhere(target, message):
    write("lab_of_own/nets.py", GOOD)
    with pytest.raises(ValueError, match=message):
        locate(target)


MODEL = """defaults:
  - /gan@_here_
  - loss: non_saturating
  - regularizers: []
  - /optimizer@generator_optimizer: adam
  - /optimizer@discriminator_optimizer: adam
  - /schedule@generator_schedule: constant
  - /schedule@discriminator_schedule: constant
generator:
  _target_: lab_of_own.nets.Net
  shape: ${data.shape}
discriminator:
  _target_: framegan.networks.mlp.Discriminator
  shape: ${data.shape}
"""
CHOSEN = ("model=own", "data=synthetic", "trainer=cpu", "hydra.run.dir=runs/x")


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        (
            "Linear",
            "Liner",
            ("model=own: lab_of_own.nets.Net can't be built, AttributeError: ", f"{IN}10: self.l"),
        ),
        (
            "nn.Linear(3, 16)",
            "int('x')",
            ("can't be built, ValueError: invalid literal", f"{IN}10: self.layer = int"),
        ),
        (
            "self.layer = nn.Linear(3, 16)",
            "raise ValueError('odd')",
            (f"model=own: odd{IN}10: raise ValueError('odd')",),
        ),
        (
            "self.layer(",
            "self.later(",
            ("model.generator fails in forward(latents, labels), At", f"{IN}13: return"),
        ),
        (
            "view(-1, 1, 4, 4)",
            "view(-1, 7)",
            ("model.generator can't take a tensor (2, 3)", f"{IN}13: return self.layer"),
        ),
    ],
)
def test_a_network_that_fails(good, bad, said, capfd):
    write("lab_of_own/nets.py", GOOD.replace(good, bad, 1))
    write("conf/model/own.yaml", MODEL)
    message = str(train(*CHOSEN))
    assert message.startswith("error: ")
    assert all(part in message for part in said), message
    with pytest.raises(ValueError, match="^model=own: ") as raised:
        framegan.train(*CHOSEN)
    assert message == f"error: {raised.value}"
    assert "Traceback" not in capfd.readouterr().err
    assert not Path("runs").exists()


def test_the_whole_traceback_is_there_for_those_who_ask(monkeypatch):
    write("lab_of_own/nets.py", GOOD.replace("Linear", "Liner", 1))
    node = OmegaConf.create({"_target_": "lab_of_own.nets.Net"})
    locate(node._target_)
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    with pytest.raises(ValueError, match="can't be built") as raised, errors.plain_errors():
        compose.build(node)
    assert isinstance(raised.value.__cause__, AttributeError)


def test_samples_that_can_not_be_read():
    write("lab_of_own/nets.py", "def read(place):\n    return [1][place]\n")
    read = locate("lab_of_own.nets.read")
    with pytest.raises(UnreadableDataError, match=f"can't be read, IndexError: list index out of range{IN}2: return"):
        told_plainly()(read)(3)


def test_an_annotation_for_type_checkers_alone_does_no_harm():
    head = "from __future__ import annotations\nTYPE_CHECKING = False\nif TYPE_CHECKING:\n    from x import Shape\n"
    write("lab_of_own/nets.py", head + GOOD.replace("shape=()", "shape: Shape = (), width: int = 3"))
    write("conf/model/own.yaml", MODEL.replace("  shape", "  width: wide\n  shape", 1))
    assert train(*CHOSEN) == "error: model.generator.width got 'wide'; it should be a valid integer"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; it should be KEY: VALUE, line by line"),
        ("# later\n", "is empty; "),
        ("- a\n", "is a list; "),
        ("mlp\n", "is a single value; "),
        ("a:\n\tb: 1\n", ", line 2: found character "),
        ("a: 1\na: 2\n", ", line 2: found duplicate key a; correct"),
        ("a: ${data.shape\n", ": no viable alternative at input '${data.shape'; correct"),
        (MODEL.replace("/gan", "/gann"), ": Could not load 'gann'; correct the defaults in that file"),
        (MODEL.replace("non_sat", "no_sat"), ": Could not find 'model/loss/no_saturating' Available options in"),
        ("defaults: mlp\n", ", defaults must be a list (got str); correct the defaults in that file"),
    ],
)
def test_a_yaml_that_can_not_be_used(text, message, folder):
    write("conf/model/own.yaml", text)
    with pytest.raises(SystemExit) as stopped:
        prepared("train", CHOSEN)
    assert f"{folder}/conf/model/own.yaml{'' if message[0] in ':,' else ' '}{message}" in str(stopped.value)


@pytest.mark.parametrize(
    ("good", "bad", "message"),
    [
        (
            "  _target_: lab_of_own.nets.Net\n",
            "",
            "model.generator got {'shape': None}; it should be a part, whose",
        ),
        ("  - /gan@_here_\n", "", "error: model=own: model has no model._target_, the class to build"),
        ("loss: non_saturating", "/optimizer@loss: adam", "model.loss"),
        ("data.shape", "data.shap", "error: model.generator.shape: Interpolation key 'data.shap' not found"),
    ],
)
def test_a_yaml_without_what_is_needed(good, bad, message):
    write("lab_of_own/nets.py", GOOD)
    write("conf/model/own.yaml", MODEL.replace(good, bad, 1))
    assert message in str(train(*CHOSEN))


def test_a_run_says_where_it_was_trained_if_its_package_is_not_here():
    write("runs/x/.hydra/config.yaml", "model: {generator: {_target_: lab_of_own.nets.Net}}\n")
    write("runs/x/.hydra/hydra.yaml", "hydra:\n  runtime:\n    version: 1.3.4\n    cwd: /home/me/lab\n")
    for trusted in (["lab_of_own"], ["lab_of_own.nets.Net"]):
        with pytest.raises(ValueError, match="lab_of_own is neither installed nor in (.|\n)*trained in /home/me/lab$"):
            saved_config.read(Path("runs/x/.hydra/config.yaml"), trusted, ["model.generator"])
