"""What the site has beside the pages of docs/: the front page, a reference of the code, and tables of settings."""

import ast
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

PROJECT = Path(__file__).resolve().parents[2]
PACKAGE = PROJECT / "src" / "framegan"
TOP = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
"""Files of the project's top folder that are pages too, and as which."""
FIRST = ("framegan.training", "framegan.trained", "framegan.pictures")
"""Modules of what `import framegan` is for: they come first."""
SETTINGS = re.compile(r"<!-- settings of (\w+)\.yaml -->")
SETTING = re.compile(r"^(\w+): *([^#]*?)(?: +# (.*))?$", re.MULTILINE)


def on_config(config: MkDocsConfig) -> None:
    """Add the reference to the navigation, a page for each room of the code."""
    assert config.nav is not None
    config.nav.append({"Reference": [{name: f"reference/{name}.md"} for name in _rooms()]})


def on_files(files: Files, config: MkDocsConfig) -> None:
    """Add the pages that are not files of docs/."""
    for source, page in TOP.items():
        files.append(File.generated(config, page, content=(PROJECT / source).read_text().replace("](docs/", "](")))
    for name, modules in _rooms().items():
        files.append(File.generated(config, f"reference/{name}.md", content=_reference(name, modules)))


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Point links at the pages of the site, and put tables where a comment asks for the settings of a command."""
    for source, page in TOP.items():
        markdown = markdown.replace(f"](../{source}", f"]({page}").replace(f"]({source}", f"]({page}")
    return SETTINGS.sub(lambda found: _table(found[1]), markdown)


def _table(name: str) -> str:
    """Return the settings of a configuration with their defaults and comments, as a table."""
    text = (PROJECT / "conf" / f"{name}.yaml").read_text().partition("\nhydra:")[0]
    rows = [f"| `{key}` | `{value}` | {said or ''} |" for key, value, said in SETTING.findall(text) if value]
    return "\n".join(["| setting | default | meaning |", "|---|---|---|", *rows])


def _rooms() -> dict[str, list[str]]:
    """Return the public modules of each room by the room's name; those beside the rooms are `framegan`."""
    rooms: dict[str, list[str]] = {"framegan": [*FIRST]}
    for path in sorted(PACKAGE.rglob("*.py")):
        inside = path.relative_to(PACKAGE)
        module = ".".join(("framegan", *inside.with_suffix("").parts))
        if path.stem not in ("__init__", "__main__") and module not in FIRST:
            rooms.setdefault(".".join(inside.parent.parts) or "framegan", []).append(module)
    return rooms


def _reference(name: str, modules: list[str]) -> str:
    """Return the page of a room."""
    package = PACKAGE.joinpath(*name.split(".")) if name != "framegan" else PACKAGE
    said = ast.get_docstring(ast.parse((package / "__init__.py").read_text())) or ""
    return "\n\n".join([f"# {name}", said, *(f"::: {module}" for module in modules)])
