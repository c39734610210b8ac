"""Links lead somewhere, and what the reference says exists. The commands of the pages are in test_readme."""

import ast
import re
from pathlib import Path

import pytest
from commands import PROJECT
from pages import PAGES

LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)")
GENERATED = re.compile(r"reference/([\w.]+)\.md")
"""Pages that the site has and the repository doesn't: one for each room of the code."""
ODD = re.compile(r"\b(?:mend|mended|anew|told apart|can't be had|go(?:es)? on from|going on|is typed|has gone back)\b")
"""What a reader who learns from these pages might not know, or would take for good English."""


def names(pages):
    return [str(page.relative_to(PROJECT)) for page in pages]


def anchors(page: Path) -> set[str]:
    """Return the names of the headings of a page, as the site and GitHub make them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\s-]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_links_lead_somewhere(page):
    for target, anchor in LINK.findall(page.read_text()):
        if target.startswith(("https://", "http://")):
            continue
        if room := GENERATED.fullmatch(target):
            assert (PROJECT / "src" / room[1].replace(".", "/")).is_dir()
            continue
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), f"{page.name} links to {target}, which doesn't exist"
        assert not anchor or anchor in anchors(file), f"{page.name} links to {target}#{anchor}"


def test_every_page_is_in_the_navigation_of_the_site():
    navigation = (PROJECT / "docs" / "mkdocs" / "mkdocs.yml").read_text()
    for page in PROJECT.glob("docs/**/*.md"):
        assert f"{page.relative_to(PROJECT / 'docs')}\n" in navigation


@pytest.mark.parametrize("page", [*PAGES, *PROJECT.glob("conf/**/*.yaml")], ids=lambda page: page.name)
def test_the_words_are_plain(page):
    assert not ODD.findall(page.read_text())


def arguments_said(node: ast.ClassDef | ast.FunctionDef) -> set[str]:
    """Return the arguments that a docstring names."""
    part = re.search(r"^Args:\n((?: {4}.*\n?|\n)+)", ast.get_docstring(node) or "", re.MULTILINE)
    said = re.findall(r"^ {4}(\w[\w, ]*):", part[1], re.MULTILINE) if part else []
    return {name.strip() for names in said for name in names.split(",")}


def arguments_taken(node: ast.ClassDef | ast.FunctionDef) -> set[str]:
    """Return the arguments of a function, or the fields of a class and the arguments of its constructor."""
    if isinstance(node, ast.FunctionDef):
        return {argument.arg for argument in ast.walk(node.args) if isinstance(argument, ast.arg)}
    fields = {
        item.target.id for item in node.body if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
    }
    constructors = [item for item in node.body if isinstance(item, ast.FunctionDef) and item.name == "__init__"]
    return fields.union(*map(arguments_taken, constructors))


def test_the_arguments_that_docstrings_name_exist():
    for path in (PROJECT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                assert arguments_said(node) <= arguments_taken(node), f"{path}: {node.name}"
