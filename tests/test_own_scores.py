"""Scores of a package outside the repository say themselves which direction is better, and how they are judged."""

import json
import re
import sys
import textwrap

import pytest
import torch
from commands import PROJECT, train
from small_runs import SMALL, state

from framegan.metrics.estimate import Estimate
from framegan.metrics.record import Record

PACKAGE = """
    from framegan.metrics.estimate import Estimate

    class Rising:
        values = iter([0.5, 0.9, 0.2])

        def __call__(self, real, fake, embedding):
            return {"rising": Estimate(next(self.values), None, better="higher")}
"""


@pytest.fixture
def rising(tmp_path, monkeypatch):
    """The settings of a run that measures .5, .9 and .2, after each 32 samples."""
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "own_scores.py").write_text(textwrap.dedent(PACKAGE))
    monkeypatch.syspath_prepend(tmp_path / "package")
    monkeypatch.delitem(sys.modules, "own_scores", raising=False)
    scores = ("metrics.random_conv.num_fake=16", "+metrics.random_conv.scores.own._target_=own_scores.Rising")
    return (*SMALL, *scores, "evaluate_every=32", "sample_every=null")


def test_the_best_checkpoint_is_that_of_the_largest_value(rising, tmp_path):
    folder = tmp_path / "run"
    assert train(*rising, "total_samples=96", "objective=rising", f"hydra.run.dir={folder}") is None
    assert state(folder, "best")["state_dict"]["samples_seen"] == 64
    found = json.loads((folder / "summary.json").read_text())["best"]
    (key,) = [key for key in found if key.startswith("rising_")]
    assert found[key] == {"value": 0.9, "samples_seen": 64, "better": "higher"}


def test_a_value_is_that_of_the_weights_that_were_measured(rising, tmp_path):
    """Another objective has values from before, but no weights of that moment."""
    folder = tmp_path / "run"
    assert train(*rising, "total_samples=64", "objective=fd", f"hydra.run.dir={folder}") is None
    again = ("objective=rising", "checkpoint_every=16", "total_samples=96", "trust=own_scores")
    assert train(f"resume={folder}", *again) is None
    found = json.loads((folder / "summary.json").read_text())
    assert (found["best"][found["objective"]]["value"], found["best"][found["objective"]]["samples_seen"]) == (0.2, 96)
    assert state(folder, "best")["state_dict"]["samples_seen"] == 96


def test_the_network_of_the_documentation(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (yaml,) = re.findall(
        r"```yaml\n(# conf/metrics/dino.yaml.*?)```", (PROJECT / "docs" / "metrics.md").read_text(), re.S
    )
    (tmp_path / "conf" / "metrics").mkdir(parents=True)
    (tmp_path / "conf" / "metrics" / "dino.yaml").write_text(yaml)
    network = torch.nn.Sequential(torch.nn.AvgPool2d(56), torch.nn.Flatten())
    torch.jit.trace(network, torch.zeros(2, 3, 224, 224)).save("dinov2.torchscript.pt")
    words = [word for word in SMALL if not word.startswith("metrics")]
    few = ("metrics=dino", "callbacks.evaluate.num_samples=20", "evaluate_every=32", "total_samples=32")
    assert train(*words, *few, f"hydra.run.dir={tmp_path / 'run'}") is None
    assert re.search(r"fd_dinov2_[0-9a-f]+_20", capsys.readouterr().out)


def test_a_score_that_is_added_to_a_resumed_run_leaves_it_its_best(rising, tmp_path):
    """The score of one's own has no `__repr__`: what Python writes of it has an address, another one each time."""
    folder = tmp_path / "run"
    assert train(*rising, "total_samples=64", "objective=rising", f"hydra.run.dir={folder}") is None
    added = "+metrics.random_conv.scores.jedi._target_=framegan.metrics.scores.Jedi"
    assert train(f"resume={folder}", added, "total_samples=96", "trust=own_scores") is None
    found = json.loads((folder / "summary.json").read_text())
    assert any(key.startswith("jedi_") for key in found["final"])
    assert found["best"][found["objective"]] == {"value": 0.9, "samples_seen": 64, "better": "higher"}
    assert state(folder, "best")["state_dict"]["samples_seen"] == 64


def test_a_direction_that_is_none():
    with pytest.raises(ValueError, match="says that 'more' is better; it should be lower or higher"):
        Record("own", 1.0, None, "more", 10, 10, {}, {}, {})
    assert Estimate(1.0, None).better == "lower"
