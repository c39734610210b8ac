"""Frames through FFmpeg's filters; the only module that builds a graph of them.

Every option goes to its filter by itself, so that no text of a user is read as a description of filters.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from framegan.edits.outline import MICROSECOND, Filter, Frames, Outline
from framegan.video_files import Shown

FORMATS, PLANES = {3: "rgb24", 4: "rgba"}, {3: "gbrp", 4: "gbrap"}
"""Of frames by their channels."""


def require(edit: str, *names: str) -> None:
    """Raise ValueError where this build of FFmpeg has no such filter."""
    import av
    import av.filter

    for name in names:
        if name not in av.filter.filters_available:
            raise ValueError(
                f"{edit} needs FFmpeg's filter {name}, which this build (PyAV {av.__version__}) doesn't have; "
                "leave it out, or install a PyAV that was built with it"
            )


class Graph:
    """Filters one after the other, from frames of three or four channels to such frames.

    Args:
        joining: a filter that makes one frame of two, in place of `filters`.
        format: of frames, by FFmpeg's name. None = that of their channels.
    """

    def __init__(
        self,
        before: Outline,
        filters: Sequence[Filter],
        num_channels: int,
        joining: Filter | None = None,
        format: str | None = None,
    ):
        import av.filter

        self.format = format or FORMATS[num_channels]
        self.graph = av.filter.Graph()
        self.before = before
        self.sources = [self._buffer(before.width, before.height, self.format) for _ in range(2 if joining else 1)]
        last = self._joined(joining, num_channels) if joining else self.sources[0]
        waiting = []
        for one in (*filters, Filter("format", {"pix_fmts": self.format})):
            node = self.graph.add(one.name, **one.options)
            last.link_to(node)
            if one.beside is not None:
                height, width = one.beside.shape[:2]
                second = self._buffer(width, height, "rgba")
                second.link_to(node, 0, 1)
                waiting.append((second, one.beside))
            last = node
        self.sink = self.graph.add("buffersink")
        last.link_to(self.sink)
        self.graph.configure()
        for second, picture in waiting:
            second.push(_frame(picture, "rgba", Fraction()))
            second.push(None)

    def _buffer(self, width: int, height: int, format: str) -> Any:
        rate = self.before.rate.limit_denominator(1001)
        return self.graph.add(
            "buffer",
            video_size=f"{width}x{height}",
            pix_fmt=format,
            pixel_aspect="1/1",
            time_base=f"{MICROSECOND.numerator}/{MICROSECOND.denominator}",
            frame_rate=f"{rate.numerator}/{rate.denominator}",
        )

    def _joined(self, joining: Filter, num_channels: int) -> Any:
        node = self.graph.add(joining.name, **joining.options)
        for place, source in enumerate(self.sources):
            planes = self.graph.add("format", pix_fmts=PLANES[num_channels])
            source.link_to(planes)
            self._with_colours_as_seen("premultiply", planes, num_channels).link_to(node, 0, place)
        return self._with_colours_as_seen("unpremultiply", node, num_channels)

    def _with_colours_as_seen(self, name: str, node: Any, num_channels: int) -> Any:
        """Return what follows a node, of frames with alpha, so that colours count as much as they are seen."""
        if num_channels < 4:
            return node
        there = self.graph.add(name, inplace="1")
        node.link_to(there)
        return there

    def push(self, start: Fraction, *pixels: np.ndarray) -> None:
        """Take one frame, or two at the same time."""
        for source, one in zip(self.sources, pixels, strict=True):
            source.push(_frame(one, self.format, start))

    def end(self) -> None:
        for source in self.sources:
            source.push(None)

    def pull(self) -> Iterator[np.ndarray]:
        """Yield what has come out by now."""
        import av

        while True:
            try:
                frame = self.sink.pull()
            except (BlockingIOError, EOFError):
                return
            assert isinstance(frame, av.VideoFrame)
            yield frame.to_ndarray()


def _frame(pixels: np.ndarray, format: str, start: Fraction) -> Any:
    import av

    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format=format)
    frame.pts, frame.time_base = round(start / MICROSECOND), MICROSECOND
    return frame


def check(before: Outline, filters: Sequence[Filter], num_channels: int) -> None:
    """Raise ValueError where FFmpeg can't do that; no frame is needed for it."""
    try:
        Graph(before, filters, num_channels)
    except (ValueError, OSError) as error:
        names = ", ".join(one.name for one in filters if one.name != "format")
        raise ValueError(f"FFmpeg can't filter pictures of {before.size} by {names}: {error}") from error


def pulled(frames: Iterable[Shown], before: Outline, filters: Sequence[Filter]) -> Iterator[np.ndarray]:
    """Yield the pixels that come of frames, however many."""
    graph = Graph(before, filters, 4 if before.has_alpha else 3)
    for shown in frames:
        graph.push(shown.start, shown.pixels)
        yield from graph.pull()
    graph.end()
    yield from graph.pull()


def filtered(frames: Frames, before: Outline, filters: Sequence[Filter], *, leaves_alpha: bool) -> Frames:
    """Yield frames through filters that return one for each, at the same times.

    Args:
        leaves_alpha: alpha doesn't go through the filters, and stays as it is.
    """
    apart = leaves_alpha and before.has_alpha
    graph = Graph(before, filters, 4 if before.has_alpha and not apart else 3)
    waiting: deque[Shown] = deque()
    """Times, and alpha that is set apart."""

    def with_times() -> Frames:
        for pixels in graph.pull():
            shown = waiting.popleft()
            yield shown._replace(pixels=np.concatenate([pixels, shown.pixels], axis=-1) if apart else pixels)

    for shown in frames:
        graph.push(shown.start, shown.pixels[..., :3] if apart else shown.pixels)
        waiting.append(shown._replace(pixels=shown.pixels[..., 3:] if apart else shown.pixels[:0]))
        yield from with_times()
    graph.end()
    yield from with_times()
    if waiting:
        raise RuntimeError(f"FFmpeg has kept {len(waiting)} frames: {filters}")


def of_pairs(pairs: Iterable[tuple[Shown, np.ndarray]], before: Outline, joining: Filter) -> Iterator[np.ndarray]:
    """Yield the pixels that a filter with two inputs makes of frames and those beside them."""
    graph = None
    for shown, second in pairs:
        graph = graph or Graph(before, [], shown.pixels.shape[-1], joining)
        graph.push(shown.start, shown.pixels, second)
        yield from graph.pull()
    if graph is not None:
        graph.end()
        yield from graph.pull()
