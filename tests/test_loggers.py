"""Loggers: every row on disk, the clock as x axis, and a run that goes on where it was cut."""

import csv
import io
import json
import struct
import sys
import time
from unittest.mock import MagicMock

import numpy as np
import pytest
import wandb
import yaml
from commands import PROJECT, prepared, train
from hydra import compose, initialize_config_dir
from lightning.pytorch.utilities.rank_zero import rank_zero_only
from PIL import Image
from small_files import write_images
from small_runs import SMALL, narrow
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.summary.writer import event_file_writer

from framegan import video_files
from framegan.loggers.metrics_csv import MetricsCSV
from framegan.loggers.tensorboard_logger import TensorBoard
from framegan.loggers.wandb_logger import WandB, has_account
from framegan.runs.curve_groups import tag
from framegan.trainer import GANTrainer


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


def test_calls_with_the_same_clock_make_one_row(tmp_path):
    logger = MetricsCSV(str(tmp_path))
    logger.log_metrics({"a": 1.0}, step=64)
    logger.log_metrics({"b": 2.0}, step=64)
    logger.log_metrics({"a": 3.0, "b": float("inf")}, step=128)
    assert rows(tmp_path) == [
        {"samples_seen": "64", "a": "1.0", "b": "2.0"},
        {"samples_seen": "128", "a": "3.0", "b": "inf"},
    ]


def test_an_existing_table_is_appended_to(tmp_path):
    MetricsCSV(str(tmp_path)).log_metrics({"a": 1.0}, step=64)
    with (tmp_path / "metrics.csv").open("a") as file:
        file.write("12")  # a kill in the middle of a row
    MetricsCSV(str(tmp_path)).log_metrics({"a": 2.0}, step=128)
    assert [(row["samples_seen"], row["a"]) for row in rows(tmp_path)] == [("64", "1.0"), ("128", "2.0")]


def test_other_ranks_have_no_loggers(tmp_path, monkeypatch):
    monkeypatch.setattr(rank_zero_only, "rank", 0)  # which the trainer sets
    for name in ("RANK", "LOCAL_RANK"):
        monkeypatch.setenv(name, "1")
    for name in ("WORLD_SIZE", "LOCAL_WORLD_SIZE", "TORCHELASTIC_RUN_ID"):
        monkeypatch.setenv(name, "2")
    assert GANTrainer(accelerator="cpu", loggers=[MetricsCSV(str(tmp_path))]).run_loggers == []


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
    assert [(event.step, event.value) for event in written.Scalars("losses/generator/loss")] == [(640, 0.5)]
    assert [event.step for event in written.Images("samples/fake")] == [640]


def test_dashboards_get_what_has_alpha_over_white(tmp_path):
    """W&B takes no grey with alpha."""
    write_images(tmp_path / "pictures", 8)
    data = ("data=image_folder", f"data.root={tmp_path / 'pictures'}", "data.resolution=16", "data.channels=2")
    run = tmp_path / "run"
    assert train(*narrow("dcgan"), *data, "trainer=debug", "logger=tensorboard", f"hydra.run.dir={run}") is None
    image = events(run).Images("samples/real")[0].encoded_image_string
    assert Image.open(io.BytesIO(image)).mode == "RGB"


@pytest.mark.parametrize(("cut", "kept"), [(128, [64, 128]), (0, [])])
def test_tensorboard_hides_what_comes_after_the_cut(tmp_path, cut, kept, monkeypatch):
    monkeypatch.setattr(event_file_writer, "_global_uid", event_file_writer.AtomicCounter(100))  # 9, 10: a wrong order
    for session, start, steps in ((1, 0, (64, 128, 192)), (2, cut, (192, 256))):
        logger = TensorBoard(str(tmp_path))
        logger.log_hyperparams({"seed": 0})
        logger.cut(start)
        for step in steps:
            logger.log_metrics({"a": float(session)}, step=step)
        logger.finalize("success")
    expected = [*((step, 1) for step in kept), (192, 2), (256, 2)]
    assert [(event.step, event.value) for event in events(tmp_path).Scalars("a")] == expected


def test_tensorboard_missing_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(ImportError, match=r"framegan\[tensorboard\]"):
        TensorBoard(str(tmp_path))


