"""Digits bounce off the walls, at any size and frame rate."""

import numpy as np
import pytest
from small_files import write_mnist

from framegan.data.drawn.moving_digits import SIDE, SPEED, MovingDigits, _bounce
from framegan.data.drawn.shape_motion import ShapeMotion


def centres(clip: np.ndarray) -> np.ndarray:
    """Return (down, right) of what is bright, in shares of the side, (T, 2)."""
    weights = clip[..., 0].astype(float)
    places = (np.arange(clip.shape[1]) + 0.5) / clip.shape[1]
    totals = weights.sum((1, 2))
    return np.stack([(weights.sum(2) * places).sum(1), (weights.sum(1) * places).sum(1)], 1) / totals[:, None]


def test_what_a_set_of_videos_offers():
    videos = MovingDigits(num_videos=10, video_frames=7, resolution=32)
    assert (len(videos), videos.num_frames(9), videos.split) == (10, 7, "all")
    assert (videos.channels, videos.resolution, videos.num_classes) == (1, 32, 1)
    assert videos.name(3) == "digits 3"
    assert np.array_equal(videos.frame_times(0), np.arange(7) / 25)
    clip = videos.read(9, [0, 3, 6])
    assert (clip.shape, clip.dtype) == ((3, 32, 32, 1), np.uint8)
    assert np.array_equal(clip, videos.read(9, range(7))[[0, 3, 6]])


@pytest.mark.parametrize("kind", [MovingDigits, ShapeMotion])
def test_every_video_is_a_function_of_the_seed_and_its_number(kind):
    videos, again, other = kind(), kind(num_videos=8), kind(seed=1)
    assert np.array_equal(videos.read(5, [3]), again.read(5, [3]))
    assert not np.array_equal(videos.read(5, [3]), other.read(5, [3]))
    assert not np.array_equal(videos.read(5, [3]), videos.read(7, [3]))


def test_walls():
    assert np.allclose(
        _bounce(np.array([0, 0.25, 1, 1.25, 2, 2.5, -0.25, -1, -1.5])), [0, 0.25, 1, 0.75, 0, 0.5, 0.25, 1, 0.5]
    )


@pytest.mark.parametrize("resolution", [32, 64])
def test_a_digit_is_always_whole_and_keeps_its_speed(resolution):
    videos = MovingDigits(resolution=resolution, per_video=1, video_frames=60)
    slowest, fastest = (speed / videos.frames_per_second for speed in SPEED)
    for index in range(40):
        clip = videos.read(index, range(60))
        brightness = clip.sum((1, 2, 3), dtype=np.int64)
        assert np.ptp(brightness) == 0 < brightness[0]
        steps = np.abs(np.diff(centres(clip), axis=0))
        assert np.linalg.norm(steps, axis=1).max() < fastest + 1.5 / resolution
        speed = np.linalg.norm(np.median(steps, axis=0))
        assert slowest - 1.5 / resolution < speed < fastest + 1.5 / resolution


def test_digits_go_everywhere():
    ever = MovingDigits(per_video=1).read(0, range(1)) * 0
    videos = MovingDigits(per_video=1)
    for index in range(100):
        ever = np.maximum(ever, videos.read(index, range(20)).max(0))
    assert (ever[0, 4:-4, 4:-4] > 100).mean() > 0.95


def test_two_digits_are_one_over_the_other():
    videos, size = MovingDigits(resolution=64), round(64 * SIDE)
    chosen, *_ = videos._drawn(0)
    clip = videos.read(0, range(20))
    assert clip.max() == max(videos.pictures[digit].max() for digit in chosen)
    brightness = clip.sum((1, 2, 3), dtype=np.int64)
    assert brightness.max() <= sum(videos.pictures[digit].sum(dtype=np.int64) for digit in chosen)
    assert videos.pictures.shape[1:] == (size, size)


def test_half_the_frame_rate_is_every_other_frame():
    slow, fast = (MovingDigits(frames_per_second=rate) for rate in (10, 20))
    assert np.array_equal(slow.read(3, range(10)), fast.read(3, range(0, 20, 2)))


def test_one_digit_is_its_class():
    videos = MovingDigits(per_video=1)
    assert videos.num_classes == 10
    labels = [videos.label(index) for index in range(300)]
    assert sorted(set(labels)) == list(range(10))
    assert labels == [int(videos.numbers[videos._drawn(index)[0][0]]) for index in range(300)]
    assert {MovingDigits(per_video=2).label(index) for index in range(20)} == {0}


def test_mnist(tmp_path):
    images = write_mnist(tmp_path, "t10k")
    videos = MovingDigits("mnist", str(tmp_path), resolution=64, per_video=1)
    assert videos.split == "test"
    digit = videos._drawn(4)[0][0]
    assert videos.label(4) == digit % 10
    assert videos.read(4, [0]).sum(dtype=np.int64) == images[digit].sum(dtype=np.int64)


@pytest.mark.parametrize("resolution", [8, 16, 128])
def test_any_resolution(resolution):
    assert MovingDigits(resolution=resolution).read(0, range(5)).max() > 100
