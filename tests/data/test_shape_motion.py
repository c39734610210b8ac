"""Shapes on black keep their colour, stay inside the picture and move along the axis of their class."""

import itertools

import numpy as np
import pytest

from framegan.data.drawn.shape_motion import AXES, RADIUS, TRAVEL, ShapeMotion


def all_frames(videos: ShapeMotion, number: int = 120) -> np.ndarray:
    return np.stack([videos.read(index, range(videos.num_frames(index))) for index in range(number)])


def areas(clips: np.ndarray) -> np.ndarray:
    """Return how many pixels the shape has, (N, T)."""
    return clips.any(-1).sum((2, 3))


def colours(clips: np.ndarray) -> np.ndarray:
    """Return the mean colour of the shape, (N, T, C)."""
    return clips.sum((2, 3)) / areas(clips)[..., None]


def centres(clips: np.ndarray) -> np.ndarray:
    """Return (down, right) of the shape in pixels, (N, T, 2)."""
    lit = clips.any(-1)
    places = np.arange(clips.shape[2]) + 0.5
    return np.stack([(lit.sum(3) * places).sum(2), (lit.sum(2) * places).sum(2)], -1) / areas(clips)[..., None]


def test_what_a_set_of_videos_offers():
    videos = ShapeMotion(num_videos=10, video_frames=8, resolution=24, num_classes=4)
    assert (len(videos), videos.num_classes, videos.split) == (10, 4, "all")
    assert (videos.channels, videos.resolution, videos.num_frames(9)) == (3, 24, 8)
    assert [videos.label(index) for index in range(6)] == [0, 1, 2, 3, 0, 1]
    assert videos.frame_times(0) is None
    assert videos.name(3) == "shape 3"
    clip = videos.read(9, [1, 4, 7])
    assert (clip.shape, clip.dtype) == ((3, 24, 24, 3), np.uint8)
    assert np.array_equal(clip, videos.read(9, range(8))[[1, 4, 7]])


def test_content_is_the_same_in_all_frames_of_a_video_and_not_in_two_videos():
    of_frames = colours(all_frames(ShapeMotion(video_frames=8, resolution=32)))
    assert np.abs(of_frames - of_frames[:, :1]).max() == 0
    distances = [np.linalg.norm(a - b) for a, b in itertools.combinations(of_frames[:, 0], 2)]
    assert 145 < np.mean(distances) < 170
    assert of_frames.max(2).min() >= 100


@pytest.mark.parametrize(("video_frames", "resolution"), [(8, 32), (16, 64), (32, 48)])
def test_the_class_is_the_axis_of_motion(video_frames, resolution):
    videos = ShapeMotion(video_frames=video_frames, resolution=resolution, num_classes=4)
    clips = all_frames(videos)
    places = centres(clips)
    moves = (places[:, -1] - places[:, 0]) / resolution
    for index, move in enumerate(moves):
        axis = np.array(AXES[videos.label(index)])
        assert abs(abs(move @ axis) - TRAVEL) < 1.5 / resolution
        assert np.linalg.norm(move - (move @ axis) * axis) < 1.5 / resolution
    steps = np.linalg.norm(np.diff(places, axis=1), axis=2) / resolution
    assert np.abs(steps - TRAVEL / (video_frames - 1)).max() < 1.5 / resolution  # at a constant speed


def test_both_directions_and_both_shapes_are_about_as_frequent():
    videos = ShapeMotion()
    shapes = [videos.shape(index) for index in range(400)]
    assert 0.4 < np.mean([shape.is_circle for shape in shapes]) < 0.6
    assert 0.4 < np.mean([(shape.end - shape.start).sum() > 0 for shape in shapes]) < 0.6


@pytest.mark.parametrize("resolution", [32, 64])
def test_a_shape_is_always_whole(resolution):
    clips = all_frames(ShapeMotion(video_frames=8, resolution=resolution, num_classes=4), 400)
    of_frames = areas(clips) / resolution**2
    smallest, largest = (np.pi * radius**2 for radius in RADIUS)
    assert 0.7 * smallest < of_frames.min() and of_frames.max() < 1.3 * largest
    assert of_frames.mean() * 32**2 == pytest.approx(35, abs=2)
    assert (of_frames.std(1) / of_frames.mean(1)).mean() < 2 / resolution


def test_grey_is_as_bright_as_the_brightest_colour():
    grey, colour = (ShapeMotion(resolution=16, channels=channels).read(2, [0, 5]) for channels in (1, 3))
    assert np.array_equal(grey, colour.max(-1, keepdims=True))


def test_one_frame_makes_images():
    assert ShapeMotion(video_frames=1, resolution=16).read(0, [0]).any()
