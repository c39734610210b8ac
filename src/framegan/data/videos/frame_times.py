"""When the frames of a file are shown, where times don't identify its frames, which are counted instead.

A container of this kind gives each packet the time of its decoding, or how long it lasts, or just one rate for all. The
rate alone isn't believed: many a header names the ticks of a clock in its place.
"""

from collections.abc import Sequence

import numpy as np

Packet = tuple[int | None, int | None]
"""When it is to be decoded, and how long it lasts, in ticks, where the container says so."""

TOO_FAST = 3
"""How many times the rate that the pictures themselves name is not believed in the one number that an AVI has."""


def counted(num_frames: int, packets: Sequence[Packet]) -> np.ndarray | None:
    """Return when each frame is shown, ascending int64 (T,) in ticks from the first one; None: it isn't known.

    Frames are shown as fast as they are decoded, whatever their order. Where files were joined, times begin again: the
    frames are then the usual step apart.
    """
    known = [number for number, (time, _) in enumerate(packets) if time is not None]
    if len(known) > 1:
        first = packets[known[0]][0] or 0
        ticks = np.interp(range(len(packets)), known, [float((packets[number][0] or 0) - first) for number in known])
    else:
        ticks = np.cumsum([0.0, *(duration or 0 for _, duration in packets[:-1])])
    steps = np.diff(ticks)
    if num_frames > 1 and not (steps > 0).any():
        return None
    if len(steps):
        steps = np.where(steps > 0, steps, np.median(steps[steps > 0]))
    ticks = np.cumsum([0.0, *steps])
    if num_frames < len(ticks) < 1.5 * num_frames:  # the first packets gave no frame
        ticks = ticks[len(ticks) - num_frames :]
        ticks = ticks - ticks[0]
    if len(ticks) != num_frames:  # two fields of a frame, or two frames, in one packet
        ticks = np.interp(np.linspace(0, len(ticks) - 1, num_frames), range(len(ticks)), ticks)
    times = ticks.round().astype(np.int64)
    return times if (np.diff(times) > 0).all() else None


def tick(pts: np.ndarray, time_base: float, rate: float) -> float:
    """Return the seconds of a tick in an AVI file: time_base, unless that makes it faster than can be.

    Args:
        pts: when each frame is shown, ascending (T,).
        rate: that FFmpeg guesses from the pictures and the header; 0: none.
    """
    step = float(np.median(np.diff(pts))) if len(pts) > 1 else 1.0
    return 1 / (rate * step) if time_base and rate and time_base * rate * step * TOO_FAST < 1 else time_base
