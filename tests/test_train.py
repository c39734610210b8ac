"""Whole runs by command line: every model on every data set, what a run folder holds, stopping and going on."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from threading import Thread

import numpy as np
import pytest
import torch
from commands import PROJECT, run, train
from omegaconf import OmegaConf
from one_rank import CLIP_MODELS, given_frames
from PIL import Image
from small_clips import write_frame_folders, write_npy, write_strips, write_ucf101, write_videos
from small_files import write_cifar10, write_image_tars, write_images, write_mnist
from small_runs import SHORT, SMALL, TIMING, narrow, rows, state, summary

from framegan.cli import compose, sweep
from framegan.cli import train as train_command
from framegan.processes import spawn
from framegan.report import page

CONF = PROJECT / "conf"
MODELS = sorted(path.stem for path in (CONF / "model").glob("*.yaml"))
DATA = sorted(path.stem for path in (CONF / "data").glob("*.yaml"))
OF_CLIPS = {n for n in DATA if re.search("/(clips|video_files)@", (CONF / "data" / f"{n}.yaml").read_text())}
EVERYWHERE = ("dcgan", "mocogan")
"""Models that meet every data set that suits them; test_image_models.py and test_clip_models.py have the others."""
ONE = ("image_folder",)
TWO = ("moving_digits", "video_folder")
"""Grey clips that are drawn, and coloured ones of classes that are read from files."""
OF_ONE_KIND = {
    "mlp": ("image_folder", "shape_motion"),
    "vae": ("image_folder", "shape_motion"),
    "predictor": ("moving_digits", "shape_motion"),
    "latent_walk": (),
}
"""Data of the models that take images and clips in the same way, and of one that leaves out some of what it learns;
test_latent_walk.py has a trained image generator."""
WRITERS = {
    "mnist": write_mnist,
    "fashion_mnist": write_mnist,
    "stacked_mnist": write_mnist,
    "cifar10": lambda folder: write_cifar10(folder, num_records=12),
    "image_folder": write_images,
    "image_tars": write_image_tars,
    "video_folder": write_videos,
    "ucf101": lambda folder: write_ucf101(folder, number=32),
    "strips": write_strips,
    "frame_folder": write_frame_folders,
    "npy": write_npy,
}


def data_for(model):
    """Return the names of the data that a model is tried on."""
    if model in EVERYWHERE:
        return OF_CLIPS if model in CLIP_MODELS else DATA
    return OF_ONE_KIND.get(model, TWO if model in CLIP_MODELS else ONE)


@pytest.mark.parametrize(
    ("model", "data"),
    [(m, d) for m in MODELS for d in DATA if d in data_for(m)],
)
def test_every_model_trains_and_every_data_set_is_trained_on(model, data, tmp_path, monkeypatch):
    monkeypatch.setattr("framegan.data.published.cifar10.RECORDS_PER_FILE", 12)
    arguments = [*narrow(model), f"data={data}", "trainer=debug", f"hydra.run.dir={tmp_path / 'run'}"]
    if data in WRITERS:
        WRITERS[data](tmp_path / "data")
        arguments.append(f"data.root={tmp_path / 'data'}")
    if data in ("moving_digits", "shape_motion"):
        arguments.append("data.datamodule.source.videos.num_videos=16")
    if data in OF_CLIPS:
        num_frames = 1 if model == "dcgan" else 4  # the frames of videos are images
        arguments += ["data.resolution=16", f"data.num_frames={num_frames}", f"data.given_frames={given_frames(model)}"]
    assert train(*arguments) is None
    assert summary(tmp_path / "run")["samples_seen"] == 8
    assert np.isfinite([float(value) for value in rows(tmp_path / "run")[0].values() if value]).all()


@pytest.mark.parametrize("recipe", sorted(path.stem for path in (PROJECT / "experiments").glob("*.yaml")))
def test_every_recipe_trains(recipe, tmp_path):
    data = ["data=synthetic"] if recipe == "dcgan_2016" else []
    if recipe in ("actions_mocogan", "strips_mocogan"):
        WRITERS["strips"](tmp_path / "data")
        data = [f"data.root={tmp_path / 'data'}", "data.resolution=16", "data.num_frames=4", "data.frame_stride=1"]
    if recipe == "digits_predictor" or recipe.startswith("shapes"):
        data = ["data.datamodule.source.videos.num_videos=64"]  # are enough to draw
    assert train(f"experiments={recipe}", *data, "trainer=debug", f"hydra.run.dir={tmp_path / 'run'}") is None
    assert summary(tmp_path / "run")["samples_seen"] > 0


BETAS = ("model.generator_optimizer.betas=[0,0.9]", "model.discriminator_optimizer.betas=[0,0.9]")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run of 160 samples."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    assert (
        train(*SMALL, "total_samples=160", "checkpoint_every=48", "sample_every=64", *BETAS, f"hydra.run.dir={folder}")
        is None
    )
    return folder


def test_a_whole_number_among_the_betas_is_a_float(finished):
    optimizer = OmegaConf.load(finished / ".hydra" / "config.yaml").model.generator_optimizer
    assert [type(beta) for beta in optimizer.betas] == [float, float]


def test_a_run_folder_holds_what_it_should(finished):
    assert {path.name for path in finished.iterdir()} == {
        ".hydra",
        ".lock",
        "data.json",
        "metrics.csv",
        "checkpoints",
        "samples",
        "summary.json",
        "run.json",
        "report.html",
    }
    assert {path.name for path in (finished / ".hydra").iterdir()} == {"config.yaml", "overrides.yaml", "hydra.yaml"}
    assert {path.name for path in (finished / "checkpoints").iterdir()} == {
        *("last.ckpt", "samples_144.ckpt", "samples_160.ckpt")
    }
    pictures = {"tiles.json", "real.png", "fake_0.png", "fake_64.png", "fake_128.png", "fake_160.png"}
    assert {path.name for path in (finished / "samples").iterdir()} == pictures
    assert Image.open(finished / "samples" / "fake_160.png").size == (8 * 34 + 2, 8 * 34 + 2)


def test_the_first_pictures_come_early_and_are_on_the_page_at_once(tmp_path, monkeypatch, capsys):
    shown = []
    monkeypatch.setattr(
        page, "write", lambda folder: shown.append({path.name for path in folder.glob("samples/fake*")})
    )
    early = ("callbacks.samples.early=[20,40,100]", "sample_every=64", "checkpoint_every=1000", "total_samples=80")
    assert train(*SMALL, *early, f"hydra.run.dir={tmp_path}") is None
    at_first = {"fake_0.png", "fake_32.png"}
    at_end = {*at_first, "fake_48.png", "fake_64.png", "fake_80.png"}
    assert shown == [at_first, {*at_first, "fake_48.png"}, at_end]
    assert "now, after 20 and 40, every 64 samples and at the end" in capsys.readouterr().out


def test_a_run_that_begins_anew_is_told_as_what_it_is(tmp_path):
    """As one that ended before its first checkpoint, for a reason that another model mends."""
    line = ("data=synthetic", "trainer=debug", f"hydra.run.dir={tmp_path}", "resume=auto")
    assert train("model=mlp", *line) is None
    shutil.rmtree(tmp_path / "checkpoints")
    assert train("model=cgan", *line, "seed=5") is None
    about = json.loads((tmp_path / "run.json").read_text())
    assert about["choices"]["model"] == "cgan" and "seed=5" in about["overrides"]


def test_a_folder_that_was_there_stays_where_a_run_does_not_begin(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    missing = ("model=mlp", "data=image_folder", "data.root=nowhere")
    assert "nowhere is not a folder" in train(*missing, "hydra.run.dir=.")
    assert tmp_path.exists()
    assert "nowhere is not a folder" in train(*missing, "hydra.run.dir=new/one")
    assert not (tmp_path / "new" / "one").exists()


def test_ranks_are_told_what_was_typed(tmp_path, monkeypatch):
    started = []
    monkeypatch.setattr(spawn, "run_ranks", lambda *given: started.append(given))
    monkeypatch.setattr(train_command, "end_of", lambda folder: None)
    words = ("model=mlp", "data=synthetic", "trainer=debug", "trainer.devices=2")
    assert train(*words, f"hydra.run.dir={tmp_path}") is None
    told = started[0][-1]
    monkeypatch.setenv(*next(iter(told.items())))
    assert compose.typed()["words"] == list(words)
    assert compose.typed()["choices"]["data"] == "synthetic"
    assert sweep.settings_judged() == list(words)


def test_what_a_run_can_do_without_may_be_left_out(tmp_path, capsys):
    """The settings of a part that is left out aren't taken for misspelt."""
    without = ("~callbacks.samples", "~callbacks.watchdog", "~callbacks.evaluate", "~callbacks.progress")
    cut = ("total_samples=48", "trainer.max_batches=2")
    assert train(*SMALL, *without, *cut, f"hydra.run.dir={tmp_path}") is None
    assert "length   48 samples, 3 batches; stops after 2 (trainer.max_batches)\n" in capsys.readouterr().out
    assert not (tmp_path / "samples").exists()


