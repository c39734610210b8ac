"""A folder against itself scores 0, within its own interval: in any order, fitted in any way, at any number."""

import random
import shutil

import numpy as np
import pytest
from PIL import Image

from framegan.data.folder import recipe_of, samples_in
from framegan.data.images.image_folder import ImageFolder
from framegan.data.videos.clips import Clips
from framegan.data.videos.frame_folder import FrameFolder
from framegan.data.videos.npy import NpyVideos
from framegan.data.videos.strips import Strips
from framegan.evaluation.real_samples import RealSamples
from framegan.metrics.comparison import Comparison
from framegan.metrics.random_conv import RandomConv
from framegan.metrics.scores import Frechet, Jedi, Kernel

NUM_CLASSES, OF_A_CLASS, SIDE = 6, 25, 12
SCORES = {"frechet": Frechet(), "kernel": Kernel(num_subsets=20, subset_size=60), "jedi": Jedi()}


def picture(number, width=18, height=12):
    """Return a picture (H, W, 3) whose brightness and stripes are those of its class, with noise of its own."""
    kind, noise = number // OF_A_CLASS, np.random.default_rng(number)
    stripes = 40 * kind + 25 * (np.arange(width) % (kind + 1) == 0)
    pixels = stripes[None, :, None] + noise.integers(0, 25, (height, width, 3))
    return pixels.clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Six folders of 25 pictures, 18x12."""
    folder = tmp_path_factory.mktemp("photos")
    for number in range(NUM_CLASSES * OF_A_CLASS):
        path = folder / str(number // OF_A_CLASS) / f"{number:03}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(picture(number)).save(path)
    return folder


@pytest.fixture(scope="module")
def strips(tmp_path_factory):
    """Forty strips of 9 frames, 12x18 each, that brighten at the speed of their class."""
    folder = tmp_path_factory.mktemp("strips")
    for number in range(40):
        path = folder / str(number // 10) / f"{number:03}.png"
        path.parent.mkdir(exist_ok=True)
        frames = [picture(number).astype(int) + (number // 10) * 8 * frame for frame in range(9)]
        Image.fromarray(np.concatenate(frames, axis=1).clip(0, 255).astype(np.uint8)).save(path)
    return folder


def renamed(folder, target, seed=0, *, flat=True):
    """Copy the files of a folder under names of another order."""
    files = sorted(path for path in folder.rglob("*.*") if path.is_file())
    names = list(range(len(files)))
    random.Random(seed).shuffle(names)
    for path, name in zip(files, names, strict=True):
        copy = target / ("" if flat else f"{name % 3}") / f"{name:04}{path.suffix}"
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    return target


def values(real, fake, number, scores=SCORES, draw=1):
    """Return the records of a number of samples of one source beside as many of another."""
    sets = [
        RealSamples(lambda source=source: source, None, {}, draw=draw * (source is fake)) for source in (real, fake)
    ]
    comparison = Comparison(RandomConv(), scores, number, number)
    comparison.check(*sets)
    return {record.key.partition("_")[0]: record for record in comparison(*sets)}


def assert_zero(records):
    for record in records.values():
        low, high = record.interval
        assert low <= 0 <= high, (record.key, record.value, record.interval)
        assert low <= record.value <= high


@pytest.mark.parametrize("layout", ["NTHW", "TNHW", "NTHWC"])
def test_an_array_of_fake_videos_has_an_order_of_axes_of_its_own(layout, tmp_path):
    videos = np.arange(12, dtype=np.uint8)[:, None, None, None].repeat(5, 1).repeat(8, 2).repeat(8, 3)
    np.save(tmp_path / "real.npy", videos.swapaxes(0, 1))
    np.save(tmp_path / "fake.npy", {"NTHW": videos, "TNHW": videos.swapaxes(0, 1), "NTHWC": videos[..., None]}[layout])
    for num_frames in (4, 5):
        real = Clips(NpyVideos(str(tmp_path / "real.npy"), 8, layout="TNHW"), num_frames)
        fake = samples_in(str(tmp_path / "fake.npy"), real)
        assert [set(fake[number][0].unique().tolist()) for number in range(12)] == [{number} for number in range(12)]
    np.save(tmp_path / "fake.npy", videos[:, :3])
    with pytest.raises(ValueError, match=r"is \(12, 3, 8, 8\), and neither of its first axes is 5, the frames of a"):
        samples_in(str(tmp_path / "fake.npy"), real)


@pytest.mark.parametrize("resize", ["crop", "pad", "stretch"])
def test_images(resize, photos, tmp_path):
    real = ImageFolder(str(photos), SIDE, 3, resize=resize)
    shuffled = renamed(photos, tmp_path / "a")
    fakes = {"itself": photos, "renamed": shuffled, "in other folders": renamed(photos, tmp_path / "b", flat=False)}
    for folder in fakes.values():
        fake = samples_in(str(folder), real)
        assert recipe_of(fake)["resize"] == resize
        for number in (4, 7, 20, 60, 120, 150):
            assert_zero(values(real, fake, number))
    exactly = values(real, samples_in(str(shuffled), real), 150)
    assert exactly["fd"].value == pytest.approx(0, abs=1e-6)


def test_what_is_not_the_same_is_told_from_it(photos, tmp_path):
    real = ImageFolder(str(photos), SIDE, 3, resize="pad")
    other = ImageFolder(str(photos), SIDE, 3, resize="crop")
    for record in values(real, other, 150).values():
        assert record.interval[0] > 0, record.key
    for kind in ("3", "4", "5"):
        shutil.copytree(photos / kind, tmp_path / kind)
    assert values(real, samples_in(str(tmp_path), real), 60)["fd"].interval[0] > 0


def test_intervals_hold_zero_whichever_samples_are_drawn(photos):
    """Few samples make a Fréchet distance larger, but not the distance that its interval is of."""
    source = ImageFolder(str(photos), SIDE, 3)
    again = ImageFolder(str(photos), SIDE, 3)
    for number in (10, 40, 75):
        for draw in range(1, 9):
            records = values(source, again, number, draw=draw)
            assert_zero(records)
            assert records["fd"].value > 0, "other samples of the same folder"
            assert records["fd"].interval[0] == 0


@pytest.mark.parametrize("resize", ["crop", "pad", "stretch"])
def test_clips_of_strips(resize, strips, tmp_path):
    real = Clips(Strips(str(strips), SIDE, resize=resize, filter="bicubic", frame_length=18), num_frames=4)
    for folder in (strips, renamed(strips, tmp_path / "a")):
        fake = samples_in(str(folder), real)
        assert recipe_of(fake) == recipe_of(real)
        for number in (10, 25, 40):
            assert_zero(values(real, fake, number))


def test_clips_of_folders_of_frames_and_of_an_array(strips, tmp_path):
    for number, strip in enumerate(sorted(strips.rglob("*.png"))):
        folder = tmp_path / "frames" / strip.parent.name / f"{number:03}"
        folder.mkdir(parents=True)
        pixels = np.asarray(Image.open(strip))
        for frame in range(9):
            Image.fromarray(pixels[:, 18 * frame : 18 * (frame + 1)]).save(folder / f"{frame}.png")
    folders = Clips(FrameFolder(str(tmp_path / "frames"), SIDE, resize="pad"), num_frames=4)
    assert_zero(values(folders, samples_in(str(tmp_path / "frames"), folders), 30))
    pixels = np.random.default_rng(0).integers(0, 256, (40, 9, 12, 18), dtype=np.uint8)
    np.save(tmp_path / "array.npy", pixels)
    array = Clips(NpyVideos(str(tmp_path / "array.npy"), SIDE, layout="NTHW", resize="pad"), num_frames=4)
    assert_zero(values(array, samples_in(str(tmp_path / "array.npy"), array), 40))


def test_frames_that_are_left_out(strips):
    """Generated clips have no frames to leave out; whether longer videos have, only their owner knows."""
    videos = Strips(str(strips), SIDE, frame_length=18)
    real = Clips(videos, num_frames=4, frame_stride=2)
    with pytest.raises(
        ValueError, match=r"up to 9 frames .* data\.frame_stride=2; set fake_frames=all .* fake_frames=data"
    ):
        samples_in(str(strips), real)
    fake = samples_in(str(strips), real, "data")
    assert_zero(values(real, fake, 40))
    (_, frames), (_, in_a_row) = fake.draw(3, 0), samples_in(str(strips), real, "all").draw(3, 0)
    assert frames.tolist() == real.draw(3, 0)[1].tolist()
    assert set(np.diff(frames)) == {2}
    assert set(np.diff(in_a_row)) == {1}
    exact = Clips(videos, num_frames=9)
    assert (
        samples_in(str(strips), Clips(videos, num_frames=9, frame_stride=2, short="loop")).draws.strides
        == exact.draws.strides
    )


def test_single_frames_of_videos_and_the_pictures_made_of_them(strips, photos):
    real = Clips(Strips(str(strips), SIDE, frame_length=18), num_frames=1)
    assert isinstance(samples_in(str(strips), real), Clips)
    assert isinstance(samples_in(str(photos), real), Clips | ImageFolder)
