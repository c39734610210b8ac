"""Edits of frames: what comes out is what was said beforehand, and what NumPy would make of it."""

import re
from dataclasses import fields
from fractions import Fraction

import numpy as np
import pytest
from edited import RATE, clip, edits_of, example, noise, pixels, planned, shown
from PIL import Image, ImageDraw, ImageFont

from framegan import media
from framegan.edits import graph, outline, plan, reading, timing, words
from framegan.edits.outline import Filter, Filtered, Joining, Measured
from framegan.edits.words import EDITS, GROUPS
from framegan.video_files import Shown


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("name", EDITS)
def test_every_edit_gives_what_is_known_beforehand(name, channels, tmp_path):
    kind = EDITS[name]
    frames, number = clip(channels=channels), 2 if issubclass(kind, Joining) else 1
    made = planned(frames, *example(name, tmp_path), number=number)
    found, known = list(made.frames()), made.outline
    assert len(found) == known.num_frames
    assert {one.pixels.shape for one in found} == {(known.height, known.width, known.channels)}
    assert {one.pixels.dtype for one in found} == {np.dtype(np.uint8)}
    ends = [one.start + one.duration for one in found]
    assert [one.start for one in found] == [0, *ends[:-1]]
    assert ends[-1] == known.end
    assert known.has_alpha == (channels in (2, 4))
    if not kind.changes_timing:
        assert ends == [Fraction(k + 1) / RATE for k in range(8)], "times stay"
        before, after = (media.in_colour(pixels) for pixels in (frames, np.stack([one.pixels for one in found])))
        changes_nothing = name in ("stabilise", "deflicker") or (channels < 3 and name in ("saturation", "hue", "grey"))
        assert before.shape != after.shape or np.abs(before - after.astype(int)).max() > 2 or changes_nothing
    if (issubclass(kind, Measured) or getattr(kind, "leaves_alpha", False)) and known.has_alpha:
        assert all(
            np.array_equal(one.pixels[..., -1], frame[..., -1]) for one, frame in zip(found, frames, strict=True)
        )


@pytest.mark.parametrize("channels", [2, 4])
@pytest.mark.parametrize("name", sorted({*EDITS} - {"pad", "rotate", "caption", "watermark"}))
def test_what_is_half_seen_stays_so(name, channels, tmp_path):
    frames = clip(channels=channels)
    frames[..., -1] = 200
    made = pixels(frames, *example(name, tmp_path), number=2 if issubclass(EDITS[name], Joining) else 1)
    assert np.abs(made[..., -1] - 200.0).max() <= 1


@pytest.mark.parametrize("name", [name for name, kind in EDITS.items() if issubclass(kind, Filtered | Measured)])
def test_a_clip_of_one_frame_and_odd_sides(name, tmp_path):
    given = [word.replace("=0.5", "=0.1") for word in example(name, tmp_path)]
    frames = clip(1, (65, 67))
    assert len(shown(frames, *given)) == 1
    if name not in ("fade_in", "fade_out", "deflicker", "stabilise"):
        assert np.array_equal(pixels(frames, *given, still=True), pixels(frames, *given))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_geometry_is_exact(channels):
    frames = noise(channels=channels)
    across, down = (1, 2), 1
    for given, wanted in (
        (("flip", "flip"), frames),
        (("flip=vertical",), frames[:, ::-1]),
        (("rotate=90",), np.rot90(frames, -1, across)),
        (("rotate=-90",), np.rot90(frames, 1, across)),
        (("rotate=180",), np.rot90(frames, 2, across)),
        (("rotate=360",), frames),
        (("crop=11x7+3+5",), frames[:, 5:12, 3:14]),
        (("crop=11x7",), frames[:, 13:20, 18:29]),
        (("scale=3", "scale.kernel=nearest"), frames.repeat(3, down).repeat(3, 2)),
        (("pad=60x50+4+5", "crop=47x33+4+5"), frames),
        (("pad=3", "crop=47x33"), frames),
    ):
        assert np.array_equal(pixels(frames, *given), wanted), given
    black = pixels(frames, "pad=2")[:, :2]
    assert not black[..., : (1 if channels < 3 else 3)].any()
    assert channels in (1, 3) or (black[..., -1] == 255).all()


