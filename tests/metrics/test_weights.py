"""Weights are found where they were put, downloaded where they were not, and errors say what to do."""

import hashlib
import os
from pathlib import Path

import pytest
import torch
from mirrors import Mirror, serve
from torch import nn

from framegan.metrics import i3d, inception
from framegan.metrics.weights import Published, existing, fingerprint_of_file, load, load_torchscript

CONTENT = b"weights"
CHECKSUM = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
NOWHERE = "http://127.0.0.1:9/weights.pt"
ALL = [inception.WEIGHTS, i3d.TORCHSCRIPT, i3d.PLAIN]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("FRAMEGAN_WEIGHTS", str(tmp_path / "weights"))
    return tmp_path / "weights"


def test_a_published_file_is_downloaded_into_the_folder_once(folder):
    with serve(Mirror({"weights.pt": CONTENT})) as mirror:
        published = Published("weights.pt", [f"{mirror.url}weights.pt"], CHECKSUM)
        assert published.find() == published.find() == folder / "weights.pt"
    assert len(mirror.requests) == 1
    assert published.find().read_bytes() == CONTENT


def test_a_file_put_there_by_hand_is_taken(folder):
    folder.mkdir()
    (folder / "weights.pt").write_bytes(CONTENT)
    assert Published("weights.pt", [NOWHERE], CHECKSUM).find() == folder / "weights.pt"


def test_another_file_put_there_is_not(folder):
    folder.mkdir()
    (folder / "weights.pt").write_bytes(b"something else")
    with pytest.raises(FileNotFoundError, match=r"weights\.pt is not the published file and can't be downloaded"):
        Published("weights.pt", [NOWHERE], CHECKSUM).find()


def test_a_file_of_ones_own_is_taken_as_it_is(tmp_path):
    (tmp_path / "own.pt").write_bytes(b"something else")
    assert Published("weights.pt", [NOWHERE], CHECKSUM).find(str(tmp_path / "own.pt")) == tmp_path / "own.pt"


def test_a_missing_file_of_ones_own(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        Published("weights.pt", [NOWHERE], CHECKSUM).find(str(tmp_path / "own.pt"))
    assert str(caught.value) == (
        f"{tmp_path / 'own.pt'} is not a file; give the path of one, "
        "or leave the weights out (null) to take the published weights.pt"
    )


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="is not a file"):
        existing(str(tmp_path), "")


def test_without_the_variable_they_lie_in_the_cache(monkeypatch, tmp_path):
    monkeypatch.delenv("FRAMEGAN_WEIGHTS")
    monkeypatch.setenv("HOME", str(tmp_path))
    path = Published("weights.pt", [NOWHERE], CHECKSUM).path
    assert path == Path(os.environ["HOME"]) / ".cache" / "framegan" / "weights" / "weights.pt"


@pytest.mark.parametrize(
    ("build", "published"),
    [
        (inception.Inception, inception.WEIGHTS),
        (lambda: inception.Inception("clean"), inception.WEIGHTS),
        (i3d.I3D, i3d.TORCHSCRIPT),
        (lambda: i3d.I3D("plain"), i3d.PLAIN),
    ],
)
def test_offline_the_message_says_what_to_get_and_where_to_put_it(build, published, folder, monkeypatch):
    def unreachable(request, timeout):
        raise OSError("no route to host")

    monkeypatch.setattr("framegan.files.download.urlopen", unreachable)
    with pytest.raises(FileNotFoundError) as caught:
        build()
    message = str(caught.value)
    assert message.startswith(f"{folder / published.name} is missing and can't be downloaded:")
    for url in published.urls:
        assert f"{url}: no route to host" in message
    assert f"Get {published.name} ({published.checksum}) from {published.urls[0]}" in message
    assert message.endswith(f"put it into the folder {folder}")


def test_fingerprint(tmp_path):
    (tmp_path / "file").write_bytes(CONTENT)
    assert fingerprint_of_file(tmp_path / "file") == hashlib.sha256(CONTENT).hexdigest()[:8]


def test_a_state_dict_comes_back(tmp_path):
    saved = nn.Linear(2, 3)
    torch.save(saved.half().state_dict(), tmp_path / "linear.pt")
    before = torch.get_rng_state()
    loaded = load(lambda: nn.Linear(2, 3), tmp_path / "linear.pt")
    assert torch.equal(loaded.weight, saved.weight.float())
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    "content",
    [b"", b"text", nn.Linear(3, 3).state_dict(), {"weight": 1}, 5, nn.Linear(2, 3)],
    ids=["nothing", "text", "other_shapes", "a_number_in_it", "a_number", "a_module"],
)
def test_another_content_is_refused(content, tmp_path):
    path = tmp_path / "linear.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(ValueError, match=r"linear\.pt is not a state dict of Linear, as "):
        load(lambda: nn.Linear(2, 3), path)
    with pytest.raises(ValueError, match=r"linear\.pt is not a TorchScript file, as "):
        load_torchscript(path)
