"""Pixels and samples are inverse to each other; a grid holds each sample where it belongs."""

import numpy as np
import pytest
import torch
from PIL import Image

from framegan import media


def test_every_pixel_value_survives_the_way_there_and_back():
    pixels = torch.arange(256, dtype=torch.uint8)
    samples = media.to_samples(pixels)
    assert samples.min() == -1
    assert samples.max() == 1
    assert torch.equal(media.to_pixels(samples), pixels)


def test_samples_out_of_range_are_clamped():
    assert media.to_pixels(torch.tensor([-7.0, -1.01, 1.01, 7.0])).tolist() == [0, 0, 255, 255]


def test_samples_between_two_pixels_are_rounded():
    assert media.to_pixels(torch.tensor([0.0, 0.9999, -0.998])).tolist() == [128, 255, 0]


def test_a_grid_goes_row_by_row():
    samples = torch.linspace(-1, 1, 6).view(6, 1, 1, 1).expand(6, 3, 4, 5)
    image = media.grid(samples, columns=3)
    assert image.shape == (2 * 6 + 2, 3 * 7 + 2, 3)
    assert image[2:6, 2:7].max() == 0
    assert (image[8:12, 16:21] == 255).all()
    assert (image[2:6, 9:14] == media.to_pixels(samples[1, 0, 0, 0]).item()).all()


def test_what_is_transparent_gives_its_neighbours_no_colour():
    """A white square on nothing, which is kept as black."""
    for channels in (2, 4):
        image = np.zeros((2, 8, 8, channels), np.uint8)
        image[:, 2:6, 2:6] = 255
        made = media.resized(image, 32, 24, "lanczos")
        assert made.shape == (2, 32, 24, channels)
        assert (made[made[..., -1] > 0][..., :-1] == 255).all()
        assert np.array_equal(media.resized(image[0], 16, 16, "nearest"), image[0].repeat(2, 0).repeat(2, 1))


def test_png_files_hold_the_same_pixels(tmp_path):
    for channels in (1, 2, 3, 4):
        image = np.random.default_rng(0).integers(0, 256, (5, 7, channels), dtype=np.uint8)
        media.write_png(tmp_path / "x.png", image)
        assert np.array_equal(np.asarray(Image.open(tmp_path / "x.png")).reshape(image.shape), image)
        assert [path.name for path in tmp_path.iterdir()] == ["x.png"]


def numbered_clips(num_clips=3, num_frames=6, size=(32, 48), channels=3):
    """Return clips in [-1, 1] whose frames are smooth and all different."""
    ramp = torch.linspace(-1, 1, size[1]).expand(size)
    moments = torch.linspace(0.2, 1, num_frames).view(1, 1, -1, 1, 1)
    signs = torch.linspace(-1, 1, num_clips).view(-1, 1, 1, 1, 1)
    return (ramp * moments * signs).expand(num_clips, channels, num_frames, *size)


def test_a_grid_of_clips_is_a_video_of_grids():
    clips = numbered_clips()
    video = media.grid(clips)
    assert video.shape == (6, 2 * 34 + 2, 2 * 50 + 2, 3)
    assert np.array_equal(video[4], media.grid(clips[:, :, 4]))


def test_strips_have_a_row_for_each_clip_and_a_column_for_each_frame():
    clips = numbered_clips()
    image = media.strips(clips)
    assert image.shape == (3 * 34 + 2, 6 * 50 + 2, 3)
    assert np.array_equal(image[36:68, 52:100], media.to_frames(clips)[1, 1])


def test_enlarging_repeats_pixels():
    video = media.to_frames(numbered_clips(1))[0]
    large = media.enlarged(video, side=200)
    assert large.shape == (6, 4 * 32, 4 * 48, 3)
    assert np.array_equal(large[:, ::4, 3::4], video)
    assert media.enlarged(video, side=10).shape == video.shape


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_whole_factor_repeats_pixels_and_lanczos_smooths(channels):
    image = np.random.default_rng(0).integers(0, 256, (2, 5, 7, channels), dtype=np.uint8)
    assert np.array_equal(media.resized(image, 15, 21, "nearest"), image.repeat(3, 1).repeat(3, 2))
    smooth = media.resized(image, 15, 21, "lanczos")
    assert smooth.shape == (2, 15, 21, channels)
    assert np.abs(np.diff(smooth.astype(float), axis=2)).mean() < np.abs(np.diff(image.astype(float), axis=2)).mean()
    flat = np.full((4, 6, channels), 9, np.uint8)
    assert (media.resized(flat, 9, 5, "lanczos") == 9).all()


def test_samples_side_by_side_may_touch():
    pixels = np.arange(4, dtype=np.uint8).reshape(4, 1, 1, 1).repeat(2, 1).repeat(3, 2)
    assert np.array_equal(media.tiled(pixels, margin=0)[::2, ::3, 0], [[0, 1], [2, 3]])