@pytest.fixture
def no_account(monkeypatch, tmp_path):
    for name in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))


def test_wandb_is_offline_without_an_account(no_account, monkeypatch, tmp_path):
    folder = str(tmp_path)
    assert WandB(folder).mode == "offline"
    assert WandB(folder, offline=False).mode == "online"
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert WandB(folder).mode == "disabled", "wandb itself would keep the mode of an earlier run in this process"
    assert WandB(folder, offline=True).mode == "offline"


def test_a_wandb_account_is_found(no_account, monkeypatch, tmp_path):
    assert not has_account()
    (tmp_path / "netrc").write_text("machine api.wandb.ai login user password none\n")
    assert has_account()
    monkeypatch.setenv("WANDB_BASE_URL", "https://wandb.example.org")
    assert not has_account()
    monkeypatch.setenv("WANDB_API_KEY", "none")
    assert has_account()


def test_wandb_disabled_leaves_nothing(no_account, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("WANDB_MODE", "disabled")
    logger = WandB(str(tmp_path))
    logger.log_hyperparams({"seed": 0})
    logger.log_metrics({"a": 1.0}, step=64)
    logger.finalize("success")
    assert not list(tmp_path.iterdir())
    assert not capsys.readouterr().out


@pytest.fixture
def wandb_run(monkeypatch):
    """Stands in for a run at W&B that has rows up to 128 samples."""
    run = MagicMock(id="abc", summary={"samples_seen": 128}, disabled=False, offline=False, url="https://wandb.ai/abc")
    monkeypatch.setattr("wandb.init", lambda **_: run)
    return run


def test_a_run_that_wandb_refuses_ends_with_one_message(monkeypatch, tmp_path):
    def refuse(**_):
        raise wandb.errors.CommError("returned error 403:\npermission denied")

    monkeypatch.setattr("wandb.init", refuse)
    said = train(*SMALL, "total_samples=32", "logger=wandb", f"hydra.run.dir={tmp_path / 'run'}")
    assert said.startswith("error: W&B doesn't take the run: returned error 403: permission denied; see to the account")
    assert "logger.wandb.offline=true" in said


def test_wandb_rows_carry_the_clock_and_are_sent_again_after_a_rollback(wandb_run, tmp_path, capsys):
    logger = WandB(str(tmp_path), offline=False)
    logger.cut(64)
    for step in (128, 192):
        logger.log_metrics({"a": 1.0}, step=step)
    sent = [call.args[0] for call in wandb_run.log.call_args_list]
    assert sent == [{"a": 1.0, "samples_seen": 128}, {"a": 1.0, "samples_seen": 192}]
    wandb_run.define_metric.assert_called_once_with("*", step_metric="samples_seen")
    assert wandb_run.url in capsys.readouterr().out


@pytest.mark.parametrize(("status", "exit_code"), [("success", 0), ("failed", 1)])
def test_wandb_is_told_once_how_the_run_ended(wandb_run, tmp_path, status, exit_code):
    logger = WandB(str(tmp_path), offline=False)
    logger.finalize(status)
    wandb_run.finish.assert_not_called()
    logger.log_metrics({"a": 1.0}, step=192)
    logger.finalize(status)
    logger.finalize("failed")
    wandb_run.finish.assert_called_once_with(exit_code=exit_code)


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


def test_wandb_receives_the_bytes_of_a_clip(no_account, tmp_path):
    path = tmp_path / "clip.mp4"
    video_files.write(path, np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), dtype=np.uint8), 8)
    logger = WandB(str(tmp_path))
    logger.log_video("samples/fake_clips", path, step=64)
    logger.finalize("success")
    (sent,) = (tmp_path / "wandb").glob("offline-run-*/files/media/videos/samples/fake_clips*.mp4")
    assert sent.read_bytes() == path.read_bytes()


RECORD = {"key": "fd_16", "value": 3.0, "interval": (2.0, 4.0), "better": "lower", "protocol": {"num_fake": 16}}


