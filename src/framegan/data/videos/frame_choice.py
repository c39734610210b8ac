"""Which frames of a video a clip is made of: one stride apart, or nearest to a rate.

Numbers beyond the last frame stand for frames that would follow where a video is too short.
"""

import numpy as np


def with_stride(length: int, num_frames: int, strides: tuple[int, int], random: np.random.Generator) -> np.ndarray:
    """Return the numbers of frames (T,), ascending, from a random one on.

    Args:
        length: frames of the video.
        strides: the smallest and the largest; one is drawn among those with which the clip fits into the video.
    """
    lowest, highest = strides
    steps = num_frames - 1
    fitting = max(lowest, min(highest, (length - 1) // steps if steps else highest))
    stride = int(random.integers(lowest, fitting + 1))
    start = random.integers(max(1, length - steps * stride))
    return start + stride * np.arange(num_frames)


def at_rate(times: np.ndarray, num_frames: int, rate: float, random: np.random.Generator) -> np.ndarray:
    """Return the numbers of the frames (T,), ascending, that are nearest to a rate, from a random time on.

    Args:
        times: when each frame of the video is shown, in seconds.
        rate: frames a second.
    """
    offsets = np.arange(num_frames) / rate
    room = max(0.0, times[-1] - times[0] - offsets[-1])
    wanted = times[0] + random.random() * room + offsets
    if wanted[-1] > times[-1] + 1e-6:  # too short: number the frames that would follow at the video's own rate
        gap = (times[-1] - times[0]) / max(1, len(times) - 1) or offsets[-1]
        times = np.concatenate([times, np.arange(times[-1] + gap, wanted[-1] + gap, gap)])
    right = np.searchsorted(times, wanted).clip(1, len(times) - 1) if len(times) > 1 else np.zeros(num_frames, int)
    return np.where(wanted - times[right - 1] <= times[right] - wanted, right - 1, right)