@pytest.mark.parametrize("kernel", ["bilinear", "bicubic", "lanczos", "area"])
def test_scaling_keeps_what_is_even_and_the_mean(kernel):
    even = np.full((1, 40, 40, 3), 77, np.uint8)
    assert np.array_equal(pixels(even, "scale=1.7", f"scale.kernel={kernel}"), np.full((1, 68, 68, 3), 77, np.uint8))
    smooth = clip(1, (64, 64))
    assert pixels(smooth, "scale=32x16", f"scale.kernel={kernel}").mean() == pytest.approx(smooth.mean(), abs=1)


def test_colours_are_those_of_the_formula():
    frames = noise(channels=4)
    colour, alpha = frames[..., :3].astype(float), frames[..., 3:]
    for given, wanted in (
        ("invert", 255 - colour),
        ("brightness=0.2", colour + 51),
        ("contrast=1.5", (colour - 127.5) * 1.5 + 127.5),
        ("gamma=1.6", 255 * (colour / 255) ** (1 / 1.6)),
        ("levels=0.2-0.6", (colour - 51) / 0.4),
    ):
        found = pixels(frames, given)
        assert np.abs(found[..., :3] - wanted.round().clip(0, 255)).max() <= (given == "levels=0.2-0.6"), given
        assert np.array_equal(found[..., 3:], alpha), given
    assert np.abs(pixels(frames, "curves=0/0 1/1")[..., :3] - colour).max() == 0
    assert np.array_equal(pixels(frames, "temperature=6500"), frames)
    white = np.full((1, 2, 2, 3), 255, np.uint8)
    for kelvin, order in ((3000, (0, 1, 2)), (10_000, (2, 1, 0))):
        assert (np.diff(pixels(white, f"temperature={kelvin}")[0, 0, 0, list(order)].astype(int)) < 0).all()
    assert np.ptp(pixels(frames, "saturation=0")[..., :3], axis=-1).max() == 0
    assert np.array_equal(pixels(frames[..., :1], "grey"), frames[..., :1]), "a grey picture is grey already"
    luma = colour @ (0.299, 0.587, 0.114)
    assert np.abs(pixels(frames, "grey")[..., 0] - luma).max() <= 2


def test_detail_does_what_it_says():
    grain = np.random.default_rng(1).normal(0, 12, (12, 64, 64, 3))
    noisy, clean = (128 + grain).clip(0, 255).astype(np.uint8), np.full((12, 64, 64, 3), 128.0)

    def error(frames):
        return np.abs(frames[3:-3] - clean[3:-3]).mean()

    assert error(pixels(noisy, "denoise=8")) < 0.5 * error(noisy)
    assert error(pixels(noisy, "denoise=8", "denoise.way=time")) < 0.6 * error(noisy)
    assert error(pixels(noisy, "blur=2")) < 0.3 * error(noisy)
    assert error(pixels(noisy, "sharpen=1")) > 1.3 * error(noisy)
    flicker = (np.arange(12) % 2 * 60 + 80)[:, None, None, None] + np.zeros((12, 64, 64, 3))
    steady = pixels(flicker.astype(np.uint8), "deflicker=6")[:-6]
    assert np.ptp(steady.mean(axis=(1, 2, 3))) < 15
    assert np.array_equal(pixels(noisy, "grain=20"), pixels(noisy, "grain=20"))
    assert not np.array_equal(pixels(noisy, "grain=20"), pixels(noisy, "grain=20", "grain.seed=1"))


@pytest.mark.parametrize("num_frames", [1, 2, 7])
def test_a_clip_that_is_shorter_than_what_deflicker_looks_at_keeps_its_light(num_frames):
    frames = np.full((num_frames, 16, 16, 1), 120, np.uint8)
    assert np.array_equal(pixels(frames, "deflicker=15"), frames)


