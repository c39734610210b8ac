"""A program's end: what is registered for it is done, nothing can abort it any more, and Ctrl-C is quiet."""

import os
import signal
import subprocess
import sys

import pytest
from commands import PROJECT

PROGRAM = """
import atexit, os, sys
from framegan.processes.lifetime import run_and_leave

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


@pytest.mark.parametrize("script", ["train", "evaluate", "generate", "prepare", "train_classifier"])
def test_ctrl_c_is_quiet_while_a_script_is_still_being_imported(script, tmp_path):
    (tmp_path / "hydra.py").write_text("import os, signal, time; os.kill(os.getpid(), signal.SIGINT); time.sleep(60)")
    command = [sys.executable, str(PROJECT / "src" / f"{script}.py")]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")
