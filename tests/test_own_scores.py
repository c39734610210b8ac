"""Scores of a package outside the repository say themselves which direction is better, and how they are judged."""

import json
import textwrap

import pytest
from commands import train
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


def test_the_best_checkpoint_is_that_of_the_largest_value(tmp_path, monkeypatch):
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "own_scores.py").write_text(textwrap.dedent(PACKAGE))
    monkeypatch.syspath_prepend(tmp_path / "package")
    folder = tmp_path / "run"
    scores = ("metrics.random_conv.num_fake=16", "+metrics.random_conv.scores.own._target_=own_scores.Rising")
    options = ("total_samples=96", "evaluate_every=32", "objective=rising", "sample_every=null")
    assert train(*SMALL, *options, *scores, f"hydra.run.dir={folder}") is None
    assert state(folder, "best")["state_dict"]["samples_seen"] == 64
    found = json.loads((folder / "summary.json").read_text())["best"]
    (key,) = [key for key in found if key.startswith("rising_")]
    assert found[key] == {"value": 0.9, "samples_seen": 64, "better": "higher"}


def test_a_direction_that_is_none():
    with pytest.raises(ValueError, match="says that 'more' is better; it should be lower or higher"):
        Record("own", 1.0, None, "more", 10, 10, {}, {}, {})
    assert Estimate(1.0, None).better == "lower"