@pytest.mark.parametrize("given", ["sharpen=2", "deflicker=3", "stabilise"])
def test_colours_that_are_hidden_change_nothing_that_is_seen(given):
    frames = clip(channels=4)
    frames[..., 3] = 0
    frames[:, 12:50, 12:60, 3] = 255
    flashing = frames.copy()
    flashing[frames[..., 3] == 0, :3] = 255
    flashing[::2][frames[::2, ..., 3] == 0, :3] = 0
    made, with_flashes = pixels(frames, given), pixels(flashing, given)
    assert np.array_equal(made[..., 3], with_flashes[..., 3])
    seen = made[..., 3] == 255
    assert np.array_equal(made[seen], with_flashes[seen])
    if given != "stabilise":
        assert np.array_equal(made[..., 3], frames[..., 3])


def test_what_is_opaque_is_sharpened_alike_with_alpha_and_without():
    frames = clip(2)
    opaque = np.concatenate([frames, np.full_like(frames[..., :1], 255)], axis=-1)
    for size in ("3", "9"):
        given = ("sharpen=1.5", f"sharpen.size={size}")
        difference = pixels(opaque, *given)[..., :3] - pixels(frames, *given).astype(int)
        assert np.abs(difference).max() <= 4
        assert np.abs(difference).mean() < 1


def test_light_that_flickers_becomes_even_and_dark_frames_stay_dark():
    lights = np.array([80, 140, 80, 140, 0, 80, 140, 80, 140])
    frames = np.zeros((9, 16, 16, 4), np.uint8)
    frames[:, 4:12, 4:12] = lights[:, None, None, None]
    frames[..., 3] = np.where(frames[..., 0] > 0, 255, 0)
    made = pixels(frames, "deflicker=4")
    assert np.ptp(made[lights > 0, 8, 8, 0].astype(int)) < 25
    assert not made[lights == 0].any()


def test_alpha_moves_with_what_is_held_still():
    random = np.random.default_rng(0)
    scene = pixels(random.integers(0, 256, (1, 20, 20, 3), dtype=np.uint8), "scale=8")[0]
    scene = np.dstack([scene, np.where(scene[..., 1] > 128, 255, 0).astype(np.uint8)])
    shaking = np.stack([scene[y : y + 96, x : x + 96] for y, x in random.integers(15, 26, (12, 2))])
    found = pixels(shaking, "stabilise")

    def movement(frames):
        return np.abs(np.diff(frames[:, 16:-16, 16:-16, 3].astype(float), axis=0)).mean()

    assert movement(found) < 0.6 * movement(shaking)
    assert found[found[..., 3] == 255][:, 1].min() > 110, "colours and alpha move alike"


def test_a_shaking_camera_is_held_still():
    random = np.random.default_rng(0)
    scene = pixels(random.integers(0, 256, (1, 20, 20, 3), dtype=np.uint8), "scale=8")[0]
    shifts = random.integers(-5, 6, (12, 2)) + 20
    shaking = np.stack([scene[y : y + 96, x : x + 96] for y, x in shifts])

    def movement(frames):
        middle = frames[:, 16:-16, 16:-16].astype(float)
        return np.abs(np.diff(middle, axis=0)).mean()

    assert movement(pixels(shaking, "stabilise")) < 0.6 * movement(shaking)


def test_a_trained_network_enlarges_what_it_has_learned():
    for channels in (1, 2, 3, 4):
        frames = clip(3, channels=channels)
        if channels in (2, 4):
            frames[..., -1] = 255
        wanted = frames.repeat(2, 1).repeat(2, 2)
        assert np.array_equal(pixels(frames, "grey", "super_resolution=grey"), pixels(wanted, "grey"))
        in_colour = pixels(frames, "super_resolution=colours")
        assert np.array_equal(in_colour, media.in_colour(wanted)), "a grey picture may get colours"
    with pytest.raises(ValueError, match="enlarge grey pictures, and these have colours; put grey before it"):
        planned(noise(), "super_resolution=grey")
    with pytest.raises(ValueError, match="a side has 1 to 16,383 pixels"):
        planned(noise(), "scale=9000x10", "super_resolution=colours")


def test_colours_of_transparent_pixels_do_not_bleed():
    frames = np.zeros((1, 40, 40, 4), np.uint8)
    frames[..., :] = (0, 255, 0, 0)
    frames[:, 10:30, 10:30] = (200, 100, 50, 255)
    for given in ("scale=2", "blur=2", "super_resolution=colours"):
        made = pixels(frames, given)
        assert np.abs(np.median(made[made[..., 3] > 100][:, :3], axis=0) - (200, 100, 50)).max() <= 2
        assert made[made[..., 3] > 100][:, 1].max() < 170


