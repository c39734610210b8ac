"""The line through the project is straight: who may import what."""

import ast
import tomllib
from pathlib import Path

import pytest
from commands import PROJECT

PACKAGE = PROJECT / "src" / "framegan"
FILES = sorted(PACKAGE.rglob("*.py"))
LIGHTNING = {"cli/train.py", "gan.py", "strategy.py", "trainer.py", "data/datamodule.py", "callbacks/*", "loggers/*"}


def imports(path: Path) -> set[str]:
    """Return the dotted names of everything a file imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def imports_any(path: Path, *modules: str) -> bool:
    return any(name == module or name.startswith(f"{module}.") for name in imports(path) for module in modules)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports(path):
    inside = path.relative_to(PACKAGE)
    if inside.parts[0] not in ("cli", "runs"):
        assert not imports_any(path, "hydra", "omegaconf"), "only the command knows the configuration"
    assert not imports_any(path, "torchvision", "torch_fidelity")
    if not any(inside.match(pattern) for pattern in LIGHTNING):
        assert not imports_any(path, "lightning")
    if inside.parts[0] == "networks":
        assert not imports_any(path, "framegan.gan", "framegan.data", "framegan.callbacks", "framegan.loggers")
    if inside.parts[0] == "data":
        assert not imports_any(path, "framegan.gan", "framegan.networks", "framegan.callbacks", "framegan.loggers")
    if inside.parts[0] == "metrics":
        assert not imports_any(path, "framegan.gan", "framegan.networks", "framegan.data", "framegan.callbacks")
    if inside.name in ("losses.py", "regularizers.py", "schedules.py", "noise.py", "atomic.py"):
        assert not imports_any(path, "framegan")
    if inside.name == "media.py":
        assert {name for name in imports(path) if name.startswith("framegan")} == {
            "framegan.files",
            "framegan.files.atomic",
        }


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
