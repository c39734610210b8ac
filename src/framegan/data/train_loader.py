"""Reads training batches, in this process or in workers; any error there ends the run with one message."""

import signal
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import Any

from torch import Tensor
from torch.utils.data import DataLoader

from framegan.data.source import UnreadableDataError, told_plainly
from framegan.processes.lifetime import ANSWERED, end_with_parent_alone, signals_wait

Batch = tuple[Tensor, Tensor]

WORKER_TIMEOUT = 300
"""Seconds after which a worker that gives no batch is ended: a decoder that hangs must not hang the run."""


@dataclass(frozen=True)
class Failure:
    """What a worker sends in place of a batch; exceptions don't travel well, and take PyTorch's words with them."""

    message: str
    trace: str


def relayed(read: Callable[[], Batch]) -> Batch | Failure:
    """Return what is read in a worker, or why that failed; it ends where that takes longer than `WORKER_TIMEOUT`."""
    signal.alarm(WORKER_TIMEOUT)
    try:
        with told_plainly():
            return read()
    except (UnreadableDataError, KeyboardInterrupt) as error:
        return Failure(str(error) or type(error).__name__, traceback.format_exc())
    finally:
        signal.alarm(0)


class TrainLoader(DataLoader[Batch | Failure]):
    """A DataLoader that adds up the seconds its reader waited, and whose position is its sampler's start.

    Lightning asks a loader for its state to resume in mid-epoch; there is none: the stream starts at `samples_seen`.
    """

    seconds_waited: float = 0.0
    batches: Any = None
    """PyTorch's iterator of this moment, which has the workers."""

    def __iter__(self) -> Iterator[Batch]:  # type: ignore[override]
        self.end_workers()
        with signals_wait():
            self.batches = batches = super().__iter__()
        try:
            while True:
                start = time.perf_counter()
                batch = self._next()
                self.seconds_waited += time.perf_counter() - start
                yield batch
        finally:
            if self.batches is batches:
                self.end_workers()

    def end_workers(self) -> None:
        """End the workers; PyTorch does so once nobody refers to them, which a traceback does for long."""
        batches, self.batches = self.batches, None
        if hasattr(batches, "_shutdown_workers"):
            try:
                batches._shutdown_workers()
            finally:
                for worker in batches._workers:
                    worker.kill()
                    worker.join()

    def _next(self) -> Batch:
        """Return the next batch.

        Raises:
            UnreadableDataError: it can't be read.
        """
        try:
            batch = next(self.batches)
        except UnreadableDataError:
            raise
        except Exception as error:
            workers = getattr(self.batches, "_workers", [])
            gone = wait([worker.sentinel for worker in workers], 1)  # what one held is missed before it is gone
            dead = [worker for worker in workers if worker.sentinel in gone]
            for worker in dead:
                worker.join()  # and its status comes last of all
            deaths = (death_of_worker(worker.exitcode) for worker in dead)
            raise UnreadableDataError(next(deaths, None) or f"the data loader failed, {error!r}") from error
        if isinstance(batch, Failure):
            failure = UnreadableDataError(batch.message)
            failure.add_note(f"in a worker of the data loader:\n{batch.trace}")
            raise failure
        return batch

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        pass


def death_of_worker(status: int | str) -> str | None:
    """Return how a worker has died, by its exit status or by what PyTorch says wherever the run just is; else None."""
    if isinstance(status, str) and not status.startswith("DataLoader worker"):
        return None
    if status == -signal.SIGALRM or "Alarm clock" in str(status):
        return (
            f"a worker of the data loader hangs: it gave no batch for {WORKER_TIMEOUT} seconds. Where files take so "
            "long to decode, framegan prepare with these data decodes them once; data.num_workers=0 waits for any time"
        )
    how = status if isinstance(status, str) else f"exit status {status}"
    if isinstance(status, int) and status < 0:
        how = signal.Signals(-status).name
    return (
        f"a worker of the data loader died ({how.strip()}); the system ends one where memory runs out, fewer "
        "data.num_workers need less"
    )


def leave_signals_to_run(worker: int) -> None:
    """Let a worker outlive the signals that its whole process group gets, for the run still needs it to end well."""
    others = {*ANSWERED} - {signal.SIGTERM}
    for number in others:
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    end_with_parent_alone()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, others)