def test_speed_and_reverse():
    frames = noise()
    slow = shown(frames, "speed=0.5")
    assert [one.start for one in slow] == [Fraction(k, 4) for k in range(5)]
    assert planned(frames, "speed=0.5").outline.end == 2 * planned(frames).outline.end
    assert np.array_equal(pixels(frames, "speed=3"), frames)
    assert np.array_equal(pixels(frames, "reverse"), frames[::-1])
    assert shown(frames, "speed=0.7", "reverse", "reverse")[3][:2] == shown(frames, "speed=0.7")[3][:2]
    assert np.array_equal(pixels(frames, "reverse", "reverse"), frames)


def test_times_of_variable_rate_are_kept_and_mirrored():
    frames = noise(4)
    source = planned(frames)
    starts = [Fraction(0), Fraction(1, 8), Fraction(1, 2), Fraction(5, 8)]
    ends = [*starts[1:], Fraction(1)]

    def uneven():
        for start, end, one in zip(starts, ends, source.frames(), strict=True):
            yield one._replace(start=start, duration=end - start)

    reverse = list(timing.Reverse().frames(uneven(), source.outline))
    assert [one.start for one in reverse] == [0, Fraction(3, 8), Fraction(1, 2), Fraction(7, 8)]
    filtered = graph.filtered(uneven(), source.outline, [Filter("hflip")], leaves_alpha=False)
    assert [one.start for one in filtered] == starts
    evened = list(timing.Rate(8).frames(uneven(), source.outline.timed(4, Fraction(1), RATE, 1 / RATE)))
    assert [next(k for k in range(4) if np.array_equal(one.pixels, frames[k])) for one in evened] == [
        0,
        1,
        1,
        1,
        2,
        3,
        3,
        3,
    ]


@pytest.mark.parametrize(
    "given", ["rate=3", "rate=12", "rate=29.97", "interpolate=24", "interpolate=11", "interpolate=3"]
)
@pytest.mark.parametrize("num_frames", [1, 2, 16])
def test_another_rate_lasts_as_long(given, num_frames):
    made = shown(clip(num_frames), given)
    rate = timing.exactly(float(given.partition("=")[2]))
    wanted = num_frames / RATE
    assert abs(made[-1].start + made[-1].duration - wanted) <= max(1 / rate / 2, 1 / rate - wanted)
    assert [one.start for one in made] == [k / rate for k in range(len(made))]


def test_interpolation_finds_what_is_between():
    """A wave that moves by three pixels a frame moves by half of that in half of the time."""
    frames = clip(12, (64, 128))
    made = pixels(frames, "interpolate=16")
    time, y, x = np.mgrid[:24, :64, :128]
    between = (127 + 100 * np.sin((x - 1.5 * time) / 7) * np.cos(y / 9))[6:18, 16:-16, 16:-16]
    assert np.abs(made[6:18, 16:-16, 16:-16, 0] - between).mean() < 4
    repeated = pixels(frames, "rate=16")[6:18, 16:-16, 16:-16, 0]
    assert np.abs(repeated - between).mean() > 4


def test_trimming():
    frames = noise(16)
    assert np.array_equal(pixels(frames, "trim=0.5-1"), frames[4:8])
    assert np.array_equal(pixels(frames, "trim=1.5-"), frames[12:])
    assert np.array_equal(pixels(frames, "trim=-0.25"), frames[:2])
    assert [one.start for one in shown(frames, "trim=0.5-1")] == [k / RATE for k in range(4)]
    for given, first, last in (("0.3-0.9", 2, 7), ("0.31-0.94", 2, 8), ("0.24-0.26", 2, 3), ("1.99-", 15, 16)):
        made = planned(frames, f"trim={given}")
        found = [*made.frames()]
        assert np.array_equal([one.pixels for one in found], frames[first:last]), "those of which most is shown"
        assert made.outline.end == found[-1].start + found[-1].duration == (last - first) / RATE
    faded = pixels(np.full((16, 8, 8, 3), 200, np.uint8), "trim=0.3-0.9", "fade_out=0.25")
    assert (faded[:3, 0, 0, 0] == 200).all(), "it fades at the end of what is left"


