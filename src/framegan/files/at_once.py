"""Many files in threads: network disks answer many as fast as one, and encoders work on one each."""

import os
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TypeVar

import numpy as np

from framegan.files.live import track

MOST_WAITING = 64 << 20
"""Bytes of arrays; a batch of samples is made while the one before is written."""
Item = TypeVar("Item")
Answer = TypeVar("Answer")


def at_once(
    function: Callable[[Item], Answer], items: Sequence[Item], what: str, num_threads: int | None = None
) -> Iterator[tuple[Item, Answer]]:
    """Yield each item with what the function returns for it, as soon as it does.

    Args:
        what: the text of the bar, which is shown on a terminal.
        num_threads: None = as many as suit the machine.
    """
    remaining, answered = iter(items), SimpleQueue[tuple[Item, Answer] | BaseException]()

    def answer() -> None:
        for item in remaining:  # all threads take from it: as many futures cost more than small images
            try:
                answered.put((item, function(item)))
            except BaseException as error:
                answered.put(error)

    num_threads = num_threads or min(32, (os.cpu_count() or 1) + 4)
    threads = ThreadPoolExecutor(num_threads)
    try:
        for _ in range(min(len(items), num_threads)):
            threads.submit(answer)
        for _ in track(items, what, len(items)):
            if isinstance(found := answered.get(), BaseException):
                raise found
            yield found
    finally:
        for _ in remaining:  # the threads take no more
            pass
        threads.shutdown()


def try_all(
    function: Callable[[Item], Answer], items: Sequence[Item], what: str, num_threads: int | None = None
) -> tuple[dict[Item, Answer], dict[Item, str]]:
    """Return what the function returns for each item, and why it can't for the others, both in the order of the items.

    Args:
        function: raises ValueError or OSError where it can't.
        num_threads: see `at_once`.
    """
    answers, problems = {}, {}

    def attempt(item: Item) -> None:
        try:
            answers[item] = function(item)
        except ValueError as error:
            problems[item] = str(error)
        except OSError as error:
            problems[item] = error.strerror or str(error)

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="PIL")  # what matters of it is an error here
        for _ in at_once(attempt, items, what, num_threads):
            pass
    return (
        {item: answers[item] for item in items if item in answers},
        {item: problems[item] for item in items if item in problems},
    )


@contextmanager
def in_background() -> Iterator[Callable[..., None]]:
    """Yield what calls a function in another thread, one for each processor; the block ends when all calls have.

    Calls wait until their arrays have MOST_WAITING bytes, so that what they are given doesn't fill the memory. What one
    of them raises is raised by a later one, or at the end.
    """
    num_threads, running, waiting = os.cpu_count() or 1, deque[tuple[Future[None], int]](), 0
    threads = ThreadPoolExecutor(num_threads)

    def call(function: Callable[..., None], *arguments: object) -> None:
        nonlocal waiting
        size = sum(one.nbytes for one in arguments if isinstance(one, np.ndarray))
        while running and (running[0][0].done() or waiting + size > MOST_WAITING):
            first, done = running.popleft()
            first.result()
            waiting -= done
        running.append((threads.submit(function, *arguments), size))
        waiting += size

    try:
        yield call
        for one, _ in running:
            one.result()
    finally:
        threads.shutdown(cancel_futures=True)
