"""The table of runs below a folder: nothing is hidden, nothing crashes it."""

import csv
import io
import json
import os
import time

import pytest
from filelock import FileLock
from made_up_runs import KEY, run_folder

from framegan.cli import runs
from framegan.runs import run_list
from framegan.runs.run_files import RunFiles


@pytest.fixture
def four(tmp_path, monkeypatch):
    """Three runs of which the second is the best, and one that has measured nothing."""
    monkeypatch.chdir(tmp_path)
    for number, best in enumerate([3.0, 1.0, 2.0, None]):
        settings = {"model.generator_optimizer.lr": 10.0**-number, "data.batch_size": 64}
        run_folder(tmp_path / "runs" / f"run_{number}", best, settings=settings)
    return tmp_path / "runs"


def printed(capsys, *words):
    runs.main(words)
    return capsys.readouterr().out


def test_a_run_may_be_called_as_a_folder_of_a_run(tmp_path):
    for name in ("wandb", "runs/samples"):
        run_folder(tmp_path / name)
    run_folder(tmp_path / "runs" / "samples" / "checkpoints")  # which lies in a run
    assert {run.folder.name for run in run_list.runs_below(tmp_path)} == {"wandb", "samples"}


def test_the_best_run_of_a_sweep_can_be_given_to_another_command(four, capsys, monkeypatch):
    (four / "run_1").rename(four / "lr=0.1")
    assert printed(capsys, "--best").strip() == "runs/lr=0.1"
    monkeypatch.chdir("runs")
    assert printed(capsys, "--best").strip() == "./lr=0.1"


def test_the_best_is_first_and_the_settings_that_differ_are_shown(four, capsys):
    header, *rows = csv.reader(io.StringIO(printed(capsys, "--csv")))
    assert [row[0] for row in rows] == ["runs/run_1", "runs/run_2", "runs/run_0", "runs/run_3"]
    assert "model.generator_optimizer.lr" in header
    assert "data.batch_size" not in header
    assert printed(capsys, "--best").strip() == "runs/run_1"


def test_larger_is_better_where_the_metric_says_so(four):
    for folder in four.iterdir():
        file = folder / "summary.json"
        file.write_text(file.read_text().replace("lower", "higher"))
    assert [run.folder.name for run in run_list.by_objective(run_list.runs_below(four))][:3] == [
        "run_0",
        "run_2",
        "run_1",
    ]


def test_runs_are_not_ranked_by_opposite_directions(tmp_path):
    for value, better in ((0.5, "lower"), (0.1, "higher"), (0.4, "lower")):
        best = {"loss": {"value": value, "samples_seen": 2000, "better": better}}
        run_folder(tmp_path / str(value), best=None)
        file = tmp_path / str(value) / "summary.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | {"best": best, "objective": "loss"}))
    assert [run.folder.name for run in run_list.by_objective(run_list.runs_below(tmp_path))] == ["0.4", "0.5", "0.1"]


def test_a_part_of_the_runs(four, capsys):
    assert printed(capsys, "--where", "model.generator_optimizer.lr=0.1", "--columns", "run,best").split() == [
        "run",
        "best",
        "─" * 17,
        "runs/run_1",
        "1",
    ]
    known = json.loads(printed(capsys, "--json"))
    assert known[0]["best"] == {"value": 1.0, "samples_seen": 2000, "better": "lower"}
    assert known[0]["settings"]["data.batch_size"] == 64


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "nowhere is not a folder"),
        (["--where", "model"], "it should be KEY=VALUE"),
        (["--where", "model=mlp"], "none of the 4 runs has model=mlp; there is: dcgan"),
        (["--where", "modle=mlp"], "none of the 4 runs has modle=mlp; did you mean model"),
        (["--where", "status=stopped"], "none of the 4 runs has status=stopped; there is: finished"),
        (["--where", "model.generator_optimizer.lr=1.0", "--where", "model.generator_optimizer.lr=0.1"], "has all of"),
        (["--columns", ""], "--columns got ''; there are: run, status"),
        (["--wher", "model=mlp"], "did you mean --where"),
        (["--columns", "modle"], "did you mean model"),
        (["runs/run_0/samples"], "no run lies below"),
        (["runs/run_3", "--best"], "none of these runs has measured anything"),
    ],
)
def test_slips(four, words, message):
    with pytest.raises(ValueError, match=message):
        runs.main(words)


