"""Sweeps, alone and on several devices: each job its own folder and values, whoever starts the ranks."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from commands import PROJECT
from omegaconf import OmegaConf
from small_runs import SHORT, TIMING, rows, started, summary, wait_for

TINY = ("model=dcgan", "model.generator.width=8", "model.discriminator.width=8", "data.resolution=16", *SHORT)
SHORT = (*TINY, "total_samples=64", "trainer.log_every_n_steps=1")


def typed(*arguments: str, command: tuple[str, ...] = (sys.executable,), status: int = 0) -> str:
    """Run train.py by command line where spy_callback lies, which ranks and jobs find by themselves."""
    line = [*command, str(PROJECT / "src" / "train.py"), *arguments]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    place = Path(__file__).parent
    done = subprocess.run(line, capture_output=True, text=True, timeout=240, env=environment, cwd=place)
    assert done.returncode == status, done.stderr
    return done.stdout + done.stderr


def config(folder: Path):
    return OmegaConf.load(folder / ".hydra" / "config.yaml")


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """The curve of the run with ranks that it starts itself."""
    folder = tmp_path_factory.mktemp("expected") / "run"
    typed(*SHORT, "trainer.devices=2", f"hydra.run.dir={folder}")
    return rows(folder, *TIMING)


def test_torchrun_starts_the_ranks(tmp_path, expected):
    """Each rank composes a folder with the time in its name; rank 0's is taken."""
    torchrun = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    name = "hydra.run.dir=" + str(tmp_path) + "/${now:%H-%M-%S-%f}"
    typed(*SHORT, name, command=torchrun)
    (folder,) = tmp_path.iterdir()
    assert summary(folder)["num_ranks"] == 2
    assert (folder / ".hydra" / "overrides.yaml").exists()
    assert rows(folder, *TIMING) == expected


def test_torchrun_does_not_start_sweeps(tmp_path):
    torchrun = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "1")
    said = typed("-m", *SHORT, f"hydra.sweep.dir={tmp_path}", command=torchrun, status=1)
    assert "once for each rank; run python ../src/train.py -m trainer.devices=N instead" in said


def test_submitit_starts_a_task_for_each_device(tmp_path, expected):
    launcher = ("hydra/launcher=submitit_local", "hydra.launcher.tasks_per_node=2", "hydra.launcher.timeout_min=5")
    logs = f"hydra.launcher.submitit_folder={tmp_path / 'logs'}"  # one for each job is made too late now and then
    typed("-m", *SHORT, *launcher, logs, "seed=0,1", f"hydra.sweep.dir={tmp_path}")
    for job in "01":
        assert summary(tmp_path / job)["num_ranks"] == 2
        assert config(tmp_path / job).seed == int(job)
    assert rows(tmp_path / "0", *TIMING) == expected
    assert rows(tmp_path / "1", *TIMING) != expected


def test_optuna_gives_both_ranks_the_same_values(tmp_path):
    """Each rank writes down what it trains with, and whether it takes numbers next to 0 for 0."""
    sweeper = ("hydra/sweeper=optuna", "hydra.sweeper.n_trials=2", "hydra.sweeper.sampler.seed=1", "resume=auto")
    spy = ("+callbacks.spy._target_=spy_callback.Spy", "objective=generator/loss", "trainer.devices=2")
    values = "model.generator_optimizer.lr=interval(1e-4,1e-3)"
    typed("-m", *SHORT, *sweeper, *spy, values, f"hydra.sweep.dir={tmp_path}")
    rates = set()
    for job in "01":
        seen = [json.loads((tmp_path / job / f"rank_{rank}.json").read_text()) for rank in range(2)]
        assert seen[0] == seen[1]
        assert seen[0]["lr"] == config(tmp_path / job).model.generator_optimizer.lr
        assert seen[0]["denormals"] == 0
        rates.add(seen[0]["lr"])
    assert len(rates) == 2


def test_runs_that_draw_their_values_go_on_only_with_a_seed(tmp_path):
    sweeper = ("hydra/sweeper=optuna", "hydra.sweeper.n_trials=2", "resume=auto", f"hydra.sweep.dir={tmp_path}")
    said = typed("-m", *SHORT, *sweeper, "model.generator_optimizer.lr=interval(1e-4,1e-3)", status=1)
    assert "error: resume=auto finds the runs of a sweep by their numbers" in said
    assert not list(tmp_path.rglob("*.ckpt"))


def test_a_crashed_job_does_not_touch_the_next(tmp_path):
    said = typed("-m", *SHORT, "trainer.devices=2", "data.batch_size=16,600,8", f"hydra.sweep.dir={tmp_path}", status=1)
    assert "512 samples, fewer than one batch" in said
    assert "Traceback" not in said
    assert summary(tmp_path / "0")["num_ranks"] == summary(tmp_path / "2")["num_ranks"] == 2
    assert summary(tmp_path / "2")["samples_seen"] == 64


@pytest.mark.parametrize("devices", [1, 2])
def test_a_signal_ends_a_sweep_after_the_job_at_hand(devices, tmp_path):
    line = ("-m", *TINY, f"trainer.devices={devices}", "seed=0,1", f"hydra.sweep.dir={tmp_path}")
    command = [sys.executable, str(PROJECT / "src" / "train.py"), *line, "total_samples=100_000_000"]
    with started(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as running:
        wait_for(tmp_path / "0" / "metrics.csv")
        os.killpg(running.pid, signal.SIGINT)
        _, said = running.communicate(timeout=60)
    assert running.returncode == 1
    assert "error: the sweep was stopped by SIGINT" in said
    assert f"resumed by the same line with resume=auto hydra.sweep.dir={tmp_path}" in said
    assert not (tmp_path / "1").exists()
    longer = summary(tmp_path / "0")["samples_seen"] + 32
    if devices == 1:
        typed(*line, "resume=auto", f"total_samples={longer}")
        assert [summary(tmp_path / job)["samples_seen"] for job in "01"] == [longer, longer]


def test_a_rank_that_hangs_is_given_up(tmp_path):
    hang = ("+callbacks.hang._target_=spy_callback.Hang", "trainer.devices=2", "trainer.timeout=10")
    said = typed(*SHORT, *hang, f"hydra.run.dir={tmp_path}", status=1)
    assert "error: another rank hangs: nothing came from it for trainer.timeout=10 seconds; there is no check" in said
    assert "Traceback" not in said


def test_two_machines_without_a_scheduler(tmp_path, expected):
    """Each has a folder with the time in its name; rank 0's is taken."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    name = "hydra.run.dir=" + str(tmp_path) + "/${now:%H-%M-%S-%f}"
    line = [sys.executable, str(PROJECT / "src" / "train.py"), *SHORT, "trainer.num_nodes=2", name]
    nodes = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"}
    machines = [subprocess.Popen(line, env={**os.environ, **nodes, "NODE_RANK": str(rank)}) for rank in range(2)]
    assert [machine.wait(timeout=240) for machine in machines] == [0, 0]
    (folder,) = tmp_path.iterdir()
    assert summary(folder)["num_ranks"] == 2
    assert rows(folder, *TIMING) == expected
