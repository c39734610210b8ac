"""Loggers: every row on disk, the clock as x axis, and a run that goes on where it was cut."""

import csv

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from framegan.loggers.metrics_csv import MetricsCSV
from framegan.loggers.tensorboard_logger import TensorBoard
from framegan.loggers.wandb_logger import WandB, has_account


def rows(folder):
    with (folder / "metrics.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_row_is_on_disk_once_it_is_logged(tmp_path):
    logger = MetricsCSV(str(tmp_path))
    logger.log_metrics({"a": 0.1, "b": float("nan")}, step=64)
    assert rows(tmp_path) == [{"samples_seen": "64", "a": "0.1", "b": "nan"}]


def test_a_metric_that_comes_later_widens_the_table(tmp_path):
    logger = MetricsCSV(str(tmp_path))
    logger.log_metrics({"a": 1.0}, step=64)
    logger.log_metrics({"b": 2.0}, step=128)
    assert rows(tmp_path) == [
        {"samples_seen": "64", "a": "1.0", "b": ""},
        {"samples_seen": "128", "a": "", "b": "2.0"},
    ]


def test_a_second_session_appends_after_the_cut(tmp_path):
    first = MetricsCSV(str(tmp_path))
    for step in (64, 128, 192):
        first.log_metrics({"a": step / 64}, step=step)
    with (tmp_path / "metrics.csv").open("a") as file:
        file.write("2")  # a kill in the middle of a row
    second = MetricsCSV(str(tmp_path))
    second.cut(128)
    second.log_metrics({"a": 9.0}, step=256)
    assert [(row["samples_seen"], row["a"]) for row in rows(tmp_path)] == [
        ("64", "1.0"),
        ("128", "2.0"),
        ("256", "9.0"),
    ]


def test_a_new_run_may_cut_at_zero(tmp_path):
    logger = MetricsCSV(str(tmp_path))
    logger.cut(0)
    logger.log_metrics({"a": 1.0}, step=64)
    assert len(rows(tmp_path)) == 1


def events(folder):
    accumulator = EventAccumulator(str(folder / "tensorboard"))
    accumulator.Reload()
    return accumulator


def test_tensorboard_counts_in_samples(tmp_path):
    logger = TensorBoard(str(tmp_path))
    logger.log_hyperparams({"model": {"lr": 1e-4}})
    logger.log_metrics({"generator/loss": 0.5}, step=640)
    logger.log_image("samples/fake", np.zeros((8, 8, 1), np.uint8), step=640)
    logger.finalize("success")
    logger.finalize("success")
    written = events(tmp_path)
    assert [(event.step, event.value) for event in written.Scalars("generator/loss")] == [(640, 0.5)]
    assert [event.step for event in written.Images("samples/fake")] == [640]


def test_tensorboard_hides_what_comes_after_the_cut(tmp_path):
    for start, steps in ((0, (64, 128, 192)), (128, (192, 256))):
        logger = TensorBoard(str(tmp_path))
        logger.cut(start)
        for step in steps:
            logger.log_metrics({"a": float(start)}, step=step)
        logger.finalize("success")
    assert [(e.step, e.value) for e in events(tmp_path).Scalars("a")] == [(64, 0), (128, 0), (192, 128), (256, 128)]


@pytest.fixture
def no_account(monkeypatch, tmp_path):
    for name in ("WANDB_API_KEY", "WANDB_MODE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("NETRC", raising=False)


def test_wandb_is_offline_without_an_account(no_account, monkeypatch, tmp_path):
    assert not has_account()
    (tmp_path / ".netrc").write_text("machine api.wandb.ai login user password secret\n")
    (tmp_path / ".netrc").chmod(0o600)
    assert has_account()
    monkeypatch.setenv("WANDB_MODE", "offline")
    assert not has_account()


def test_wandb_runs_of_one_process_stay_apart(no_account, tmp_path, capsys):
    ids = []
    for job in ("0", "1"):
        (tmp_path / job).mkdir()
        logger = WandB(str(tmp_path / job))
        logger.log_hyperparams({"seed": int(job)})
        logger.log_metrics({"a": 1.0}, step=64)
        logger.log_image("samples/fake", np.zeros((8, 8, 3), np.uint8), step=64)
        logger.finalize("success")
        logger.finalize("success")
        ids.append((tmp_path / job / "wandb_run_id").read_text())
        assert list((tmp_path / job / "wandb").glob("offline-run-*/*.wandb"))
    assert ids[0] != ids[1]
    assert "wandb sync" in capsys.readouterr().out


def test_wandb_goes_on_in_the_same_run(no_account, tmp_path):
    for step in (64, 128):
        logger = WandB(str(tmp_path))
        logger.log_metrics({"a": 1.0}, step=step)
        run_id = logger.run.id
        logger.finalize("failed")
        assert (tmp_path / "wandb_run_id").read_text() == run_id
    sessions = [path.name for path in (tmp_path / "wandb").glob("offline-run-*")]
    assert len(sessions) == 2
    assert all(run_id in session for session in sessions)
