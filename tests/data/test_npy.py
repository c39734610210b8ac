"""An array of videos on the disk, its axes in any order, is read a few frames at a time."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from framegan.data.frame_cache.layout import cache_folder
from framegan.data.video_set import FileVideos
from framegan.data.videos.npy import NpyVideos


def videos_of(channels: int, number: int = 5, length: int = 4, height: int = 8, width: int = 8) -> np.ndarray:
    """Return (N, T, H, W, C), all different."""
    shape = (number, length, height, width, channels)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def save(folder: Path, videos: np.ndarray, layout: str) -> str:
    """Write (N, T, H, W, C) videos in another order of axes; without C they have to be grey."""
    path = folder / "videos.npy"
    axes = "NTHWC" if "C" in layout else "NTHW"
    source = videos if "C" in layout else videos[..., 0]
    np.save(path, np.ascontiguousarray(source.transpose([axes.index(axis) for axis in layout])))
    return str(path)


@pytest.mark.parametrize("layout", ["TNHW", "NTHW", "NTHWC", "NTCHW", "NCTHW", "TNHWC", "TNCHW"])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_layout(layout, channels, tmp_path):
    expected = videos_of(channels if "C" in layout else 1)
    videos = NpyVideos(save(tmp_path, expected, layout), 8, expected.shape[-1], layout)
    assert (len(videos), videos.num_frames(0), videos.channels) == (5, 4, expected.shape[-1])
    for index in range(5):
        clip = videos.read(index, [0, 2, 3])
        assert clip.dtype == np.uint8
        assert np.array_equal(clip, expected[index, [0, 2, 3]])


def test_what_a_set_of_videos_offers(tmp_path):
    path = Path(save(tmp_path, videos_of(1), "TNHW"))
    videos = NpyVideos(str(tmp_path), 8, layout="TNHW")
    assert isinstance(videos, FileVideos)
    assert (videos.num_classes, videos.label(3), videos.split) == (1, 0, "all")
    assert (videos.resolution, videos.root, videos.name(3)) == (8, tmp_path, "videos.npy[3]")
    assert videos.frame_times(0) is None
    assert videos.stamp(3) == (path.stat().st_size, path.stat().st_mtime_ns)
    assert videos.recipe == {"resolution": 8, "channels": 1, "layout": "TNHW", "resize": "crop", "filter": "area"}


def test_masks_of_0_and_1_are_no_black_videos(tmp_path):
    np.save(tmp_path / "1.npy", videos_of(1) // 128)
    with pytest.raises(ValueError, match=r"1.npy holds 0 and 1 alone, .* Save it again: np.save\(path, array \* 255\)"):
        NpyVideos(str(tmp_path), 8, layout="NTHWC")


SHAPES = {
    (20, 10000, 64, 64): "TNHW",  # Moving MNIST
    (10000, 20, 64, 64): "NTHW",
    (160, 16, 64, 64): "NTHW",
    (160, 16, 64, 64, 3): "NTHWC",
    (160, 16, 64, 64, 1): "NTHWC",
    (160, 16, 3, 64, 64): "NTCHW",
    (20, 10000, 1, 64, 64): "TNCHW",  # Moving MNIST as some keep it
    (16, 3, 50, 64, 64): "NCTHW",
}


def empty(path: Path, shape: tuple[int, ...], dtype: str = "uint8") -> str:
    """Write a file that takes no room on the disk."""
    np.lib.format.open_memmap(path, "w+", dtype, shape).flush()
    return str(path)


@pytest.mark.parametrize(("shape", "layout"), SHAPES.items())
def test_a_shape_that_tells_its_layout(shape, layout, tmp_path):
    videos = NpyVideos(empty(tmp_path / "1.npy", shape), 64)
    assert videos.layout == layout
    assert (len(videos), videos.num_frames(0)) == (shape[layout.index("N")], shape[layout.index("T")])


@pytest.mark.parametrize(
    ("shape", "fitting"),
    [
        ((10, 300, 64, 64), "NTHW or TNHW"),
        ((5, 1000, 64, 64), "NTHW or TNHW"),
        ((20, 2000, 64, 64, 3), "NTHWC or TNHWC"),
        ((16, 16, 64, 64), "NTHW or TNHW"),
        ((100, 16, 64, 64), "NTHW or TNHW"),
        ((16, 4, 64, 64, 3), "NTHWC or TNHWC"),
        ((20, 100, 1, 64, 64), "NTCHW or TNCHW"),
        ((50, 3, 3, 64, 64), "NTHWC or NTCHW or NCTHW or TNHWC or TNCHW"),
        ((50, 16, 64, 64, 2), "NTHWC or NTCHW or NCTHW or TNHWC or TNCHW"),
    ],
)
def test_a_shape_that_does_not(shape, fitting, tmp_path):
    with pytest.raises(ValueError, match=rf"1.npy is \(.*\), whose axes are ambiguous; set data.layout to {fitting}: "):
        NpyVideos(empty(tmp_path / "1.npy", shape), 64)


@pytest.mark.parametrize("shape", [(500, 64, 64, 3), (500, 3, 64, 64), (500, 1, 64, 64)])
def test_images_are_not_taken_for_videos(shape, tmp_path):
    with pytest.raises(ValueError, match="axes are ambiguous"):
        NpyVideos(empty(tmp_path / "1.npy", shape), 64)


def test_a_layout_that_does_not_fit(tmp_path):
    path = empty(tmp_path / "1.npy", (5, 4, 8, 8))
    with pytest.raises(ValueError, match=r"data.layout=NTHWC has 5 axes, but .* is \(5, 4, 8, 8\)"):
        NpyVideos(path, 8, layout="NTHWC")
    with pytest.raises(ValueError, match="8 channels as NTHWC; set data.layout"):
        NpyVideos(empty(tmp_path / "2.npy", (5, 4, 3, 8, 8)), 8, layout="NTHWC")


WHOLE, REAL, AS_IT_IS = r"\(array >> 8\)", r"\(array \* 255\).round\(\)", "array"


@pytest.mark.parametrize(
    ("dtype", "scaled"), [("float32", REAL), ("float64", REAL), ("int64", AS_IT_IS), ("bool", REAL), (">u2", WHOLE)]
)
def test_other_numbers_are_refused(dtype, scaled, tmp_path):
    remedy = rf"np.save\(path, {scaled}.astype\(np.uint8\)\) for values"
    with pytest.raises(ValueError, match=rf"holds {dtype}; videos are uint8 .* {remedy}"):
        NpyVideos(empty(tmp_path / "1.npy", (100, 4, 8, 8), dtype), 8)


def test_what_is_no_array(tmp_path):
    path = tmp_path / "1.npy"
    other = "it doesn't begin as a .npy file does; save it again with np.save"
    header, pickled = b"\x93NUMPY\x01\x00v\x00{'descr'", b"\x80\x04K\x03."
    for content, reason in ((b"", other), (b"hello world", other), (pickled, other), (header, "")):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=f"1.npy can't be read as an array: {reason}"):
            NpyVideos(str(path), 8)
    np.save(path, np.array([None]), allow_pickle=True)
    with pytest.raises(ValueError, match="1.npy can't be read as an array"):
        NpyVideos(str(path), 8)
    with path.open("wb") as file:
        np.savez(file, videos=np.zeros(3), labels=np.zeros(3))
    with pytest.raises(ValueError, match="1.npy is an archive of videos, labels; save the videos alone"):
        NpyVideos(str(path), 8)


def test_a_file_cut_short(tmp_path):
    path = Path(save(tmp_path, videos_of(1), "TNHW"))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="can't be read as an array"):
        NpyVideos(str(path), 8)


def test_nothing_or_too_much_to_read(tmp_path):
    with pytest.raises(ValueError, match="should be a .npy file, or a folder that holds one; found: none"):
        NpyVideos(str(tmp_path), 8)
    (tmp_path / "._1.npy").write_bytes(b"of another system")
    for name in ("1.npy", "2.npy"):
        empty(tmp_path / name, (5, 4, 8, 8))
    with pytest.raises(ValueError, match="found: 1.npy, 2.npy"):
        NpyVideos(str(tmp_path), 8)


def test_another_size(tmp_path):
    source = videos_of(3, height=12, width=16)
    path = save(tmp_path, source, "NTCHW")
    cropped = NpyVideos(path, 12, 3, "NTCHW").read(1, [2])
    assert np.array_equal(cropped, source[1, [2], :, 2:14])
    halves = source[1, 2, :, 2:14].reshape(6, 2, 6, 2, 3).mean((1, 3))
    assert np.abs(NpyVideos(path, 6, 3, "NTCHW").read(1, [2])[0] - halves).max() <= 1
    padded = NpyVideos(path, 16, 3, "NTCHW", resize="pad").read(1, [2])[0]
    assert np.array_equal(padded[2:14], source[1, 2])
    assert padded[:2].max() == padded[14:].max() == 0


def test_grey_to_colour_and_back(tmp_path):
    source = videos_of(1)
    colour = NpyVideos(save(tmp_path, source, "NTHW"), 8, 3, "NTHW").read(0, [1])
    assert np.array_equal(colour, source[0, [1]].repeat(3, -1))
    source = videos_of(3)
    grey = NpyVideos(save(tmp_path, source, "NTHWC"), 8, 1, "NTHWC").read(0, [1])
    assert np.abs(grey[..., 0] - source[0, [1]] @ [0.299, 0.587, 0.114]).max() <= 1


def test_a_pickled_copy_is_small_and_reads_the_same(tmp_path):
    videos = NpyVideos(save(tmp_path, videos_of(1, number=400), "NTHW"), 8)
    read = videos.read(7, [0, 3])
    pickled = pickle.dumps(videos)
    assert len(pickled) < 2_000
    assert np.array_equal(pickle.loads(pickled).read(7, [0, 3]), read)


def test_reading_copies_no_more_than_it_has_to(tmp_path):
    videos = NpyVideos(empty(tmp_path / "1.npy", (20, 200_000, 64, 64)), 64, layout="TNHW")  # 15 GB, if it were read
    clip = videos.read(150_000, range(16))
    assert type(clip) is np.ndarray and clip.flags.writeable and clip.flags.c_contiguous


def test_two_files_in_a_folder_have_frames_of_their_own(tmp_path):
    folders = set()
    for name in ("train", "test"):
        np.save(tmp_path / f"{name}.npy", np.zeros((2, 3, 8, 8), np.uint8))
        folders.add(cache_folder(NpyVideos(str(tmp_path / f"{name}.npy"), 8, layout="NTHW")))
    assert len(folders) == 2
