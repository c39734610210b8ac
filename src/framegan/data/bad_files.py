"""Files that can't be read: left out by name, or an error that names them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

OnError = Literal["raise", "skip"]
Share = Annotated[float, Field(ge=0, le=1)]

NAMED_PROBLEMS = 10


def report(root: Path, problems: Mapping[str, str], total: int, on_error: OnError, allowed: float) -> None:
    """Print which files are left out, or raise where none, or not so many, may be.

    Args:
        problems: why a file can't be read, by its path below root.
        total: how many files there are.
        allowed: the largest share of them that may be left out.

    Raises:
        ValueError: names the files, their reasons and the remedy.
    """
    if not problems:
        return
    shown = [f"{file}: {reason}" for file, reason in problems.items()]
    if on_error == "skip" and len(problems) <= allowed * total and len(problems) < total:
        for line in shown:
            print(f"skipped  {line}", flush=True)
        return
    more = [f"and {len(shown) - NAMED_PROBLEMS} more"] if len(shown) > NAMED_PROBLEMS else []
    listed = "".join(f"\n  {line}" for line in shown[:NAMED_PROBLEMS] + more)
    if on_error == "skip" and len(problems) < total:
        remedy = f"more than data.max_bad_fraction={allowed} allows; fix or remove them"
    elif len(problems) < total:
        remedy = "fix or remove them, or leave them out with data.on_error=skip"
    else:
        remedy = "fix them"
    raise ValueError(f"{len(problems)} of {total} files in {root} can't be read; {remedy}:{listed}")
