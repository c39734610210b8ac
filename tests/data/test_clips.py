"""Clips are drawn from videos: where from is a function of (seed, epoch, index) alone, and no frame is left out."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
import torch

from framegan.data.held_out import held_out, keep_apart
from framegan.data.source import in_memory
from framegan.data.video_set import PackedVideos
from framegan.data.videos.clips import Clips


class Numbers:
    """Videos whose frame f of video v is of the colour (v, f, 0); those in `bad` can't be read."""

    channels, resolution, num_classes, split = 3, 2, 2, "all"

    def __init__(self, lengths: Sequence[int], bad: Sequence[int] = (), times: Sequence[np.ndarray] | None = None):
        self.lengths = lengths
        self.bad = bad
        self.times = times
        self.asked: list[list[int]] = []

    def __len__(self) -> int:
        return len(self.lengths)

    def name(self, index: int) -> str:
        return f"video {index}"

    def label(self, index: int) -> int:
        return index % 2

    def num_frames(self, index: int) -> int:
        return self.lengths[index]

    def frame_times(self, index: int) -> np.ndarray | None:
        return self.times[index] if self.times is not None else None

    def read(self, index: int, frames: Sequence[int]) -> np.ndarray:
        if index in self.bad:
            raise ValueError("torn")
        assert list(frames) == sorted(set(frames)) and frames[-1] < self.lengths[index]
        self.asked.append(list(frames))
        clip = np.zeros((len(frames), 2, 2, 3), np.uint8)
        clip[..., 0], clip[..., 1] = index, np.array(frames)[:, None, None]
        return clip


def drawn(clips: Clips, epochs: int = 200) -> list[tuple[int, list[int]]]:
    """Return the video and the frames of every clip in some epochs, as their pixels say."""
    samples, _ = clips.batch([(index, epoch) for epoch in range(epochs) for index in range(len(clips))])
    assert samples.is_contiguous() and tuple(samples.shape[1:]) == clips.shape
    if samples.ndim == 4:
        samples = samples[:, :, None]
    pixels = samples[..., 0, 0].tolist()
    assert all(len(set(videos)) == 1 for videos, _, _ in pixels)
    return [(videos[0], frames) for videos, frames, _ in pixels]


@pytest.mark.parametrize(
    ("length", "num_frames", "stride"), [(10, 4, 1), (10, 4, 3), (10, 10, 1), (12, 1, 1), (12, 2, 7)]
)
def test_every_place_in_a_video_is_drawn_about_as_often(length, num_frames, stride):
    starts = Counter()
    for _, frames in drawn(Clips(Numbers([length]), num_frames, stride), 2000):
        assert frames == list(range(frames[0], frames[0] + num_frames * stride, stride))
        starts[frames[0]] += 1
    places = length - (num_frames - 1) * stride
    assert sorted(starts) == list(range(places))
    assert max(starts.values()) / min(starts.values()) < 2


def test_strides_of_a_range_as_far_as_the_video_is_long_enough():
    strides = {}
    for video, frames in drawn(Clips(Numbers([7, 10, 40, 4]), 4, (1, 3)), 300):
        steps = set(np.diff(frames))
        assert len(steps) == 1
        strides.setdefault(video, Counter()).update(steps)
    assert {video: sorted(steps) for video, steps in strides.items()} == {0: [1, 2], 1: [1, 2, 3], 2: [1, 2, 3], 3: [1]}
    assert min(strides[2].values()) > 60


def test_the_last_frame_is_reached_with_every_stride():
    last = {frames[1] - frames[0] for _, frames in drawn(Clips(Numbers([10]), 3, (1, 4)), 500) if frames[-1] == 9}
    assert last == {1, 2, 3, 4}


def test_a_range_of_strides_has_to_ascend():
    with pytest.raises(ValueError, match=r"data.frame_stride got \[3, 2\]; the first has to be the smaller"):
        Clips(Numbers([10]), 2, (3, 2))


@pytest.mark.parametrize(("num_frames", "shape"), [(1, (3, 2, 2)), (4, (3, 4, 2, 2))])
def test_one_frame_is_an_image(num_frames, shape):
    clips = Clips(Numbers([5, 5]), num_frames)
    assert clips.shape == shape
    sample, label = clips[1]
    assert (sample.dtype, tuple(sample.shape), label) == (torch.uint8, shape, 1)
    assert (clips.num_classes, clips.split, len(clips)) == (2, "all", 2)


def test_images_are_all_frames():
    assert {frames[0] for _, frames in drawn(Clips(Numbers([5]), 1, (1, 4)), 100)} == set(range(5))


