"""report.html of a run: what was run, how it went and what it makes, in one file that opens anywhere."""

import secrets
import time
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from framegan import by_class
from framegan.files import atomic, strict_json
from framegan.report import curves, pictures
from framegan.runs.run_files import RunFiles, duration

TEMPLATES = files("framegan.report") / "templates"


def write(folder: Path) -> Path:
    """Write report.html into a run folder, whole or not at all, and return where it is.

    Raises:
        ValueError: a file of the run is damaged; the message names it.
    """
    path = folder / "report.html"
    with atomic.new_file(path, synced=False, shared=True) as part:
        part.write_text(html(RunFiles(folder)), encoding="utf-8", errors="backslashreplace")
    return path


def html(run: RunFiles) -> str:
    """Return the page of a run."""
    samples = run.folder / "samples"
    through = pictures.through_training(run)
    seen = [one["seen"] for one in through]
    latest = seen[-1] if seen else None
    best = pictures.nearest(seen, run.best.samples_seen) if run.best else None
    of_best = "Best" if run.best and best == run.best.samples_seen else "Nearest to the best"
    shown = {"Real": "real", of_best: f"fake_{best}", "Latest": f"fake_{latest}"}
    shown |= {"Real, and rebuilt": f"reconstruction_{latest}", "Between real": f"interpolation_{latest}"}
    shown |= {"True, and predicted": f"prediction_{latest}", "Small, bicubic, enlarged, true": f"enlarged_{latest}"}
    beside = [
        {
            "title": title,
            "picture": pictures.picture(samples / f"{stem}.png"),
            "clip": pictures.clip(samples / f"{stem}.mp4"),
            "name": stem,
        }
        for title, stem in shown.items()
        if (samples / f"{stem}.png").is_file()
    ]
    data = {
        "charts": curves.charts(run),
        "notices": [notice.model_dump() for notice in run.notices],
        "samples": through,
        "columns": run.tiles.columns,
        "captions": [tile.caption for tile in run.tiles.tiles],
    }
    of_classes = by_class.tables(list(run.evaluations.values())[-1] if run.evaluations else [])
    return rendered("run.html", data, run=run, of_classes=of_classes, beside=beside, title=run.folder.resolve().name)


def rendered(template: str, data: Mapping[str, Any], **values: Any) -> str:
    """Return a page: a template with its values, and the data that its script draws.

    Whatever comes from a run is text: values are escaped, the data can't end their element, and no script runs but
    the page's own two, by the Content-Security-Policy.
    """
    nonce = secrets.token_hex(16)
    values |= {"nonce": nonce, "style": _source("page.css"), "written": f"as of {time.strftime('%Y-%m-%d %H:%M')}"}
    page = _environment().get_template(template).render(**values, data=data)
    scripts = f'<script nonce="{nonce}">', "</script>"
    return "".join(
        [
            page,
            f'<script type="application/json" id="data">{as_json(data)}</script>\n',
            *(part for text in (plotly(), _source("page.js")) for part in (scripts[0], text, scripts[1], "\n")),
        ]
    )


@cache
def _environment() -> Any:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    loader = FunctionLoader(_source)
    found = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    found.filters.update(short=short, duration=duration)
    return found


@cache
def _source(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def as_json(data: Mapping[str, Any]) -> str:
    """Return data as JSON that can't end the script element in which it lies."""
    text = strict_json.dumps(data)
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


def short(value: float | None) -> str:
    """Return a number as people read it."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.4g}"


@cache
def plotly() -> str:
    """Return the script of Plotly, which lies in its package; importing that would take a second."""
    spec = find_spec("plotly")
    assert spec and spec.submodule_search_locations
    return (Path(spec.submodule_search_locations[0]) / "package_data" / "plotly.min.js").read_text(encoding="utf-8")
