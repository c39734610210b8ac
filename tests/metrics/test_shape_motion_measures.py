"""Measures of moving shapes on clips whose answers are known."""

import math

import pytest
import torch
from small_sets import Noise

from framegan.metrics.shape_motion import ShapeMotion, compare, describe, num_components, shapes

BOUNDS = (4.0, 200.0)
COLOURS = torch.tensor([(1.0, -1, -1), (-1, 1, -1), (-1, -1, 1), (1, 1, -1)])


def clips_of_squares(num_clips=8, num_frames=8, side=32, size=6, axes=((2, 0), (0, 2))):
    """Return clips of squares that move along their label's axis, with their labels."""
    clips, labels = -torch.ones(num_clips, 3, num_frames, side, side), torch.arange(num_clips) % len(axes)
    for clip, label in enumerate(labels.tolist()):
        for frame in range(num_frames):
            top, left = 4 + axes[label][0] * frame, 4 + axes[label][1] * frame
            clips[clip, :, frame, top : top + size, left : left + size] = COLOURS[clip % 4].view(3, 1, 1)
    return clips, labels


def test_perfect_clips():
    clips, labels = clips_of_squares()
    values = describe(clips, labels, 2, BOUNDS)
    assert values["content_distance"] == 0
    assert values["frame_validity"] == values["clip_validity"] == values["motion_accuracy"] == 1
    assert values["displacement"] == pytest.approx(14)
    side, diagonal, space = 255.0, 255 * math.sqrt(2), 255 * math.sqrt(3)
    different = 3 * diagonal + 2 * side + space  # red-green-blue among each other; yellow to red and green; to blue
    assert values["colour_diversity"] == pytest.approx(different * 4 / 28, rel=1e-4)  # each colour occurs twice


def test_the_wrong_way_and_standing_still_are_not_the_motion_asked_for():
    clips, labels = clips_of_squares()
    assert describe(clips, 1 - labels, 2, BOUNDS)["motion_accuracy"] == 0
    still = clips[:, :, :1].expand_as(clips)
    values = describe(still, labels, 2, BOUNDS)
    assert values["motion_accuracy"] == values["displacement"] == 0


def test_diagonal_classes():
    clips, labels = clips_of_squares(axes=((2, 0), (0, 2), (2, 2)))
    assert describe(clips, labels, 4, BOUNDS)["motion_accuracy"] == 1
    rising = clips[labels == 2].flip(3)
    assert describe(rising, torch.full((len(rising),), 3), 4, BOUNDS)["motion_accuracy"] == 1


def test_frames_shuffled_among_clips_lose_content_but_stay_valid():
    clips, labels = clips_of_squares(64)
    generator = torch.Generator().manual_seed(0)
    frames = clips.transpose(1, 2).flatten(0, 1)
    shuffled = frames[torch.randperm(len(frames), generator=generator)].unflatten(0, (64, 8)).transpose(1, 2)
    values = describe(shuffled, labels, 2, BOUNDS)
    assert values["content_distance"] == pytest.approx(describe(clips, labels, 2, BOUNDS)["colour_diversity"], rel=0.1)
    assert values["frame_validity"] == 1


def test_a_grey_blob_keeps_its_colour_and_fails_everything_else():
    real, labels = clips_of_squares()
    blob = torch.full_like(real, 0.1)
    values = compare(real, labels, blob, labels)
    assert values["content_distance"] == 0
    for key in ("frame_validity", "motion_accuracy", "displacement_ratio", "colour_diversity_ratio"):
        assert values[key] == 0


def test_two_shapes_a_speck_and_nothing_are_not_one_shape():
    clips, labels = clips_of_squares(4)
    clips[0, :, 3, 25:29, 25:29] = 1
    clips[1, :, 0] = -1
    values = describe(clips, labels, 2, BOUNDS)
    assert values["frame_validity"] == pytest.approx(1 - 2 / 32)
    assert values["clip_validity"] == 0.5


def test_components_are_counted_across_corners_and_around_bends():
    frame = torch.tensor(
        [
            [1, 0, 0, 1, 1, 1],
            [0, 1, 0, 1, 0, 1],
            [0, 0, 0, 1, 0, 1],
            [1, 1, 0, 0, 0, 1],
            [0, 0, 0, 1, 1, 1],
        ]
    )
    clip = (frame * 2.0 - 1).expand(1, 3, 2, 5, 6)
    assert num_components(clip).tolist() == [[3, 3]]
    assert num_components(-torch.ones(1, 3, 1, 5, 6)).tolist() == [[0]]


def test_places_are_down_and_right():
    clip = -torch.ones(1, 1, 1, 10, 20)
    clip[..., 2:4, 10:13] = 1
    colours, areas, centres = shapes(clip)
    assert areas.item() == 6
    assert centres.tolist() == [[[2.5, 11.0]]]
    assert colours.tolist() == [[[255.0] * 3]]


@pytest.mark.parametrize(("num_classes", "are_motions"), [(1, False), (2, True), (4, True), (5, False)])
def test_motions_are_right_only_where_the_classes_are_motions(num_classes, are_motions):
    real, fake = (Noise(seed=seed, shape=(1, 2, 8, 8), num_samples=8, num_classes=num_classes) for seed in (0, 1))
    keys = {record.key for record in ShapeMotion(8)(real, fake)}
    assert ("shape_motion_8/motion_accuracy" in keys) == are_motions


def test_clips_of_another_length_are_not_compared():
    real, fake = (Noise(seed=0, shape=(1, frames, 8, 8), num_samples=8) for frames in (2, 3))
    with pytest.raises(ValueError, match="only samples of one shape can be compared"):
        ShapeMotion(8).check(real, fake)


def test_real_clips_without_a_shape_are_an_error():
    clips, labels = clips_of_squares()
    with pytest.raises(ValueError, match="the real clips show no shape"):
        compare(-torch.ones_like(clips), labels, clips, labels)
