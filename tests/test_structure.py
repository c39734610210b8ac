"""The line through the project is straight: who may import what."""

import ast
import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from commands import PROJECT

PACKAGE = PROJECT / "src" / "framegan"
FILES = sorted(PACKAGE.rglob("*.py"))
ROOMS = {
    "by_class": "",
    "configurable": "",
    "devices": "",
    "containers": "",
    "losses": "",
    "network_state": "",
    "noise": "",
    "schedules": "",
    "regularizers": "schedules",
    "measured": "losses",
    "phases": "",
    "rules": "",
    "program": "",
    "working_folder": "program",
    "quoting": "program",
    "own_code": "program quoting working_folder",
    "spread": "noise",
    "files": "",
    "notes": "",
    "media": "files notes",
    "apng": "",
    "video_formats": "",
    "video_files": "apng files media notes video_formats",
    "outputs": "files media video_files video_formats",
    "resampling": "media",
    "reconstruction": "noise",
    "networks": "media noise reconstruction resampling",
    "processes": "program",
    "runs": "by_class containers files own_code quoting working_folder",
    "report": "by_class files runs",
    "inputs": "noise quoting runs",
    "sampling": "inputs",
    "interpolation": "inputs sampling",
    "showing": "inputs interpolation resampling sampling",
    "contracts": "inputs networks own_code rules sampling",
    "export": "files inputs media noise quoting runs sampling",
    "play": "files inputs interpolation media networks noise sampling video_files video_formats",
    "data": "configurable devices files media noise own_code processes quoting rules spread",
    "metrics": "by_class files media noise processes quoting",
    "style": "metrics noise",
    "edits": "data devices files media noise processes style video_files video_formats",
    "evaluation": "data files inputs media metrics noise quoting sampling showing spread",
    "run_state": "metrics",
    "strategy": "network_state",
    "replays": "",
    "generator_regularizers": "noise regularizers schedules strategy",
    "augmentations": "noise strategy",
    "loggers": "containers files runs",
    "trainer": "devices loggers processes run_state strategy",
    "model": "contracts devices measured network_state phases replays runs sampling schedules trainer",
    "gan": "augmentations contracts generator_regularizers losses measured model network_state noise reconstruction "
    "regularizers sampling schedules strategy",
    "vae_gan": "gan noise rules sampling",
    "maximum_likelihood": "contracts measured model network_state noise schedules",
    "super_resolution": "contracts maximum_likelihood reconstruction rules",
    "terminal_pictures": "media processes",
    "collapse": "",
    "callbacks": "collapse data devices evaluation files gan inputs interpolation media metrics model noise "
    "processes quoting report run_state runs sampling showing spread strategy terminal_pictures trainer video_files "
    "video_formats",
    "cli": "callbacks containers contracts data devices edits evaluation export files inputs interpolation loggers "
    "media metrics networks notes outputs own_code play processes program quoting report run_state runs sampling "
    "showing trainer video_files video_formats working_folder",
    "pictures": "cli edits media video_files video_formats",
    "trained": "cli export inputs interpolation media pictures quoting runs sampling video_formats",
    "training": "cli metrics quoting runs trained",
    "__init__": "metrics pictures trained training",
    "__main__": "cli program",
}
"""Each room of the house, a folder or a file, and those that it may know: all of them stand above it."""
DATA = {
    "__init__": "",
    "bad_files": "",
    "boxes": "",
    "cache_places": "",
    "files": "",
    "resolution": "",
    "stream": "",
    "labels": "files",
    "source": "labels resolution stream",
    "contents": "cache_places files source",
    "fingerprint": "source",
    "train_loader": "source",
    "images": "bad_files boxes cache_places contents files labels resolution source",
    "video_set": "resolution",
    "frame_cache": "cache_places files images resolution source video_set",
    "videos": "bad_files boxes cache_places contents files frame_cache images labels"
    " resolution source stream video_set",
    "published": "bad_files files images labels resolution source stream videos",
    "drawn": "labels published resolution source",
    "earlier_runs": "frame_cache images labels source video_set videos",
    "folder": "files frame_cache images source video_set videos",
    "transforms": "stream",
    "held_out": "bad_files source videos",
    "identities": "source videos",
    "given": "files images videos",
    "ticket_dataset": "source stream train_loader transforms",
    "examples": "source stream ticket_dataset train_loader videos",
    "datamodule": "examples fingerprint held_out identities source stream ticket_dataset train_loader transforms"
    " videos",
}
"""Likewise what is in `framegan.data`."""
OUTSIDE = {
    "hydra": {"cli/*", "cli/slips/*"},
    "omegaconf": {"cli/*", "cli/slips/*", "runs/run_folder.py", "runs/saved_config.py"},
    "lightning": {
        "cli/session.py",
        "model.py",
        "strategy.py",
        "trainer.py",
        "data/datamodule.py",
        "callbacks/*",
        "loggers/*",
    },
    "filelock": {"files/lock.py"},
    "fcntl": set(),
    "torchvision": set(),
    "torch_fidelity": set(),
}
"""Packages that only some files know."""