@pytest.mark.parametrize(
    ("given", "held", "moves"), [("6-12", 4, 2), ("6-8", 2, 0), ("10-12", 0, 2), ("11-", 0, 1), ("0-10.5", 10, 0.5)]
)
def test_trimming_cuts_a_frame_that_is_held(given, held, moves):
    """A screencast, 10 s without motion and 2 s of it."""
    rate, (still, *moving) = 30, noise(61, (2, 2))
    times = [(Fraction(), Fraction(10)), *((10 + Fraction(k, rate), Fraction(1, rate)) for k in range(60))]
    frames = [Shown(*time, pixels) for time, pixels in zip(times, (still, *moving), strict=True)]
    before = outline.Outline(2, 2, 3, 61, Fraction(12), Fraction(61, 12), Fraction(1, 15360))
    trim = edits_of(f"trim={given}")[0]
    found = list(trim.frames(iter(frames), before))
    ends = [one.start + one.duration for one in found]
    assert [one.start for one in found] == [0, *ends[:-1]]
    assert ends[-1] == trim.after(before).end == held + moves
    assert sum(one.duration for one in found if np.array_equal(one.pixels, still)) == held
    assert len(found) == bool(held) + moves * rate


def test_nothing_is_kept_that_begins_behind_the_end_of_a_trim():
    """Two frames of half a second, of which the first is nearly over, then two short ones."""
    ends = [Fraction(end, 100) for end in (0, 50, 100, 102, 104)]
    frames = [
        Shown(start, end - start, one) for start, end, one in zip(ends[:-1], ends[1:], noise(4, (2, 2)), strict=True)
    ]
    before = outline.Outline(2, 2, 3, 4, ends[-1], 4 / ends[-1], Fraction(1, 100))
    (only,) = edits_of("trim=0.45-1")[0].frames(iter(frames), before)
    assert only.start == 0 and np.array_equal(only.pixels, frames[1].pixels)


def test_fading():
    frames = np.full((16, 32, 32, 3), 200, np.uint8)
    levels = pixels(frames, "fade_in=1", "fade_out=0.5", "fade_out.colour=white")[:, 5, 5, 0].astype(int)
    assert levels[0] < 30
    assert (np.diff(levels[:8]) > 0).all()
    assert (levels[8:12] == 200).all()
    assert levels[-1] > 230


def test_joining():
    first, second = noise(6), noise(6)[::-1]
    sources = [planned(first), planned(second)]

    def joined(*given):
        made = edits_of(*given)[0]
        outlines = [one.outline for one in sources]
        known = made.joined(outlines)
        found = list(made.frames([one.frames for one in sources], outlines))
        assert known.num_frames == len(found)
        assert known.end == found[-1].start + found[-1].duration
        return np.stack([one.pixels for one in found])

    assert np.array_equal(joined("concatenate"), np.concatenate([first, second]))
    assert np.array_equal(joined("stack"), np.concatenate([first, second], axis=2))
    assert np.array_equal(joined("stack=above"), np.concatenate([first, second], axis=1))
    faded = joined("crossfade=0.5")
    assert len(faded) == 12 - 4
    assert np.array_equal(faded[:2], first[:2])
    assert np.array_equal(faded[-2:], second[-2:])
    share = np.array([1, 0.75, 0.5, 0.25])[:, None, None, None]
    assert np.abs(faded[2:6] - (first[2:] * share + second[:4] * (1 - share))).max() <= 1


def test_what_ends_first_stays_beside_what_goes_on():
    frames = noise(8)
    sources = [planned(frames, "trim=0-0.5"), planned(frames, "speed=0.5")]
    made = edits_of("stack")[0]
    found = list(made.frames([one.frames for one in sources], [one.outline for one in sources]))
    assert [one.start for one in found] == [Fraction(k, 8) for k in (0, 1, 2, 3, 4, 6, 8, 10, 12, 14)]
    assert np.array_equal(found[-1].pixels, np.concatenate([frames[3], frames[7]], axis=1))


