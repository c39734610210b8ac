"""A lock lets one process at a time in, and holds nobody up that it need not."""

import errno
import subprocess
import sys

import filelock
import pytest

from framegan.files.lock import alone

HOLDING = "import filelock, sys; lock = filelock.FileLock(sys.argv[1]); lock.acquire(); print(flush=True); input()"


def test_another_process_is_refused_until_the_holder_is_killed(tmp_path, capsys):
    command = [sys.executable, "-c", HOLDING, tmp_path / ".lock"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        with pytest.raises(ValueError, match="^it is held$"), alone(tmp_path / ".lock", "it is held", 0.1, "waiting"):
            raise AssertionError
        assert capsys.readouterr().out == "waiting\n"
        other.kill()
    with alone(tmp_path / ".lock", "it is held"):
        pass


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_lets_everybody_in(number, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(number, "no locks")

    monkeypatch.setattr(filelock._unix.fcntl, "flock", refuse)
    with alone(tmp_path / ".lock", "it is held"), alone(tmp_path / ".lock", "it is held"):
        pass


def test_a_lock_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"), alone(tmp_path / "file" / ".lock"):
        raise AssertionError
