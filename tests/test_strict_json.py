"""Whatever JSON is written can be read by any program: without NaN, and with names of files that aren't UTF-8."""

import ast
import json
import math
import os
from pathlib import Path
from typing import Any

import pytest
from commands import PROJECT
from odd_videos import encode, picture

from framegan.data.frame_cache import layout
from framegan.data.frame_cache.build import plan, prepare
from framegan.data.videos import video_index
from framegan.data.videos.video_folder import VideoFolder
from framegan.files import strict_json
from framegan.metrics.record import Record, write
from framegan.runs import rollback

NAME = os.fsdecode(b"caf\xe9 \xf0\x9f\x98\x80\n\x7f.mp4")
SOURCES = PROJECT / "src" / "framegan"

EXCEPTIONS = {
    "files/strict_json.py": "it is the writer",
    "data/frame_cache/layout.py": "a digest, and a copy of what JSON gives back",
    "data/fingerprint.py": "a digest",
    "data/earlier_runs.py": "a digest",
    "cli/resume.py": "to the screen",
    "cli/validation.py": "to pydantic, never to a file",
}
"""Where JSON is made by other means, and why no other program meets it."""


def strictly(path: Path) -> Any:
    """Read JSON as programs do that refuse NaN."""

    def refuse(text: str) -> None:
        raise AssertionError(f"{path} has {text}")

    text = path.read_bytes()
    assert text.isascii()
    return json.loads(text, parse_constant=refuse)


def test_nothing_else_writes_json():
    found = set()
    for path in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Attribute(ast.Name("json" | "pydantic_core"), "dump" | "dumps" | "to_json"):
                    found.add(path.relative_to(SOURCES).as_posix())
    assert found == EXCEPTIONS.keys()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_none_become_null(value, tmp_path):
    strict_json.write(tmp_path / "a.json", {"a": [value, (1.5, value)], NAME: {"b": value}})
    assert strictly(tmp_path / "a.json") == {"a": [None, [1.5, None]], NAME: {"b": None}}


@pytest.mark.parametrize("text", [b"NaN", b'{"a": -Infinity}', b"[" * 100_000, b"{", b"\xff"])
def test_what_is_no_json_is_one_error(text):
    with pytest.raises(ValueError):
        strict_json.loads(text)


def test_an_evaluation(tmp_path):
    protocol = {"fake": NAME, "scale": math.inf}
    record = Record("fid", math.nan, (math.nan, 1.0), "lower", 3, 4, protocol, {"root": NAME}, {})
    write(tmp_path / "evaluation.json", [record])
    [read] = strictly(tmp_path / "evaluation.json")
    assert (read["value"], read["interval"], read["protocol"]["fake"]) == (None, [None, 1.0], NAME)


def test_rollbacks(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    trouble = rollback.Trouble(what=f"{NAME} is nan", setting="on_nan", began=0, noticed=64, advice="")
    assert rollback.ending_of(tmp_path, trouble, "rollback", 3).starts_over
    assert strictly(tmp_path / "rollbacks.json")[0]["reason"] == f"{NAME} is nan"
    assert rollback.past_rollbacks(tmp_path)[0]["samples_seen"] == 64


@pytest.fixture(scope="module")
def videos(tmp_path_factory) -> VideoFolder:
    root = tmp_path_factory.mktemp("data") / os.fsdecode(b"f\xfcr dich")
    (root / os.fsdecode(b"kla\xdf")).mkdir(parents=True)
    plain = encode(root / "plain.mp4", "mpeg4", pictures=map(picture, range(3)))
    plain.rename(root / os.fsdecode(b"kla\xdf") / NAME)
    return VideoFolder(str(root), 16)


def test_the_index_of_videos_the_shards_and_the_manifest_of_their_frames(videos, tmp_path, capsys):
    lines = (video_index.beside(videos.root) / video_index.NAME).read_bytes().splitlines()
    assert [json.loads(line)["file"] for line in lines[1:]] == videos.names
    for _ in range(2):
        prepare(plan(videos, tmp_path / "frames"), num_workers=0)
        assert layout.find(videos, tmp_path / "frames") is not None
    for path in (tmp_path / "frames").glob("*.json"):
        strictly(path)
    shard = strictly(layout.description_of(tmp_path / "frames", 0))
    assert shard["videos"][0]["name"] == videos.name(0)