def test_the_summary_is_complete(finished):
    contents = summary(finished)
    assert contents["status"] == "finished"
    assert contents["samples_seen"] == 160
    assert contents["samples_per_second"] == pytest.approx(160 / contents["seconds"], rel=0.01)
    assert 0 <= contents["data_wait_fraction"] < 1
    assert 0 < contents["evaluation_fraction"] < 1
    assert contents["peak_memory_mb"] > 50
    assert {"generator/loss", "discriminator/loss", "samples_per_second"} <= contents["final"].keys()
    assert contents["best"] == {}


def test_metrics_are_counted_in_samples(finished):
    assert [row["samples_seen"] for row in rows(finished)] == ["16", "48", "80", "112", "144"]
    assert float(rows(finished)[0]["generator/lr"]) == 2e-4


def test_a_checkpoint_is_plain_data(finished):
    contents = state(finished)
    assert int(contents["state_dict"]["samples_seen"]) == 160
    assert {name.partition(".")[0] for name in contents["state_dict"]} == {
        *("generator", "discriminator", "generator_ema", "samples_seen")
    }


def test_a_finished_run_is_not_run_over(finished):
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*")}
    assert "already holds a run. To resume it: python src/train.py resume=" in str(
        train(*SMALL, f"hydra.run.dir={finished}")
    )
    assert {path: path.stat().st_mtime_ns for path in finished.rglob("*")} == before


