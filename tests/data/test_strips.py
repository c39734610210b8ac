"""Frames side by side in one image, in either direction and in any format, become the frames of a video."""

from pathlib import Path

import numpy as np
import pytest
import torch
from commands import PROJECT
from PIL import Image

from framegan.data.drawn.shape_motion import ShapeMotion
from framegan.data.frame_cache.strip_writer import settings_of, write_strips
from framegan.data.images import image_file
from framegan.data.source import in_memory
from framegan.data.video_set import FileVideos
from framegan.data.videos.clips import Clips
from framegan.data.videos.strips import Strips

PUBLISHED = PROJECT.parent / "shared" / "data" / "mocogan"
"""MoCoGAN's own strips, where somebody put them beside the project; their licence keeps them out of it."""


def frames(number: int, height: int = 8, width: int = 8) -> np.ndarray:
    """Return (T, H, W, 3), each of one colour: frame k is (20 k, 100, 255 - 20 k)."""
    k = np.arange(number)
    colours = np.stack([20 * k, np.full(number, 100), 255 - 20 * k], axis=1).astype(np.uint8)
    return np.broadcast_to(colours[:, None, None], (number, height, width, 3))


def save(path: Path, clip: np.ndarray, axis: int = 1, mode: str = "RGB", **options) -> Path:
    """Write a strip, its frames one after the other along axis 0 (down) or 1 (right)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(clip, axis)).convert(mode).save(path, **options)
    return path


def test_what_a_set_of_videos_offers(tmp_path):
    path = save(tmp_path / "b" / "2.png", frames(5))
    for name in ("a/1.png", "a/deep/3.PNG", "c/.hidden.png"):
        save(tmp_path / name, frames(3))
    videos = Strips(str(tmp_path), 8)
    assert isinstance(videos, FileVideos)
    assert [videos.name(index) for index in range(len(videos))] == ["a/1.png", "a/deep/3.PNG", "b/2.png"]
    assert [videos.label(index) for index in range(3)] == [0, 0, 1]
    assert [videos.num_frames(index) for index in range(3)] == [3, 3, 5]
    assert (videos.classes, videos.num_classes, videos.split) == (["a", "b"], 2, "all")
    assert (videos.channels, videos.resolution, videos.root) == (3, 8, tmp_path)
    assert videos.frame_times(0) is None
    assert videos.stamp(2) == (path.stat().st_size, path.stat().st_mtime_ns)
    assert videos.recipe == {"resolution": 8, "channels": 3, "resize": "crop", "filter": "area", "frame_length": None}
    clip = videos.read(2, [0, 3, 4])
    assert clip.dtype == np.uint8
    assert np.array_equal(clip, frames(5)[[0, 3, 4]])


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("number", [1, 2, 7])
def test_both_directions(axis, number, tmp_path):
    save(tmp_path / "1.png", frames(number), axis)
    videos = Strips(str(tmp_path), 8)
    assert videos.num_frames(0) == number
    assert np.array_equal(videos.read(0, range(number)), frames(number))


@pytest.mark.parametrize("channels", [1, 3])
def test_strips_that_we_write_ourselves(channels, tmp_path):
    source = ShapeMotion(num_videos=4, video_frames=5, resolution=16, channels=channels)
    write_strips(source, tmp_path, num_workers=1)
    videos = Strips(str(tmp_path), 16, channels)
    assert [videos.name(index) for index in range(4)] == [f"{k % 2}/shape {k}.png" for k in (0, 2, 1, 3)]
    assert [videos.label(index) for index in range(4)] == [0, 0, 1, 1]
    assert np.array_equal(videos.read(3, range(5)), source.read(3, range(5)))


def test_strips_of_one_class_in_folders_are_of_one_class_again(tmp_path):
    write_strips(ShapeMotion(num_videos=4, video_frames=5, resolution=16), tmp_path / "shapes", num_workers=1)
    for number, part in enumerate(("train", "test")):
        (tmp_path / "shapes" / str(number)).rename(tmp_path / "shapes" / part)
    source = Strips(str(tmp_path / "shapes"), 16, split="all", labels=None)
    write_strips(source, tmp_path / "again", num_workers=1)
    assert settings_of(source) == ["data.labels=null", "data.split=all"]
    videos = Strips(str(tmp_path / "again"), 16, split="all", labels=None)
    assert [videos.name(index) for index in range(4)] == [source.name(index) for index in range(4)]
    assert videos.num_classes == 1


@pytest.mark.parametrize("axis", [0, 1])
def test_frames_that_are_not_square(axis, tmp_path):
    clip = frames(4, *((6, 10) if axis else (10, 6))).copy()
    clip[:, :3, :3] = 0
    save(tmp_path / "1.png", clip, axis)
    with pytest.raises(
        ValueError, match=r"1.png: (40x6|6x40) pixels are no whole number of frames of 6; set data.frame"
    ):
        Strips(str(tmp_path), 6)
    videos = Strips(str(tmp_path), 6, frame_length=10)
    assert videos.num_frames(0) == 4
    read = videos.read(0, [1, 3])
    middle = clip[[1, 3], :, 2:8] if axis else clip[[1, 3], 2:8]
    assert np.array_equal(read, middle)


def test_how_many_frames_were_found_is_said_and_a_square_of_several_is_refused(tmp_path, capsys):
    """12x8 frames in a row may look like a whole number of square ones."""
    save(tmp_path / "1.png", frames(4, 8, 12), 1)
    assert Strips(str(tmp_path), 8).num_frames(0) == 6
    assert "strips   of 6 frames each, taken to be square; set data.frame_length where they" in capsys.readouterr().out
    save(tmp_path / "2.png", frames(3, 8, 12), 1)
    assert [Strips(str(tmp_path), 8, frame_length=12).num_frames(index) for index in (0, 1)] == [4, 3]
    assert "strips   of 3 to 4 frames each\n" in capsys.readouterr().out
    save(tmp_path / "2.png", frames(2, 16, 8), 1)
    with pytest.raises(ValueError, match="16x16 pixels don't say whether frames of 8 are side by side or one below"):
        Strips(str(tmp_path), 8, frame_length=8)


def test_frames_may_be_longer_than_the_strip_is_wide(tmp_path):
    save(tmp_path / "1.png", frames(1, 6, 20))
    assert Strips(str(tmp_path), 6, frame_length=20).num_frames(0) == 1


@pytest.mark.parametrize("filter", ["area", "bilinear", "bicubic", "lanczos"])
@pytest.mark.parametrize("resolution", [3, 8, 20])
def test_no_frame_shines_into_the_next(filter, resolution, tmp_path):
    save(tmp_path / "1.png", frames(6))
    read = Strips(str(tmp_path), resolution, filter=filter).read(0, range(6))
    assert np.array_equal(read, frames(6, resolution, resolution))


def test_area_is_the_mean_of_what_becomes_one_pixel(tmp_path):
    clip = np.random.default_rng(0).integers(0, 256, (3, 12, 12, 3), dtype=np.uint8)
    save(tmp_path / "1.png", clip)
    expected = clip.reshape(3, 4, 3, 4, 3, 3).mean((2, 4))
    assert np.abs(Strips(str(tmp_path), 4).read(0, range(3)) - expected).max() <= 1


def test_grey(tmp_path):
    save(tmp_path / "1.png", frames(2))
    grey = Strips(str(tmp_path), 8, channels=1).read(0, [0, 1])
    assert grey.shape == (2, 8, 8, 1)
    assert grey[:, 0, 0, 0].tolist() == [round(0.587 * 100 + 0.114 * 255), round(0.299 * 20 + 58.7 + 0.114 * 235)]


def test_the_content_decides_the_format(tmp_path):
    save(tmp_path / "1.jpg", frames(3), mode="RGBA", format="PNG")
    save(tmp_path / "2.png", frames(3), format="BMP")
    videos = Strips(str(tmp_path), 8)
    assert [np.array_equal(videos.read(index, [0, 1, 2]), frames(3)) for index in range(2)] == [True, True]


def test_transparent_parts_are_black(tmp_path):
    strip = Image.fromarray(np.concatenate(frames(2), 1)).convert("RGBA")
    strip.putalpha(0)
    strip.save(tmp_path / "1.png")
    assert Strips(str(tmp_path), 8).read(0, [0, 1]).max() == 0


def bad(folder: Path) -> None:
    """Write three strips that can be read and three that can't."""
    for name in ("1.png", "3.png", "5.png"):
        save(folder / name, frames(3))
    (folder / "0.png").write_bytes(b"")
    (folder / "2.png").write_text("hello")
    save(folder / "4.png", frames(1, 8, 25))


