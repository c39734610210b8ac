"""The page of a run: framegan report RUN..."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from framegan.runs import run_folder, run_list

USAGE = """Write report.html into run folders: what was run, its curves, samples and scores, in one file.

  framegan report runs/demo      run folders
  framegan report runs           or a folder below which they lie

A run writes its own at every checkpoint and at its end; this makes those of runs of earlier versions, or of copies."""


def main(words: Sequence[str]) -> None:
    """Write the page of each run.

    Raises:
        ValueError: one of them is no run folder, is damaged, or can't be written in.
    """
    from framegan.report import page

    if not words:
        raise ValueError("framegan report takes run folders, such as framegan report runs/demo")
    for folder in [folder for word in words for folder in _folders(word)]:
        try:
            print(f"wrote    {page.write(folder)}")
        except OSError as error:
            how = "allow yourself to write there, or make the page of a copy of the run"
            raise ValueError(f"{folder / 'report.html'} can't be written: {error}; {how}") from error


def _folders(word: str) -> Iterator[Path]:
    """Yield the run folder that is meant, or those below a folder that is none itself."""
    holds_runs = Path(word).is_dir() and not run_folder.saved_config(Path(word)).exists()
    below = [run.folder for run in run_list.runs_below(Path(word)) if run.status != "foreign"] if holds_runs else []
    for folder in below:
        run_folder.refuse_what_reaches_out(folder)
        yield folder
    if not below:
        yield run_folder.find(word)
