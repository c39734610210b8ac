"""Ranks start together and end together, whatever happens to one of them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_runs import meanwhile, wait_until

from framegan.processes import scheduler, spawn
from framegan.processes.spawn import RankFailedError, run_ranks

HANG = "import time; time.sleep(600)"
MEMBERS = ("RANK", "LOCAL_RANK", "GROUP_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


READY = "signal.signal(signal.SIGINT, signal.SIG_DFL); signal.pthread_sigmask(signal.SIG_SETMASK, ())"
"""What a script does as soon as it begins."""


def ranks(code: str, num_ranks: int = 2, ready: str = READY, **options) -> None:
    """Run Python code, which finds its rank as `rank`, as several ranks."""
    code = f"import os, signal, sys; from pathlib import Path; rank = int(os.environ['RANK'])\n{ready}\n{code}"
    run_ranks([sys.executable, "-c", code], num_ranks, **options)


@pytest.fixture
def short_grace(monkeypatch):
    monkeypatch.setattr(spawn, "GRACE", 0.5)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def sent(number, once, times: int = 1):
    """Send this process a signal as soon as something holds."""

    def send():
        for _ in range(times):
            os.kill(os.getpid(), number)
            time.sleep(0.3)

    return meanwhile(once, send)


def test_ranks_find_each_other(tmp_path):
    code = f"""
import torch.distributed
torch.distributed.init_process_group("gloo")
found = [None] * 2
torch.distributed.all_gather_object(found, rank)
(Path({str(tmp_path)!r}) / str(rank)).write_text(str(found))
torch.distributed.destroy_process_group()
"""
    ranks(code)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == dict.fromkeys("01", "[0, 1]")


@pytest.mark.parametrize(
    ("end", "story"),
    [
        ("sys.exit(3)", "rank 1 ended with exit status 3; what it said is above"),
        (
            "os.kill(os.getpid(), signal.SIGKILL)",
            "rank 1 was ended by SIGKILL; the system does",
        ),
        ("Path(os.environ['FRAMEGAN_RANK_REPORT']).write_text('no such folder'); sys.exit(1)", "no such folder"),
    ],
)
def test_one_that_fails_ends_the_others_that_hang(end, story, short_grace):
    start = time.monotonic()
    with pytest.raises(RankFailedError, match=f"^{story}"):
        ranks(f"if rank == 1: {end}\n{HANG}")
    assert time.monotonic() - start < 10


def test_what_all_say_is_said_once():
    with pytest.raises(RankFailedError, match="^the same$"):
        ranks("Path(os.environ['FRAMEGAN_RANK_REPORT']).write_text('the same'); sys.exit(1)")


def test_others_are_given_time_to_end_by_themselves(tmp_path):
    with pytest.raises(RankFailedError):
        ranks(f"if rank == 1: sys.exit(1)\nimport time; time.sleep(1); Path({str(tmp_path / 'ended')!r}).touch()")
    assert (tmp_path / "ended").exists()


def test_ranks_that_a_signal_has_ended_end_all(tmp_path):
    """A sweep goes on after a failed job, but not after that."""
    ready = tmp_path / "ready"
    code = f"signal.signal(signal.SIGINT, lambda *_: sys.exit(1)); Path({str(ready)!r}).touch()\n{HANG}"
    with sent(signal.SIGINT, ready.exists), pytest.raises(SystemExit, match="^error: the ranks were ended by SIGINT$"):
        ranks(code, num_ranks=1)


def test_a_signal_waits_for_ranks_that_are_being_started(tmp_path, capfd):
    """Python would say where it was interrupted."""
    here = f"Path({str(tmp_path)!r}, str(rank)).touch()"
    both = sent(signal.SIGINT, lambda: len(list(tmp_path.iterdir())) == 2)
    with both, pytest.raises(SystemExit, match="^error: the ranks were ended by SIGINT$"):
        ranks(HANG, ready=f"{here}; import time; time.sleep(1); {READY}")
    assert capfd.readouterr().err == ""


def test_a_second_signal_ends_ranks_that_hang(tmp_path, short_grace):
    twice = sent(signal.SIGINT, lambda: len(list(tmp_path.iterdir())) == 2, times=2)
    with twice, pytest.raises(SystemExit, match="^error: the ranks were ended by SIGINT$"):
        ranks(
            f"Path({str(tmp_path)!r}, str(rank)).touch(); {HANG}",
            ready="signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})",
        )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
def test_signals_reach_every_rank_once(number, tmp_path):
    code = f"""
