"""Which frames of a video a clip is made of: one stride apart, or nearest to a rate.

Numbers beyond the last frame stand for frames that would follow where a video is too short.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

Short = Literal["drop", "loop", "repeat_last", "error"]


@dataclass(frozen=True)
class Draws:
    """How clips are drawn from videos; see `framegan.data.videos.clips.Clips`.

    Args:
        strides: the smallest and the largest.
    """

    num_frames: int
    strides: tuple[int, int]
    target_fps: float | None
    clips_per_video: int
    short: Short
    seed: int

    def longer(self, num_frames: int, frame_stride: int) -> "Draws":
        """Return those of longer clips, one of each video; every frame_stride-th frame of these.

        Videos that are too short are dropped, whatever is done with them here: a model isn't trained on their repeats
        there.
        """
        strides = self.strides[0] * frame_stride, self.strides[1] * frame_stride
        target_fps = None if self.target_fps is None else self.target_fps / frame_stride
        return replace(
            self, num_frames=num_frames, strides=strides, target_fps=target_fps, clips_per_video=1, short="drop"
        )

    @property
    def pace(self) -> str:
        """The setting that says how far frames are apart."""
        if self.target_fps is not None:
            return f"target_fps={self.target_fps:g}"
        lowest, highest = self.strides
        return f"frame_stride={lowest if lowest == highest else f'[{lowest},{highest}]'}"

    def fits(self, length: int, times: np.ndarray | None) -> bool:
        """Say whether a video is long enough for a clip; `frames` says what of it is asked."""
        if self.target_fps is None or times is None:
            return length > (self.num_frames - 1) * self.strides[0]
        return bool(times[-1] - times[0] + 1e-6 >= (self.num_frames - 1) / self.target_fps)

    def frames(self, length: int, times: np.ndarray | None, random: np.random.Generator) -> np.ndarray:
        """Return the frame numbers (T,), ascending but for loops, of a clip.

        Args:
            length: frames of the video.
            times: when they are shown, (length,) seconds, where frames are chosen by a rate.
        """
        if self.target_fps is None or times is None:
            frames = self._strided(length, random)
        else:
            frames = self._at_rate(times, self.target_fps, random)
        return frames % length if self.short == "loop" else frames.clip(max=length - 1)

    def _strided(self, length: int, random: np.random.Generator) -> np.ndarray:
        """Return frames from a random one on, one of those strides apart with which the clip fits into the video."""
        lowest, highest = self.strides
        steps = self.num_frames - 1
        fitting = max(lowest, min(highest, (length - 1) // steps if steps else highest))
        stride = int(random.integers(lowest, fitting + 1))
        start = random.integers(max(1, length - steps * stride))
        return start + stride * np.arange(self.num_frames)

    def _at_rate(self, times: np.ndarray, rate: float, random: np.random.Generator) -> np.ndarray:
        """Return the frames that are nearest to a rate, from a random time on."""
        offsets = np.arange(self.num_frames) / rate
        room = max(0.0, times[-1] - times[0] - offsets[-1])
        wanted = times[0] + random.random() * room + offsets
        if wanted[-1] > times[-1] + 1e-6:  # too short: number the frames that would follow at the video's own rate
            gap = (times[-1] - times[0]) / max(1, len(times) - 1) or offsets[-1]
            times = np.concatenate([times, np.arange(times[-1] + gap, wanted[-1] + gap, gap)])
        return nearest(times, wanted)


def nearest(times: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return the numbers of the frames that are shown nearest to the (T,) wanted times; both ascend."""
    right = np.searchsorted(times, wanted).clip(1, len(times) - 1) if len(times) > 1 else np.zeros(len(wanted), int)
    return np.where(wanted - times[right - 1] <= times[right] - wanted, right - 1, right)
