"""How processes end: with the one that started them, and never by a crash on the way out."""

import atexit
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

ANSWERED = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)
"""Signals that a run answers, whichever of its processes gets them."""

AT_END: list[Callable[[], object]] = []
"""What `at_end` was given."""


def end_after(event: Callable[[], object], status: int = 1) -> None:
    """End this process, whatever it is doing, as soon as a function returns that is called in a thread of its own."""

    def wait() -> None:
        event()
        os._exit(status)

    threading.Thread(target=wait, daemon=True).start()


def end_with_parent_alone() -> None:
    """Let this process outlive every SIGTERM but its parent's own, and end it with its parent.

    A scheduler sends SIGTERM to all processes of a run, which still needs its workers to end well; when it needs them
    no longer, it tells them by the same signal. macOS can't say who has sent one: there, each ends the process.
    """
    parent = os.getppid()

    def told() -> None:
        while os.getppid() == parent:
            received = signal.sigtimedwait([signal.SIGTERM], 1.0)  # seconds, to look whether the parent is there
            if received is not None and received.si_pid == parent:
                return

    can_tell = hasattr(signal, "sigtimedwait")
    signal.pthread_sigmask(signal.SIG_BLOCK if can_tell else signal.SIG_UNBLOCK, [signal.SIGTERM])
    if can_tell:
        end_after(told, status=0)


class Interrupted(BaseException):
    """Ctrl-C. At a KeyboardInterrupt, Lightning would close standard input and end the program."""


def interrupt(*_: object) -> None:
    """Raise Interrupted: a handler of signals."""
    raise Interrupted


class EndedBySignal(SystemExit):
    """What this process has started was ended by a signal that it got and passed on."""

    def __init__(self, message: str, number: signal.Signals):
        super().__init__(message)
        self.number = number


@contextmanager
def signals_wait() -> Iterator[None]:
    """Keep the signals of `ANSWERED` waiting during the block, and in processes that it starts until they take them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ANSWERED)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def at_end(function: Callable[[], object]) -> None:
    """Call a function when this process ends by itself, or by a signal that `undone` answers."""
    atexit.register(function)
    AT_END.append(function)


@contextmanager
def undone() -> Iterator[ExitStack]:
    """Yield a stack that is closed when the block ends, and where Ctrl-C or SIGTERM ends this process before that."""
    owner = os.getpid()
    with ExitStack() as stack:

        def leave(number: int, _: object) -> None:
            if os.getpid() == owner:  # and not one that it has forked
                stack.close()
                for function in AT_END:
                    function()
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is signal.SIG_DFL and threading.current_thread() is threading.main_thread():
                signal.signal(number, leave)
                stack.callback(signal.signal, number, signal.SIG_DFL)
        yield stack


def run_and_leave(main: Callable[[], Any]) -> None:
    """Call the main function of a program, which is then left before Python takes itself apart.

    Threads of PyTorch still run at that moment, and now and then abort a process that has done all its work. What is
    registered to be done at the end, such as W&B's last message, is done as ever.
    """
    status = 1

    def leave() -> None:
        logging.shutdown()
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(status)

    atexit.register(leave)  # before all others, and so called after them
    try:
        main()
        status = 0
    except SystemExit as stop:
        status = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        raise
