"""One function for many files, in threads and behind a progress bar: network disks answer many as fast as one."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from typing import TypeVar

from framegan.files.live import track

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
    if not items:
        return
    threads = ThreadPoolExecutor(num_threads)
    try:
        asked: dict[Future[Answer], Item] = {threads.submit(function, item): item for item in items}
        for future in track(as_completed(asked), what, len(asked)):
            yield asked.pop(future), future.result()
    finally:
        threads.shutdown(cancel_futures=True)


def try_all(
    function: Callable[[Item], Answer], items: Sequence[Item], what: str
) -> tuple[dict[Item, Answer], dict[Item, str]]:
    """Return what the function returns for each item, and why it can't for the others, both in the order of the items.

    Args:
        function: raises ValueError or OSError where it can't.
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
        for _ in at_once(attempt, items, what):
            pass
    return (
        {item: answers[item] for item in items if item in answers},
        {item: problems[item] for item in items if item in problems},
    )