def test_bad_files_are_named_all_at_once(tmp_path):
    bad(tmp_path)
    with pytest.raises(ValueError) as caught:
        Strips(str(tmp_path), 8)
    lines = str(caught.value).splitlines()
    assert lines[0].startswith(f"3 of 6 files in {tmp_path} can't be read; ") and "data.on_error=skip" in lines[0]
    assert lines[1:3] == ["  0.png: empty file", "  2.png: not an image that can be read"]
    assert lines[3].startswith("  4.png: 25x8 pixels are no whole number of frames of 8; set data.frame_length")


def test_bad_files_can_be_left_out(tmp_path, capsys):
    bad(tmp_path)
    videos = Strips(str(tmp_path), 8, on_error="skip", max_bad_fraction=0.5)
    assert [videos.name(index) for index in range(len(videos))] == ["1.png", "3.png", "5.png"]
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["skipped  0.png", "skipped  2.png", "skipped  4.png", lines[3]]
    with pytest.raises(ValueError, match="3 of 6 .* more than data.max_bad_fraction=0.49 allows"):
        Strips(str(tmp_path), 8, on_error="skip", max_bad_fraction=0.49)


@pytest.mark.parametrize("damage", ["cut", "shorter", "gone"])
def test_what_goes_wrong_later_is_a_value_error(damage, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (9, 8, 8, 3), dtype=np.uint8)
    path = save(tmp_path / "1.png", noise)
    videos = Strips(str(tmp_path), 8)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-800])
    elif damage == "shorter":
        save(path, noise[:8])
    else:
        path.unlink()
    with pytest.raises(ValueError, match={"cut": "truncated", "shorter": "changed", "gone": "No such file"}[damage]):
        videos.read(0, [0])


