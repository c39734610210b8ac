"""Sweeps, alone and on several devices: each job its own folder and values, whoever starts the ranks."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from commands import PROJECT, train
from omegaconf import OmegaConf
from small_runs import SHORT, SMALL, TIMING, meanwhile, rows, started, summary
from test_evaluate import evaluated

from framegan.cli import sweep
from framegan.cli.main import _run_with_hydra as run_with_hydra
from framegan.processes import spawn

TINY = ("model=dcgan", "model.generator.width=8", "model.discriminator.width=8", "data.resolution=16", *SHORT)
SHORT = (*TINY, "total_samples=64", "trainer.log_every_n_steps=1")


TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")


def typed(*arguments: str, command: tuple[str, ...] = (sys.executable,)) -> str:
    """Run train.py by command line, and return what it says."""
    line = [*command, str(PROJECT / "src" / "train.py"), *arguments]
    done = subprocess.run(line, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.fixture(autouse=True)
def beside_spy_callback(monkeypatch):
    """Start runs where spy_callback lies, which ranks and jobs find by themselves."""
    monkeypatch.chdir(Path(__file__).parent)
    monkeypatch.delenv("PYTHONPATH", raising=False)


@pytest.fixture
def swept(tmp_path, capfd):
    """Run a sweep, and return all that is said."""
    return lambda *words: f"{train('-m', *words, f'hydra.sweep.dir={tmp_path}')}{''.join(capfd.readouterr())}"


def config(folder: Path):
    return OmegaConf.load(folder / ".hydra" / "config.yaml")


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """The folder of a run with ranks that it starts itself, and what it says."""
    folder = tmp_path_factory.mktemp("shared") / "run"
    return folder, typed(*SHORT, "trainer.devices=2", f"hydra.run.dir={folder}")


@pytest.fixture(scope="module")
def expected(shared):
    """The curve of that run."""
    return rows(shared[0], *TIMING)


def test_two_devices_share_a_run(shared):
    folder, said = shared
    assert summary(folder)["num_ranks"] == 2
    assert summary(folder)["samples_seen"] == 64
    assert [row["samples_seen"] for row in rows(folder)] == ["32", "64"]
    assert said.count("finished: 64 samples") == 1
    assert "Warning" not in said


def test_torchrun_starts_the_ranks(tmp_path, expected):
    """Each rank composes a folder with the time in its name; rank 0's is taken."""
    name = "hydra.run.dir=" + str(tmp_path) + "/${now:%H-%M-%S-%f}"
    typed(*SHORT, name, command=TORCHRUN)
    (folder,) = tmp_path.iterdir()
    assert summary(folder)["num_ranks"] == 2
    assert (folder / ".hydra" / "overrides.yaml").exists()
    assert rows(folder, *TIMING) == expected


def test_torchrun_does_not_start_sweeps(swept, monkeypatch):
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "of torchrun")
    assert "once for each rank; run python ../src/train.py -m trainer.devices=N instead" in swept(*SHORT)


def test_submitit_starts_a_task_for_each_device(tmp_path, expected):
    launcher = ("hydra/launcher=submitit_local", "hydra.launcher.tasks_per_node=2", "hydra.launcher.timeout_min=5")
    logs = f"hydra.launcher.submitit_folder={tmp_path / 'logs'}"  # one for each job is made too late now and then
    assert train("-m", *SHORT, *launcher, logs, "seed=0,1", f"hydra.sweep.dir={tmp_path}") is None
    first, second = (tmp_path / f"seed={seed}" for seed in range(2))
    assert (config(first).seed, config(second).seed) == (0, 1)
    assert summary(first)["num_ranks"] == summary(second)["num_ranks"] == 2
    assert rows(first, *TIMING) == expected
    assert rows(second, *TIMING) != expected


