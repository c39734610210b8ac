"""The names of sweeps and of their jobs: readable, each for one thing, found again by the same line."""

import pytest
from omegaconf import OmegaConf

from framegan.cli import sweep


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ("model.generator_optimizer.lr=0.0001,model=dcgan", "lr=0.0001,model=dcgan"),
        ("model/loss=hinge,seed=1", "loss=hinge,seed=1"),
        ("model.generator_optimizer.lr=1,model.discriminator_optimizer.lr=2",
         "model.generator_optimizer.lr=1,model.discriminator_optimizer.lr=2"),
        ("+model.x=1,++y=2", "x=1,y=2"),
        ("", "job"),
    ],
)  # fmt: skip
def test_a_job_is_named_by_what_is_its_own(settings, name):
    assert sweep.job_name(settings) == name
    assert OmegaConf.create({"name": f"${{job_name:'{settings}'}}"}).name == name


def test_names_are_short_and_each_is_for_one_thing():
    names = [sweep.job_name(f"data.root='{'../x' * count}/ü y'") for count in range(60)]
    assert len({*names}) == 60
    for name in names:
        assert len(name) <= sweep.LONGEST
        assert "/" not in name


def told(*words):
    return dict(word.split("=", 1) for word in sweep.settings_of(words))


def test_the_same_sweep_has_the_same_folder():
    line = ("model=mlp", "data=digits", "model.generator_optimizer.lr=1e-4,2e-4")
    folder = told(*line)["hydra.sweep.dir"]
    assert "runs/sweeps/lr=1e-4,2e-4-" in folder
    again = ("hydra.launcher.n_jobs=2", "resume=auto", "resume_changes=true", "trust=[mine]")
    assert told(*reversed(line), *again)["hydra.sweep.dir"] == folder
    two = (*line[:2], "seed=0,1", line[2])
    assert told(*two)["hydra.sweep.dir"] == told(*reversed(two))["hydra.sweep.dir"]
    assert told(*line, "seed=1")["hydra.sweep.dir"] != folder
    assert told(*line)["hydra.job.config.override_dirname.exclude_keys"] == '["model","data"]'
    assert "hydra.sweep.dir" not in told(*line, "hydra.sweep.dir=mine")
    again = told("seed=3", *line, "seed=1,2")
    assert again["hydra.job.config.override_dirname.exclude_keys"] == '["model","data"]', "what is set twice is swept"


def test_a_failed_trial_does_not_end_a_search():
    assert told("hydra/sweeper=optuna", "seed=range(1,4)")["hydra.sweeper.max_failure_rate"] == "1.0"
    assert "hydra.sweeper.max_failure_rate" not in told("seed=1,2")
    given = ("hydra/sweeper=optuna", "hydra.sweeper.max_failure_rate=0.5")
    assert "hydra.sweeper.max_failure_rate" not in told(*given)
