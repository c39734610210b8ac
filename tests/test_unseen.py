"""What weights were trained on, in this run or before it, is never judged as unseen."""

import json

import numpy as np
import pytest
import torch
from commands import run, train
from small_runs import narrow

from framegan.data.fingerprint import are_some_in_common, sketch_of
from framegan.data.source import TensorSource

SMALL = (*narrow("espcn"), "data=digits", "data.resolution=16", "trainer=cpu", "data.batch_size=16", "total_samples=32")
JUDGED = ("metrics=super_resolution", "metrics.super_resolution.num_samples=4", "callbacks.samples.num_samples=4")
NOT_JUDGED = ("~metrics.super_resolution", "callbacks.samples.num_samples=4")


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A run that has learned from two of the ten digits."""
    folder = tmp_path_factory.mktemp("first") / "run"
    assert train(*SMALL, *JUDGED, "data.classes=[3,5]", f"hydra.run.dir={folder}") is None
    return folder


def test_what_a_run_begins_with_was_trained_on_is_not_unseen(first, tmp_path):
    def begun(name, origin, *settings):
        return train(*SMALL, f"init_from={origin}", f"hydra.run.dir={tmp_path / name}", *settings)

    said = "its weights were trained on some samples of these data, in this run or before it"
    assert said in begun("all", first, *JUDGED)
    assert begun("same", first, *JUDGED, "data.classes=[3,5]") is None, "the same samples are held out"
    assert "trained on the same samples of these data" in begun(
        "more", first, *JUDGED, "data.classes=[3,5]", "metrics.super_resolution.held_out=0.5"
    )
    assert begun("others", first, *JUDGED, "data.classes=[1,2]") is None, "the first run had none of these"
    assert len(json.loads((tmp_path / "others" / "data.json").read_text())["earlier"]) == 1
    assert said in begun("again", tmp_path / "others", *JUDGED, "data.classes=[0,3]"), "the run before the last had"
    assert begun("unasked", first, *NOT_JUDGED) is None
    named = (f"checkpoint={tmp_path / 'others'}", f"out={tmp_path}", *JUDGED[:2], "data=digits", "data.resolution=16")
    assert said in run("evaluate", *named, "data.classes=[5]")
    assert run("evaluate", *named, "data.classes=[6,7]") is None


def test_data_that_a_run_was_resumed_with_are_not_unseen(first):
    resumed = (f"resume={first}", "total_samples=64", "resume_changes=true")
    kept = (first / "data.json").read_text()
    said = train(*resumed, "metrics.super_resolution.held_out=0.5")
    assert "its weights were trained on the same samples of these data" in said
    assert (first / "data.json").read_text() == kept
    assert train(*resumed) is None


@pytest.mark.parametrize(
    ("rows", "others", "shared"),
    [
        (range(6000), range(1000, 1400), True),
        (range(1000, 1400), range(6000), True),
        (range(6000), range(6000, 9000), False),
        (range(300), [*range(300, 600), 0], False),
        ([], range(9), False),
    ],
    ids=["a part", "a whole", "others", "one that looks alike", "nothing"],
)
def test_sets_of_which_samples_are_the_same(rows, others, shared):
    pixels = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (9000, 1, 4, 4), dtype=np.uint8))
    sketches = [
        sketch_of(TensorSource(pixels[[*numbers]], torch.zeros(len(numbers), dtype=torch.int64), 1))
        for numbers in (rows, others)
    ]
    assert are_some_in_common(*sketches) is shared
