"""Clips drawn at random from videos: the source of samples (C, T, H, W), or of images where T is 1.

Every draw is a function of (seed, epoch, index) alone, so that clips are the same for any number of workers and
devices, and after a resume.
"""

import copy
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any, Literal

import numpy as np
import torch
from pydantic import PositiveFloat, PositiveInt
from torch import Tensor

from framegan import noise
from framegan.data.bad_files import NAMED_PROBLEMS, BadFiles, OnError, Share
from framegan.data.frame_cache.layout import prepared
from framegan.data.labels import emptied
from framegan.data.resolution import sides_of
from framegan.data.source import Inventory, classes_of, counted, inventory_told_by
from framegan.data.stream import Ticket
from framegan.data.video_set import DecodedVideos, PackedVideos, Videos, pack, size_in_bytes
from framegan.data.videos.frame_choice import Draws, Short
from framegan.processes.ranks import say
from framegan.quoting import printable
from framegan.rules import require
from framegan.spread import spread

VIDEOS_FOR_RATE = 64
FAILURES_IN_A_ROW = 20
"""How many other videos are tried in place of one that can't be read."""
LOOPED = "data.short=loop or repeat_last"
"""What keeps videos that are too short for the clips of the data."""


class Clips:
    """Draws clips of `num_frames` frames from videos; see `framegan.data.source.Source`.

    Args:
        num_frames: frames of a clip. 1 makes images (C, H, W).
        frame_stride: frames from one to the next; [a, b]: drawn for each clip from a to b, as far as the video
            is long enough.
        target_fps: take the frames nearest to this rate in place of every frame_stride-th, which then has to be 1;
            needs videos that know their frames' times.
        clips_per_video: clips of each video in an epoch.
        short: what to do with a video that is too short for one clip: drop it, loop it, repeat its last frame, or
            raise an error.
        cache: auto: read the frames from a valid cache of these videos where there is one; none: always decode.
        cache_dir: where the cache lies; None: beside the data.
        on_error: what to do with a video that can't be read while training: raise, or skip (name it once and draw
            another one in its place).
        max_bad_fraction: raise all the same once more than this share of the videos was skipped.
        seed: key of the draws.

    Raises:
        ValueError: no video is long enough, or they don't know their times.
    """

    def __init__(
        self,
        videos: Videos,
        num_frames: PositiveInt = 16,
        frame_stride: PositiveInt | tuple[PositiveInt, PositiveInt] = 1,
        target_fps: PositiveFloat | None = None,
        clips_per_video: PositiveInt = 1,
        short: Short = "drop",
        on_error: OnError = "raise",
        max_bad_fraction: Share = 0.01,
        seed: noise.Seed = 0,
        cache: Literal["auto", "none"] = "auto",
        cache_dir: str | None = None,
    ):
        self.videos = prepared(videos, cache_dir) if cache == "auto" else videos
        self.origin = self.videos
        """The videos as they are known, wherever their frames are kept."""
        self.num_classes, self.classes, self.split = videos.num_classes, classes_of(self.origin), videos.split
        lowest, highest = (frame_stride, frame_stride) if isinstance(frame_stride, int) else frame_stride
        self.draws = Draws(num_frames, (lowest, highest), target_fps, clips_per_video, short, seed)
        self.taken = slice(None)
        """What is taken of the frames that are drawn; see `cut`."""
        self.bad = BadFiles(len(videos), "videos", on_error, max_bad_fraction)
        """Those that this process came across, by index."""
        if lowest > highest:
            raise ValueError(f"data.frame_stride got [{lowest}, {highest}]; the first has to be the smaller one")
        if target_fps is not None and highest > 1:
            raise ValueError(
                f"data.target_fps={target_fps} takes the place of data.frame_stride={frame_stride}; set that to 1, or "
                "data.target_fps to null"
            )
        asked = f"data.num_frames={num_frames} at data.{self.draws.pace}"
        self.kept = self._long_enough(asked, LOOPED)
        self._leave_out_known()

    @property
    def shape(self) -> tuple[int, ...]:
        length = (self.num_frames,) if self.num_frames > 1 else ()
        return (self.videos.channels, *length, *sides_of(self.videos.resolution))

    @property
    def num_frames(self) -> int:
        """Frames of a clip."""
        return len(range(self.draws.num_frames)[self.taken])

    @property
    def labels(self) -> list[int]:
        """The class of each clip."""
        return [self.videos.label(video) for video in self.of_videos]

    @property
    def groups(self) -> list[Any]:
        """What each clip tells others of: its video, or the group of that where the set of videos has `groups`."""
        groups = getattr(self.origin, "groups", None)
        of_each = range(len(self.videos)) if groups is None else groups
        said = f"the set of videos has {len(self.videos)} and {len(of_each)} groups"
        require(len(of_each) == len(self.videos), said, "groups should be that of each video")
        return [of_each[video] for video in self.of_videos]

    @property
    def of_videos(self) -> list[int]:
        """The number of the video of each clip."""
        return [video for video in self.kept for _ in range(self.draws.clips_per_video)]

    @property
    def frames_per_second(self) -> float | None:
        """At which clips play as fast as the videos, the median of some of them. None = they know no times."""
        if self.draws.target_fps is not None:
            return self.draws.target_fps
        some = [self.kept[place] for place in spread(VIDEOS_FOR_RATE, len(self.kept))]
        times = [found for found in map(self.videos.frame_times, some) if found is not None]
        rates = [(len(t) - 1) / (t[-1] - t[0]) for t in times if len(t) > 1 and t[-1] > t[0]]
        return float(np.median(rates)) / (sum(self.draws.strides) / 2) if rates else None

    def class_counts(self) -> list[int]:
        return counted(self.labels, self.num_classes)

    def inventory(self) -> Inventory | None:
        told = inventory_told_by(self.origin)
        return told and {**told, "clips": asdict(self.draws)}

    def __len__(self) -> int:
        return len(self.kept) * self.draws.clips_per_video

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        samples, labels = self.batch([(index, 0)])
        return samples[0], int(labels[0])

    def batch(self, tickets: Sequence[Ticket]) -> tuple[Tensor, Tensor]:
        """Return the clips of these tickets, uint8 (N, *shape), and their labels, int64 (N,)."""
        videos, found = zip(*(self._readable(index, epoch) for index, epoch in tickets), strict=True)
        if isinstance(self.videos, DecodedVideos):
            clips = self.videos.clips(videos, found)
        else:
            clips = torch.from_numpy(np.stack(found))
        samples = clips.permute(0, 4, 1, 2, 3) if self.num_frames > 1 else clips[:, 0].permute(0, 3, 1, 2)
        return samples.contiguous(), torch.tensor([self.videos.label(video) for video in videos])

    def of(self, videos: Videos) -> "Clips":
        """Return clips drawn in the same way from the same videos kept elsewhere."""
        clips = copy.copy(self)
        clips.videos = videos
        clips.bad = replace(self.bad, found=dict(self.bad.found))
        clips._leave_out_known()
        return clips

    @property
    def size_in_memory(self) -> int:
        """How many bytes all frames of the videos take."""
        return size_in_bytes(self.videos)

    def in_memory(self) -> "Clips":
        """Return the same clips, of videos that were read as a whole."""
        return self.of(pack(self.videos))

    def to(self, device: torch.device) -> "Clips":
        """Return the same clips of videos on a device; packed videos only."""
        assert isinstance(self.videos, PackedVideos)
        return self.of(self.videos.to(device))

    def cut(self, num_frames: int, frame_stride: int = 1) -> "Clips":
        """Return clips of another length, one of each video; every frame_stride-th frame of these.

        Shorter ones are how these begin, as what is compared with them is how a generator's clips begin; longer ones
        are drawn as such, see `Draws.longer`.

        Raises:
            ValueError: none is long enough.
        """
        clips = copy.copy(self)
        clips.bad = replace(self.bad, held_out=())
        if (num_frames - 1) * frame_stride < self.draws.num_frames:
            clips.draws = replace(self.draws, clips_per_video=1)
            clips.taken = slice(0, num_frames * frame_stride, frame_stride)
            return clips
        clips.draws = self.draws.longer(num_frames, frame_stride)
        asked = f"the {num_frames} frames that are compared at {clips.draws.pace}"
        remedy = f"num_frames={self.draws.num_frames} and frame_stride=1 below metrics.NAME"
        clips.kept = clips._long_enough(asked, remedy)
        return clips

    def draw(self, index: int, epoch: int, attempt: int = 0) -> tuple[int, np.ndarray]:
        """Return the video and the frame numbers, (T,) ascending, of a clip.

        Args:
            attempt: 0, or how many videos could not be read in its place before.
        """
        random = noise.generator(self.draws.seed, noise.CLIPS, epoch, index, attempt)
        place = index // self.draws.clips_per_video
        video = self.kept[place if attempt == 0 else self.bad.other(place, len(self.kept), random)]
        return video, self.draws.frames(self.videos.num_frames(video), self._times(video), random)[self.taken]

    def _readable(self, index: int, epoch: int) -> tuple[int, np.ndarray]:
        """Return a clip's video and what is read of it; of another video where its own can't be read."""
        for attempt in range(FAILURES_IN_A_ROW):
            video, frames = self.draw(index, epoch, attempt)
            try:
                return video, self._read(video, frames)
            except ValueError as error:
                self._leave_out({video: str(error)})
        last = printable(self.videos.name(video))
        raise ValueError(f"{FAILURES_IN_A_ROW} videos in a row could not be read, the last one {last}")

    def _read(self, video: int, frames: np.ndarray) -> np.ndarray:
        """Return frames of a video, (T, H, W, C); just their numbers where those of a whole batch are read at once."""
        if isinstance(self.videos, DecodedVideos):
            if video in self.videos.errors:
                raise ValueError(self.videos.errors[video])
            return frames
        wanted, places = np.unique(frames, return_inverse=True)
        return self.videos.read(video, wanted.tolist())[places]

    def _leave_out_known(self) -> None:
        """Count what is known beforehand to be unreadable, so that a run stops before its first batch."""
        if isinstance(self.videos, DecodedVideos):
            errors = self.videos.errors
            self._leave_out({video: errors[video] for video in self.kept if video in errors})

    def _leave_out(self, problems: dict[int, str]) -> None:
        """Count videos that can't be read, and raise where that must not be."""
        if self.bad.on_error == "raise" and len(problems) == 1:
            ((video, reason),) = problems.items()
            name = printable(self.videos.name(video))
            raise ValueError(f"{name} can't be read: {reason}; fix or remove it, or set data.on_error=skip") from None
        self.bad.add(problems, self.videos.name)

    def _long_enough(self, asked: str, remedy: str) -> list[int]:
        """Return the videos that clips are drawn from; `remedy` keeps those that are too short for what is asked."""
        videos, draws = range(len(self.videos)), self.draws
        fits = [draws.fits(self.videos.num_frames(video), self._times(video)) for video in videos]
        kept, too_short = ([video for video in videos if fits[video] == wanted] for wanted in (True, False))
        reason = f"{len(too_short)} of {len(videos)} videos are too short for {asked}"
        if (too_short and draws.short == "error") or (not kept and draws.short == "drop"):
            shown = "".join(
                f"\n  {printable(self.videos.name(video))}: {self.videos.num_frames(video)} frames"
                for video in too_short[:NAMED_PROBLEMS]
            )
            raise ValueError(f"{reason}; set {remedy}, or ask for fewer:{shown}")
        if draws.short in ("loop", "repeat_last"):
            return list(videos)
        if too_short:
            labels = [self.videos.label(video) for video in videos]
            gone = emptied(self.classes, labels, [labels[video] for video in kept])
            say(f"dropped  {reason}" + (f"; {gone}: {remedy} keeps it" if gone else ""))
        return kept

    def _times(self, video: int) -> np.ndarray | None:
        """Return when the frames of a video are shown, where they are chosen by that."""
        if self.draws.target_fps is None:
            return None
        times = self.videos.frame_times(video)
        if times is None:
            name = self.videos.name(video)
            raise ValueError(f"data.target_fps needs the frames' times, and {name} has none; set it to null")
        return times
