"""Code that a configuration names: where it is, and where it fails, in one message."""

import difflib
import importlib
import inspect
import os
import pkgutil
import re
import sys
import sysconfig
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from framegan import program, working_folder
from framegan.quoting import first_names

INSTALLED = {"site-packages", "dist-packages"}
STANDARD = Path(sysconfig.get_path("stdlib"))
REMEDY = "change that line, or the settings it gets; HYDRA_FULL_ERROR=1 shows what led to it"
NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)+")
"""A dotted name of at least two parts."""


class OwnCodeError(ValueError):
    """Code of one's own has failed; the message names the line, and what it says."""


def locate(target: str) -> Callable[..., Any]:
    """Return the class or function with this dotted name.

    Raises:
        OwnCodeError: its module fails as it is imported.
        ValueError: there is none.
    """
    if not isinstance(target, str) or not NAME.fullmatch(target):
        raise ValueError("it should be a class by its module, such as my_package.my_module.MyClass")
    module, _, name = target.rpartition(".")
    working_folder.make_importable(module.partition(".")[0])
    try:
        found = getattr(importlib.import_module(module), name)
    except (Exception, SystemExit) as error:
        said, place = told(error, installed=True)
        if place or isinstance(error, SyntaxError):
            raise OwnCodeError(f"{module} can't be imported, {said}\n  in {place or module}") from error
        if not isinstance(error, ImportError | AttributeError | ValueError):
            raise
        raise ValueError(f"no such class or function ({error}); {_what_there_is(target)}") from error
    if not callable(found):
        raise ValueError(f"it is a {type(found).__name__}, and no class or function")
    return found


def _what_there_is(target: str) -> str:
    """Return what a dotted name that leads to nothing may have meant, or how its package is found."""
    parts = target.split(".")
    if working_folder.is_hidden(parts[0]):
        return "the one here has the name of an installed one: rename it"
    known = 0
    while known < len(parts) - 1 and ".".join(parts[: known + 1]) in sys.modules:
        known += 1
    module = sys.modules.get(".".join(parts[:known]))
    if module is None:
        there = working_folder.packages()
    elif known == len(parts) - 1:
        there = [name for name, value in vars(module).items() if inspect.isclass(value) or inspect.isfunction(value)]
    else:
        there = [found.name for found in pkgutil.iter_modules(getattr(module, "__path__", []))]
    if close := difflib.get_close_matches(parts[known], there, n=1):
        return f"did you mean {'.'.join([*parts[:known], *close, *parts[known + 1 :]])}?"
    if module is None and parts[0] == "kornia":
        return 'kornia isn\'t installed; install it: pip install "framegan[kornia]"'
    if module is None:
        return (
            f"{parts[0]} is neither installed nor in {Path.cwd()}; run this in the folder that holds it, set "
            "PYTHONPATH to that folder, or install it"
        )
    return f"there are: {first_names(there, 10)}" if there else "it defines none"


def story(error: BaseException, what: str = "code of your own fails", *, installed: bool = False) -> str | None:
    """Return the message for an error that code of one's own has led to; None where none has.

    Args:
        what: has failed. An error that such code raises itself has words of its own.
        installed: whether the code may be in an installed package.
    """
    if isinstance(error, OwnCodeError):
        return str(error)
    said, place = told(error, installed=installed)
    if place.partition(": ")[2].startswith("raise ") and isinstance(error, ValueError | OSError) and str(error):
        return f"{error}\n  in {place}"
    return f"{what}, {said}\n  in {place}\n{REMEDY}" if place else None


def told(error: BaseException, *, installed: bool) -> tuple[str, str]:
    """Return what an error says, and the line that has led to it; nothing for one in none of the code; see `story`."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{type(error).__name__}: {error.msg}", _line(error.filename, error.lineno or 1, error.text)
    frames = list(_frames(error.__traceback__))
    own = [frame for frame in frames if INSTALLED.isdisjoint(Path(frame.filename).parts)]
    found = own or (frames if installed else [])
    said = f"{type(error).__name__}: {str(error).strip()}".removesuffix(": ")
    return said, _line(found[-1].filename, found[-1].lineno or 1, found[-1].line) if found else ""


def _line(file: str, number: int, text: str | None) -> str:
    near = os.path.relpath(file)
    shown = file if near.startswith(os.pardir) else near
    return f"{shown}, line {number}: {(text or '').strip()}".removesuffix(": ")


def _frames(trace: TracebackType | None) -> Iterator[traceback.FrameSummary]:
    """Yield the lines that have led to an error, without those of framegan and of Python itself."""
    for frame in traceback.extract_tb(trace):
        file = Path(frame.filename)
        is_known = file.is_relative_to(program.PACKAGE) or (
            file.is_relative_to(STANDARD) and INSTALLED.isdisjoint(file.parts)
        )
        if file.is_absolute() and not is_known:
            yield frame