def uneven(durations, frames):
    """Return frames of these durations, in eighths of a second; their number is known roughly."""
    ends = [Fraction(sum(durations[: k + 1]), 8) for k in range(len(durations))]
    mean = outline.Outline(frames.shape[2], frames.shape[1], 3, 8 * len(frames), ends[-1], Fraction(8), Fraction(1, 8))

    def shown():
        for start, end, one in zip([Fraction(), *ends], ends, frames, strict=False):
            yield Shown(start, end - start, one)

    return plan.Source(mean, shown)


def test_deflicker_goes_by_the_frames_that_there_are():
    grey = np.full((3, 16, 16, 3), 150, np.uint8)
    made = plan.edited([uneven([4, 4, 1], grey)], edits_of("deflicker=5"))
    assert np.array_equal(np.stack([one.pixels for one in made.frames()]), grey)


def test_clips_of_other_and_uneven_rates_fade_to_the_end_of_the_first():
    black, white = np.zeros((6, 16, 16, 3), np.uint8), np.full((40, 16, 16, 3), 240, np.uint8)
    for durations in (
        [8, 8, 8],
        [1, 1, 14, 1, 1],
    ):  # shown for longer than the fade takes
        fast = plan.edited([uneven([1] * 20, white)], edits_of("speed=2"))
        sources = [uneven(durations, black), fast]
        made = plan.edited(sources, edits_of("crossfade=0.5"))
        found = list(made.frames())
        ends = [one.start + one.duration for one in found]
        assert [one.start for one in found] == [0, *ends[:-1]]
        end = Fraction(sum(durations), 8)
        assert ends[-1] == end + fast.outline.end - Fraction(1, 2) == made.outline.end
        for one in found:
            share = float(min(1, max(0, (one.start - end + Fraction(1, 2)) * 2)))
            assert np.abs(one.pixels - 240 * share).max() <= 2, one.start
        backwards = list(plan.edited(sources, edits_of("crossfade=0.5", "reverse")).frames())
        assert len(backwards) == len(found)


@pytest.mark.parametrize(
    "given", [("rotate=30",), ("pixelate=6",), ("interpolate=20", "interpolate.way=blend"), ("crossfade=0.5",)]
)
def test_what_is_half_seen_has_the_colours_of_what_is_seen(given):
    frames = np.zeros((8, 48, 48, 4), np.uint8)
    frames[:4, 10:30, 10:30] = (255, 0, 0, 255)
    made = pixels(frames, *given, number=2 if given == ("crossfade=0.5",) else 1)
    half = made[(made[..., 3] > 40) & (made[..., 3] < 255)]
    if given == ("rotate=30",):
        half = half[half[:, :3].any(1)]  # the corners are filled with black
    assert len(half)
    assert half[:, 0].min() > 240 and half[:, 1:3].max() <= 8


def test_edits_before_a_join_are_of_each():
    frames = noise(4)
    made = pixels(frames, "crop=10x10+0+0", "stack", "flip", number=2)
    part = frames[:, :10, :10]
    assert np.array_equal(made, np.concatenate([part, part], axis=2)[:, :, ::-1])


@pytest.mark.parametrize("join", ["concatenate", "stack", "crossfade=0.25"])
@pytest.mark.parametrize("given", ["blur=1", "grey", "sharpen=1", "deflicker", "interpolate=16", "invert"])
def test_clips_with_and_without_alpha_are_joined_behind_an_edit(given, join):
    opaque, clear = clip(), clip(channels=4)
    sources = [reading.of_frames(frames, RATE, still=False) for frames in (opaque, clear, opaque)]
    made = plan.edited(sources, edits_of(given, join, "flip"))
    found = np.stack([one.pixels for one in made.frames()])
    assert made.outline.has_alpha
    assert (found[0, :, -72:, -1] == 255).all()
    assert found[..., -1].min() < 255


