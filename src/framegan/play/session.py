"""One tab: the newest request wins, and no more is sent than the page has room for.

What is sent is a header in JSON behind its length (4 bytes, the lowest first), and behind it the frames of each
generator, uint8 (T, H, W, C).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np

from framegan.files import strict_json
from framegan.play import wanted
from framegan.play.player import shown
from framegan.play.stream import Stream
from framegan.play.studio import Studio

MOST_IN_A_CHUNK = 8
"""Frames of a stream that are made together, at most: later ones see a slider sooner."""


class Session:
    """What one tab wants and gets.

    Args:
        studio: with the generators.
        send: sends a text or bytes to the page.
    """

    def __init__(self, studio: Studio, send: Callable[[str | bytes], Awaitable[None]]):
        self.studio, self._send = studio, send
        self._wanted: wanted.Show | wanted.Streamed | None = None
        self._undrawn = 0
        self._changed = asyncio.Event()
        self._told: tuple[int, str] | None = None
        self._streams: list[Stream] = []
        self._streamed: int | None = None
        """Number of the clip that goes on."""

    async def hear(self, text: str) -> None:
        """Take what the page says; what is no message of its is answered by a refusal."""
        try:
            said = wanted.message_of(text)
        except ValueError as error:
            await self._refuse(None, error)
            return
        if isinstance(said, wanted.Drawn):
            self._undrawn = max(0, self._undrawn - said.frames)
        else:
            self._wanted = said
        self._changed.set()

    async def serve(self) -> None:
        """Send what is wanted and what is new, until the page is left."""
        self.studio.listen(self._changed)
        try:
            while True:
                if self._told != (news := (self.studio.version, self.studio.trouble)):
                    self._told = news
                    await self._send(strict_json.dumps(self.studio.about()))
                if not await self._make():
                    await self._changed.wait()
                    self._changed.clear()
        finally:
            self.studio.leave(self._changed)

    async def _make(self) -> bool:
        """Make something, and say whether there was anything to make."""
        asked = self._wanted
        if asked is None:
            return False
        if isinstance(asked, wanted.Show):
            if self._undrawn:
                return False
            self._wanted = None
            number = 1
        else:
            number = max(1, min(MOST_IN_A_CHUNK, asked.ahead // 2))
            if self._undrawn + number > asked.ahead:
                return False
        try:
            frames, seconds = await self.studio.make(lambda: self._frames(asked, number))
        except (ValueError, RuntimeError, MemoryError) as error:
            if self._wanted is asked:
                self._wanted = None
            await self._refuse(asked.number, error)
            return True
        self._undrawn += number
        await self._send(packed(asked.kind, asked.number, frames, seconds))
        return True

    def _frames(self, asked: wanted.Show | wanted.Streamed, number: int) -> tuple[list[np.ndarray], float]:
        """Return the frames of each generator, and how long they took."""
        begin = time.perf_counter()
        if isinstance(asked, wanted.Show):
            frames = [shown(player.frames_of(asked.wanted)) for player in self.studio.players]
        else:
            if self._streamed != asked.begin:
                self._streams = [Stream(player, asked.wanted) for player in self.studio.players]
                self._streamed = asked.begin
            for stream, player in zip(self._streams, self.studio.players, strict=True):
                stream.player = player  # of a new checkpoint, which goes on from where the one before was
            frames = [stream.next(asked.wanted, number, asked.drift) for stream in self._streams]
        return frames, time.perf_counter() - begin

    async def _refuse(self, number: int | None, error: Exception) -> None:
        said: dict[str, Any] = {"kind": "refused", "number": number, "message": str(error).partition("\n")[0]}
        await self._send(strict_json.dumps(said))


def packed(kind: str, number: int, frames: list[np.ndarray], seconds: float) -> bytes:
    """Return frames as they are sent; see the module."""
    num_frames, height, width, channels = frames[0].shape
    header = strict_json.dumps(
        {
            "kind": kind,
            "number": number,
            "generators": len(frames),
            "frames": num_frames,
            "height": height,
            "width": width,
            "channels": channels,
            "seconds": seconds,
        }
    ).encode()
    return b"".join([len(header).to_bytes(4, "little"), header, *(clip.tobytes() for clip in frames)])