def test_labels_go_with_their_videos():
    samples, labels = Clips(Numbers([5, 5, 5]), 2).batch([(2, 0), (1, 0), (0, 3)])
    assert samples[:, 0, 0, 0, 0].tolist() == [2, 1, 0]
    assert labels.tolist() == [0, 1, 0]
    assert labels.dtype == torch.int64


def test_several_clips_of_a_video():
    clips = Clips(Numbers([50, 60]), 2, clips_per_video=3)
    assert len(clips) == 6
    places = drawn(clips, 20)
    assert [video for video, _ in places[:6]] == [0, 0, 0, 1, 1, 1]
    assert len({frames[0] for _, frames in places[:3]}) > 1


def test_a_draw_is_a_function_of_seed_epoch_and_index():
    tickets = [(index, epoch) for epoch in range(3) for index in range(20)]
    clips, again, other = (Clips(Numbers([100] * 20), 4, (1, 5), seed=seed) for seed in (0, 0, 1))
    there = clips.batch(tickets)[0]
    assert torch.equal(again.batch(tickets[::-1])[0].flip(0), there)  # in any order
    assert torch.equal(torch.cat([again.batch([ticket])[0] for ticket in tickets]), there)  # and in any batches
    assert not torch.equal(other.batch(tickets)[0], there)
    assert not torch.equal(there[:20], there[20:40])  # epochs differ
    assert torch.equal(clips[3][0], there[3])  # an item is its clip of the first epoch


LENGTHS = (3, 8, 2, 5)


def test_short_videos_are_dropped_and_counted(capsys):
    clips = Clips(Numbers(LENGTHS), 3, 2, short="drop")
    assert {video for video, _ in drawn(clips, 20)} == {1, 3}
    assert len(clips) == 2
    assert capsys.readouterr().out == (
        "dropped  2 of 4 videos are too short for data.num_frames=3 at data.frame_stride=2; nothing is left of class "
        "0: data.short=loop or repeat_last keeps it\n"
    )


def test_short_videos_are_looped():
    places = dict(drawn(Clips(Numbers(LENGTHS), 3, 2, short="loop"), 1))
    assert (places[0], places[2]) == ([0, 2, 1], [0, 0, 0])


def test_short_videos_repeat_their_last_frame():
    places = dict(drawn(Clips(Numbers(LENGTHS), 3, 2, short="repeat_last"), 1))
    assert (places[0], places[2]) == ([0, 2, 2], [0, 1, 1])


def test_short_videos_are_an_error():
    with pytest.raises(ValueError) as caught:
        Clips(Numbers(LENGTHS), 3, 2, short="error")
    assert str(caught.value).startswith("2 of 4 videos are too short for data.num_frames=3 at data.frame_stride=2; set")
    assert str(caught.value).splitlines()[1:] == ["  video 0: 3 frames", "  video 2: 2 frames"]


@pytest.mark.parametrize("short", ["drop", "error"])
def test_nothing_but_short_videos(short):
    with pytest.raises(ValueError, match="4 of 4 videos are too short for data.num_frames=9"):
        Clips(Numbers(LENGTHS), 9, short=short)


def at_rate(times: Sequence[float], rate: float, num_frames: int, epochs: int = 300, **options) -> list[list[int]]:
    videos = Numbers([len(times)], times=[np.array(times)])
    return [frames for _, frames in drawn(Clips(videos, num_frames, target_fps=rate, **options), epochs)]


def test_frames_nearest_to_a_rate():
    times = np.array([0, 0.11, 0.19, 0.32, 0.4, 0.48, 0.61, 0.7, 0.82, 0.9, 1.0])
    for frames in at_rate(times, 5, 4):
        offsets = times[frames] - 0.2 * np.arange(4)
        assert np.ptp(offsets) <= 2 * 0.065 + 1e-9  # each is off by half a gap at most
    assert {frames[0] for frames in at_rate(times, 5, 4)} == {0, 1, 2, 3, 4}
    assert {frames[-1] for frames in at_rate(times, 5, 4)} == {6, 7, 8, 9, 10}


def test_times_need_not_begin_at_zero():
    frames = at_rate(1.48 + np.arange(10) / 10, 5, 3)
    assert all(np.diff(clip).tolist() == [2, 2] for clip in frames)
    assert {clip[0] for clip in frames} == set(range(6))


def test_the_own_rate_of_a_video_takes_each_frame_once():
    assert at_rate(np.arange(8) / 30, 30, 8, 20) == [list(range(8))] * 20


def test_a_rate_above_that_of_the_video_repeats_frames():
    clips = at_rate(np.arange(4) / 10, 20, 6, 100)
    assert all(set(np.diff(frames)) <= {0, 1} and len(set(frames)) in (3, 4) for frames in clips)


