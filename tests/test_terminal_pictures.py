"""Pictures in a terminal: the bytes that draw one, read back, are the picture; a terminal says which it understands."""

import base64
import io
import os
import pty
import re
import threading
import tty

import numpy as np
import pytest
from PIL import Image
from rich.console import Console, Group
from rich.text import Text

from framegan import terminal_pictures
from framegan.files import live

PIXELS = np.random.default_rng(0).integers(0, 3, (90, 100, 3), np.uint8) * 100


@pytest.fixture(params=["grey", "colour"])
def image(request):
    return PIXELS[..., :1] if request.param == "grey" else PIXELS


def of_png(content: str) -> np.ndarray:
    with Image.open(io.BytesIO(base64.b64decode(content))) as read:
        return np.asarray(read.convert("RGB"))


def of_kitty(codes: str) -> np.ndarray:
    chunks = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", codes)
    assert "".join(f"\x1b_G{keys};{part}\x1b\\" for keys, part in chunks) == codes
    assert [keys[-3:] for keys, _ in chunks] == ["m=1"] * (len(chunks) - 1) + ["m=0"]
    assert all(len(part) <= 4096 for _, part in chunks)
    return of_png("".join(part for _, part in chunks))


def of_iterm2(codes: str) -> np.ndarray:
    content = re.fullmatch(r"\x1b\]1337;File=inline=1;size=\d+;height=9;preserveAspectRatio=1:([^\a]*)\a", codes)[1]
    return of_png(content)


def of_sixels(codes: str) -> np.ndarray:
    width, height, body = re.fullmatch(r'\x1bP0;1;0q"1;1;(\d+);(\d+)(.*)\x1b\\', codes).groups()
    canvas, colours = np.zeros((int(height) + 6, int(width), 3)), {}
    top = left = 0
    for define, red, green, blue, chosen, number, repeated, single, moved in re.findall(
        r"#(\d+);2;(\d+);(\d+);(\d+)|#(\d+)|!(\d+)(.)|([?-~])|([$-])", body
    ):
        if define:
            colours[define] = np.array([int(red), int(green), int(blue)]) * 2.55
        elif chosen:
            colour = colours[chosen]
        elif moved:
            top, left = top + 6 * (moved == "-"), 0
        else:
            rows = [top + row for row in range(6) if (ord(repeated or single) - 63) >> row & 1]
            right = left + int(number or 1)
            canvas[rows, left:right] = colour
            left = right
    return canvas[: int(height)].round()


@pytest.mark.parametrize(
    ("way", "read", "off"), [("kitty", of_kitty, 0), ("iterm2", of_iterm2, 0), ("sixel", of_sixels, 2)]
)
def test_what_draws_a_picture_is_the_picture(way, read, off, image):
    """A sixel's colours are in percent."""
    found = read(terminal_pictures.drawn(image, way, rows=9))
    assert np.abs(found - np.broadcast_to(image, (*image.shape[:2], 3)).astype(float)).max() <= off


@pytest.mark.parametrize("channels", [2, 4])
def test_sixels_show_nothing_of_what_is_transparent(channels):
    image = np.zeros((4, 4, channels), np.uint8)
    image[..., 0], image[:2, :, -1] = 200, 255
    found = of_sixels(terminal_pictures.drawn(image, "sixel", rows=9))
    assert np.abs(found[2:] - 255.0).max() <= 2
    assert np.abs(found[:2] - [200, *([0, 0] if channels == 4 else [200, 200])]).max() <= 2


@pytest.mark.parametrize(
    ("environment", "way"),
    [
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, "kitty"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, "iterm2"),
        ({"TERM": "tmux-256color", "TERM_PROGRAM": "tmux", "LC_TERMINAL": "iTerm2", "KITTY_WINDOW_ID": "1"}, None),
        ({"TERM": "xterm-256color"}, None),
        ({"TERM": "dumb"}, None),
        ({}, None),
    ],
)
def test_what_the_environment_says(environment, way, monkeypatch):
    monkeypatch.setattr(os, "isatty", lambda number: True)
    monkeypatch.setattr(terminal_pictures, "_answer", lambda: "")
    assert terminal_pictures.way_of(environment) == way


@pytest.mark.parametrize(
    ("answer", "way"),
    [
        ("\x1b_Gi=31;OK\x1b\\\x1b[?62;c", "kitty"),
        ("\x1b[?62;4;22c", "sixel"),
        ("\x1b[?64;1;2c", None),
        ("\x1b[?4c", None),
        ("", None),
    ],
)
def test_a_terminal_is_asked_and_left_as_it_was(answer, way, monkeypatch):
    terminal, ours = pty.openpty()
    before = tty.tcgetattr(ours)
    monkeypatch.setattr(os, "tcgetpgrp", lambda number: os.getpgrp())
    monkeypatch.setattr(terminal_pictures, "SECONDS", 5.0 if answer else 0.1)

    def reply() -> None:
        asked = b""
        while not asked.endswith(b"[c"):
            asked += os.read(terminal, 100)
        os.write(terminal, answer.encode())

    thread = threading.Thread(target=reply)
    thread.start()
    found = terminal_pictures._way_in(terminal_pictures._answer(ours, ours))
    thread.join()
    assert found == way
    assert tty.tcgetattr(ours) == before
    os.close(ours)
    os.close(terminal)


def test_a_picture_comes_above_the_live_display():
    console = Console(file=io.StringIO(), force_terminal=True, width=60)
    line = live.Line(100, 10, console)
    line.update(10, "training", Group(Text("losses")))
    live.refresh()
    before = len(console.file.getvalue())
    live.draw("\x1b_Gpicture\x1b\\")
    written = console.file.getvalue()[before:]
    line.end()
    above, below = written.split("\x1b_Gpicture\x1b\\\n")
    assert above.endswith("\x1b[1A\x1b[2K"), "the display is taken away first"
    assert "training" in below
    assert "losses" in below