def test_what_became_of_a_run(tmp_path):
    states = {
        "finished": "finished",
        "running": "running",
        "failed": "failed",
        "stopped by SIGINT": "stopped by SIGINT",
    }
    for status in states:
        run_folder(tmp_path / status, status=status, reason="a reason" if status == "failed" else None)
    silent = run_folder(tmp_path / "silent", status="running")
    long_ago = time.time() - 1000
    for file in silent.iterdir():
        os.utime(file, (long_ago, long_ago))
    with FileLock(silent / ".lock"):
        assert RunFiles(silent).status == "running", "it may be measuring for long"
    found = {run.folder.name: (run.status, run.reason) for run in run_list.runs_below(tmp_path)}
    assert found.pop("failed") == ("failed", "a reason")
    assert found == {name: (name, None) for name in states if name != "failed"} | {"silent": ("killed", None)}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("summary.json", '{"status": "fin'),
        ("summary.json", '{"samples_seen": {}}'),
        ("summary.json", '{"best": {"a": {"value": NaN}}}'),
        ("summary.json", "[]"),
        ("summary.json", "[" * 100_000),
        ("run.json", '{"choices": [1]}'),
        ("run.json", b"\xff\xfe"),
    ],
)
def test_a_damaged_run_is_listed_with_the_reason(tmp_path, name, content):
    whole, damaged = (run_folder(tmp_path / name) for name in ("whole", "damaged"))
    (damaged / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    found = {run.folder: run for run in run_list.runs_below(tmp_path)}
    assert found[whole].status == "finished"
    assert found[damaged].status == "damaged"
    assert name in found[damaged].reason


def test_what_is_no_file_or_folder_to_be_read_is_listed(tmp_path, monkeypatch):
    whole, pipe = (run_folder(tmp_path / "runs" / name) for name in ("whole", "pipe"))
    closed = tmp_path / "runs" / "closed"
    (pipe / "summary.json").unlink()
    os.mkfifo(pipe / "summary.json")
    (whole / "again").symlink_to(tmp_path)
    closed.mkdir()
    honest = os.scandir

    def scandir(place):
        if os.fspath(place) == str(closed):
            raise PermissionError(13, "Permission denied", str(closed))
        return honest(place)

    monkeypatch.setattr(os, "scandir", scandir)
    found = {run.folder: (run.status, run.reason) for run in run_list.runs_below(tmp_path)}
    assert found == {
        whole: ("finished", None),
        pipe: ("damaged", "summary.json is not a file"),
        closed: ("damaged", "can't be read: Permission denied"),
    }


def test_the_table_is_readable_whatever_a_run_is_called(tmp_path, monkeypatch, capsys):
    """Names of strangers reach no terminal as they are, and one long value makes no table that nobody can read."""
    monkeypatch.chdir(tmp_path)
    control = "\x1b[2J"
    name = f"{control}[red]"
    settings = {control: "a" * 10_000, "k" * 3000: 1, "lone": "\ud800"}
    run_folder(tmp_path / "runs" / name, choices={"model": control}, settings=settings, status=control)
    run_folder(tmp_path / "runs" / "b", settings={control: "b", "k" * 3000: 2}, status="failed", reason=control * 1000)
    run_folder(tmp_path / "runs" / os.fsdecode(b"\xff"), status="stopped by SIGINT")
    for words in ([], ["--where", "status=stopped"], ["--columns", f"run,best,{control},best"]):
        said = printed(capsys, *words)
        assert "\x1b" not in said
        assert max(map(len, said.splitlines())) < 500
    assert "[red]" in printed(capsys)
    assert json.loads(printed(capsys, "--json"))[0]["folder"]


def test_a_run_of_an_earlier_version_and_one_of_another_program(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = run_folder(tmp_path / "early")
    (run / "run.json").unlink()
    summary, records = run / "summary.json", run / "evaluations" / "2000.json"
    summary.write_text(summary.read_text().replace(', "better": "lower"', ""))  # which the records say
    records.write_text(records.read_text().replace("lower", "higher"))
    (run / ".hydra").mkdir()
    (run / ".hydra" / "overrides.yaml").write_text("- model=mlp\n- data=digits\n- model.generator.width=8\n")
    (tmp_path / "other" / ".hydra").mkdir(parents=True)
    (tmp_path / "other" / ".hydra" / "config.yaml").write_text("db: mysql\n")
    said = printed(capsys, ".")
    assert "mlp" in said
    assert "not shown: the .hydra/ of other programs in other" in said
    (found,) = (run for run in run_list.runs_below(tmp_path) if run.status != "foreign")
    assert run_list.value_of(found, "model.generator.width") == "8"
    assert (found.objective, found.best.better) == (KEY, "higher")


def test_a_thousand_folders_of_any_kind(tmp_path, monkeypatch, capsys):
    """How long that takes is in benchmarks/runs.py."""
    monkeypatch.chdir(tmp_path)
    first = run_folder(tmp_path / "first")
    files = {name: (first / name).read_text() for name in ("run.json", "summary.json", "metrics.csv")}
    for number in range(999):
        folder = tmp_path / f"sweep_{number // 100}" / f"job [bold]{number}\x1b[31m"
        folder.mkdir(parents=True)
        for name, text in files.items():
            (folder / name).write_text(text[: number % len(text)] if number % 10 == 3 else text)
    said = printed(capsys)
    assert len([line for line in said.splitlines() if "job [bold]" in line and "damaged: " not in line]) == 999
    assert "\x1b[31m" not in said