def test_a_caption_is_drawn_as_it_stands(tmp_path):
    frames = np.full((2, 60, 400, 3), 90, np.uint8)
    text = '50% of "it\'s": %{pts}, [in]movie=/etc/passwd; \\n\nsecond line'
    made = pixels(frames, f"caption={text}", "caption.size=12", "caption.place=top")
    font = ImageFont.load_default(12)
    box = ImageDraw.Draw(Image.new("L", (1, 1))).multiline_textbbox((0, 0), text, font, align="center", stroke_width=1)
    where = np.argwhere(made[0, ..., 0] != 90)
    height, width = where.max(axis=0) - where.min(axis=0) + 1
    assert (abs(width - (box[2] - box[0])) <= 2, abs(height - (box[3] - box[1])) <= 3) == (True, True)
    assert made.max() == 255
    assert np.array_equal(made[0], made[1])
    assert pixels(frames[..., :1], "caption=x").shape[-1] == 1
    assert pixels(frames[..., :1], "caption=x", "caption.colour=red").shape[-1] == 3


def test_a_watermark_is_laid_over(tmp_path):
    Image.new("RGBA", (10, 8), (255, 0, 0, 128)).save(tmp_path / "logo.png")
    frames = noise(2)
    made = pixels(frames, f"watermark={tmp_path}/logo.png", "watermark.place=top_left", "watermark.opacity=0.5")
    wanted = frames.astype(float)
    wanted[:, 4:12, 4:14] = wanted[:, 4:12, 4:14] * (1 - 64 / 255) + np.array([255, 0, 0]) * 64 / 255
    assert np.abs(made - wanted).max() <= 2
    Image.new("RGB", (10, 200)).save(tmp_path / "tall.png")
    with pytest.raises(ValueError, match="don't fit into pictures of 47x33") as slip:
        planned(frames, f"watermark={tmp_path}/tall.png")
    planned(frames, f"watermark={tmp_path}/tall.png", str(slip.value).rpartition("set ")[2])


