"""Files that can't be read: left out by name, or an error that names them."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from framegan.quoting import printable

OnError = Literal["raise", "skip"]
Share = Annotated[float, Field(ge=0, le=1)]

NAMED_PROBLEMS = 10
TRIES = 1000
"""Places that are drawn before all that will do are listed, of which there are few then."""


@dataclass
class BadFiles:
    """What can't be read of some files.

    Args:
        total: how many files there are.
        kind: what they are, in the plural.
        on_error: raise, or skip: leave them out and say so.
        allowed: the largest share of them that may be left out.
        found: why one can't be read.
        held_out: the places of those that training leaves out; see `framegan.data.held_out`.
    """

    total: int
    kind: str
    on_error: OnError
    allowed: float
    found: dict[Any, str] = field(default_factory=dict)
    held_out: Collection[int] = ()

    def other(self, place: int, number: int, random: np.random.Generator) -> int:
        """Return one of `number` places at random, for what can't be read at one; held out if that is."""
        is_held_out = place in self.held_out
        for _ in range(TRIES):
            if ((other := int(random.integers(number))) in self.held_out) == is_held_out:
                return other
        those = [other for other in range(number) if (other in self.held_out) == is_held_out]
        return those[int(random.integers(len(those)))]

    def add(self, problems: Mapping[Any, str], name: Callable[[Any], str] = str) -> None:
        """Add files that can't be read and the reasons; print those that are new.

        Args:
            name: what to call a file.

        Raises:
            ValueError: none, or no more, may be left out; it names all that were found and the remedy.
        """
        new = {file: reason for file, reason in problems.items() if file not in self.found}
        self.found |= new
        if not self.found:
            return
        left = len(self.found) < self.total
        if left and self.on_error == "skip" and len(self.found) <= self.allowed * self.total:
            for file, reason in new.items():
                print(f"skipped  {printable(name(file))}: {reason}", flush=True)
            return
        remedy = "; fix or remove them, or leave them out with data.on_error=skip" if left else "; fix them"
        if left and self.on_error == "skip":
            remedy = f", more than data.max_bad_fraction={self.allowed} allows; fix or remove them"
        lines = [f"\n  {printable(name(file))}: {reason}" for file, reason in self.found.items()]
        more = f"\n  and {len(lines) - NAMED_PROBLEMS} more" if len(lines) > NAMED_PROBLEMS else ""
        raise ValueError(
            f"{len(lines)} of {self.total} {self.kind} can't be read{remedy}:{''.join(lines[:NAMED_PROBLEMS])}{more}"
        ) from None