def test_nearest_when_the_rate_varies():
    (frames,) = at_rate([0.0, 0.04, 0.08, 0.2, 0.24, 0.4], 10, 5, 1)
    assert frames == [0, 2, 3, 4, 5]  # of 0.0, 0.1, 0.2, 0.3, 0.4


def test_one_frame_at_a_rate():
    assert {frames[0] for frames in at_rate(np.arange(5) / 10, 7, 1)} == set(range(5))


def test_videos_too_short_for_a_rate():
    times = [0.0, 0.1, 0.2]
    assert at_rate(times, 10, 5, 1, short="repeat_last") == [[0, 1, 2, 2, 2]]
    assert at_rate(times, 10, 5, 1, short="loop") == [[0, 1, 2, 0, 1]]
    assert at_rate([0.5], 10, 3, 1, short="repeat_last") == [[0, 0, 0]]
    assert at_rate([0.5], 10, 3, 1, short="loop") == [[0, 0, 0]]
    with pytest.raises(ValueError, match="1 of 1 videos are too short for data.num_frames=5 at data.target_fps=10"):
        at_rate(times, 10, 5)


def test_a_rate_needs_times_and_no_stride():
    with pytest.raises(
        ValueError, match="data.target_fps needs the frames' times, and video 0 has none; set it to null"
    ):
        Clips(Numbers([9]), 2, target_fps=5)
    with pytest.raises(ValueError, match="data.target_fps=5 takes the place of data.frame_stride=2; set that to 1"):
        Clips(Numbers([9], times=[np.arange(9)]), 2, 2, target_fps=5)


def test_only_the_frames_needed_are_read():
    videos = Numbers([10])
    Clips(videos, 3, 2).batch([(0, 0)])
    Clips(Numbers([2]), 4, short="loop").batch([(0, 0)])  # each frame once, see Numbers.read
    assert len(videos.asked) == 1 and len(videos.asked[0]) == 3


def test_what_cannot_be_read_is_an_error():
    with pytest.raises(ValueError, match="video 1 can't be read: torn; fix or remove it, or set data.on_error=skip"):
        Clips(Numbers([5] * 4, bad=[1]), 2).batch([(0, 0), (1, 0)])


def skipping(bad: Sequence[int] = (3, 7), **options) -> Clips:
    return Clips(Numbers([5] * 40, bad=bad), 2, on_error="skip", **{"max_bad_fraction": 0.1, **options})


def test_what_cannot_be_read_is_named_once_and_another_one_drawn(capsys):
    places = drawn(skipping(), 5)
    assert not {3, 7} & {video for video, _ in places}
    assert [video for video, _ in places[:3]] == [0, 1, 2]
    assert len({places[40 * epoch + 3][0] for epoch in range(5)}) > 1  # another one in each epoch
    assert capsys.readouterr().out.splitlines() == ["skipped  video 3: torn", "skipped  video 7: torn"]


def test_replacements_are_the_same_in_any_order():
    tickets = [(index, epoch) for epoch in range(3) for index in range(40)]
    one, other = skipping(), skipping()
    samples, labels = one.batch(tickets)
    backwards, backward_labels = other.batch(tickets[::-1])
    assert torch.equal(samples, backwards.flip(0))
    assert torch.equal(labels, backward_labels.flip(0))
    assert torch.equal(labels, samples[:, 0, 0, 0, 0] % 2)  # the label is of the video that is shown