def offline_records(folder):
    """Return what W&B has written for `wandb sync`, by its kind; its own process may write for a while yet."""
    from wandb.proto.wandb_internal_pb2 import Record

    (file,) = (folder / "wandb").glob("offline-run-*/*.wandb")
    found, until = {}, time.monotonic() + 30
    while "exit" not in found and time.monotonic() < until:
        found = {}
        for content in whole_records(file.read_bytes()):
            record = Record.FromString(content)
            kind = record.WhichOneof("record_type")
            found.setdefault(kind, []).append(getattr(record, kind))
    return found


def whole_records(content):
    """Yield the records of a file in the log format of LevelDB, which has blocks of 32 KiB."""
    place, parts = 7, b""  # behind the header of the file
    while place + 7 <= len(content):
        left = 2**15 - place % 2**15
        if left < 7:  # too short for a record
            place += left
            continue
        _, size, kind = struct.unpack("<IHB", content[place : place + 7])
        parts, place = parts + content[place + 7 : place + 7 + size], place + 7 + size
        if place > len(content):
            return
        if kind in (1, 4):  # whole, or the last part of one
            yield parts
            parts = b""


def test_wandb_has_all_that_a_dashboard_needs(no_account, tmp_path):
    folder = tmp_path / "sweep" / "lr=1e-4"
    folder.mkdir(parents=True)
    (tmp_path / "sweep" / "multirun.yaml").touch()
    (folder / "best.ckpt").write_bytes(b"weights")
    logger = WandB(str(folder), tags=["mine"], artifacts=True)
    choices = {"choices": {"model": "dcgan", "data": "digits"}, "overrides": ["seed=1"]}
    logger.log_hyperparams({"seed": 1, **choices})
    logger.log_origin(folder / "checkpoints" / "last.ckpt", 32)
    video_files.write(folder / "clip.mp4", np.zeros((4, 16, 16, 3), np.uint8), 8)
    logger.log_video("samples/fake_clips", folder / "clip.mp4", 64, caption="seeds 0 to 15")
    logger.log_image("samples/fake", np.zeros((8, 8, 3), np.uint8), 64, caption="fake_64")
    logger.log_records([RECORD, {**RECORD, "key": "precision_16", "better": "higher"}], 64)
    logger.log_metrics({"fd_16": 3.0}, step=64)
    logger.log_notice("training seems to have collapsed", 64)
    logger.log_checkpoint(folder / "best.ckpt", 64, "best")
    logger.log_summary({"status": "collapsed", "objective": "fd_16", "best": {"fd_16": {"value": 3.0}}})
    logger.finalize("success")
    found = offline_records(folder)
    run = found["run"][-1]
    assert (run.display_name, run.run_group, run.job_type) == ("lr=1e-4", "sweep", "train")
    assert {*run.tags} == {"mine", "dcgan", "digits"}
    config = {update.key: json.loads(update.value_json) for one in found["config"] for update in one.update}
    origin = {"resumed_from": {"run": (folder / "wandb_run_id").read_text(), "samples_seen": 32}}
    assert {"seed": 1, **choices, **origin}.items() <= config.items()
    metrics = {one.name or one.glob_name: one for one in found["metric"]}
    assert {one.step_metric for one in metrics.values()} == {"samples_seen"}
    assert metrics["metrics/fd_16"].summary.min
    assert metrics["metrics/precision_16"].summary.max
    history = {"/".join(item.nested_key): item.value_json for one in found["history"] for item in one.item}
    assert history["samples/fake/caption"] == '"fake_64"'
    assert history["samples/fake_clips/caption"] == '"seeds 0 to 15"'
    assert history["metrics/fd_16"] == "3"
    assert history["evaluation/_type"] == '"table-file"'
    (table,) = (folder / "wandb").glob("offline-run-*/files/media/table/evaluation*.json")
    assert json.loads(table.read_text())["data"][0] == [64, "fd_16", 3.0, 2.0, 4.0, "lower", '{"num_fake": 16}']
    assert found["alert"][0].text == "training seems to have collapsed"
    (artifact,) = (one for one in found["artifact"] if one.type == "model")
    assert "best" in artifact.aliases
    assert json.loads(artifact.metadata) == {"samples_seen": 64, **origin}
    summary = {update.key: update.value_json for one in found["summary"] for update in one.update}
    assert float(summary["objective"]) == 3
    assert summary["status"] == '"collapsed"'


