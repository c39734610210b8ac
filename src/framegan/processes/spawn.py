"""Starts the ranks of a run on this machine, watches them, and ends them together.

The process that does so computes nothing. It can therefore end ranks that hang, whatever they hang in, and the jobs of
a sweep that come after a failed one find it as it was.
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType, MappingProxyType

from torch.distributed import TCPStore

from framegan import program
from framegan.processes.lifetime import ANSWERED, EndedBySignal, signals_wait
from framegan.processes.ranks import LEFT_BEHIND, REPORT

GRACE = 5.0
"""Seconds that ranks get to end by themselves when another one has failed, or Ctrl-C was typed twice."""


class RankFailedError(Exception):
    """A rank failed; the message says which and how."""


def run_ranks(
    command: Sequence[str], num_ranks: int, num_nodes: int = 1, environment: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Run a command as several ranks, and return when all have ended well.

    On several machines each one runs this, with MASTER_ADDR, MASTER_PORT and NODE_RANK (0, 1, ...) in its environment.
    Signals are passed on to the ranks, which end with this process however it ends.

    Args:
        num_ranks: on this machine.
        environment: what is added to that of each.

    Raises:
        RankFailedError: one didn't; the others were given `GRACE` to end and then killed.
        EndedBySignal: likewise, after a signal to this process.
        ValueError: on several machines the environment lacks one of the three.
    """
    node, store = _meeting_place(num_nodes)
    shared = {**os.environ, **_shared(node, store, num_ranks, num_nodes), **environment}
    ranks: list[subprocess.Popen[bytes]] = []
    with TemporaryDirectory() as folder, _signals_passed_on(ranks) as signals, ExitStack() as held:
        reports = [Path(folder) / str(rank) for rank in range(num_ranks)]
        with signals_wait():  # until all ranks are there; see framegan.cli.main
            for local_rank, report in enumerate(reports):
                number = str(node * num_ranks + local_rank)
                rank = subprocess.Popen(
                    command,
                    env={**shared, "RANK": number, "LOCAL_RANK": str(local_rank), REPORT: str(report)},
                    stdin=subprocess.PIPE,  # tells the rank when this process is gone
                    start_new_session=True,  # or Ctrl-C would reach it twice
                )
                ranks.append(rank)
                held.callback(rank.wait)
                held.callback(rank.kill)  # which comes first: they are called from the last one on
        failed = _wait(ranks, signals)
        said = "\n".join(dict.fromkeys(report.read_text() for report in reports if report.exists()))
    if failed and signals:
        raise EndedBySignal(f"error: {said or f'the ranks were ended by {signals[-1].name}'}", signals[-1])
    if failed:
        told = {rank: status for rank, status in failed.items() if status != LEFT_BEHIND} or failed
        raise RankFailedError(said or "\n".join(_story(node * num_ranks + rank, told[rank]) for rank in told))


def _shared(node: int, store: TCPStore, num_ranks: int, num_nodes: int) -> dict[str, str]:
    """Return what torchrun would put into the environment of each rank on this machine."""
    return {
        "TORCHELASTIC_RUN_ID": "framegan",
        program.STARTED_BY: "script" if program.is_script() else "command",
        "TORCHELASTIC_RESTART_COUNT": "0",
        "TORCHELASTIC_USE_AGENT_STORE": "True",
        "MASTER_ADDR": store.host,
        "MASTER_PORT": str(store.port),
        "GROUP_RANK": str(node),
        "WORLD_SIZE": str(num_ranks * num_nodes),
        "LOCAL_WORLD_SIZE": str(num_ranks),
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // num_ranks))),
    }


def _wait(ranks: Sequence[subprocess.Popen[bytes]], signals: Sequence[signal.Signals]) -> dict[int, int]:
    """Return the exit statuses of the ranks that failed, first failure first, once all have ended or had their time.

    Args:
        signals: those that this process has got so far. One that hangs doesn't see a second Ctrl-C.
    """
    failed: dict[int, int] = {}
    deadline = float("inf")
    while time.monotonic() < deadline:
        statuses = [process.poll() for process in ranks]
        for rank, status in enumerate(statuses):
            if status:
                failed.setdefault(rank, status)
        if None not in statuses:
            break
        if failed or sum(number in (signal.SIGINT, signal.SIGTERM) for number in signals) > 1:
            deadline = min(deadline, time.monotonic() + GRACE)
        time.sleep(0.1)
    return failed or {rank: -signal.SIGKILL for rank, status in enumerate(statuses) if status is None}


@contextmanager
def _signals_passed_on(ranks: Sequence[subprocess.Popen[bytes]]) -> Iterator[list[signal.Signals]]:
    """Pass the signals that this process gets on to the ranks, and list them; only a program's main thread gets any."""
    passed: list[signal.Signals] = []

    def pass_on(number: int, frame: FrameType | None) -> None:
        passed.append(signal.Signals(number))
        for process in ranks:
            process.send_signal(number)

    in_main_thread = threading.current_thread() is threading.main_thread()
    before = {number: signal.signal(number, pass_on) for number in ANSWERED} if in_main_thread else {}
    try:
        yield passed
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _meeting_place(num_nodes: int) -> tuple[int, TCPStore]:
    """Return the number of this machine, and where the ranks find each other: in this process on the first one."""
    names = ("MASTER_ADDR", "MASTER_PORT", "NODE_RANK")
    missing = [name for name in names if name not in os.environ]
    if num_nodes > 1 and missing:
        raise ValueError(
            f"trainer.num_nodes={num_nodes}, but {', '.join(missing)} is not set; set MASTER_ADDR, MASTER_PORT and "
            "NODE_RANK (0, 1, ...) on each machine, or start the run with torchrun or srun"
        )
    address, port, node = ("127.0.0.1", "0", "0") if num_nodes == 1 else (os.environ[name] for name in names)
    return int(node), TCPStore(address, int(port), is_master=int(node) == 0, wait_for_workers=False)


def _story(rank: int, status: int) -> str:
    if status >= 0:
        return f"rank {rank} ended with exit status {status}; what it said is above"
    hint = "; the system does that where memory runs out" if status == -signal.SIGKILL else ""
    return f"rank {rank} was ended by {signal.Signals(-status).name}{hint}"