import time
folder, got = Path({str(tmp_path)!r}), []
signal.signal({int(number)}, lambda *_: got.append(1))
(folder / f"ready{{rank}}").touch()
while not got: time.sleep(0.01)
time.sleep(0.3)
(folder / f"got{{rank}}").write_text(str(len(got)))
"""
    before = signal.getsignal(number)
    with sent(number, lambda: len(list(tmp_path.glob("ready*"))) == 2):
        ranks(code)
    assert [(tmp_path / f"got{rank}").read_text() for rank in range(2)] == ["1", "1"]
    assert signal.getsignal(number) == before


def test_ranks_end_with_the_process_that_started_them(tmp_path):
    rank = f"""
import os, time
from pathlib import Path
from framegan.processes.ranks import joined
with joined(60):
    Path({str(tmp_path)!r}, os.environ["RANK"]).write_text(str(os.getpid()))
    time.sleep(600)
"""
    parent = (
        f"import sys; from framegan.processes.spawn import run_ranks; run_ranks([sys.executable, '-c', {rank!r}], 2)"
    )
    with subprocess.Popen([sys.executable, "-c", parent]) as started:
        wait_until(lambda: len(list(tmp_path.iterdir())) == 2 and all(p.read_text() for p in tmp_path.iterdir()))
        pids = [int(path.read_text()) for path in tmp_path.iterdir()]
        assert all(map(is_running, pids))
        started.kill()
    wait_until(lambda: not any(map(is_running, pids)))


def test_several_machines_need_an_address(monkeypatch):
    monkeypatch.setenv("MASTER_ADDR", "here")
    with pytest.raises(ValueError, match=r"MASTER_PORT, NODE_RANK is not set; set MASTER_ADDR, .* on each machine"):
        ranks("", num_nodes=2)


@pytest.mark.parametrize(
    ("given", "environment"),
    [
        (
            {
                "SLURM_JOB_ID": "1234567",
                "SLURM_STEP_NUM_TASKS": "8",
                "SLURM_STEP_NUM_NODES": "2",
                "SLURM_PROCID": "5",
                "SLURM_LOCALID": "1",
                "SLURM_STEP_NODELIST": "gpu[03-05,9],cpu1",
            },
            ("5", "1", "1", "8", "4", "gpu03", "19567"),
        ),
        (
            {
                "SLURM_JOB_ID": "1234567",
                "SLURM_STEP_ID": "1",
                "SLURM_STEP_NUM_TASKS": "2",
                "SLURM_PROCID": "1",
                "SLURM_LOCALID": "1",
                "SLURM_STEP_NODELIST": "gpu[03-05,9]-ib",
            },
            ("1", "1", "0", "2", "2", "gpu03-ib", "19668"),
        ),
        (
            {
                "SUBMITIT_LOCAL_JOB_ID": "77",
                "SUBMITIT_LOCAL_NTASKS": "2",
                "SUBMITIT_LOCAL_GLOBALID": "1",
                "SUBMITIT_LOCAL_LOCALID": "1",
            },
            ("1", "1", "0", "2", "2", "127.0.0.1", "15077"),
        ),
        ({"SLURM_JOB_ID": "1", "SLURM_NTASKS": "4", "SLURM_PROCID": "0"}, (None,) * 7),  # a batch script
    ],
)
def test_tasks_of_a_scheduler_are_ranks(given, environment, monkeypatch):
    own = {**{name: value for name, value in os.environ.items() if name not in MEMBERS}, **given}
    monkeypatch.setattr(os, "environ", own)
    scheduler.adopt_task()
    assert tuple(own.get(name) for name in MEMBERS) == environment
    assert ("TORCHELASTIC_RUN_ID" in own) == (environment[0] is not None)
