"""The line through the project is straight: who may import what."""

import ast
from pathlib import Path

import pytest
from commands import PROJECT

PACKAGE = PROJECT / "src" / "framegan"
FILES = sorted(PACKAGE.rglob("*.py"))
LIGHTNING = {"gan.py", "strategy.py", "trainer.py", "data/datamodule.py", "callbacks/*", "loggers/*"}


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
    assert not imports_any(path, "hydra", "omegaconf"), "only the entry scripts know the configuration"
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
        assert {name for name in imports(path) if name.startswith("framegan")} == {"framegan", "framegan.atomic"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_module_says_what_it_is(path):
    assert ast.get_docstring(ast.parse(path.read_text()))


def test_models_name_no_data_set_and_data_sets_no_model():
    for path in (PROJECT / "conf" / "model").rglob("*.yaml"):
        assert "framegan.data" not in path.read_text()
    for path in (PROJECT / "conf" / "data").rglob("*.yaml"):
        assert "framegan.networks" not in path.read_text()
        assert "${model" not in path.read_text()
