"""data.resolution=[height,width]: every source gives pictures of that shape, and a square is the same as one number."""

import copy

import numpy as np
import pytest
import small_clips
import small_files
from av import VideoFrame
from odd_videos import WHOLE, number_of
from PIL import Image

from framegan.data.drawn.shape_motion import ShapeMotion
from framegan.data.drawn.synthetic import synthetic
from framegan.data.fingerprint import digest_of, inventory_of
from framegan.data.frame_cache.build import plan, prepare
from framegan.data.frame_cache.layout import cache_folder
from framegan.data.frame_cache.read import CachedVideos
from framegan.data.frame_cache.strip_writer import write_strips
from framegan.data.images.image_folder import ImageFolder
from framegan.data.published.idx import mnist
from framegan.data.published.stacked_mnist import StackedMNIST
from framegan.data.videos.clips import Clips
from framegan.data.videos.decode import probe, read
from framegan.data.videos.frame_fit import Fit
from framegan.data.videos.frame_folder import FrameFolder
from framegan.data.videos.npy import NpyVideos
from framegan.data.videos.strips import Strips
from framegan.data.videos.video_folder import VideoFolder

SIZE = (12, 24)
"""Of what the small videos show, 24x32, the middle is as wide and half as high."""
VIDEOS = {
    "video_folder": (small_clips.write_videos, VideoFolder, {}),
    "frame_folder": (small_clips.write_frame_folders, FrameFolder, {}),
    "strips": (small_clips.write_strips, Strips, {"frame_length": 24}),
    "npy": (small_clips.write_npy, NpyVideos, {}),
}


@pytest.mark.parametrize("stored", [(10, 40), (40, 10), (20, 20)], ids=str)
def test_ways_of_an_image(stored, tmp_path):
    """Red, green and blue thirds from left to right, or from top to bottom where it is higher than wide."""
    upright = stored[0] > stored[1]
    thirds = np.repeat(np.eye(3), [8, max(stored) - 16, 8], axis=0)  # (long, 3)
    pixels = np.broadcast_to(thirds[:, None] if upright else thirds[None], (*stored, 3)) * 255
    Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "1.png")
    crop, pad, stretch = (
        ImageFolder(str(tmp_path), (10, 20), resize=how)[0][0].permute(1, 2, 0).numpy()
        for how in ("crop", "pad", "stretch")
    )
    assert crop.shape == pad.shape == stretch.shape == (10, 20, 3)
    if stored == (10, 40):
        assert np.array_equal(crop, pixels[:, 10:30])  # nothing is scaled
        assert pad[:2].max() == pad[-2:].max() == 0 and pad[3:7].any(2).all()
        assert stretch[:, 0].argmax(1).tolist() == [0] * 10 and stretch[:, -1].argmax(1).tolist() == [2] * 10
    elif upright:
        assert crop.argmax(2).max() == crop.argmax(2).min() == 1  # 10 wide, 5 high, of the middle
        assert pad[:, :8].max() == pad[:, -8:].max() == 0 and pad[:, 9:11].any(2).all()
        assert stretch[0].argmax(1).tolist() == [0] * 20 and stretch[-1].argmax(1).tolist() == [2] * 20
    else:
        assert crop[:, 0].argmax(1).tolist() == [0] * 10
        assert pad[:, :5].max() == pad[:, -5:].max() == 0 and pad[:, 5:15].any(2).all()


@pytest.mark.parametrize("way", ["crop", "pad", "stretch"])
def test_a_frame_that_is_stored_on_its_side_is_fitted_as_it_is_shown(way, tmp_path):
    """Upright it is `picture`, 32 high and 48 wide; the reference is the same decoded frame, turned first."""
    turned = WHOLE["turned by 90"](tmp_path)
    upright = read(turned, probe(turned), [37], Fit((32, 48), resize=way))[0]
    assert number_of(upright) == 37
    for size in ((32, 24), (16, 48)):
        fit = Fit(size, resize=way)
        found = read(turned, probe(turned), [37], fit)[0]
        assert found.shape == (*size, 3)
        expected = fit(VideoFrame.from_ndarray(np.ascontiguousarray(upright), "rgb24"))
        assert np.abs(found.astype(int) - expected).mean() < 4