def test_strips_that_are_cut_short_are_all_named_as_they_are_read(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (9, 8, 8, 3), dtype=np.uint8)
    for name in ("1.png", "2.png", "3.png", "4.png"):
        path = save(tmp_path / name, noise)
        path.write_bytes(path.read_bytes()[: -800 if name in ("2.png", "4.png") else None])
    clips = Clips(Strips(str(tmp_path), 8), num_frames=4)
    with pytest.raises(ValueError, match=r"(?s)^2 of 4 videos can't be read; .*on_error=skip:\n  2.png: .*\n  4.png: "):
        in_memory(clips)
    kept = in_memory(Clips(Strips(str(tmp_path), 8), num_frames=4, on_error="skip", max_bad_fraction=0.5))
    assert torch.equal(kept[0][0], clips[0][0])


def test_a_turned_strip_is_as_long_as_it_is_shown(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = save(tmp_path / "1.png", frames(5), axis=1)
    Image.open(path).transpose(Image.Transpose.ROTATE_90).save(path, exif=exif)
    videos = Strips(str(tmp_path), 8)
    assert np.array_equal(videos.read(0, range(5)), frames(5))


@pytest.mark.parametrize("limit", [150, 60])
def test_strips_above_the_limit_are_refused(limit, tmp_path, monkeypatch, recwarn):
    save(tmp_path / "1.png", frames(3))
    monkeypatch.setattr(image_file, "MAX_PIXELS", limit)
    with pytest.raises(ValueError, match=r"1\.png: 24x8, more than the .* pixels that are read"):
        Strips(str(tmp_path), 8)
    assert not recwarn.list


@pytest.mark.skipif(not (PUBLISHED / "actions").is_dir(), reason="MoCoGAN's strips are not beside the project")
def test_the_published_actions():
    videos = Strips(str(PUBLISHED / "actions"), 64)
    assert (len(videos), videos.classes) == (72, ["0", "1", "3", "4"])
    assert [sum(videos.label(index) == label for index in range(72)) for label in range(4)] == [18] * 4
    lengths = [videos.num_frames(index) for index in range(72)]
    assert (min(lengths), max(lengths), sum(lengths)) == (51, 146, 5290)
    assert {(videos.root / videos.name(index)).suffix for index in range(72)} == {".jpg"}  # they are PNG
    last = videos.read(0, [0, lengths[0] - 1])
    assert last.shape == (2, 64, 64, 3)
    assert last.std((1, 2, 3)).min() > 5


@pytest.mark.skipif(not (PUBLISHED / "shapes").is_dir(), reason="MoCoGAN's strips are not beside the project")
def test_some_of_the_published_shapes(tmp_path):
    for label in ("0", "1"):
        (tmp_path / label).mkdir()
        for path in sorted((PUBLISHED / "shapes" / label).iterdir())[:3]:
            (tmp_path / label / path.name).symlink_to(path)
    videos = Strips(str(tmp_path), 64)
    assert (len(videos), videos.num_classes) == (6, 2)
    assert [videos.num_frames(index) for index in range(6)] == [32] * 6
    for index in range(6):
        lit = videos.read(index, range(32)).max(-1) > 0
        places = np.arange(64)
        areas = lit.sum((1, 2))
        down, right = (lit.sum(2) * places).sum(1) / areas, (lit.sum(1) * places).sum(1) / areas
        along, across = (down, right) if videos.label(index) == 0 else (right, down)
        assert abs(along[-1] - along[0]) > 4 * abs(across[-1] - across[0])
