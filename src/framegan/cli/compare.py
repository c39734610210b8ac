"""One page of several runs: framegan compare RUN... | SWEEP"""

from collections.abc import Sequence
from pathlib import Path

from framegan.runs import run_list

USAGE = """Write a page that compares runs: a table, curves over each other, what varied, samples of the same seeds.

  framegan compare runs/a runs/b      run folders
  framegan compare runs/sweeps/mine   or a folder below which they lie, such as that of a sweep

It is written as compare.html into the folder, or of several into the one you are in."""


def main(words: Sequence[str]) -> None:
    """Write the page.

    Raises:
        ValueError: there are fewer than two runs, one of them is damaged, or the page can't be written.
    """
    from framegan.report import compare

    if not words:
        raise ValueError("framegan compare takes run folders, or a folder below which they lie")
    places = [Path(word) for word in words]
    if elsewhere := [place for place in places if not place.is_dir()]:
        raise ValueError(f"{elsewhere[0]} is not a folder; give run folders, or a folder below which they lie")
    found = {run.folder.resolve(): run for place in places for run in run_list.runs_below(place)}
    runs = [run for run in found.values() if run.status != "foreign"]
    if len(runs) < 2:
        number = "one run lies" if runs else "no run lies"
        raise ValueError(f"{number} below {', '.join(words)}; a comparison takes at least two")
    page = (places[0] if len(places) == 1 else Path()) / "compare.html"
    try:
        print(f"wrote    {compare.write(runs, page)}")
    except OSError as error:
        how = "give several folders, from one that you can write in"
        raise ValueError(f"{page.absolute()} can't be written: {error}; {how}") from error
