"""A program's end: what is registered for it is done, and nothing can abort it any more."""

import subprocess
import sys

import pytest

PROGRAM = """
import atexit, os, sys
from framegan.lifetime import run_and_leave

class Threads:
    def __del__(self):  # as those of PyTorch do now and then, once Python takes itself apart
        os.abort()

threads = Threads()

def main():
    atexit.register(lambda: print("and said goodbye"))
    print("worked", end=" ")
    {end}

run_and_leave(main)
"""


@pytest.mark.parametrize(
    ("end", "status", "said"),
    [
        ("pass", 0, ""),
        ("sys.exit()", 0, ""),
        ("sys.exit(3)", 3, ""),
        ("sys.exit('error: no')", 1, "error: no\n"),
        ("raise KeyError", 1, "KeyError\n"),
    ],
)
def test_a_program_is_left_before_it_can_be_aborted(end, status, said):
    done = subprocess.run([sys.executable, "-c", PROGRAM.format(end=end)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (status, "worked and said goodbye\n")
    assert done.stderr.endswith(said)
