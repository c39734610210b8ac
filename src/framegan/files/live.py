"""The one live display of this process: whatever shows its progress while another does gets a line in it."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.control import Control
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.segment import ControlType, Segment
from rich.text import Text

Item = TypeVar("Item")

NARROWEST, WIDEST = 4, 30
"""Characters of a bar."""
BESIDE = 56
"""Characters for what stands beside a bar."""
FREE = 3
"""Characters at the end of each line for what is typed, such as ^C: a line too many would tear the display apart."""


class Narrower(Group):
    """What is shown one below the other, with FREE characters at the end of each line."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for shown in self.renderables:
            yield from console.render(shown, options.update_width(max(1, options.max_width - FREE)))


class Display(Progress):
    """Lines with a bar each, and what is set to stand below them; the cursor stays visible, however it ends."""

    below: Group | None = None
    notice: Text | None = None

    def get_renderables(self) -> Iterable[RenderableType]:
        below = [shown for shown in (self.below, self.notice) if shown is not None]
        yield Narrower(self.make_tasks_table(self.tasks), *below)

    def start(self) -> None:
        super().start()
        self.console.show_cursor(True)


_shown: list[Display] = []
"""The display, while there is one; two of them would overwrite each other's line."""


class Line:
    """A bar with a text and the time left. It appears at once; the first one brings the display, and takes it away.

    Args:
        total: how far it goes. None = nobody knows.
        completed: how far it is.
        console: where the display is, if this line brings it.
    """

    def __init__(self, total: int | None, completed: int, console: Console, *, transient: bool = False):
        self.brings_display = not _shown
        if self.brings_display:
            bar = BarColumn(max(NARROWEST, min(WIDEST, console.width - BESIDE)))
            columns = bar, TextColumn("{task.fields[text]}"), TimeElapsedColumn(), TimeRemainingColumn()
            display = Display(*columns, TextColumn("left"), console=console, transient=transient, refresh_per_second=4)
            display.start()
            _shown.append(display)
        self.display = _shown[0]
        self.task = self.display.add_task("", total=total, completed=completed, text="")

    def update(self, completed: int, text: str, below: Group | None = None) -> None:
        """Show how far it is by now, and what is to stand below all lines."""
        self.display.update(self.task, completed=completed, text=text)
        self.display.below = below or self.display.below

    def end(self) -> None:
        if self.brings_display:
            self.display.notice = None
            self.display.stop()
            _shown.clear()
        else:
            self.display.remove_task(self.task)


def is_shown() -> bool:
    """Say whether there is a display."""
    return bool(_shown)


def notice(text: str) -> bool:
    """Let a text stand at the foot of the display until it ends, and say whether there is one.

    A signal's handler may call this: nothing is written here, the display's own thread does that a moment later.
    """
    for display in _shown:
        display.notice = Text(text)
    return bool(_shown)


def draw(codes: str) -> None:
    """Write what draws a picture to the terminal, above the display where there is one."""
    console = _shown[0].console if _shown else Console()
    raw = Control()
    raw.segment = Segment(codes, None, [(ControlType.CARRIAGE_RETURN,)])
    console.print(raw, "")


def refresh() -> None:
    """Draw the display at once, if there is one."""
    for display in _shown:
        display.refresh()


def track(items: Iterable[Item], what: str, total: int) -> Iterator[Item]:
    """Yield the items behind a line that says how many were taken; without a terminal nothing is shown."""
    with bar(total, lambda number: f"{what} {number:,} / {total:,}") as advance:
        for item in items:
            yield item
            advance(1)


@contextmanager
def bar(total: int | None, text: Callable[[int], str], completed: int = 0) -> Iterator[Callable[[int], None]]:
    """Show a line, and yield what moves it on by a number; without a terminal nothing is shown.

    Args:
        total: how far it goes. None = nobody knows.
        text: of the line, by how far it is.
        completed: how far it is at the start.
    """
    console = Console(stderr=True)
    if not _shown and not console.is_interactive:
        yield lambda step: None
        return
    line = Line(total, completed, console, transient=True)

    def advance(step: int) -> None:
        nonlocal completed
        completed += step
        line.update(completed, text(completed))

    try:
        advance(0)
        yield advance
    finally:
        line.end()