def test_a_sweep_of_two_ranks(tmp_path, swept):
    """A crashed job doesn't touch the next, whose ranks get the same values from Optuna and measure what one finds.

    Each rank writes down what it trains with, and whether it takes numbers next to 0 for 0.
    """
    sweeper = ("hydra/sweeper=optuna", "hydra.sweeper.n_trials=2", "hydra.sweeper.sampler.seed=1", "resume=auto")
    spy = ("+callbacks.spy._target_=spy_callback.Spy", "objective=generator/loss", "trainer.devices=2")
    values = ("data.datamodule.source.num_samples=choice(512,9)", "model.generator_optimizer.lr=interval(1e-4,1e-3)")
    measure = ("evaluate_every=64", "callbacks.evaluate.num_samples=100")
    said = swept(*SHORT, *sweeper, *spy, *values, *measure)
    assert "9 samples, fewer than one batch" in said
    assert "Traceback" not in said
    (crashed,), (job,) = tmp_path.glob("num_samples=9,*"), tmp_path.glob("num_samples=512,*")
    failed, found = summary(crashed), summary(job)
    assert failed["status"] == "failed"
    assert "9 samples, fewer than one batch" in failed["reason"]
    assert (found["num_ranks"], found["samples_seen"]) == (2, 64)
    assert (crashed / "summary.json").stat().st_mtime < (job / "run.json").stat().st_mtime, "it came first"
    first, second = (json.loads((job / f"rank_{rank}.json").read_text()) for rank in range(2))
    assert first == second
    assert first["lr"] == config(job).model.generator_optimizer.lr
    assert f",lr={first['lr']}," in job.name
    assert f",lr={first['lr']}," not in crashed.name, "each job has values of its own"
    (measured, *_) = json.loads((job / "evaluations" / "64.json").read_text())
    found = evaluated(tmp_path / "out", f'checkpoint="{job}/checkpoints/last.ckpt"', "num_samples=100")
    assert found[measured["key"]]["value"] == pytest.approx(measured["value"], rel=1e-9)
    assert first["denormals"] == 0


def test_a_damaged_job_is_named_and_the_next_one_runs(tmp_path, swept):
    damaged = tmp_path / "seed=0"
    (damaged / ".hydra").mkdir(parents=True)
    (damaged / ".hydra" / "config.yaml").write_text("seed: 0\n")
    (damaged / "summary.json").write_text('{"status": "fin')
    said = swept(*SHORT, "seed=0,1")
    assert f"error: {damaged}/summary.json is damaged" in said
    assert "Traceback" not in said
    assert summary(tmp_path / "seed=1")["samples_seen"] == 64