def test_what_is_drawn_in_place_of_a_video_is_held_out_where_that_is():
    clips = skipping(range(0, 40, 3), max_bad_fraction=1.0, clips_per_video=2)
    keep_apart(clips, 0.5)
    left_out = set(held_out(clips, 0.5) // 2)
    asked = [index // 2 for _ in range(4) for index in range(80)]
    found = [int(clips.batch([(index, epoch)])[0][0, 0, 0, 0, 0]) for epoch in range(4) for index in range(80)]
    assert all((one in left_out) == (other in left_out) for one, other in zip(asked, found, strict=True))
    assert {one for one, other in zip(asked, found, strict=True) if one != other} == set(range(0, 40, 3))


@pytest.mark.parametrize("short", ["drop", "loop", "repeat_last"])
@pytest.mark.parametrize("pace", [{"frame_stride": 2}, {"target_fps": 5}])
def test_clips_cut_at_their_own_length_are_the_same(short, pace):
    clips = Clips(Numbers(LENGTHS, times=[np.arange(n) / 10 for n in LENGTHS]), 3, **pace, short=short)
    assert drawn(clips.cut(3), 5) == drawn(clips, 5)


@pytest.mark.parametrize("pace", [{"frame_stride": (1, 3)}, {"target_fps": 5}])
def test_shorter_clips_are_how_those_of_the_data_begin(pace):
    """As a generator's clips are cut: none of the data is shown that its clips can't begin with."""
    clips = Clips(Numbers(LENGTHS, times=[np.arange(n) / 10 for n in LENGTHS]), 3, **pace)
    for whole, cut in zip(drawn(clips, 5), drawn(clips.cut(2), 5), strict=True):
        assert cut == (whole[0], whole[1][:2])
    for whole, cut in zip(drawn(clips, 5), drawn(clips.cut(2, 2), 5), strict=True):
        assert cut == (whole[0], whole[1][::2])
    assert clips.cut(2, 2).shape[1] == 2


def test_videos_too_short_for_shorter_clips_are_what_they_are_in_the_data():
    clips = Clips(Numbers(LENGTHS), 8, short="loop")
    assert dict(drawn(clips.cut(4, 2), 1))[0] == [0, 2, 1, 0]
    assert len(clips.cut(4, 2)) == 4


def test_videos_too_short_for_longer_clips_than_the_data_have_are_left_out(capsys):
    clips = Clips(Numbers(LENGTHS), 3, short="loop")
    assert {video for video, _ in drawn(clips.cut(4), 1)} == {1, 3}
    assert capsys.readouterr().out == (
        "dropped  2 of 4 videos are too short for the 4 frames that are compared at frame_stride=1; nothing is left of "
        "class 0: num_frames=3 and frame_stride=1 below metrics.NAME keeps it\n"
    )
    with pytest.raises(ValueError) as caught:
        clips.cut(5, 2)
    assert str(caught.value).splitlines()[0] == (
        "4 of 4 videos are too short for the 5 frames that are compared at frame_stride=2; set num_frames=3 and "
        "frame_stride=1 below metrics.NAME, or ask for fewer:"
    )


def test_clips_that_are_cut_leave_the_data_what_is_held_out():
    clips = skipping(range(0, 40, 3), max_bad_fraction=1.0)
    keep_apart(clips, 0.5)
    left_out = set(clips.bad.held_out)
    cut = clips.cut(2)
    keep_apart(cut, 0.0)
    assert set(clips.bad.held_out) == left_out
    cut.batch([(index, 0) for index in range(40)])
    assert clips.bad.found.keys() == set(range(0, 40, 3)), "what one has come across the other needn't name again"


def test_too_many_that_cannot_be_read_are_an_error():
    drawn(skipping(range(4)), 2)
    with pytest.raises(
        ValueError, match=r"5 of 40 videos can't be read, more than data.max_bad_fraction=0.1 allows; .*"
    ):
        drawn(skipping(range(5)), 2)


def test_nothing_that_can_be_read_is_an_error_even_where_all_may_be_bad():
    with pytest.raises(ValueError, match="20 videos in a row could not be read"):
        drawn(skipping(range(40), max_bad_fraction=1), 1)


OPTIONS = {
    "plain": {},
    "one frame": {"num_frames": 1},
    "strides": {"frame_stride": (1, 4)},
    "looped": {"num_frames": 9, "short": "loop"},
    "last repeated": {"num_frames": 9, "frame_stride": 2, "short": "repeat_last"},
    "several clips": {"clips_per_video": 3},
    "a rate": {"target_fps": 11},
    "skipped": {"on_error": "skip", "max_bad_fraction": 0.5},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_in_memory_clips_are_the_same_to_the_last_bit(options):
    lengths = [5, 30, 12, 9, 40, 8, 33]
    bad = [2, 5] if "on_error" in options else []
    videos = Numbers(lengths, bad, [np.arange(length) / 25 for length in lengths])
    clips = Clips(videos, **{"num_frames": 3, **options})
    packed = in_memory(clips)
    assert isinstance(packed, Clips) and isinstance(packed.videos, PackedVideos)
    assert (packed.shape, len(packed)) == (clips.shape, len(clips))
    tickets = [(index, epoch) for epoch in range(5) for index in range(len(clips))]
    for one, other in zip(packed.batch(tickets), clips.batch(tickets), strict=True):
        assert torch.equal(one, other)
        assert one.is_contiguous()


def test_what_cannot_be_read_into_memory_stops_before_the_first_batch():
    with pytest.raises(ValueError, match="video 1 can't be read: torn"):
        in_memory(Clips(Numbers([5] * 4, bad=[1]), 2))
    with pytest.raises(ValueError, match="5 of 40 videos can't be read"):
        in_memory(skipping(range(5)))


def test_videos_that_are_never_drawn_may_be_bad():
    clips = in_memory(Clips(Numbers([1, 5], bad=[0]), 2))
    assert len(clips) == 1
    clips[0]
