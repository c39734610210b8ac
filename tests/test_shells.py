"""The Tab key in the shells themselves, typed at a terminal; a shell that is not installed is skipped."""

import os
import shutil
import sys
import time
from pathlib import Path

import pexpect
import pytest

STARTED = {
    "zsh": (["-f", "-i"], 'autoload -U compinit; compinit -D -u; eval "$(framegan completion zsh)"'),
    "fish": (["--no-config", "-i"], "framegan completion fish | source"),
}
TYPED = {
    "tra\tmodel=dcgan3\tdata=di\t": ["train", "model=dcgan3d", "data=digits"],
    "train model=dcgan model.generator_optimizer.l\t1": ["train", "model=dcgan", "model.generator_optimizer.lr=1"],
    "generate runs/my\tcheck\t": ["generate", "runs/my run/checkpoints/"],
}
"""What is typed behind `framegan`, and the words that the command then gets."""
COMMAND = """#!/bin/sh
[ "$1" = completion ] && exec {python} -m framegan "$@"
printf '%s\\n' "$@" > got.part && mv got.part got
"""


@pytest.mark.parametrize("shell", STARTED)
def test_the_tab_key_puts_in_what_it_should(shell, tmp_path):
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    (tmp_path / "runs" / "my run" / "checkpoints").mkdir(parents=True)
    (tmp_path / "framegan").write_text(COMMAND.format(python=sys.executable))
    (tmp_path / "framegan").chmod(0o755)
    options, line = STARTED[shell]
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(tmp_path), "TERM": "xterm"}
    terminal = pexpect.spawn(shell, options, cwd=str(tmp_path), env=environment, encoding="utf-8", timeout=60)
    try:
        terminal.sendline(line)
        for typed, words in TYPED.items():
            terminal.sendline(f"framegan {typed}")
            assert got(tmp_path / "got", terminal) == words
    finally:
        terminal.close(force=True)


def got(file: Path, terminal: pexpect.spawn) -> list[str]:
    """Return the words that the command was called with, once it was."""
    deadline = time.monotonic() + 60
    while not file.exists():
        assert time.monotonic() < deadline, terminal.read_nonblocking(100_000, timeout=0)
        time.sleep(0.05)
    words = file.read_text().splitlines()
    file.unlink()
    return words
