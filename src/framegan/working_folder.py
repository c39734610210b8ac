"""What the working folder adds: YAML of one's own in conf/, and packages of one's own that a `_target_` names."""

import importlib.util
import sys
from pathlib import Path

from framegan import program

CONF = Path("conf")


def configurations() -> Path | None:
    """Return the conf/ here that chooses parts of one's own; None where there is none, or it is another program's.

    It holds folders named like framegan's, such as model/. A program has YAML beside them, as framegan itself has.
    """
    names = [path.name for path in program.configurations().iterdir() if path.is_dir()]
    is_own = any((CONF / name).is_dir() for name in names) and not any(CONF.glob("*.y*ml"))
    return CONF if is_own else None


def unread(file: str) -> str:
    """Return why a file of the conf/ here was not read; nothing where there is none."""
    if not (CONF / file).is_file():
        return ""
    return f"{CONF / file} isn't read, as {CONF} has YAML beside its folders: move that, or set --config-dir {CONF}"


def make_importable(package: str) -> None:
    """Let Python look for a package here too, after all other places, where it is found in none of them."""
    if _holds(package) and not finds(package):
        sys.path.append(str(Path.cwd()))
        importlib.invalidate_caches()


def finds(package: str) -> bool:
    """Say whether Python finds a package."""
    return package in sys.modules or importlib.util.find_spec(package) is not None


def packages() -> list[str]:
    """Return the names of the packages and modules here."""
    return [path.stem for path in Path().iterdir() if _holds(path.stem) and (path.is_dir() or path.suffix == ".py")]


def is_hidden(package: str) -> bool:
    """Say whether a package here can't be imported, as an installed one has its name."""
    found = sys.modules.get(package)
    places = [*getattr(found, "__path__", ()), getattr(found, "__file__", None) or ""]
    return found is not None and _holds(package) and not any(Path(place).is_relative_to(Path.cwd()) for place in places)


def _holds(package: str) -> bool:
    """Say whether a file or folder here has the name of a package."""
    return package.isidentifier() and (Path(package).is_dir() or Path(f"{package}.py").is_file())
