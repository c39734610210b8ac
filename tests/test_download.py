"""A download arrives whole and right, from whichever mirror can send it, or says what to do."""

import hashlib
import multiprocessing
import random
import socket
import subprocess
from pathlib import Path

import pytest
from mirrors import Mirror, serve

from framegan.files import download
from framegan.files.download import fetch

CONTENT = random.Random(0).randbytes(300_000)
CHECKSUM = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
NOWHERE = "http://127.0.0.1:9/"


def fetch_from(folder: Path, *mirrors: Mirror) -> Path:
    return fetch("file", folder, [f"{mirror.url}file" for mirror in mirrors], CHECKSUM)


@pytest.fixture
def mirror():
    with serve(Mirror({"file": CONTENT})) as mirror:
        yield mirror


def test_the_file_arrives_and_nothing_else(mirror, tmp_path):
    path = fetch_from(tmp_path / "new" / "folder", mirror)
    assert path.read_bytes() == CONTENT
    assert list(path.parent.iterdir()) == [path]


def test_a_right_file_is_not_asked_for_again(mirror, tmp_path):
    fetch_from(tmp_path, mirror)
    fetch_from(tmp_path, mirror)
    assert len(mirror.requests) == 1


def test_md5_is_a_checksum_too(mirror, tmp_path):
    checksum = f"md5:{hashlib.md5(CONTENT).hexdigest()}"
    assert fetch("file", tmp_path, [f"{mirror.url}file"], checksum).read_bytes() == CONTENT


def test_the_name_in_a_git_repository_is_a_checksum_too(mirror, tmp_path):
    (tmp_path / "content").write_bytes(CONTENT)
    blob = subprocess.check_output(["git", "hash-object", "--no-filters", tmp_path / "content"], text=True).strip()
    assert fetch("file", tmp_path, [f"{mirror.url}file"], f"git:{blob}").read_bytes() == CONTENT
    with pytest.raises(FileNotFoundError, match="the file there has another checksum"):
        fetch("other", tmp_path, [f"{mirror.url}file"], f"git:{hashlib.sha1(CONTENT).hexdigest()}")


def test_a_wrong_file_is_replaced(mirror, tmp_path):
    (tmp_path / "file").write_bytes(b"wrong")
    assert fetch_from(tmp_path, mirror).read_bytes() == CONTENT


@pytest.mark.parametrize("ranges", [True, False])
def test_a_broken_transfer_goes_on(ranges, tmp_path):
    with serve(Mirror({"file": CONTENT}, ranges=ranges, breaks_after=100_000, num_breaks=1)) as mirror:
        assert fetch_from(tmp_path, mirror).read_bytes() == CONTENT
    assert mirror.requests == [("file", None), ("file", "bytes=100000-")]


def test_the_next_call_goes_on_where_this_one_stopped(mirror, tmp_path):
    with serve(Mirror({"file": CONTENT}, breaks_after=50_000, num_breaks=9)) as broken, pytest.raises(OSError):
        fetch_from(tmp_path, broken)
    got = (tmp_path / "file.part").stat().st_size
    assert got == 50_000 * download.ATTEMPTS
    assert not (tmp_path / "file").exists()
    fetch_from(tmp_path, mirror)
    assert mirror.requests == [("file", f"bytes={got}-")]


def test_the_next_mirror_goes_on_where_the_last_one_stopped(mirror, tmp_path):
    with serve(Mirror({"file": CONTENT}, breaks_after=1000, num_breaks=99)) as broken:
        assert fetch_from(tmp_path, broken, mirror).read_bytes() == CONTENT
    assert mirror.requests == [("file", f"bytes={1000 * download.ATTEMPTS}-")]


@pytest.mark.parametrize("part", [CONTENT, b"wrong", CONTENT + b"more", b"x" * len(CONTENT)], ids=len)
def test_whatever_partial_file_is_there(part, mirror, tmp_path):
    (tmp_path / "file.part").write_bytes(part)
    assert fetch_from(tmp_path, mirror).read_bytes() == CONTENT
    assert not (tmp_path / "file.part").exists()


def test_a_mirror_with_another_file_is_passed_over(mirror, tmp_path):
    with serve(Mirror({"file": CONTENT[::-1]})) as wrong:
        assert fetch_from(tmp_path, wrong, mirror).read_bytes() == CONTENT
    assert len(wrong.requests) == 1


def test_a_silent_server_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", 0.1)
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/file"
    with listener, pytest.raises(FileNotFoundError, match=f"{url}: timed out"):
        fetch("file", tmp_path, [url], CHECKSUM)


def test_one_message_says_all_when_nothing_helps(tmp_path):
    with serve(Mirror({})) as empty, serve(Mirror({"file": b"wrong"})) as wrong:
        urls = [f"{NOWHERE}file", f"{empty.url}file", f"{wrong.url}file"]
        with pytest.raises(FileNotFoundError) as caught:
            fetch("file", tmp_path, urls, CHECKSUM)
    message = str(caught.value)
    assert f"{tmp_path / 'file'} is missing" in message
    assert f"{urls[0]}: Connection refused" in message
    assert f"{urls[1]}: HTTP Error 404: Not Found" in message
    assert f"{urls[2]}: the file there has another checksum" in message
    assert CHECKSUM in message
    assert f"put it into the folder {tmp_path}" in message
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written(mirror, tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(FileNotFoundError, match="taken can't be written: File exists"):
        fetch_from(tmp_path / "taken", mirror)


def test_one_line_is_printed_off_a_terminal(mirror, tmp_path, capfd):
    fetch_from(tmp_path, mirror)
    assert capfd.readouterr() == ("", f"downloading {tmp_path / 'file'}\n")


def test_a_lock_left_by_a_killed_process_holds_nobody_up(mirror, tmp_path):
    (tmp_path / ".file.lock").touch()
    assert fetch_from(tmp_path, mirror).read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_processes_that_start_together_download_once(mirror, tmp_path):
    context = multiprocessing.get_context("spawn")
    url = f"{mirror.url}file"
    processes = [context.Process(target=fetch, args=("file", tmp_path, [url], CHECKSUM)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 4
    assert len(mirror.requests) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
