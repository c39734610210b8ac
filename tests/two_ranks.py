"""Two processes that several tests look at; they are started once, whatever the number of the tests' own workers."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from filelock import FileLock


def results_of(script: Path, factory: pytest.TempPathFactory) -> list[Any]:
    """Return what each of two ranks of a script, called with RANK PORT FOLDER, has saved as FOLDER/RANK.pt."""
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / script.stem
    with FileLock(shared / f"{script.stem}.lock"):
        if not folder.exists():
            folder.mkdir()
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = str(probe.getsockname()[1])
            command = [sys.executable, script]
            ranks = [subprocess.Popen([*command, str(rank), port, folder], cwd=script.parent) for rank in range(2)]
            assert [rank.wait(timeout=300) for rank in ranks] == [0, 0]
    return [torch.load(folder / f"{rank}.pt") for rank in range(2)]