@pytest.mark.parametrize("sweeper", [(), ("hydra/sweeper=optuna", "hydra.sweeper.n_trials=4", "seed=choice(0,1)")])
def test_the_same_line_runs_what_is_missing(tmp_path, monkeypatch, sweeper, capfd):
    """Jobs that fail, before they begin too, are in the table with the reason; the others are not run again."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "argv", ["framegan"])
    seeded = ("hydra.sweeper.sampler.seed=1",) if sweeper else ("seed=0",)
    values = "data.batch_size=choice(8,600,16)" if sweeper else "data.batch_size=8,600,16,0"
    small = ("model=mlp", "data=synthetic", "data.resolution=16", "trainer=debug", "trainer.accelerator=cpu")
    said = []
    for _ in range(2):
        with pytest.raises(SystemExit) as stopped:
            run_with_hydra("train", ["-m", *small, values, *sweeper, *seeded])
        said.append((str(stopped.value), capfd.readouterr().out))
    (folder,) = (tmp_path / "runs" / "sweeps").iterdir()
    jobs = [path for path in folder.iterdir() if path.is_dir()]
    whole = [job for job in jobs if summary(job)["status"] == "finished"]
    failed = [job for job in jobs if job.name.startswith(("batch_size=600", "batch_size=0"))]
    assert whole and failed and len(whole) + len(failed) == len(jobs)
    for message, printed in said:
        assert message == f"error: {len(failed)} of {len(jobs)} jobs failed; the same line tries them again"
        table = printed[printed.index("\nsweep    ") :]
        assert all(job.name in table for job in jobs)
        assert "failed: batch_size=600" in table
        assert f"best     runs/sweeps/{folder.name}/batch_size=" in table
    first, second = (printed for _, printed in said)
    assert "generator" in first
    assert second.count(", before") >= len(whole)
    assert "generator " not in second.replace("generator_optimizer", "")
    page = (folder / "compare.html").read_text()
    assert all(job.name in page for job in jobs)


@pytest.mark.parametrize(
    ("words", "jobs", "message"),
    [
        (["evaluate_every=null"], 0, "without evaluate_every nothing is measured; set evaluate_every=20000"),
        (["metrics=[]", "evaluate_every=32"], 0, "without metrics nothing is measured; set metrics=random_conv"),
        (["objective=generator/loss", "objective_mode=max"], 0, "set hydra.sweeper.direction=maximize"),
        (
            ["objective=class_accuracy/fake", "hydra.sweeper.direction=maximize"],
            0,
            "of class_accuracy/fake, which no metric measures, objective_mode=auto takes the lowest for the best, and "
            "hydra.sweeper.direction=maximize searches for the highest; set objective_mode=max, or "
            "hydra.sweeper.direction=minimize",
        ),
        (
            ["objective=fd", "evaluate_every=32", "hydra.sweeper.direction=maximize"],
            1,
            "lower is better, and hydra.sweeper.direction=maximize searches for the worst; set "
            "hydra.sweeper.direction=minimize",
        ),
    ],
)
def test_a_search_for_nothing_or_for_the_worst_ends_at_once(tmp_path, words, jobs, message):
    search = ("hydra/sweeper=optuna", "hydra.sweeper.n_trials=3", "seed=range(0,9)", f"hydra.sweep.dir={tmp_path}")
    said = str(train("-m", *SMALL, "total_samples=32", "sample_every=null", *search, *words))
    assert said.startswith("error: ") and said.endswith(message)
    assert len(list(tmp_path.glob("*/run.json"))) == jobs


def test_the_share_that_a_classifier_finds_may_be_searched_for(monkeypatch):
    monkeypatch.setattr(sweep, "_direction", lambda: "maximize")
    search = {"evaluate_every": 32, "metrics": "classifier", "objective_mode": "auto"}
    sweep.check_search(OmegaConf.create({**search, "objective": "class_accuracy"}))


@pytest.mark.parametrize("devices", [1, 2])
def test_a_signal_ends_a_sweep_after_the_job_at_hand(devices, tmp_path):
    line = ("-m", *TINY, f"trainer.devices={devices}", "seed=0,1", f"hydra.sweep.dir={tmp_path}")
    first = tmp_path / "seed=0"
    with meanwhile((first / "metrics.csv").exists, lambda: os.kill(os.getpid(), signal.SIGINT)):
        said = train(*line, "total_samples=100_000_000")
    assert said == "error: the sweep was stopped by SIGINT; the same line resumes it"
    assert not (tmp_path / "seed=1").exists()
    longer = summary(first)["samples_seen"] + 32
    if devices == 1:
        assert train(*line, f"total_samples={longer}") is None
        assert [summary(tmp_path / f"seed={job}")["samples_seen"] for job in "01"] == [longer, longer]


def test_a_rank_that_hangs_is_given_up(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(spawn, "GRACE", 0.5)
    hang = ("+callbacks.hang._target_=spy_callback.Hang", "trainer.devices=2", "trainer.timeout=6")
    said = str(train(*SHORT, *hang, f"hydra.run.dir={tmp_path}"))
    assert "error: another rank hangs: nothing came from it for trainer.timeout=6 seconds; there is no check" in said
    assert "Traceback" not in "".join(capfd.readouterr())


def test_two_machines_without_a_scheduler(tmp_path, expected, monkeypatch):
    """Each has a folder with the time in its name; rank 0's is taken."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    name = "hydra.run.dir=" + str(tmp_path) + "/${now:%H-%M-%S-%f}"
    words = (*SHORT, "trainer.num_nodes=2", name)
    for variable, value in {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "NODE_RANK": "0"}.items():
        monkeypatch.setenv(variable, value)
    other = [sys.executable, str(PROJECT / "src" / "train.py"), *words]
    with started(other, env=os.environ | {"NODE_RANK": "1"}) as machine:
        assert train(*words) is None
        assert machine.wait(timeout=60) == 0
    (folder,) = tmp_path.iterdir()
    assert summary(folder)["num_ranks"] == 2
    assert rows(folder, *TIMING) == expected
