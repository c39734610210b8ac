"""A table of the runs below a folder: framegan runs"""

import argparse
import csv
import difflib
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NoReturn

from framegan.files import strict_json
from framegan.quoting import first_names, printable
from framegan.runs import run_list
from framegan.runs.run_list import COLUMNS, Run

USAGE = f"""List the runs below a folder, the best first: what became of each, what differs, and its best value.

  framegan runs                            those below runs/, or else below this folder
  framegan runs FOLDER
  framegan runs --where model=dcgan        those with a choice, a setting or a status; may be repeated
  framegan runs --columns model,best,age   these columns: {", ".join(COLUMNS)}, or any setting
  framegan runs --best                     the folder of the best one alone, for another command
  framegan runs --csv                      as a table for other programs; --json with everything that is known

A run is `running` while it writes, `finished`, `stopped by` a signal, `failed` with the reason,
`killed` where it is silent and no process holds it, or `damaged`. The best has the best value of its objective."""


NUMBERS = {"samples", "best", "at", "samples/s", "age"}
FIRST_LEFT_OUT = ("samples/s", "at", "age", "data", "samples", "model")
"""Columns that a narrow terminal does without, after the settings."""
LONGEST_REASON = 400
"""Characters of the reason why a run has failed; all of it is in its summary.json and on its page."""
GAP = 3
"""Characters between two columns."""


class Parser(argparse.ArgumentParser):
    """One whose errors are one message."""

    def error(self, message: str) -> NoReturn:
        wrong = re.fullmatch("unrecognized arguments: (--[a-z]+).*", message)
        close = wrong and difflib.get_close_matches(wrong[1], self._option_string_actions)
        hint = f"did you mean {close[0]}?" if close else f"framegan {self.prog} --help shows what there is"
        raise ValueError(f"{message}; {hint}")


def main(words: Sequence[str]) -> None:
    """Print the runs below a folder.

    Raises:
        ValueError: there is no such folder or run, or the arguments can't be read.
    """
    parser = Parser("runs", add_help=False, allow_abbrev=False)
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--where", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--columns")
    for option in ("--best", "--csv", "--json"):
        parser.add_argument(option, action="store_true")
    chosen = parser.parse_args(words)
    folder = Path(chosen.folder or ("runs" if Path("runs").is_dir() else "."))
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder; give one below which runs lie")
    below = run_list.runs_below(folder)
    found = [run for run in below if run.status != "foreign"]
    runs = run_list.by_objective(run_list.matching(found, chosen.where))
    if not runs:
        nothing = f"none of the {len(found):,} runs below {folder} has all of {', '.join(chosen.where)}"
        raise ValueError(nothing if found else f"no run lies below {folder}")
    if chosen.best:
        best = str(best_of(runs))
        print(f"./{best}" if "=" in best.partition("/")[0] else best)  # which would be a setting to another command
    elif chosen.json:
        print(strict_json.dumps([as_dict(run) for run in runs], indent=2))
    elif chosen.csv:
        write_csv(runs, chosen.columns)
    else:
        show(runs, columns_of(runs, chosen.columns))
        if others := [os.path.relpath(run.folder) for run in below if run.status == "foreign"]:
            print(f"not shown: the .hydra/ of other programs in {first_names(others, 3)}")


def best_of(runs: Sequence[Run]) -> Path:
    """Return the folder of the first run that has a best value."""
    best = next((run for run in runs if run.best), None)
    if best is None:
        raise ValueError("none of these runs has measured anything; set evaluate_every and metrics")
    return best.folder


def as_dict(run: Run) -> dict[str, Any]:
    """Return all that is known of a run, for JSON."""
    return {**vars(run), "folder": str(run.folder), "best": run.best and run.best.model_dump()}


def columns_of(runs: Sequence[Run], wanted: str | None) -> list[str]:
    """Return the columns: those asked for, or the usual ones with the settings that differ.

    Raises:
        ValueError: no run has one of those asked for.
    """
    if wanted is None:
        known = [
            column
            for column in COLUMNS
            if column not in ("model", "data") or any(column in run.choices for run in runs)
        ]
        after = known.index("samples")
        return [*known[:after], *run_list.differing(runs), *known[after:]]
    columns = list(dict.fromkeys(name.strip() for name in wanted.split(",")))
    there = dict.fromkeys([*COLUMNS, *(key for run in runs for key in (*run.choices, *run.settings))])
    for name in columns:
        if name not in there:
            close = difflib.get_close_matches(name, there, n=1)
            keys = map(run_list.short, there)
            hint = f"did you mean {printable(close[0])}?" if close else f"there are: {first_names(keys, 60)}"
            raise ValueError(f"--columns got {name!r}; {hint}")
    return columns


def write_csv(runs: Sequence[Run], wanted: str | None) -> None:
    """Print the table for other programs: plain numbers, the age in seconds."""
    columns = columns_of(runs, wanted)
    table = csv.DictWriter(sys.stdout, columns, extrasaction="ignore", lineterminator="\n")
    table.writeheader()
    for run in runs:
        table.writerow(run_list.row_of(run, Path.cwd(), columns))


def show(runs: Sequence[Run], columns: list[str], beside: Path | None = None) -> None:
    """Print the table for people; on a terminal, columns that don't fit are left out, and said.

    Args:
        beside: the folder from which paths are given. None = the one we are in.
    """
    from rich import box
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    everything = columns
    values = [run_list.row_of(run, beside or Path.cwd(), columns) for run in runs]
    rows = [{name: printable(run_list.cell(name, value)) for name, value in row.items()} for row in values]
    titles = {name: printable(run_list.short(name)) for name in columns}
    widths = {name: max(cell_len(titles[name]), *(cell_len(row[name]) for row in rows)) for name in columns}
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = sum(widths.values()) + GAP * len(widths) + 2
    droppable = [*(name for name in columns if name not in COLUMNS), *FIRST_LEFT_OUT]
    while sum(widths[name] + GAP for name in columns) + 2 > console.width and droppable:
        name = droppable.pop(0)
        columns = [column for column in columns if column != name]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        justify: Literal["right", "left"] = "right" if name in NUMBERS else "left"
        table.add_column(Text(titles[name]), justify=justify, no_wrap=name != "run", overflow="fold")
    for row in rows:
        table.add_row(*(Text(row[name]) for name in columns))
    console.print(table)
    if left_out := [titles[name] for name in everything if name not in columns]:
        print(f"not shown: {', '.join(left_out)}; a wider terminal or --columns shows them")
    show_reasons(runs, beside)


def show_reasons(runs: Sequence[Run], beside: Path | None) -> None:
    """Print why runs have ended as they did, each reason once with its runs; arguments as in `show`."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for run in runs:
        if run.reason:
            reasons.setdefault((run.status, run.reason), []).append(os.path.relpath(run.folder, beside))
    for (status, reason), folders in reasons.items():
        said = printable(" ".join(reason.split()))
        more = " ..." if len(said) > LONGEST_REASON else ""
        print(f"{printable(status)}: {first_names(folders, 3)}: {said[:LONGEST_REASON]}{more}")
