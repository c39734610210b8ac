"""Writes the shards of a frame cache in several processes, which end with the one that started them."""

import multiprocessing
import signal
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from framegan.data.frame_cache.shard_writer import Plan, write_shard
from framegan.processes.lifetime import end_after

LOOKS_PER_SECOND = 5


def write_shards(plan: Plan, shards: list[int], num_workers: int, advance: Callable[[int], None]) -> None:
    """Write shards in processes of their own, fresh ones: a fork would share what this one has opened.

    Args:
        advance: called with the number of frames done since its last call.

    Raises:
        ChildProcessError: a process was killed.
    """
    context = multiprocessing.get_context("spawn")
    done, seen = context.Value("q", 0), 0
    pool = ProcessPoolExecutor(num_workers, context, _begin, (plan, done))
    try:
        waiting = {pool.submit(_write, number) for number in shards}
        while waiting:
            finished, waiting = wait(waiting, 1 / LOOKS_PER_SECOND, FIRST_EXCEPTION)
            for future in finished:
                future.result()
            now = done.value
            advance(now - seen)
            seen = now
    except BrokenProcessPool:
        reason = "a process was killed, perhaps because memory ran out: set num_workers lower"
        raise ChildProcessError(f"{reason}. The same command resumes with what is missing") from None
    finally:
        pool.shutdown(cancel_futures=True)


_process: dict[str, Any] = {}
"""In a process that writes shards: what is the same for all of them."""


def _begin(plan: Plan, done: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C reaches all processes; one message is enough
    parent = multiprocessing.parent_process()
    assert parent is not None
    end_after(parent.join)  # nothing is to be written without its lock
    _process.update(plan=plan, done=done)


def _write(number: int) -> None:
    write_shard(_process["plan"], number, _count)


def _count(frames: int) -> None:
    with _process["done"].get_lock():
        _process["done"].value += frames
