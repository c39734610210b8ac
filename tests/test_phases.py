"""Where the time of a run goes, and the trace of a few batches."""

import gzip
import json
import re
import shutil

import pytest
from commands import train
from small_runs import SMALL, narrow, summary

from framegan import phases
from framegan.phases import Phases
from framegan.training import Run

LOADED = ("data=synthetic", "trainer=cpu", "data.batch_size=16", "evaluate_every=null")
STEP = {"noise", "discriminator", "generator", "average"}
AROUND = {"data", "logs", "samples", "watchdog", "checkpoints", "other"}


def test_what_is_done_within_something_else_counts_there_alone(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(phases.time, "perf_counter", lambda: now[0])
    found = Phases()
    with found.of("step"):
        now[0] += 1
        for seconds in (2, 3):
            with found.of("noise"):
                now[0] += seconds
        now[0] += 4
    with pytest.raises(ZeroDivisionError), found.of("step"):
        now[0] += 10
        raise ZeroDivisionError
    assert found.seconds == {"noise": 5, "step": 15}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ((*SMALL, "model/regularizers=r1", "model.regularizers.r1.every=1"), {*STEP, *AROUND, "penalties"}),
        ((*SMALL, "evaluate_every=32", "callbacks.evaluate.num_samples=16"), {*STEP, *AROUND, "evaluation"}),
        ((*narrow("vae"), *LOADED), {*STEP, *AROUND} - {"discriminator"}),
    ],
    ids=["penalties", "evaluation", "likelihood"],
)
def test_a_summary_says_where_the_time_went_and_goes_on_with_it(tmp_path, settings, expected):
    assert train(*settings, "total_samples=64", "checkpoint_every=32", f"hydra.run.dir={tmp_path}") is None
    first = summary(tmp_path)
    assert first["phases"].keys() >= expected
    assert sum(first["phases"].values()) == pytest.approx(first["seconds"], abs=0.01)
    assert min(first["phases"].values()) >= 0
    shutil.rmtree(tmp_path / "samples")
    assert train(f"resume={tmp_path}", "total_samples=96", "resume_changes=true") is None
    second = summary(tmp_path)
    assert second["phases"]["generator"] > first["phases"]["generator"]
    assert sum(second["phases"].values()) == pytest.approx(second["seconds"], abs=0.01)


def test_a_trace_of_a_few_batches(tmp_path, capsys):
    train(
        *SMALL,
        "trainer.profile=true",
        "callbacks.profile.num_batches=3",
        "total_samples=256",
        f"hydra.run.dir={tmp_path}",
    )
    told = capsys.readouterr()
    assert "USDT" not in told.err
    assert re.search(r"s a batch over 3; what takes most of it, by itself:\n(  .*calls a batch\n){10}", told.out)
    assert "trainer=fast makes" in told.out
    trace = json.loads(gzip.decompress((tmp_path / "profile.json.gz").read_bytes()))
    names = [event["name"] for event in trace["traceEvents"] if event.get("cat") == "user_annotation"]
    assert [names.count(name) for name in ("discriminator", "generator", "average")] == [3, 3, 3]


def test_a_run_that_ends_before_its_trace_says_so(tmp_path, capsys):
    train(*SMALL, "trainer.profile=true", "total_samples=48", f"hydra.run.dir={tmp_path}")
    assert "no profile: it begins after 5 batches, and there were 3" in capsys.readouterr().out
    assert not (tmp_path / "profile.json.gz").exists()


def test_a_run_that_ends_within_its_trace_shows_what_there_is(tmp_path, capsys):
    train(*SMALL, "trainer.profile=true", "total_samples=112", f"hydra.run.dir={tmp_path}")
    assert "s a batch over 2; what takes most of it" in capsys.readouterr().out
    assert (tmp_path / "profile.json.gz").exists()


@pytest.mark.parametrize("number", [0, -1, 1001])
def test_a_trace_has_some_batches_and_not_too_many(tmp_path, number):
    said = train(*SMALL, f"callbacks.profile.num_batches={number}", "total_samples=48", f"hydra.run.dir={tmp_path}")
    assert f"callbacks.profile.num_batches got {number}" in said


@pytest.mark.parametrize("odd", ["1e999", "NaN", '"NaN"'])
def test_a_summary_that_has_no_numbers_is_damaged(tmp_path, odd):
    train(*SMALL, "total_samples=48", f"hydra.run.dir={tmp_path}")
    path = tmp_path / "summary.json"
    path.write_text(re.sub(r'"seconds": [\d.]+', f'"seconds": {odd}', path.read_text()))
    with pytest.raises(ValueError, match="summary.json is damaged"):
        _ = Run(tmp_path).summary
