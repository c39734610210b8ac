"""Measures of moving shapes on clips whose answers are known."""

import math
from dataclasses import dataclass
from types import MappingProxyType

import pytest
import torch
from small_sets import Noise

from framegan.media import to_pixels
from framegan.metrics.shape_motion import AXES, ShapeMotion, compare, describe, num_components, shapes

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
    values = describe(clips, labels, AXES[:2], BOUNDS)
    assert values["content_distance"] == 0
    assert values["frame_validity"] == values["clip_validity"] == values["motion_accuracy"] == 1
    assert values["displacement"] == pytest.approx(14)
    side, diagonal, space = 255.0, 255 * math.sqrt(2), 255 * math.sqrt(3)
    different = 3 * diagonal + 2 * side + space  # red-green-blue among each other; yellow to red and green; to blue
    assert values["colour_diversity"] == pytest.approx(different * 4 / 28, rel=1e-4)  # each colour occurs twice


def test_the_wrong_way_and_standing_still_are_not_the_motion_asked_for():
    clips, labels = clips_of_squares()
    assert describe(clips, 1 - labels, AXES[:2], BOUNDS)["motion_accuracy"] == 0
    still = clips[:, :, :1].expand_as(clips)
    values = describe(still, labels, AXES[:2], BOUNDS)
    assert values["motion_accuracy"] == values["displacement"] == 0


def test_what_vanishes_gets_nowhere():
    clips, labels = clips_of_squares()
    clips[:, :, -1] = -1
    values = describe(clips, labels, AXES[:2], BOUNDS)
    assert values["motion_accuracy"] == values["displacement"] == 0


def test_empty_clips_and_frames_add_no_colour():
    clips, labels = clips_of_squares()
    whole = describe(clips, labels, AXES[:2], BOUNDS)["colour_diversity"]
    alike = clips[:1].expand_as(clips).clone()
    alike[::2] = -1
    assert describe(alike, labels, AXES[:2], BOUNDS)["colour_diversity"] == 0
    clips[:, :, 3:5] = -1
    assert describe(clips, labels, AXES[:2], BOUNDS)["colour_diversity"] == pytest.approx(whole)
    clips[0] = -1
    assert describe(clips, labels, AXES[:2], BOUNDS)["colour_diversity"] < whole


def test_diagonal_classes():
    clips, labels = clips_of_squares(axes=((2, 0), (0, 2), (2, 2)))
    assert describe(clips, labels, AXES, BOUNDS)["motion_accuracy"] == 1
    rising = clips[labels == 2].flip(3)
    assert describe(rising, torch.full((len(rising),), 3), AXES, BOUNDS)["motion_accuracy"] == 1


def test_frames_shuffled_among_clips_lose_content_but_stay_valid():
    clips, labels = clips_of_squares(64)
    generator = torch.Generator().manual_seed(0)
    frames = clips.transpose(1, 2).flatten(0, 1)
    shuffled = frames[torch.randperm(len(frames), generator=generator)].unflatten(0, (64, 8)).transpose(1, 2)
    values = describe(shuffled, labels, AXES[:2], BOUNDS)
    assert values["content_distance"] == pytest.approx(
        describe(clips, labels, AXES[:2], BOUNDS)["colour_diversity"], rel=0.1
    )
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
    values = describe(clips, labels, AXES[:2], BOUNDS)
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


@dataclass
class Clips:
    """Given clips with their labels."""

    clips: torch.Tensor
    labels: torch.Tensor
    classes: tuple[str, ...]
    origin, fingerprint = MappingProxyType({}), None  # no fields

    @property
    def shape(self):
        return tuple(self.clips.shape[1:])

    @property
    def num_samples(self):
        return len(self.clips)

    @property
    def num_classes(self):
        return len(self.classes)

    def chosen(self, num_wanted):
        return range(num_wanted)

    def batch(self, numbers):
        return to_pixels(self.clips[list(numbers)]), self.labels[list(numbers)]


def accuracy(real, fake):
    """Return the motion accuracy; None where none is given."""
    records = {record.key: record.value for record in ShapeMotion(real.num_samples)(real, fake)}
    return records.get(f"shape_motion_{real.num_samples}/motion_accuracy")


@pytest.mark.parametrize(
    ("classes", "axes"),
    [
        (("vertical", "horizontal"), ((2, 0), (0, 2))),
        (("horizontal", "vertical"), ((0, 2), (2, 0))),
        (("0", "1", "2"), ((0, 2), (2, 2), (2, 0))),
    ],
)
def test_the_real_clips_say_along_which_axis_a_class_moves(classes, axes, capsys):
    """Folders are numbered in the order of their names."""
    real = Clips(*clips_of_squares(24, axes=axes), classes)
    assert accuracy(real, real) == 1
    assert accuracy(real, Clips(real.clips, (real.labels + 1) % len(classes), classes)) == 0
    assert accuracy(real, Clips(real.clips, real.labels, classes[::-1])) is None, "the generator numbers them otherwise"
    assert accuracy(real, Clips(real.clips, real.labels, ("all",))) is None, "it wasn't asked for classes"
    assert capsys.readouterr().out == ""


NO_MOTIONS = {
    "shapes": lambda clips, labels: (clips, torch.arange(len(labels)) // 2 % 2),
    "one axis": lambda clips, labels: (clips[labels == 0].repeat(2, 1, 1, 1, 1), labels),
    "nothing moves": lambda clips, labels: (clips[:, :, :1].expand_as(clips), labels),
    "a class without clips": lambda clips, labels: (clips[labels == 0].repeat(2, 1, 1, 1, 1), 0 * labels),
}


@pytest.mark.parametrize("change", NO_MOTIONS.values(), ids=NO_MOTIONS)
def test_classes_that_are_no_motions_are_not_judged_by_motion(change, capsys):
    clips, labels = clips_of_squares(24)
    real = Clips(*change(clips, labels), ("circle", "square"))
    assert accuracy(real, Clips(real.clips, labels, ("circle", "square"))) is None
    assert capsys.readouterr().out.startswith("left out motion_accuracy: two thirds of the real clips of each class")


def test_what_is_transparent_shows_no_shape():
    clips, labels = clips_of_squares(8)
    is_there = clips.amax(1, keepdim=True) > 0
    white_around = torch.where(is_there, clips, 1.0)
    real, clear = (
        Clips(some, labels, ("0", "1")) for some in (clips, torch.cat([white_around, is_there * 2.0 - 1], dim=1))
    )
    assert [one.value for one in ShapeMotion(8)(clear, clear)] == [one.value for one in ShapeMotion(8)(real, real)]


def test_clips_of_another_length_are_not_compared():
    real, fake = (Noise(seed=0, shape=(1, frames, 8, 8), num_samples=8) for frames in (2, 3))
    with pytest.raises(ValueError, match="only samples of one shape can be compared"):
        ShapeMotion(8).check(real, fake)


def test_real_clips_without_a_shape_are_an_error():
    clips, labels = clips_of_squares()
    with pytest.raises(ValueError, match="the real clips show no shape"):
        compare(-torch.ones_like(clips), labels, clips, labels)
    dark, bright = (Clips(some, labels, ("0", "1")) for some in (-torch.ones_like(clips), clips))
    with pytest.raises(ValueError, match="the real clips show no shape"):
        ShapeMotion(8).check(dark, bright)