ADAPTIVE = ("model/augmentation=ada", "model.augmentation.samples_to_certainty=100", "model.augmentation.interval=3")


@pytest.mark.parametrize(
    "options",
    [
        (*SMALL, *ADAPTIVE),
        (*SMALL, "data.flip=true", "model.discriminator_steps=2", "model/regularizers=r1"),
        (
            *narrow("dcgan"),
            *SHORT,
            "model.share_fakes=true",
            "trainer.channels_last=true",
            "trainer.precision=bf16-mixed",
        ),
    ],
)
def test_a_resumed_run_ends_like_one_never_stopped(options, tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train(*options, "total_samples=192", f"hydra.run.dir={whole}")
    train(*options, "total_samples=96", f"hydra.run.dir={parts}")
    assert train(f"resume={parts}", "total_samples=192") is None
    first, second = state(whole), state(parts)
    for name, value in first["state_dict"].items():
        assert torch.equal(value, second["state_dict"][name]), name
    for ours, theirs in zip(first["optimizer_states"], second["optimizer_states"], strict=True):
        for key, slots in ours["state"].items():
            for slot, value in slots.items():
                assert torch.equal(value, theirs["state"][key][slot])
    assert rows(whole, *TIMING) == rows(parts, *TIMING)
    assert summary(parts)["samples_seen"] == 192


def test_rows_after_the_checkpoint_are_logged_once(tmp_path):
    """A run that was killed goes on from its last checkpoint; what it logged after that is cut."""
    folder = tmp_path / "run"
    train(*SMALL, "total_samples=160", "checkpoint_every=64", f"hydra.run.dir={folder}")
    (folder / "checkpoints" / "samples_128.ckpt").replace(folder / "checkpoints" / "last.ckpt")
    train(f"resume={folder}", "total_samples=160")
    assert [row["samples_seen"] for row in rows(folder)] == ["16", "48", "80", "112", "144"]


@pytest.mark.parametrize("words", [["hydra.run.dir=here"], ["-m", "seed=0,1", "hydra.sweep.dir=here"]])
def test_ctrl_c_before_the_run_begins_leaves_no_folder(words, tmp_path):
    (tmp_path / "early.py").write_text("import os, signal\ndef interrupt(): os.kill(os.getpid(), signal.SIGINT)\n")
    command = [sys.executable, PROJECT / "src" / "train.py", *SMALL, "+callbacks.early._target_=early.interrupt"]
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run([*command, *words], env=environment, cwd=tmp_path, check=False, timeout=120)
    assert done.returncode == -signal.SIGINT
    assert not (tmp_path / "here").exists()


def test_where_python_calls_ctrl_c_stops_a_run_and_twice_is_an_interrupt(tmp_path):
    words = (*SMALL, "total_samples=64", "+callbacks.interrupt._target_=spy_callback.Interrupt")
    before = signal.getsignal(signal.SIGINT)
    assert train(*words, "+callbacks.interrupt.times=1", f"hydra.run.dir={tmp_path / 'once'}") is None
    assert summary(tmp_path / "once")["status"] == "stopped by SIGINT"
    with pytest.raises(KeyboardInterrupt):
        train(*words, "+callbacks.interrupt.times=2", f"hydra.run.dir={tmp_path / 'twice'}")
    assert signal.getsignal(signal.SIGINT) is before


def test_a_run_trains_in_a_thread_too(tmp_path):
    thread = Thread(target=train, args=(*SMALL, "total_samples=32", f"hydra.run.dir={tmp_path}"))
    thread.start()
    thread.join()
    assert summary(tmp_path)["samples_seen"] == 32


def test_a_sweep_gives_each_job_its_folder_and_its_wandb_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sweep = ("-m", "model=mlp,dcgan", *SHORT, "total_samples=16", "logger=[wandb,tensorboard]")
    assert train(*sweep, f"hydra.sweep.dir={tmp_path}") is None
    jobs = ("model=mlp", "model=dcgan")
    ids = {(tmp_path / job / "wandb_run_id").read_text() for job in jobs}
    assert len(ids) == 2
    for job in jobs:
        assert summary(tmp_path / job)["samples_seen"] == 16
        assert list((tmp_path / job / "tensorboard").iterdir())


def test_the_objective_keeps_the_best_checkpoint(tmp_path):
    folder = tmp_path / "run"
    train(*SMALL, "total_samples=160", "checkpoint_every=32", "objective=generator/loss", f"hydra.run.dir={folder}")
    best = summary(folder)["best"]["generator/loss"]
    at_checkpoints = [float(row["generator/loss"]) for row in rows(folder)]
    assert best["value"] == min(at_checkpoints)
    assert int(state(folder, "best")["state_dict"]["samples_seen"]) == best["samples_seen"]


def test_samples_need_nothing_but_the_run_folder(finished, tmp_path):
    assert run("generate", f"checkpoint={finished}", "num_samples=70", f"out={tmp_path / 'many'}", "seed=0") is None
    assert run("generate", f"checkpoint={finished}", "num_samples=1", f"out={tmp_path / 'one'}", "seed=7") is None
    assert len(list((tmp_path / "many").glob("seed_*.png"))) == 70
    alone, among = (np.asarray(Image.open(tmp_path / name / "seed_000007.png")) for name in ("one", "many"))
    assert np.array_equal(alone, among)
    assert Image.open(tmp_path / "many_grid.png").size == (8 * 34 + 2, 8 * 34 + 2)
    raw = tmp_path / "raw.png"
    assert run("generate", f"checkpoint={finished / 'checkpoints' / 'last.ckpt'}", "weights=raw", f"out={raw}") is None
    assert not np.array_equal(np.asarray(Image.open(raw)), np.asarray(Image.open(tmp_path / "many_grid.png")))


def test_the_grid_of_the_run_shows_the_seeds_that_generate_makes(finished, tmp_path):
    run("generate", f"checkpoint={finished}", "num_samples=64", f"out={tmp_path / 'grid.png'}")
    ours, theirs = (
        np.asarray(Image.open(path)).astype(int)
        for path in (finished / "samples" / "fake_160.png", tmp_path / "grid.png")
    )
    assert np.abs(ours - theirs).max() <= 1


@pytest.mark.parametrize("script", ["train", "generate"])
def test_help_needs_no_heavy_import(script):
    code = "import sys; sys.argv[1:] = ['--help']; sys.path.insert(0, 'src'); import runpy\n"
    code += f"try: runpy.run_path('src/{script}.py', run_name='__main__')\n"
    code += "except SystemExit: pass\n"
    code += "print(sorted({'torch', 'lightning', 'wandb', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert f"framegan {script}" in done.stdout