def test_a_table_of_colours(tmp_path):
    rows = [f"{1 - red} {1 - green} {1 - blue}" for blue in (0, 1) for green in (0, 1) for red in (0, 1)]
    cube = tmp_path / "a file, with: 'odd' [letters].cube"
    cube.write_text("\n".join(["LUT_3D_SIZE 2", *rows]))
    frames = noise()
    assert np.abs(pixels(frames, f"lut={cube}") - (255.0 - frames)).max() <= 1
    for odd in ("DOMAIN_MAX 2 2 2", "LUT_3D_INPUT_RANGE 0 0.5", f"# {'1 ' * 300}"):
        cube.write_text("\n".join([odd, "LUT_3D_SIZE 2", *rows]))  # which FFmpeg reads otherwise than it is meant
        with pytest.raises(ValueError, match=f"line 1: '{odd[:10]}"):
            planned(frames, f"lut={cube}")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("blurr=2",), "blurr is no edit; did you mean blur? There are: scale, crop, "),
        (("hqdn3d",), "did you mean denoise?"),
        (("nonsense",), "nonsense is no edit; There are: "),
        (("scale=0",), "scale got '0'; it should be a factor from 1/64 to 64"),
        (("scale=2", "scale.kernl=area"), "did you mean scale.kernel?"),
        (("scale=2", "scale.kernel=soft"), "scale.kernel got 'soft'; it should be 'nearest', 'bilinear'"),
        (("scale=2", "scale.kernel=area", "scale.kernel=area"), "scale.kernel is set twice"),
        (("scale.kernel=area",), "scale needs a value"),
        (("scale=20000x10",), "a side has 1 to 16,383 pixels"),
        (("crop=40x40+10+0",), "crop=40x40+10+0 goes beyond pictures of 47x33"),
        (("pad=10x10",), "pad=10x10 is too small for pictures of 47x33"),
        (("pad=2", "pad.colour=blurple"), "pad.colour got 'blurple'; it should be a colour"),
        (("speed=0",), "speed got '0'; it should be greater than or equal to 0.001"),
        (("speed=nan",), "speed got 'nan'; it should be "),
        (("rate=fast",), "rate got 'fast'; it should be a number"),
        (("rotate=90", "rotate.grow=perhaps"), "rotate.grow got 'perhaps'; it should be true or false"),
        (("caption=",), "caption got ''; it should be a text"),
        (("reverse=1",), "reverse takes no value"),
        (("trim=2-1",), "trim got '2-1'; it should be FIRST-LAST"),
        (("trim=9-",), "trim begins at 9 s, but it ends at 0.625 s"),
        (("fade_in=2",), "fade_in=2 is longer than the clip"),
        (("crossfade=0.5",), "crossfade joins several, and there is one"),
        (("lut=missing.cube",), "lut got 'missing.cube'; it should be a file that exists"),
        (("lut=" + __file__,), "it should be a .cube file"),
        (("watermark=" + __file__,), "can't be read"),
        (("curves=1/2",), "curves got '1/2'; it should be points"),
        (("curves=0/0 1/nan",), "curves got '0/0 1/nan'; it should be points"),
        (("curves=0/0 0.001/1 1/1",), "IN rising by 0.01 or more"),
        (("scale=1x1", "blur=2"), "blur needs sides of at least 2 pixels, got 1x1"),
        (("scale=16000x16000",), "a picture has at most 89,478,485 pixels"),
        (("levels=16-",), "levels=16- goes beyond white, which is 1"),
        (("levels=1-",), "levels=1- goes beyond white, which is 1"),
        (("levels=16-235",), "levels=16-235 goes beyond white, which is 1"),
        (("curves.preset=none",), "curves has no curve"),
        (("caption=\u6f22",), "the font of the caption has no '\u6f22'; set caption.font"),
        (("caption=a very long word: " + "n" * 90,), "set caption.size to less than 10"),
        (("colours_like=" + __file__,), "colours_like=" + __file__ + " can't be read as a picture"),
        (("style",), "did you mean style_like?"),
        (("style_like=missing.png",), "style_like got 'missing.png'; it should be a file that exists"),
        (
            (f"style_like={__file__}", "style_like.features=vgg"),
            "style_like.features got 'vgg'; it should be a file that exists or 'random'",
        ),
        ((f"style_like={__file__}", "style_like.steps=0"), "style_like.steps got '0'; it should be greater than or"),
        ((f"style_like={__file__}", "style_like.strength=2"), "style_like.strength got '2'; it should be less than or"),
        (
            (f"style_like={__file__}", "style_like.statistics=mean"),
            "style_like.statistics got 'mean'; it should be 'gram' or 'sliced_wasserstein'",
        ),
        (("scale=4000x3000", f"style_like={__file__}"), "style_like paints at most 2,097,152 pixels"),
        (("stabilise",), "stabilise needs sides of at least 64 pixels, got 47x33"),
    ],
)
def test_a_slip_is_met_before_the_first_frame(given, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        planned(noise(), *given)


def test_what_needs_a_clip_refuses_a_picture():
    for name in ("speed=2", "reverse", "rate=5", "interpolate=20", "trim=0-1", "fade_in=1", "fade_out=1", "deflicker"):
        with pytest.raises(ValueError, match=f"^{name.partition('=')[0]} needs a clip, and this is a picture"):
            planned(noise(1), name, still=True)


def test_a_filter_that_the_build_lacks_is_named():
    with pytest.raises(ValueError, match="stabilise needs FFmpeg's filter vidstabtransform, which this build"):
        graph.require("stabilise", "scale", "vidstabtransform")


def test_reverse_says_what_is_too_long(monkeypatch):
    monkeypatch.setattr(outline, "HELD_BYTES", 5000)
    with pytest.raises(ValueError, match=r"reverse holds all frames in memory: 5 of 47x33 take .* such as trim=0-60"):
        planned(noise(), "reverse")
    with pytest.raises(ValueError, match="crossfade holds all frames in memory: 8 of 47x33 take"):
        planned(noise(), "crossfade=0.5", number=2)


def test_each_edit_is_in_one_group_and_says_what_it_does(tmp_path):
    kinds = [kind for kinds in GROUPS.values() for kind in kinds]
    assert len(set(kinds)) == len(kinds) == len(EDITS) >= 20
    for name, kind in EDITS.items():
        assert kind.__doc__
        assert words.name_of(edits_of(*example(name, tmp_path))[0]) == name
        for field in fields(kind)[1:]:
            assert f"{name}.{field.name}=" in words.described()