@pytest.mark.parametrize(("seen", "used"), [(64, ["me/framegan/generator-abc:best"]), (128, []), (32, [])])
def test_a_resumed_run_uses_the_artifact_of_that_moment(wandb_run, monkeypatch, tmp_path, seen, used):
    """At W&B are the checkpoints of 64 samples, as the best, and of 96, as the latest."""
    there = {"best": 64, "latest": 96}
    api = MagicMock()
    api.artifact_exists = lambda name, type: name.startswith("me/framegan/generator-abc:")
    api.artifact = lambda name, type: MagicMock(metadata={"samples_seen": there[name.rpartition(":")[2]]}, said=name)
    monkeypatch.setattr("wandb.Api", lambda: api)
    wandb_run.entity, wandb_run.project = "me", "framegan"
    (tmp_path / "wandb_run_id").write_text("abc")
    for artifacts in (False, True):
        logger = WandB(str(tmp_path), offline=False, artifacts=artifacts)
        logger.log_origin(tmp_path / "checkpoints" / "last.ckpt", seen)
    assert [call.args[0].said for call in wandb_run.use_artifact.call_args_list] == used


def test_the_line_of_wandbs_agent_is_one_that_can_be_typed():
    from wandb.sdk.launch.sweeps.utils import create_sweep_command, create_sweep_command_args

    sweep = yaml.safe_load((PROJECT / "conf" / "wandb_sweep.yaml").read_text())
    chosen = {
        key: one.get("value", one["values"][-1] if "values" in one else one.get("min"))
        for key, one in sweep["parameters"].items()
    }
    parts = create_sweep_command_args({"args": {key: {"value": value} for key, value in chosen.items()}})
    parts |= {"program": [sweep["program"]]}
    line = []
    for word in create_sweep_command(sweep["command"]):
        line += parts[word[2:-1]] if word.startswith("${") else [word]
    assert line[:3] == ["framegan", "train", "model=dcgan"]
    assert "model.generator_optimizer.lr=5e-05" in line
    with initialize_config_dir(str(PROJECT / "conf"), version_base="1.3"):
        cfg = compose("train", prepared("train", line[2:]))
    assert cfg.model.generator_optimizer.lr == 5e-5
    assert cfg.logger.wandb._target_.endswith(".WandB")
    assert (cfg.seed, cfg.total_samples) == (1, 100_000)
    assert sweep["metric"]["name"] == "objective", "as WandB.log_summary calls it"


def test_dashboards_have_the_groups_of_the_page():
    keys = {
        "generator/loss": "losses/generator/loss",
        "discriminator/real_logit": "logits/discriminator/real_logit",
        "class_accuracy": "accuracies/class_accuracy",
        "penalty/r1": "penalties/penalty/r1",
        "generator/gradient_norm": "gradients/generator/gradient_norm",
        "generator/lr": "learning_rates/generator/lr",
        "watchdog/diversity": "diversity/watchdog/diversity",
        "samples_per_second": "speed/samples_per_second",
        "shape_motion_256/accuracy": "metrics/shape_motion_256/accuracy",
        "mine": "mine",
    }
    assert {key: tag(key, {"shape_motion_256/accuracy"}) for key in keys} == keys


def test_tensorboard_compares_settings_and_shows_clips(tmp_path):
    logger = TensorBoard(str(tmp_path))
    logger.log_hyperparams({"model": {"lr": 1e-4}, "choices": {"model": "dcgan"}})
    video = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), dtype=np.uint8)
    video_files.write(tmp_path / "clip.webp", video, 8)
    logger.log_video("samples/fake_clips", tmp_path / "clip.mp4", 64)
    logger.log_records([RECORD], 64)
    logger.finalize("success")
    written = events(tmp_path)
    (image,) = written.Images("samples/fake_clips")
    assert image.encoded_image_string == (tmp_path / "clip.webp").read_bytes()
    assert {"_hparams_/experiment", "_hparams_/session_start_info"} <= written.summary_metadata.keys()
    settings = written.summary_metadata["_hparams_/session_start_info"].plugin_data.content
    assert b"metrics/fd_16" in written.summary_metadata["_hparams_/experiment"].plugin_data.content
    assert b"choices.model" in settings
    assert b"model.lr" in settings