@pytest.mark.parametrize("kind", VIDEOS)
def test_every_set_of_videos(kind, tmp_path):
    write, source, options = VIDEOS[kind]
    write(tmp_path / "videos")
    videos = source(str(tmp_path / "videos"), SIZE, **options)
    decoded = Clips(videos, 4)
    assert decoded.shape == (videos.channels, 4, *SIZE) == decoded[3][0].shape
    assert decoded.in_memory()[3][0].equal(decoded[3][0])
    wide = source(str(tmp_path / "videos"), (24, 24), **options).read(0, [0])[0]
    assert np.abs(videos.read(0, [0])[0].astype(int) - wide[6:18]).max() <= (0 if kind in ("strips", "npy") else 255)
    prepare(plan(videos, cache_folder(videos)), num_workers=0)
    assert "frames_12x24px_" in cache_folder(videos).name
    cached = Clips(videos, 4)
    assert isinstance(cached.videos, CachedVideos)
    assert all(cached[index][0].equal(decoded[index][0]) for index in range(len(cached)))
    assert digest_of(inventory_of(cached)) == digest_of(inventory_of(decoded))


def test_a_cache_of_another_resolution_is_not_read(tmp_path, capsys):
    small_clips.write_frame_folders(tmp_path / "videos")
    wide, square = (FrameFolder(str(tmp_path / "videos"), size) for size in (SIZE, 12))
    prepare(plan(wide, tmp_path / "cache"), num_workers=0)
    assert Clips(square, 4, cache_dir=str(tmp_path / "cache")).videos is square
    assert "other settings: resolution is 12 and was [12, 24]; decoding instead" in capsys.readouterr().out


def test_a_square_is_the_same_however_it_is_given(tmp_path):
    small_files.write_images(tmp_path / "images", 4)
    small_clips.write_frame_folders(tmp_path / "videos")
    for source, folder in ((ImageFolder, "images"), (FrameFolder, "videos")):
        number, pair = (source(str(tmp_path / folder), size) for size in (8, [8, 8]))
        assert number.resolution == pair.resolution == 8
        assert number.inventory() == pair.inventory() != source(str(tmp_path / folder), (8, 16)).inventory()


def test_published_pictures_are_stretched(tmp_path):
    images = small_files.write_mnist(tmp_path / "mnist")
    assert mnist(str(tmp_path / "mnist"), resolution=(28, 28)).samples[:, 0].numpy().tolist() == images.tolist()
    assert mnist(str(tmp_path / "mnist"), resolution=[32, 32]).samples[:, :, :2].max() == 0  # framed, as 32 alone
    assert StackedMNIST(str(tmp_path / "mnist"), resolution=(16, 24), num_samples=2)[0][0].shape == (3, 16, 24)


def test_synthetic_discs_stay_round():
    covers = synthetic(64, (24, 48), num_classes=1).samples.amax(1) > 60
    heights, widths = covers.any(2).sum(1), covers.any(1).sum(1)
    assert covers.shape == (64, 24, 48)
    assert (heights - widths).abs().float().mean() < 1
    left, top = covers.any(1).int().argmax(1), covers.any(2).int().argmax(1)
    assert left.float().std() > 1.5 * top.float().std(), "they are spread over all of the picture"


def test_strips_have_to_say_how_long_a_frame_is(tmp_path):
    square = ShapeMotion(2, 3, 8)
    wide = copy.copy(square)
    wide.resolution = (8, 16)
    wide.read = lambda index, frames: square.read(index, frames).repeat(2, axis=2)
    assert write_strips(wide, tmp_path, 1) == {}
    with pytest.raises(ValueError, match=r"data.resolution=\(8, 16\) is not square, and data.frame_length isn't set"):
        Strips(str(tmp_path), (8, 16))
    assert np.array_equal(Strips(str(tmp_path), (8, 16), frame_length=16).read(1, [0, 2]), wide.read(1, [0, 2]))
    wide.resolution = (48, 16)
    assert "wider than high" in write_strips(wide, tmp_path / "high", 1)["shape 0"]
