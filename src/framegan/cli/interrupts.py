"""Ctrl-C ends a command without a traceback from its first moment on, before anything heavy is imported."""

import signal

from framegan.processes.lifetime import ANSWERED


def answer() -> None:
    """End this process at Ctrl-C; a rank is started with signals held back, so that none reaches it before this."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # and not ignored
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ANSWERED)
