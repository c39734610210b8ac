"""A run folder of the layout that framegan had before its rooms resumes, samples and scores."""

import json
import shutil

import pytest
from commands import run, train
from PIL import Image
from small_runs import SMALL, rows, state

from framegan.runs.moved import MOVED, with_todays_names
from framegan.runs.run_folder import saved_config

LENGTH = ("evaluate_every=null", "sample_every=null")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A run, and the same one under the names of then."""
    new, old = (tmp_path_factory.mktemp("runs") / name for name in ("new", "old"))
    assert train(*SMALL, *LENGTH, "total_samples=32", f"hydra.run.dir={new}") is None
    shutil.copytree(new, old)
    for file in (saved_config(old), old / ".hydra" / "hydra.yaml"):
        text = file.read_text()
        for name_then, name_now in MOVED.items():
            text = text.replace(f"{name_now}.", f"{name_then}.")
        file.write_text(text)
    assert "_target_: framegan.data.synthetic.synthetic" in saved_config(old).read_text()
    return new, old


def test_it_resumes_to_the_same_end(folders):
    for folder in folders:
        assert train(f"resume={folder}", "total_samples=64") is None
    new, old = folders
    assert rows(old, "samples_per_second", "data_wait_fraction") == rows(
        new, "samples_per_second", "data_wait_fraction"
    )
    ends = [state(folder)["state_dict"] for folder in folders]
    assert all((ends[0][name] == ends[1][name]).all() for name in ends[0])
    assert "framegan.data.drawn.synthetic.synthetic" in saved_config(old).read_text()


def test_it_samples_and_scores(folders, tmp_path):
    for place, folder in zip("ab", folders, strict=True):
        out = tmp_path / place
        assert run("generate", f"checkpoint={folder}", f"out={out}", "num_samples=2") is None
        assert run("evaluate", f"checkpoint={folder}", f"out={out}", "num_samples=16") is None
    values = [json.loads((tmp_path / place / "evaluation.json").read_text()) for place in "ab"]
    records = [found["records"] if isinstance(found, dict) else found for found in values]
    assert [record["value"] for record in records[0]] == [record["value"] for record in records[1]]
    ours, theirs = (Image.open(tmp_path / place / "seed_000000.png") for place in "ab")
    assert ours.tobytes() == theirs.tobytes()


@pytest.mark.parametrize(
    ("generator", "projection", "expected"),
    [
        ("mocogan", True, {"conditioning": "auxiliary_projection"}),
        ("mocogan", False, {"conditioning": "auxiliary"}),
        ("vgan", False, {}),
    ],
)
def test_a_critic_of_clips_is_given_the_class_as_it_was(generator, projection, expected):
    """All of them predicted the class of clips that were asked for one; no clip was, but those of mocogan."""
    critic = {"_target_": "framegan.networks.critics.ClipCritic", "projection": projection}
    gan = {
        "_target_": "framegan.gan.GAN",
        "generator": {"_target_": f"framegan.networks.{generator}.Generator"},
        "discriminator": {"_target_": "framegan.networks.critics.Heads", "heads": {"clip": critic}},
    }
    now = with_todays_names({"model": gan})["model"]
    assert now["discriminator"]["heads"]["clip"] == {"_target_": critic["_target_"], **expected}
    assert now.get("conditional") == (False if generator == "vgan" else None)
