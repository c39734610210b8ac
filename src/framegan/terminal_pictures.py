"""Pictures in a terminal that can show them: which way it knows, and the bytes that draw one.

Kitty's graphics protocol: https://sw.kovidgoyal.net/kitty/graphics-protocol/. iTerm2's inline images:
https://iterm2.com/documentation-images.html. Sixel: DEC's VT330/VT340 Programmer Reference Manual, chapter 14.
"""

import base64
import io
import os
import re
import select
import termios
import time
import tty
from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np

from framegan import media
from framegan.processes.lifetime import signals_wait

Way = Literal["kitty", "iterm2", "sixel"]

ESCAPE, END = "\x1b", "\x1b\\"
QUESTION = f"{ESCAPE}_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA{END}{ESCAPE}[c"
"""Asks for a picture of one pixel to be looked at, then what the terminal is, which every one answers."""
SECONDS = 0.5
"""For the answer."""
CHUNK = 4096
"""Characters that kitty takes at once."""


def way_of(environment: Mapping[str, str]) -> Way | None:
    """Return how the terminal draws pictures, by what it says in the environment or answers; None where it can't."""
    if environment.get("TERM", "dumb") == "dumb" or not os.isatty(1):
        return None
    is_inside = "TMUX" in environment or environment["TERM"].startswith(("screen", "tmux"))  # which pass on nothing
    if not is_inside:
        if "KITTY_WINDOW_ID" in environment or environment["TERM"] in ("xterm-kitty", "xterm-ghostty"):
            return "kitty"
        if environment.get("TERM_PROGRAM") in ("iTerm.app", "WezTerm") or environment.get("LC_TERMINAL") == "iTerm2":
            return "iterm2"
    return _way_in(_answer())


def _way_in(answer: str) -> Way | None:
    """Return what an answer to QUESTION says; attribute 4 is sixel."""
    if f"{ESCAPE}_Gi=31;OK" in answer:
        return "kitty"
    found = re.search(r"\x1b\[\?([0-9;]*)c", answer)
    return "sixel" if found and "4" in found[1].split(";")[1:] else None


def _answer(keyboard: int = 0, screen: int = 1) -> str:
    """Return what the terminal answers; nothing where it doesn't, or this process isn't the one in front of it."""
    answer = b""
    try:
        if not os.isatty(keyboard) or os.tcgetpgrp(keyboard) != os.getpgrp():
            return ""
        before = termios.tcgetattr(keyboard)
    except (OSError, termios.error):
        return ""
    with signals_wait():  # or one could leave the terminal without an echo
        try:
            tty.setcbreak(keyboard)
            os.write(screen, QUESTION.encode())
            deadline = time.monotonic() + SECONDS
            while select.select([keyboard], [], [], max(0.0, deadline - time.monotonic()))[0]:
                answer += os.read(keyboard, 1024)
                if re.search(rb"\x1b\[\?[0-9;]*c", answer):
                    break
        finally:
            termios.tcsetattr(keyboard, termios.TCSADRAIN, before)
    return answer.decode("latin-1")


def drawn(image: np.ndarray, way: Way, rows: int) -> str:
    """Return what draws an (H, W, C) uint8 image; the cursor stays in the picture's last line, or below.

    Args:
        rows: lines of text that it takes; in sixels, whose size is in pixels, it is as large as it is.
    """
    if way == "sixel":
        return "".join(_sixels(image))
    file = io.BytesIO()
    media.picture(image).save(file, format="PNG")
    content = base64.b64encode(file.getvalue()).decode()
    if way == "iterm2":
        size = f"size={len(file.getvalue())};height={rows};preserveAspectRatio=1"
        return f"{ESCAPE}]1337;File=inline=1;{size}:{content}\a"
    chunks = [content[start : start + CHUNK] for start in range(0, len(content), CHUNK)]
    keys = [f"a=T,f=100,q=2,r={rows},", *("" for _ in chunks[1:])]
    more = [1] * (len(chunks) - 1) + [0]
    return "".join(f"{ESCAPE}_G{key}m={m};{part}{END}" for key, m, part in zip(keys, more, chunks, strict=True))


def _sixels(image: np.ndarray) -> Iterator[str]:
    """Yield an image in at most 256 colours: bands of six rows, in each of which every colour has a line."""
    reduced = media.picture(media.laid_over(image, 255)).convert("RGB").quantize(256)
    numbers = np.asarray(reduced)  # (H, W)
    palette = np.array(reduced.getpalette()).reshape(-1, 3)
    height, width = numbers.shape
    yield f'{ESCAPE}P0;1;0q"1;1;{width};{height}'
    for number in np.unique(numbers):
        red, green, blue = (round(100 * int(part) / 255) for part in palette[number])
        yield f"#{number};2;{red};{green};{blue}"
    bits = 1 << np.arange(6)[:, None]
    for top in range(0, height, 6):
        band = numbers[top : top + 6]
        for number in np.unique(band):
            rows = ((band == number) * bits[: len(band)]).sum(0)  # (W,)
            yield f"#{number}" + re.sub(r"(.)\1{3,}", _repeated, "".join(chr(63 + row) for row in rows)) + "$"
        yield "-"
    yield END


def _repeated(same: re.Match[str]) -> str:
    return f"!{len(same[0])}{same[1]}"
