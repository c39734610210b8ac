"""The page of a run: framegan report RUN..."""

from collections.abc import Sequence

from framegan.runs import run_folder

USAGE = """Write report.html into run folders: what was run, its curves, samples and scores, in one file.

  framegan report runs/demo
  framegan report runs/*

A run writes its own at every checkpoint and at its end; this makes those of runs of earlier versions, or of copies."""


def main(words: Sequence[str]) -> None:
    """Write the page of each run.

    Raises:
        ValueError: one of them is no run folder, is damaged, or can't be written in.
    """
    from framegan.report import page

    if not words:
        raise ValueError("framegan report takes run folders, such as framegan report runs/demo")
    for folder in [run_folder.find(word) for word in words]:
        try:
            print(f"wrote    {page.write(folder)}")
        except OSError as error:
            how = "allow yourself to write there, or make the page of a copy of the run"
            raise ValueError(f"{folder / 'report.html'} can't be written: {error}; {how}") from error
