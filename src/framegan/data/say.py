"""Lines about the data that a run prints at its start, once for all of its ranks."""

from framegan.processes.ranks import is_first


def say(line: str) -> None:
    """Print a line on rank 0."""
    if is_first():
        print(line, flush=True)
