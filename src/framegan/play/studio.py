"""The generators of a page, for as many tabs as are open: one thing is made at a time, and new checkpoints come in."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

from framegan.play import directions, files
from framegan.play.player import Player
from framegan.play.wanted import MOST_PINS, File

EVERY = 1.0
"""Seconds from one look for new checkpoints to the next."""
MOST_PATIENCE = 30
"""Times as long until the next look, the more often in a row a checkpoint couldn't be read."""
Made = TypeVar("Made")
Note = Callable[[Sequence[Player], File], str]
"""Returns what a file says of how it was made."""


class Source(Protocol):
    """Where a generator comes from."""

    def stamp(self) -> object:
        """Return what is another value as soon as there is another checkpoint.

        Raises:
            ValueError, OSError: it can't be seen right now.
        """

    def load(self) -> Player:
        """Return the generator of now, without directions.

        Raises:
            ValueError, OSError: it can't be read.
        """


@dataclass
class _Shelf:
    source: Source
    stamp: object
    player: Player
    failures: int = 0


class Studio:
    """The generators side by side.

    Args:
        sources: of generators that make samples of one shape.
        note: see `Note`.

    Attributes:
        version: a number that grows with every new checkpoint.
        trouble: why a new checkpoint isn't shown yet; "" = it is.
    """

    def __init__(self, sources: Sequence[Source], note: Note):
        self.note, self.version, self.trouble = note, 0, ""
        self._alone, self._writing = asyncio.Lock(), asyncio.Lock()
        self._listeners: set[asyncio.Event] = set()
        self._shelves: list[_Shelf] = []
        for source in sources:
            stamp, player = source.stamp(), source.load()
            fitting = (shelf.player.along for shelf in self._shelves if _fits(shelf.player, player))
            along = next(fitting, None) or directions.find(player.generator)
            self._shelves.append(_Shelf(source, stamp, replace(player, along=along)))

    @property
    def players(self) -> list[Player]:
        return [shelf.player for shelf in self._shelves]

    def listen(self, event: asyncio.Event) -> None:
        """Have an event set whenever there is something new."""
        self._listeners.add(event)

    def leave(self, event: asyncio.Event) -> None:
        self._listeners.discard(event)

    async def make(self, function: Callable[[], Made]) -> Made:
        """Return what a function makes in a thread, when nothing else is being made."""
        async with self._alone:
            return await asyncio.to_thread(function)

    async def file(self, file: File) -> bytes:
        """Return the content of a file, with its note; between its frames others get what they want."""
        loop, players, is_wanted = asyncio.get_running_loop(), self.players, True

        def alone(function: Callable[[], Made]) -> Made:
            if not is_wanted:
                raise RuntimeError("nobody waits for this file any more")
            return asyncio.run_coroutine_threadsafe(self.make(function), loop).result()

        async with self._writing:  # one at a time, so that threads are left for its frames
            try:
                note = self.note(players, file)
                return await asyncio.to_thread(files.content_of, players, file, note, alone)
            finally:
                is_wanted = False

    async def refresh(self) -> None:
        """Look for new checkpoints for ever. One that is still being written is left alone until it is whole."""
        while True:
            await asyncio.sleep(EVERY)
            for shelf in self._shelves:
                await self._refresh(shelf)

    async def _refresh(self, shelf: _Shelf) -> None:
        try:
            stamp = await asyncio.to_thread(shelf.source.stamp)
            if stamp == shelf.stamp:
                return
            player = await asyncio.to_thread(shelf.source.load)  # while others go on with the one of before
            if not _fits(shelf.player, player):
                raise ValueError(f"{player.name} is another run now; start framegan play again")
        except Exception as error:  # whatever half a file leads to: what was shown before stays
            shelf.failures += 1
            self._tell(f"a new checkpoint can't be read: {str(error).partition(chr(10))[0]}")
            await asyncio.sleep(min(shelf.failures, MOST_PATIENCE) * EVERY)
            return
        async with self._alone:
            shelf.stamp, shelf.failures = stamp, 0
            shelf.player = replace(player, along=shelf.player.along)  # so that the sliders do what they did
            self.version += 1
        self._tell("")

    def _tell(self, trouble: str) -> None:
        self.trouble = trouble
        for event in self._listeners:
            event.set()

    def about(self) -> dict[str, Any]:
        """Return what a page is told of them all."""
        players = [player.about() for player in self.players]
        reason = "" if all(one["continues"] for one in players) else "its clips end: nothing of them is carried on"
        said = {"kind": "about", "version": self.version, "trouble": self.trouble, "players": players, "ends": reason}
        return said | {"most_pins": MOST_PINS}


def _fits(first: Player, other: Player) -> bool:
    """Say whether two generators take latents of the same parts and sizes, so that directions of one suit the other."""
    from framegan import inputs

    parts = [[*inputs.parts_of(player.generator).items()] for player in (first, other)]
    return parts[0] == parts[1] and tuple(first.generator.shape) == tuple(other.generator.shape)  # type: ignore[arg-type]
