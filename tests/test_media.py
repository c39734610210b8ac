"""Pixels and samples are inverse to each other; a grid holds each sample where it belongs."""

import av
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


def read_back(path):
    """Return the frames of a video file and the seconds at which each begins."""
    if path.suffix == ".npy":
        return np.load(path), None
    if path.suffix == ".webp":  # FFmpeg doesn't decode animated ones
        image, frames, seconds = Image.open(path), [], [0.0]
        for number in range(image.n_frames):
            image.seek(number)
            frames.append(np.asarray(image.convert("RGB")))
            seconds.append(seconds[-1] + image.info["duration"] / 1000)
        return np.stack(frames), seconds[:-1]
    with av.open(path) as container:
        decoded = list(container.decode(video=0))
        return np.stack([frame.to_ndarray(format="rgb24") for frame in decoded]), [
            float(frame.pts * frame.time_base) for frame in decoded
        ]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(32, 48), (33, 47)])
@pytest.mark.parametrize("rate", [8, 12.5, 29.97])
@pytest.mark.parametrize("ending", [".mp4", ".gif", ".webp", ".npy"])
def test_a_video_file_has_the_frames_the_rate_and_the_size(ending, rate, size, channels, tmp_path):
    video = media.to_frames(numbered_clips(1, 9, size, channels))[0]
    path = tmp_path / f"clip{ending}"
    media.write_video(path, video, rate)
    frames, seconds = read_back(path)
    assert frames.shape[:3] == (9, *size)
    error = np.abs(frames.astype(float) - video).mean()
    assert error == 0 if ending in (".webp", ".npy") else error < 6
    if seconds is not None:
        assert np.abs(np.array(seconds) - np.arange(9) / rate).max() < (0.0051 if ending == ".gif" else 0.001)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(("channels", "num_shown"), [(2, 1), (4, 3), (5, 3)])
def test_of_other_numbers_of_channels_the_first_are_shown(channels, num_shown, tmp_path):
    video = np.random.default_rng(0).integers(0, 256, (3, 16, 16, channels), dtype=np.uint8)
    media.write_video(tmp_path / "x.webp", video, 8)
    frames, _ = read_back(tmp_path / "x.webp")
    assert np.array_equal(frames, np.broadcast_to(video[..., :num_shown], (3, 16, 16, 3)))
    media.write_video(tmp_path / "x.npy", video, 8)
    assert np.array_equal(np.load(tmp_path / "x.npy"), video)
    if channels > 4:
        media.write_png(tmp_path / "x.png", video[0])
        assert np.array_equal(np.asarray(Image.open(tmp_path / "x.png")), video[0, ..., :3])


@pytest.mark.parametrize("ending", [".gif", ".webp"])
@pytest.mark.parametrize("rate", [0.5, 8, 25 / 3, 12.5, 29.97, 50])
def test_every_frame_lasts_as_long_the_last_one_too(rate, ending, tmp_path):
    path = tmp_path / f"x{ending}"
    media.write_video(path, media.to_frames(numbered_clips(1, 9))[0], rate)
    durations = []
    with Image.open(path) as image:
        for number in range(image.n_frames):
            image.seek(number)
            image.load()
            durations.append(image.info["duration"])
    assert durations == pytest.approx([1000 / rate] * 9, abs=10 if ending == ".gif" else 1)
    assert sum(durations) == pytest.approx(9000 / rate, abs=5)


@pytest.mark.parametrize(("name", "rate"), [("x.gif", 51), ("x.gif", 0.001), ("x.webp", 120), ("x.mp4", 1e6)])
def test_a_rate_that_a_file_does_not_hold_is_refused(name, rate, tmp_path):
    with pytest.raises(ValueError, match=r"frames a second, got .*; set frames_per_second="):
        media.write_video(tmp_path / name, np.zeros((2, 4, 4, 3), np.uint8), rate)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", [".mp4", ".gif", ".webp", ".png"])
def test_a_write_that_fails_leaves_nothing(ending, tmp_path):
    path = tmp_path / f"x{ending}"
    with pytest.raises(Exception, match=r".+"):
        if ending == ".png":
            media.write_png(path, np.zeros((4, 0, 3), np.uint8))
        else:
            media.write_video(path, np.zeros((2, 0, 4, 3), np.uint8), 8)
    assert list(tmp_path.iterdir()) == []


def test_a_video_of_an_unknown_kind_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"x\.wmv can't be written; .* one of: \.mp4, \.gif, \.webp, \.npy"):
        media.write_video(tmp_path / "x.wmv", np.zeros((2, 4, 4, 3), np.uint8), 8)
