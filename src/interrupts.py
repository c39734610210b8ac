"""Ctrl-C ends a script without a traceback from its first moment on: each imports this before all else.

A rank is started with the signals that a run answers held back, so that none reaches it before this does.
"""

import signal
import sys
from pathlib import Path

from framegan.lifetime import ANSWERED

if Path(getattr(sys.modules["__main__"], "__file__", "")).resolve().parent == Path(__file__).resolve().parent:
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # and not ignored
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ANSWERED)
