"""The end of a sweep: its table, the reasons of jobs that failed, and lines to go on that work as typed."""

import errno
import shlex

import pytest
from made_up_runs import run_folder
from omegaconf import OmegaConf

from framegan.cli import errors, resume, sweep
from framegan.runs import run_folder as folders


def config(**settings):
    plain = {"total_samples": 3000, "on_collapse": "stop", "trainer": {"max_batches": None}, "model": {"width": 8}}
    plain |= {"data": {"split": "train"}}
    return OmegaConf.merge(plain, settings)


def job(folder, best=3.0, changes=None, **of_summary):
    """Make a run up that can be resumed, as far as anyone looks."""
    run_folder(folder, best, **of_summary)
    (folder / "checkpoints").mkdir()
    folders.save_config(config(**(changes or {})), folder)
    return folder


@pytest.fixture
def ended(tmp_path, monkeypatch, capsys):
    """End the sweep in a folder, and return what is printed and the message that it stops with."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sweep, "FAILED", {})
    monkeypatch.setattr(sweep, "JOBS", set())

    def end(folder):
        monkeypatch.setattr(sweep, "BEGUN", [folder])
        try:
            with sweep.told_at_the_end():
                pass
        except SystemExit as stop:
            return capsys.readouterr().out, str(stop.code)
        return capsys.readouterr().out, None

    return end


@pytest.mark.parametrize("name", ["plain", "with a space", 'it\'s "quoted"', "$HOME, a,b=[1]", "ü"])
def test_the_line_that_trains_the_best_longer_is_taken_as_typed(ended, tmp_path, name):
    folder = (tmp_path / name).relative_to(tmp_path)
    job(folder / "lr=0.1,seed=0", 3.0)
    best = job(folder / "lr=0.1,seed=1", 2.0)
    said, stopped = ended(folder)
    assert stopped is None
    assert f"best     {best}\n" in said
    (line,) = [line.split(None, 1)[1] for line in said.splitlines() if line.startswith("longer ")]
    words = shlex.split(line)[2:]
    assert words[-1] == "total_samples=6000"
    assert resume.command_line.value_of("resume", words) == str(best)
    assert (folder / "compare.html").exists()


@pytest.mark.parametrize(
    ("changes", "of_summary", "ending"),
    [
        ({"model": {"schedule": "${total_samples}"}}, {}, "total_samples=6000 resume_changes=true"),
        ({"trainer": {"max_batches": 2}, "total_samples": 9000}, {}, "trainer.max_batches=null resume_changes=true"),
        ({"total_samples": 9000}, {"status": "stopped by SIGINT"}, "run"),
        ({"model": {"_target_": "mine.GAN"}}, {}, "trust=mine total_samples=6000"),
    ],
)
def test_the_line_says_what_has_to_be_confirmed(ended, tmp_path, changes, of_summary, ending):
    job(tmp_path / "sweep" / "run", changes=changes, **of_summary)
    said, _ = ended(tmp_path / "sweep")
    (line,) = [line for line in said.splitlines() if line.startswith(("longer", "resume"))]
    assert line.endswith(ending)
    assert line.startswith("resume" if of_summary else "longer")


def test_what_failed_is_listed_once_with_its_reason(ended, tmp_path):
    for number in range(3):
        job(tmp_path / "sweep" / f"seed={number}", None, status="failed", reason="no room\nset  smaller batches")
    whole = job(tmp_path / "sweep" / "seed=3")
    said, stopped = ended(tmp_path / "sweep")
    assert stopped == "error: 3 of 4 jobs failed; the same line tries them again"
    (line,) = [line for line in said.splitlines() if line.startswith("failed: ")]
    assert line.endswith(": no room set smaller batches")
    assert all(f"seed={number}" in line for number in range(3))
    sweep.FAILED[whole] = "the run was trained with other settings"
    said, stopped = ended(tmp_path / "sweep")
    assert stopped == "error: 4 of 4 jobs failed; the same line tries them again"
    assert "failed: seed=3: the run was trained with other settings" in said


def test_what_failed_before_is_replaced_and_what_was_trained_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(sweep, "FAILED", {})
    monkeypatch.setattr(sweep, "is_job", lambda: True)
    monkeypatch.setattr(sweep, "runs_here", lambda: True)
    before = job(tmp_path / "failed", status="failed", reason="no room")
    whole = job(tmp_path / "whole")
    collapsed = job(tmp_path / "collapsed", status="collapsed", reason="all samples look the same")
    for folder in (before, whole, collapsed):
        with sweep.failure_kept(config(), folder):
            raise errors.JobFailedError("error: no disk")
    statuses = {folder: sweep.RunFiles(folder).summary for folder in (before, whole, collapsed)}
    assert (statuses[before].status, statuses[before].reason) == ("failed", "no disk")
    assert statuses[whole].status == "finished"
    assert statuses[collapsed].reason == "all samples look the same"
    assert list(sweep.FAILED.items()) == [(whole, "no disk")]
    monkeypatch.setattr(sweep, "runs_here", lambda: False)
    with pytest.raises(errors.JobFailedError), sweep.failure_kept(config(), whole):
        raise errors.JobFailedError("error: no disk")


def test_why_a_job_failed_is_told_where_nothing_can_be_written(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sweep, "is_job", lambda: True)
    monkeypatch.setattr(sweep.hydra_folder, "save_choices", full)
    monkeypatch.setattr(sweep.run_files, "mark", full)
    running = job(tmp_path / "running", status="running")
    for folder in (running, tmp_path / "new"):
        with pytest.raises(errors.JobFailedError, match="no disk"), sweep.failure_kept(config(), folder):
            raise errors.JobFailedError("error: no disk")


def test_a_run_that_another_process_trains_is_left_as_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr(sweep, "is_job", lambda: True)
    monkeypatch.setattr(folders, "PATIENCE", 0.0)
    running = job(tmp_path, status="running")

    def wait():
        with errors.plain_errors(), folders.alone_in(running):
            pass

    with folders.alone_in(running), pytest.raises(SystemExit), sweep.failure_kept(config(), running):
        wait()
    assert sweep.RunFiles(running).summary.status == "running"


@pytest.mark.parametrize(
    ("of_summary", "now", "is_finished"),
    [
        ({}, {}, True),
        ({}, {"data": {"split": "auto"}}, True),
        ({}, {"data": {"split": "test"}}, False),
        ({}, {"total_samples": 4000}, False),
        ({}, {"model": {"width": 16}}, False),
        ({"status": "stopped by SIGINT"}, {}, False),
        ({"status": "failed"}, {}, False),
        ({"status": "collapsed", "samples_seen": 500}, {}, True),
        ({"status": "collapsed", "samples_seen": 500}, {"on_collapse": "rollback"}, False),
        ({}, {"total_samples": 2000}, False),
        ({}, {"data": {"root": "elsewhere"}}, False),
        ({}, {"metrics": {"random_conv": {"num_real": 7}}}, False),
        ({}, {"objective": "fid"}, False),
        ({}, {"evaluate_every": 5}, False),
        ({}, {"checkpoint_every": 5, "data": {"num_workers": 2}}, True),
    ],
)
def test_what_is_finished_is_not_run_again(tmp_path, of_summary, now, is_finished, monkeypatch):
    monkeypatch.setattr(sweep, "_fingerprint_now", lambda cfg: "0" * 20)
    before = {"data": {"split": "train", "fingerprint": "0" * 20}}
    folder = job(tmp_path / "run", changes=before, **of_summary)
    assert sweep.is_finished(OmegaConf.create(config(**now)), folder) == is_finished
    monkeypatch.setattr(sweep, "_fingerprint_now", lambda cfg: "1" * 20)
    assert not sweep.is_finished(OmegaConf.create(config(**now)), folder), "the data are others"


@pytest.mark.parametrize(("on_collapse", "ended"), [("stop", True), ("warn", False)])
def test_a_run_that_collapsed_is_trained_on_where_that_has_not_ended_it(tmp_path, on_collapse, ended, monkeypatch):
    monkeypatch.setattr(sweep, "_fingerprint_now", lambda cfg: None)
    folder = job(tmp_path / "run", changes={"on_collapse": on_collapse}, status="collapsed")
    assert sweep.is_finished(OmegaConf.create(config(on_collapse=on_collapse, total_samples=4000)), folder) == ended


def test_a_job_that_failed_has_no_best(ended, tmp_path, monkeypatch):
    before, now = (job(tmp_path / "sweep" / f"lr={lr}", best) for lr, best in ((1, 2.0), (2, 3.0)))
    monkeypatch.setattr(sweep, "FAILED", {before.resolve(): "trained with other settings"})
    said, _ = ended((tmp_path / "sweep").relative_to(tmp_path))
    assert f"best     {now.relative_to(tmp_path)}\n" in said
