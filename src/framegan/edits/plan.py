"""From pictures and edits to edited pictures: what comes of them is known before the first one is read."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, partial
from itertools import groupby

import numpy as np

from framegan import media
from framegan.edits import graph, words
from framegan.edits.outline import Edit, Filter, Filtered, Frames, Joining, Measured, Outline, Streamed


@dataclass(frozen=True)
class Source:
    """Pictures, and where they come from.

    Args:
        frames: reads them, as often as it is called.
        begin: seconds, when the file shows the first one; their own times are counted from there.
    """

    outline: Outline
    frames: Callable[[], Frames]
    begin: Fraction = Fraction()


def edited(sources: Sequence[Source], edits: Sequence[Edit]) -> Source:
    """Return what comes of sources; no frame of them is read before `frames` is called.

    Edits before one that joins are of each source, the others of what was joined.

    Raises:
        ValueError: an edit doesn't fit what it gets, or there are several sources and nothing joins them.
    """
    several = [Source(one.outline, partial(_in_colour, one)) for one in sources]
    for piece in _pieces(edits, has_alpha=any(one.outline.has_alpha for one in sources)):
        first = piece[0]
        if isinstance(first, Joining):
            several = [_joined(first, several)]
        else:
            several = [_piece(piece, source) for source in several]
    if len(several) > 1:
        raise ValueError(
            f"{len(several)} clips make one by concatenate, crossfade=0.5 or stack=beside; none of these was given"
        )
    made = several[0]
    return Source(made.outline, lambda: _as_outlined(made))


def _pieces(edits: Sequence[Edit], *, has_alpha: bool) -> Iterator[list[Edit]]:
    """Yield edits one by one, but filters together as far as alpha goes through all of them, or through none."""

    def kind(numbered: tuple[int, Edit]) -> object:
        number, edit = numbered
        return (edit.leaves_alpha and has_alpha) if isinstance(edit, Filtered) else f"edit {number}"

    for _, group in groupby(enumerate(edits), kind):
        yield [edit for _, edit in group]


def _piece(piece: Sequence[Edit], source: Source) -> Source:
    before = after = source.outline
    first = piece[0]
    if isinstance(first, Streamed):
        return Source(first.after(before), lambda: first.frames(source.frames(), before))
    if isinstance(first, Measured):
        found = cache(lambda: first.found(source.frames(), before))  # of edits behind it, some read twice as well
        return Source(first.after(before), lambda: first.frames(source.frames(), found()))
    chain: list[Filter] = []
    for edit in piece:
        assert isinstance(edit, Filtered)
        made = edit.after(after)
        needed = edit.filters(after)
        graph.require(words.name_of(edit), *(one.name for one in needed))
        chain += [*needed, Filter("format", {"pix_fmts": graph.FORMATS[_through(edit, before)]})]
        after = made
    leaves_alpha = isinstance(first, Filtered) and first.leaves_alpha
    graph.check(before, chain, _through(first, before))
    return Source(after, lambda: graph.filtered(source.frames(), before, chain, leaves_alpha=leaves_alpha))


def _through(edit: Edit, before: Outline) -> int:
    """Return how many channels go through the filters of an edit."""
    return 4 if before.has_alpha and isinstance(edit, Filtered) and not edit.leaves_alpha else 3


def _joined(edit: Joining, several: Sequence[Source]) -> Source:
    if len(several) < 2:
        raise ValueError(f"{words.name_of(edit)} joins several, and there is one; name others before the file to write")
    outlines = [source.outline for source in several]
    made = edit.joined(outlines)
    readers = [partial(_like, source, has_alpha=made.has_alpha) for source in several]
    return Source(made, lambda: edit.frames(readers, outlines))


def _in_colour(source: Source) -> Frames:
    """Yield frames with three channels, or four where the source has alpha."""
    for shown in source.frames():
        yield shown._replace(pixels=media.in_colour(shown.pixels))


def _like(source: Source, *, has_alpha: bool) -> Frames:
    """Yield the frames of one of several, opaque ones with alpha where others have it."""
    for shown in source.frames():
        pixels = shown.pixels
        if has_alpha and pixels.shape[-1] == 3:
            pixels = np.concatenate([pixels, np.full((*pixels.shape[:-1], 1), 255, np.uint8)], axis=-1)
        yield shown._replace(pixels=pixels)


def _as_outlined(source: Source) -> Frames:
    """Yield frames with as many channels as they are said to have."""
    channels = {1: [0], 2: [0, 3], 3: [0, 1, 2], 4: [0, 1, 2, 3]}[source.outline.channels]
    for shown in source.frames():
        yield shown if shown.pixels.shape[-1] == len(channels) else shown._replace(pixels=shown.pixels[..., channels])
