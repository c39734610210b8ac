"""A file is there whole or as it was before, and what a resumed run needs is on the disk before it is relied on."""

import errno
import os
from pathlib import Path

import pytest
from commands import train
from small_runs import SMALL

from framegan.files import atomic


def test_a_file_that_could_not_be_written_is_as_it_was(tmp_path):
    path = tmp_path / "file.json"
    atomic.write_text(path, "before")
    with pytest.raises(OSError, match="No space left on device: '.*file.json'"), atomic.new_file(path) as part:
        part.write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_processes_that_write_the_same_file_write_beside_each_other(tmp_path):
    with atomic.new_file(tmp_path / "x", shared=True) as part:
        assert part.name == f"x.{os.getpid()}.part"
        part.touch()


def test_whatever_a_resume_needs_is_synced_before_the_checkpoint_is_in_place(tmp_path, monkeypatch):
    """A power cut keeps what was synced, in the order in which it was."""
    synced = []
    monkeypatch.setattr(
        os, "fsync", lambda descriptor: synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
    )
    assert train(*SMALL, "total_samples=32", "checkpoint_every=32", "logger=wandb", f"hydra.run.dir={tmp_path}") is None
    first = synced.index(str(tmp_path / "checkpoints" / "last.ckpt.part"))
    needed = [".hydra/config.yaml.part", ".hydra/overrides.yaml.part", ".hydra/hydra.yaml.part", "wandb_run_id.part"]
    assert {str(tmp_path / name) for name in needed} <= {*synced[:first]}
    metrics = [number for number, path in enumerate(synced) if path == str(tmp_path / "metrics.csv")]
    assert metrics
    places = [number for number, path in enumerate(synced) if path == str(tmp_path / "checkpoints")]
    assert min(metrics) < min(places)
    assert str(tmp_path / "summary.json.part") in synced
