"""The pages of runs: what they show, that they do it in a browser, and that a stranger's run can do no harm there."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from made_up_runs import KEY, picture, run_folder
from small_runs import wait_until

from framegan import by_class, video_files
from framegan.cli import about
from framegan.cli import compare as compare_command
from framegan.cli import report as report_command
from framegan.report import compare, curves, page, pictures
from framegan.runs import records, run_list
from framegan.runs.run_files import RunFiles

HOSTILE = '"><script>window.hacked = 1</script><img src=x onerror="window.hacked = 1">'


def test_a_class_that_one_score_lacks_leaves_its_place_empty():
    protocol = {"embedding": "e", "fingerprint": "0"}
    values = {name: by_class.OfClass(number, None, 60, 70) for number, name in enumerate(("cat", "dog"))}
    fd, kd = (
        records.Evaluated(key=f"{score}_e_0_1k", value=1, protocol=protocol, by_class=of)
        for score, of in (("fd", {"cat": values["cat"]}), ("kd", values))
    )
    (table,) = by_class.tables([fd, kd])
    assert table.columns == ["fd", "kd"]
    assert [one.value for one in table.rows["dog"]] == [None, 1]
    assert len(table.reasons) == 1


def test_a_curve_keeps_its_extremes():
    points = [(number, 0.0) for number in range(100_000)]
    points[777], points[77_777] = (777, 9.0), (77_777, -9.0)
    shown = curves.thinned(points)
    assert len(shown) <= curves.MOST_POINTS
    assert {(777, 9.0), (77_777, -9.0)} <= {*shown}
    assert shown == sorted(shown)
    assert curves.thinned(points[:10]) == points[:10]


def test_an_interval_stays_with_its_value_where_a_curve_is_thinned(tmp_path):
    run = run_folder(tmp_path / "run")
    (record,) = json.loads((run / "evaluations" / "3000.json").read_text())
    for seen in range(3001, 3001 + 2 * curves.MOST_POINTS):
        one = record | {"value": seen % 7, "interval": [seen % 7 - 1, seen % 7 + seen]}
        (run / "evaluations" / f"{seen}.json").write_text(json.dumps([one]))
    (series,) = curves.charts(RunFiles(run))[0]["series"]
    columns = [series[name] for name in ("x", "y", "low", "high")]
    assert len({*map(len, columns)}) == 1 and len(columns[0]) <= curves.MOST_POINTS
    rows = [row for row in zip(*columns, strict=True) if row[0] > 3000]
    assert all(row == (row[0], row[0] % 7, row[0] % 7 - 1, row[0] % 7 + row[0]) for row in rows)


def test_data_that_say_little_of_themselves_have_a_page(tmp_path):
    run = run_folder(tmp_path / "run")
    unknown = {"num_samples": 9, "split": "all", "classes": {"cats": None, "dogs": None}, "fingerprint": None}
    (run / "data.json").write_text(json.dumps(unknown | {"inventory": None}))
    assert "cats (-), dogs (-)" in page.write(run).read_text()


def test_every_key_has_a_chart_and_a_metric_its_interval(tmp_path):
    charts = curves.charts(RunFiles(run_folder(tmp_path / "run")))
    assert [chart["title"] for chart in charts] == [KEY, "Losses", "Learning rates"]
    assert charts[0]["series"] == [{"name": KEY, "x": [2000, 3000], "y": [3, 4], "low": [2, 3], "high": [4, 5]}]
    assert [one["name"] for one in charts[1]["series"]] == ["discriminator/loss", "generator/loss"]


def test_values_of_classes_have_a_table(tmp_path):
    file = run_folder(tmp_path / "run") / "evaluations" / "3000.json"
    (record,) = json.loads(file.read_text())
    told = {"interval": None, "num_real": 90, "num_fake": 80, "why_no_value": None}
    record["by_class"] = {"a <cat>": {**told, "value": 6.25}, "dog": {**told, "value": None, "why_no_value": "too few"}}
    record["protocol"] = {"embedding": "random_conv2d", "fingerprint": "aadcc222"}
    file.write_text(json.dumps([record]))
    found = page.html(RunFiles(tmp_path / "run"))
    assert "random_conv2d_aadcc222_16, latest" in found
    numbers = ['<td class="number">' + number for number in ("6.25", "80", "90")]
    assert "</td>".join(["<td>a &lt;cat&gt;", *numbers]) in found
    assert "- too few" in found


def test_a_page_of_many_pictures_is_small(tmp_path):
    run = run_folder(tmp_path / "run")
    for seen in range(10, 2000, 10):
        picture(run / "samples" / f"fake_{seen}.png", seen, side=256)
    assert page.write(run).stat().st_size < 8 << 20
    shown = [one["seen"] for one in pictures.through_training(RunFiles(run))]
    assert shown[0] == 10
    assert shown[-1] == 3000
    assert 2000 in shown, "the best"


@pytest.mark.parametrize("number", [4, 9, 40])
def test_pictures_are_left_out_until_the_page_is_small_whichever_is_the_best(number, tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "PICTURES", 1)
    run = run_folder(tmp_path / "run")
    for file in (run / "samples").glob("fake_*"):
        file.unlink()
    for place in range(number):
        picture(run / "samples" / f"fake_{2000 + 100 * place}.png", place, side=8)
    summary = json.loads((run / "summary.json").read_text())
    for best in range(number):
        summary["best"][KEY]["samples_seen"] = 2000 + 100 * best
        (run / "summary.json").write_text(json.dumps(summary))
        shown = [(one["seen"] - 2000) // 100 for one in pictures.through_training(RunFiles(run))]
        assert {0, best, number - 1} <= {*shown} and len(shown) <= 3


def test_data_of_many_files_and_evaluations_of_many_classes_are_read(tmp_path):
    run = run_folder(tmp_path / "run")
    files = {f"img/{number:06}.jpg": f"{number:016x} a class of its own" for number in range(140_000)}
    data = {"num_samples": 140_000, "split": "all", "classes": {"a": 140_000}, "inventory": {"files": files}}
    (run / "data.json").write_text(json.dumps(data, indent=2))
    (record,) = json.loads((run / "evaluations" / "3000.json").read_text())
    told = {"value": 1.0, "interval": None, "num_real": 90, "num_fake": 80, "why_no_value": None}
    record["by_class"] = {f"class {number:060}": told for number in range(60_000)}
    (run / "evaluations" / "3000.json").write_text(json.dumps([record]))
    files = RunFiles(run)
    assert min(path.stat().st_size for path in (run / "data.json", run / "evaluations" / "3000.json")) > 1 << 23
    assert len(files.data.inventory["files"]) == 140_000 and len(files.evaluations[3000][0].by_class) == 60_000


def test_the_page_of_a_run_that_has_failed_at_once(tmp_path):
    run = run_folder(tmp_path / "run", None, status="failed", reason="no room\nset smaller batches")
    for place in (run / "evaluations", run / "samples", run / "metrics.csv"):
        shutil.rmtree(place) if place.is_dir() else place.unlink()
    text = page.html(RunFiles(run))
    said = ("no room\nset smaller batches", "No samples were written.", "Nothing was logged.", "Nothing was measured.")
    assert all(one in text for one in said)
    assert 'id="samples"' not in text


def test_rollbacks_stand_beside_the_warnings(tmp_path):
    notice = {"samples_seen": 2600, "text": "training seems to have collapsed"}
    run = run_folder(tmp_path / "run", status="collapsed", notices=[notice])
    past = {"samples_seen": 900, "to": 300, "setting": "on_nan", "reason": "not finite", "learning_rate_factor": 0.5}
    (run / "rollbacks.json").write_text(json.dumps([past]))
    told = [(one.samples_seen, one.text) for one in RunFiles(run).notices]
    assert told == [
        (900, "rolled back to 300 samples, learning rates x0.5: not finite"),
        (2600, "training seems to have collapsed"),
    ]
    text = page.html(RunFiles(run))
    assert ">collapsed</span>" in text
    assert text.index("rolled back to 300") < text.index("2,600 samples: training seems")


def test_what_was_run_names_the_commit_and_changes_to_it(tmp_path, monkeypatch):
    def git(*words):
        author = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *author, *words], cwd=tmp_path, check=True, capture_output=True)

    assert about.code_of(tmp_path) is None
    git("init")
    assert about.code_of(tmp_path) is None, "there is no commit yet"
    (tmp_path / "a.py").write_text("1")
    git("add", ".")
    git("commit", "-m", "a")
    clean = about.code_of(tmp_path)
    assert re.fullmatch("[0-9a-f]{40}", clean.commit)
    assert not clean.dirty
    (tmp_path / "a.py").write_text("2")
    assert about.code_of(tmp_path) == clean.model_copy(update={"dirty": True})
    run = run_folder(tmp_path / "run")
    kept = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**kept, "code": {"commit": clean.commit, "dirty": True}}))
    assert f"{clean.commit}, with uncommitted changes" in page.html(RunFiles(run))
    monkeypatch.setenv("PATH", "")
    assert about.code_of(tmp_path) is None


def test_how_much_a_setting_explains(tmp_path):
    for number in range(8):
        settings = {"width": number % 2, "seed": number, "depth": number // 4}
        run_folder(tmp_path / str(number), best=float(number % 2) + 1, settings=settings)
    runs = run_list.runs_below(tmp_path)
    assert compare.importance(runs, ["width", "seed", "depth"]) == [("width", 1.0), ("depth", 0.0)]
    assert compare.importance(runs[:7], ["width"]) == []


def test_models_and_data_are_among_what_varied(tmp_path):
    """The table has columns of them anyway."""
    for number in range(8):
        choices = {"model": ["mlp", "dcgan"][number % 2], "data": "digits"}
        run_folder(tmp_path / str(number), best=float(number % 2), choices=choices, settings={"depth": number // 4})
    runs = run_list.runs_below(tmp_path)
    assert run_list.varied(runs) == ["model", "depth"]
    parallel = compare._parallel([(run.folder.name, run) for run in runs])
    assert [axis["name"] for axis in parallel["axes"]] == ["model", "depth", KEY]
    assert compare.importance(runs, run_list.varied(runs))[0] == ("model", 1.0)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """Two runs with names and values that would be a script if they were believed; their page, and that of both."""
    folder = tmp_path_factory.mktemp("runs")
    for number, value in enumerate([2.0, 3.0]):
        name = f"run {number} <b>"
        run = run_folder(
            folder / name,
            value,
            choices={"model": HOSTILE, "data": HOSTILE},
            settings={HOSTILE: HOSTILE + str(number)},
            notices=[{"samples_seen": 1500, "text": HOSTILE}],
            status="failed",
            reason=HOSTILE,
        )
        table = run / "metrics.csv"
        table.write_text(table.read_text().replace("generator/lr", '"' + HOSTILE.replace('"', '""') + '"'))
        records = run / "evaluations" / "3000.json"
        records.write_text(json.dumps([*json.loads(records.read_text()), {"key": HOSTILE, "value": 1.0}]))
        data = {"classes": {HOSTILE: 3, "b": 4}, "fingerprint": HOSTILE}
        (run / "data.json").write_text(json.dumps(data))
        video_files.write(run / "samples" / "fake_3000.mp4", np.zeros((16, 32, 32, 3), "uint8"), 8)
        page.write(run)
    return [*(path / "report.html" for path in sorted(folder.iterdir())), write_comparison(folder)]


def write_comparison(folder: Path) -> Path:
    return compare.write(run_list.runs_below(folder), folder / "compare.html")


def test_what_comes_from_a_run_is_text(hostile):
    for path in hostile:
        text = path.read_text()
        assert "<script>window.hacked" not in text
        assert "<img src=x" not in text
        scripts = re.findall(r"<script([^>]*)>", text.replace(page.plotly(), ""))
        nonce = re.search(r"script-src 'nonce-(\w+)'", text)[1]
        assert scripts == [' type="application/json" id="data"', f' nonce="{nonce}"', f' nonce="{nonce}"']


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "takes run folders"),
        (["a"], "one run lies below a; a comparison takes at least two"),
        (["a", "a"], "one run lies below a, a"),
        (["a", "nowhere"], "nowhere is not a folder"),
        (["a", "a/summary.json"], "a/summary.json is not a folder"),
        (["a/samples"], "no run lies below a/samples"),
        (["a", "linked"], "linked/metrics.csv is a link"),
    ],
)
def test_what_can_not_be_compared(tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "linked"):
        run_folder(tmp_path / name)
    (tmp_path / "linked" / "metrics.csv").unlink()
    (tmp_path / "linked" / "metrics.csv").symlink_to("/etc/hostname")
    with pytest.raises(ValueError, match=message):
        compare_command.main(words)


def test_a_page_that_can_not_be_written_says_what_to_do(tmp_path, monkeypatch):
    def read_only(*_, **__):
        raise PermissionError(13, "Permission denied", "report.html.part")

    runs = [str(run_folder(tmp_path / name)) for name in ("a", "b")]
    for run in runs:
        (Path(run) / ".hydra").mkdir()
        (Path(run) / ".hydra" / "config.yaml").touch()
    monkeypatch.setattr("framegan.files.atomic.new_file", read_only)
    with pytest.raises(
        ValueError, match="a/report.html can't be written: .* denied.*; allow .* or make the page of a copy"
    ):
        report_command.main(runs)
    with pytest.raises(ValueError, match="/compare.html can't be written: .* denied.*; give several folders, from one"):
        compare_command.main(runs)


def test_the_pages_of_runs_below_a_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("runs/demo", "runs/sweeps/mine/seed=0", "runs/sweeps/mine/seed=1"):
        run_folder(Path(name))
    (tmp_path / "runs" / "demo" / ".hydra").mkdir()
    (tmp_path / "runs" / "demo" / ".hydra" / "config.yaml").touch()
    report_command.main(["runs/demo", "runs/sweeps"])
    assert capsys.readouterr().out.count("wrote ") == 3
    assert len(list(tmp_path.glob("runs/**/report.html"))) == 3
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="empty is not a run folder"):
        report_command.main(["empty"])
    with pytest.raises(ValueError, match="runs/typo does not exist; give a run folder, or a checkpoint in one"):
        report_command.main(["runs/typo"])
    (tmp_path / "runs" / "demo" / "checkpoints").mkdir(exist_ok=True)
    (tmp_path / "runs" / "demo" / "checkpoints" / "last.ckpt").touch()
    report_command.main(["runs/demo/checkpoints/last.ckpt"])
    assert capsys.readouterr().out == f"wrote    {tmp_path / 'runs' / 'demo' / 'report.html'}\n"


def test_runs_of_any_kind_are_compared(tmp_path, monkeypatch):
    """Two with nothing in common, one that is damaged, one whose name is no text, and sixty."""
    monkeypatch.chdir(tmp_path)
    for number in range(60):
        run_folder(tmp_path / "many" / str(number), settings={"seed": number})
    first = run_folder(tmp_path / "few" / os.fsdecode(b"\xff"), settings={"a": "\ud800"})
    second = run_folder(tmp_path / "few" / "second", None, choices={}, settings={"b": 2})
    for file in [second / "metrics.csv", *(second / "evaluations").iterdir(), *(second / "samples").iterdir()]:
        file.unlink()
    (run_folder(tmp_path / "few" / "third") / "summary.json").write_text("{")
    compare_command.main(["few"])
    compare_command.main(["many"])
    assert "third</b>: summary.json is damaged" in (tmp_path / "few" / "compare.html").read_text()
    assert first.exists()
    assert (tmp_path / "many" / "compare.html").stat().st_size < 8 << 20


def is_from_elsewhere(address):
    return not address.startswith(("file:", "data:"))


@pytest.fixture
def opened(new_page):
    """Open a file; the test fails where its page says something, asks for something or has run what it must not."""
    faults, pages = [], []

    def open_file(path, **options):
        shown = new_page(**options)
        shown.on("console", lambda message: faults.append(message.text))
        shown.on("pageerror", lambda error: faults.append(str(error)))
        shown.on("request", lambda request: faults.append(request.url) if is_from_elsewhere(request.url) else None)
        shown.goto(path.as_uri())
        pages.append(shown)
        return shown

    yield open_file
    for shown in pages:
        assert shown.evaluate("window.hacked") is None
        assert shown.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "nothing sticks out"
        shown.close()
    assert faults == []


@pytest.mark.parametrize("options", [{}, {"viewport": {"width": 390, "height": 800}, "color_scheme": "dark"}])
def test_the_page_of_a_run_in_a_browser(opened, hostile, options):
    shown = opened(hostile[0], **options)
    assert shown.locator(".js-plotly-plot .scatterlayer .js-line").count() >= 4
    before = shown.locator("#samples").get_attribute("src")
    shown.locator("#when").focus()
    shown.keyboard.press("ArrowLeft")
    assert shown.locator("#samples").get_attribute("src") != before
    assert shown.locator("#when-said").text_content() == "2,000 samples seen"
    wait_until(lambda: shown.evaluate("document.querySelector('video').currentTime") > 0)  # its rules forbid to watch
    drawn = shown.locator("#charts .js-line").first.get_attribute("d")
    shown.locator("#log").check()
    assert shown.locator("#charts .js-line").first.get_attribute("d") != drawn
    theme = shown.evaluate("document.documentElement.dataset.theme")
    assert theme == ("dark" if options else "light")
    shown.locator("#theme").click()
    assert shown.evaluate("document.documentElement.dataset.theme") != theme


def test_the_page_of_several_runs_in_a_browser(opened, hostile):
    shown = opened(hostile[-1])
    assert shown.locator("#parallel .js-line").count() == 2
    assert shown.locator("#charts .js-line").count() >= 4
    assert shown.locator("img.samples").count() == 2