def imports(path: Path) -> set[str]:
    """Return the dotted names of everything a file imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def room_of(place: Sequence[str]) -> str:
    return place[0].removesuffix(".py")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports(path):
    inside = path.relative_to(PACKAGE)
    known = imports(path)
    for package, places in OUTSIDE.items():
        if not any(inside.match(place) for place in places):
            assert not {name for name in known if name.partition(".")[0] == package}
    rooms = {name.split(".")[1] for name in known if name.startswith("framegan.")} & ROOMS.keys()
    assert rooms <= {room_of(inside.parts), *ROOMS[room_of(inside.parts)].split()}
    if room_of(inside.parts) == "data":
        within = {name.split(".")[2] for name in known if name.startswith("framegan.data.")}
        assert within <= {room_of(inside.parts[1:]), *DATA[room_of(inside.parts[1:])].split()}


@pytest.mark.parametrize("rooms", [ROOMS, DATA], ids=["framegan", "data"])
def test_no_room_knows_one_that_knows_it(rooms):
    above = set()
    for room, known in rooms.items():
        assert set(known.split()) <= above, room
        above.add(room)


def strings(path: Path) -> Iterator[str]:
    """Yield what a file says in its code, without its docstrings."""
    tree = ast.parse(path.read_text())
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.value


@pytest.mark.parametrize(
    ("what", "homes"),
    [
        (r".*\.part", {"files/atomic.py"}),
        (r"XDG_CACHE_HOME|.*~/\.cache.*", {"files/user_cache.py"}),
        ("state_dict", {"runs/checkpoint.py", "metrics/classifier.py"}),
        (r"optimizer_states|DataModule|generator_ema\.", {"runs/checkpoint.py"}),
    ],
)
def test_one_file_knows_what_others_ask_it(what, homes):
    """A file that is half written, the cache of the user, the keys of a checkpoint; a classifier's file is none."""
    found = {path for path in FILES for text in strings(path) if re.fullmatch(what, text)}
    assert {path.relative_to(PACKAGE).as_posix() for path in found} == homes


@pytest.mark.parametrize(
    ("called", "homes"),
    [
        ("Console(stderr=True)", {"files/live.py"}),
        ("ThreadPoolExecutor(", {"files/at_once.py"}),
        ("os.fsync(", {"files/atomic.py"}),
        ("FileLock(", {"files/lock.py"}),
        ("torch.load(", {"runs/checkpoint.py", "metrics/classifier.py", "metrics/weights.py"}),
    ],
)
def test_one_mechanism_each(called, homes):
    """Progress, many files at once, what is on the disk, locks, and what PyTorch has written."""
    assert {path.relative_to(PACKAGE).as_posix() for path in FILES if called in path.read_text()} == homes


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_module_says_what_it_is(path):
    assert ast.get_docstring(ast.parse(path.read_text()))


def test_models_name_no_data_set_and_data_sets_no_model():
    for path in (PROJECT / "conf" / "model").rglob("*.yaml"):
        assert "framegan.data" not in path.read_text()
    for path in (PROJECT / "conf" / "data").rglob("*.yaml"):
        assert "framegan.networks" not in path.read_text()
        assert "${model" not in path.read_text()


def test_the_wheel_has_every_room():
    packages = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    rooms = {".".join(("framegan", *path.parent.relative_to(PACKAGE).parts)) for path in PACKAGE.rglob("__init__.py")}
    assert set(packages) == rooms | {"framegan.conf"}


def test_nothing_but_doors_lies_beside_the_package():
    """A module there would be found by whoever imports its name."""
    for path in PACKAGE.parent.glob("*.py"):
        assert imports(path) == {"framegan.cli.main", "framegan.cli.main.script"}


def test_callbacks_share_a_state_and_a_typed_base():
    """None looks for another one among the trainer's, and none has to be excused from the signatures of its base."""
    for path in (PACKAGE / "callbacks").glob("*.py"):
        assert "trainer.callbacks" not in path.read_text()
        assert "ignore[override]" not in path.read_text()
