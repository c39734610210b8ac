"""Pixels and samples are inverse to each other; a grid holds each sample where it belongs."""

import numpy as np
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
    assert media.to_pixels(torch.tensor([-7.0, 7.0])).tolist() == [0, 255]


def test_a_grid_goes_row_by_row():
    samples = torch.linspace(-1, 1, 6).view(6, 1, 1, 1).expand(6, 3, 4, 5)
    image = media.grid(samples, columns=3, margin=1)
    assert image.shape == (2 * 5 + 1, 3 * 6 + 1, 3)
    assert image[1:5, 1:6].max() == 0
    assert (image[6:10, 13:18] == 255).all()
    assert (image[1:5, 7:12] == media.to_pixels(samples[1, 0, 0, 0]).item()).all()


def test_png_files_hold_the_same_pixels(tmp_path):
    for channels in (1, 3):
        image = np.random.default_rng(0).integers(0, 256, (5, 7, channels), dtype=np.uint8)
        media.write_png(tmp_path / "x.png", image)
        assert np.array_equal(np.asarray(Image.open(tmp_path / "x.png")).reshape(image.shape), image)
        assert [path.name for path in tmp_path.iterdir()] == ["x.png"]
