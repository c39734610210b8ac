"""A folder of images of any kind becomes uint8 squares; what isn't an image is named before training."""

import pickle
import re
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from rich.console import Console

from framegan.data.bad_files import BadFiles
from framegan.data.datamodule import DataModule
from framegan.data.held_out import held_out
from framegan.data.images import image_file
from framegan.data.images.image_folder import ImageFolder
from framegan.data.source import in_memory
from framegan.files import live
from framegan.trainer import GANTrainer


def test_another_one_of_few_is_found_at_once():
    bad = BadFiles(100_000, "files", "skip", 1.0, held_out={5})
    random = np.random.default_rng(0)
    assert [bad.other(5, 100_000, random) for _ in range(3)] == [5, 5, 5]
    assert bad.other(4, 100_000, random) != 5


def save(path: Path, colour=(200, 100, 50), mode: str = "RGB", size=(8, 8), **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path, **options)
    return path


def only_sample(root: Path, resolution: int = 8, **options) -> torch.Tensor:
    source = ImageFolder(str(root), resolution, **options)
    sample, _ = source[0]
    assert sample.dtype == torch.uint8
    assert tuple(sample.shape) == source.shape
    return sample


def corners(sample: torch.Tensor) -> list[list[int]]:
    """Return the pixels at the upper left and the lower right."""
    return [sample[:, 0, 0].tolist(), sample[:, -1, -1].tolist()]


def test_classes_are_the_first_folders_in_order(tmp_path):
    for name in ("b/2.png", "b/deep/1.PNG", "a/3.jpg", "c/.hidden/x.png", "c/.x.png", "c/notes.txt", "a/1.webp"):
        save(tmp_path / name, format="PNG" if name.endswith("txt") else None)
    source = ImageFolder(str(tmp_path), 8)
    assert source.files == ["a/1.webp", "a/3.jpg", "b/2.png", "b/deep/1.PNG"]
    assert source.classes == ["a", "b"]
    assert [source[index][1] for index in range(len(source))] == [0, 0, 1, 1]
    assert (source.num_classes, source.split, source.shape) == (2, "all", (3, 8, 8))


def test_folders_that_are_numbers_are_sorted_by_value_as_those_of_videos_are(tmp_path):
    for name in ("10", "9", "2", "other"):
        save(tmp_path / name / "1.png")
    source = ImageFolder(str(tmp_path), 8)
    assert source.classes == ["2", "9", "10", "other"]
    assert dict(zip(source.files, source.labels, strict=True))["9/1.png"] == 1
    assert source.class_counts() == [1, 1, 1, 1]


def test_links_are_followed_but_not_in_circles(tmp_path):
    save(tmp_path / "elsewhere" / "1.png")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "a").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "again").symlink_to(tmp_path / "root")
    assert ImageFolder(str(tmp_path / "root"), 8).files == ["a/1.png"]


def test_a_split_is_a_folder(tmp_path):
    save(tmp_path / "train" / "a" / "1.png")
    save(tmp_path / "test" / "a" / "1.png")
    assert len(ImageFolder(str(tmp_path), 8, split="all")) == 2
    source = ImageFolder(str(tmp_path), 8, split="train")
    assert (len(source), source.split, source.classes) == (1, "train", ["a"])
    with pytest.raises(ValueError, match=r"no folder 'val'; .*\['test', 'train'\]"):
        ImageFolder(str(tmp_path), 8, split="val")


def test_nothing_to_read(tmp_path):
    with pytest.raises(ValueError, match=r"nowhere is not a folder; set data.root"):
        ImageFolder(str(tmp_path / "nowhere"), 8)
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(ValueError, match=r"no images in .*\.jpg"):
        ImageFolder(str(tmp_path), 8)


MODES = [
    ("RGB", (200, 100, 50), {}, [200, 100, 50]),
    ("RGBA", (200, 100, 50, 0), {}, [0, 0, 0]),
    ("RGBA", (200, 100, 50, 51), {}, [40, 20, 10]),
    ("L", 90, {}, [90]),
    ("L", 90, {"transparency": 90}, [0]),
    ("LA", (200, 51), {}, [40]),
    ("1", 1, {}, [255]),
    ("I;16", 0x9ABC, {}, [0x9A]),
    ("RGB", (1, 2, 3), {"transparency": (1, 2, 3)}, [0, 0, 0]),
]


@pytest.mark.parametrize(("mode", "colour", "options", "expected"), MODES)
def test_modes_of_png(mode, colour, options, expected, tmp_path):
    save(tmp_path / "1.png", colour, mode, **options)
    assert corners(only_sample(tmp_path)) == [expected, expected]


def test_palette_with_transparency(tmp_path):
    image = Image.new("P", (8, 8), 1)
    image.putpalette([9, 9, 9, 200, 100, 50])
    image.putpixel((0, 0), 0)
    image.save(tmp_path / "1.png", transparency=0)
    assert corners(only_sample(tmp_path)) == [[0, 0, 0], [200, 100, 50]]


@pytest.mark.parametrize(
    ("mode", "colour", "reason"),
    [("F", 0.5, r"its samples are signed or no integers \(SampleFormat 3\)"), ("I", 70_000, r".*SampleFormat 2\)")],
)
def test_pixels_without_a_known_range_are_refused(mode, colour, reason, tmp_path):
    save(tmp_path / "1.tif", colour, mode)
    with pytest.raises(ValueError, match=f"1.tif: {reason}; save it as RGB or grey of 8 or 16 bits"):
        ImageFolder(str(tmp_path), 8)


@pytest.mark.parametrize("ending", ["gif", "webp", "png", "avif", "tif"])
def test_pictures_after_the_first_are_not_dropped_unsaid(ending, tmp_path):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    path = tmp_path / f"1.{ending}"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    found = "several pages" if ending == "tif" else "several pictures"
    with pytest.raises(ValueError, match=f"1.{ending}: it holds {found}; save each as a file of its own"):
        ImageFolder(str(tmp_path), 8)
    frames[0].save(path, save_all=True)
    assert corners(only_sample(tmp_path))[0] == pytest.approx([255, 0, 0], abs=2)


def test_channels_are_one_only_if_every_image_is_grey(tmp_path):
    save(tmp_path / "1.png", 90, "L")
    save(tmp_path / "2.png", 0x9ABC, "I;16")
    assert ImageFolder(str(tmp_path), 8).shape == (1, 8, 8)
    assert corners(only_sample(tmp_path, channels=3))[0] == [90, 90, 90]
    save(tmp_path / "3.png")
    assert ImageFolder(str(tmp_path), 8).shape == (3, 8, 8)
    assert ImageFolder(str(tmp_path), 8, channels=1).shape == (1, 8, 8)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "RGB"])
def test_alpha_is_kept_where_it_is_asked_for(mode, tmp_path):
    """The left half is half transparent, the right one is not seen at all, whatever colour lies there."""
    alpha = 255 if mode == "RGB" else 128
    image = Image.new("RGBA", (8, 4), (90, 90, 90, alpha))
    image.paste((255, 255, 255, 0), (4, 0, 8, 4))
    if mode == "RGB":
        image.convert("RGB").save(tmp_path / "1.png", transparency=(255, 255, 255))
    else:
        image.convert(mode).save(tmp_path / "1.png")
    for channels, seen in ((4, [90, 90, 90, alpha]), (2, [90, alpha])):
        found = ImageFolder(str(tmp_path), (4, 8), channels=channels)[0][0]
        assert found[:, 0, 0].tolist() == seen
        assert found[:, :, 4:].max() == 0
        small = ImageFolder(str(tmp_path), (2, 6), channels=channels, resize="pad")[0][0]
        assert small.shape == (channels, 2, 6) and small[:, :, 0].max() == 0
    assert ImageFolder(str(tmp_path), 4).channels == (1 if mode == "LA" else 3)


@pytest.mark.parametrize("size", [(30, 10), (10, 30)])
def test_ways_to_a_square(size, tmp_path):
    image = Image.new("L", size, 255)
    image.paste(0, (0, 0, 10, 10))  # the first third is black
    image.save(tmp_path / "1.png")
    cropped, padded, stretched = (only_sample(tmp_path, 10, resize=how)[0] for how in ("crop", "pad", "stretch"))
    if size[1] > size[0]:
        padded, stretched = padded.T, stretched.T
    assert cropped.min() == 255
    assert padded[[0, 1, 2, 7, 8, 9]].max() == 0
    assert padded[4:6, 5:].min() > 200
    assert stretched[:, 0].max() < 10 and stretched[:, -1].min() > 245


def test_a_very_long_image_can_be_padded(tmp_path):
    save(tmp_path / "1.png", size=(500, 1))
    assert only_sample(tmp_path, resize="pad").shape == (3, 8, 8)


def test_what_is_no_image_is_named_at_once(tmp_path):
    save(tmp_path / "good.png")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "text.png").write_text("hello")
    (tmp_path / "cut.png").write_bytes((tmp_path / "good.png").read_bytes()[:20])
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ValueError) as caught:
        ImageFolder(str(tmp_path), 8)
    message = str(caught.value)
    assert message.startswith(f"4 of 5 files in {tmp_path} can't be read; fix or remove them, or leave ")
    assert "\n  cut.png: " in message
    assert "\n  gone.png: No such file or directory" in message
    assert "empty.png: empty file" in message
    assert "text.png: not an image" in message
    assert "good" not in message


def test_many_broken_files_are_counted(tmp_path):
    for number in range(25):
        (tmp_path / f"{number:02}.png").touch()
    with pytest.raises(ValueError, match=r"(?s)25 of 25 .*09.png.*and 15 more$") as caught:
        ImageFolder(str(tmp_path), 8)
    assert "10.png" not in str(caught.value)


@pytest.mark.parametrize("limit", [60, 20])
def test_decompression_bombs_are_refused(limit, tmp_path, monkeypatch, recwarn):
    save(tmp_path / "1.png")
    monkeypatch.setattr(image_file, "MAX_PIXELS", limit)
    with pytest.raises(ValueError, match=r"1\.png: 8x8, more than the .* pixels that are read"):
        ImageFolder(str(tmp_path), 8)
    assert not recwarn.list


@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "tif", "gif", "bmp"])
def test_a_file_cut_short_is_named_when_it_is_decoded(ending, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = tmp_path / f"1.{ending}"
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:-1500])
    with pytest.raises(ValueError, match=re.escape(path.name)):
        ImageFolder(str(tmp_path), 8)[0]


@pytest.fixture
def some_cut(tmp_path) -> list[str]:
    """Write 40 images of two classes, of which three are cut short and one has no header; return their names."""
    noise = np.random.default_rng(0).integers(0, 256, (40, 16, 16, 3), dtype=np.uint8)
    bad = ["0/00.png", "0/08.png", "1/11.png", "1/25.png"]
    for number, pixels in enumerate(noise):
        path = tmp_path / f"{number % 2}" / f"{number:02}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(path)
        if path.relative_to(tmp_path).as_posix() in bad:
            path.write_bytes(path.read_bytes()[: 20 if number == 25 else 400])
    return bad


def left_out(said: str) -> list[str]:
    return [line.split()[1].rstrip(":") for line in said.splitlines() if line.startswith("skipped ")]


@pytest.mark.parametrize(
    "use",
    [lambda source: source[4], in_memory, lambda source: DataModule(source, batch_size=4), lambda source: source[0]],
    ids=["a sample", "all samples", "a data module", "the first sample"],
)
def test_all_images_that_are_cut_short_are_named_at_once(use, some_cut, tmp_path):
    with pytest.raises(ValueError, match="1 of 40 files .*on_error=skip:\n  1/25.png: "):
        ImageFolder(str(tmp_path), 8)
    (tmp_path / some_cut.pop()).unlink()
    with pytest.raises(ValueError, match="3 of 39 files .* leave them out with data.on_error=skip:") as caught:
        use(ImageFolder(str(tmp_path), 8))
    assert [line.split(":")[0].strip() for line in str(caught.value).splitlines()[1:]] == some_cut
    assert "truncated" in str(caught.value)


def test_bad_images_are_left_out_alike_in_memory_in_workers_and_after_a_resume(some_cut, tmp_path, capfd):
    def batches(start: int = 0, **options) -> list[tuple[torch.Tensor, torch.Tensor]]:
        source = ImageFolder(str(tmp_path), 8, on_error="skip", max_bad_fraction=0.1, seed=3)
        assert (len(source), source.num_classes) == (39, 2)
        datamodule = DataModule(source, batch_size=13, seed=3, **options)
        datamodule.start = start
        datamodule.trainer = GANTrainer(accelerator="cpu")
        datamodule.setup("fit")
        return list(islice(datamodule.train_dataloader(), 7))

    memory = batches()
    assert left_out(capfd.readouterr().out) == ["1/25.png", *some_cut[:3]]
    lazy, resumed = batches(keep_on_device_mb=0), batches(26, keep_on_device_mb=0, num_workers=2)
    for taken, expected in ((lazy, memory), (resumed[:5], memory[2:])):
        for (samples, labels), (others, other_labels) in zip(taken, expected, strict=True):
            assert torch.equal(samples, others)
            assert torch.equal(labels, other_labels)
    assert set(left_out(capfd.readouterr().out)) == set(some_cut)
    source = ImageFolder(str(tmp_path), 8, on_error="skip", max_bad_fraction=0.1)
    alike = [
        (index, other) for index in (0, 4) for other in range(39) if torch.equal(source[index][0], source[other][0])
    ]
    assert len(alike) == 4  # each of them and the image that takes its place, of whose class it is
    assert all(source[index][1] == source[other][1] for index, other in alike)


def test_a_class_of_which_no_image_can_be_read_keeps_its_number(tmp_path):
    save(tmp_path / "b" / "1.png")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.png").write_bytes(b"")
    source = ImageFolder(str(tmp_path), 8, on_error="skip", max_bad_fraction=0.5)
    assert (len(source), source.classes, source.num_classes, source[0][1]) == (1, ["a", "b"], 2, 1)


def test_no_more_images_are_left_out_than_may_be(some_cut, tmp_path):
    def read(**options) -> None:
        in_memory(ImageFolder(str(tmp_path), 8, on_error="skip", **options))

    with pytest.raises(ValueError, match="1 of 40 files .* more than data.max_bad_fraction=0.01 allows"):
        read()
    with pytest.raises(ValueError, match="4 of 40 files .* more than data.max_bad_fraction=0.09 allows") as caught:
        read(max_bad_fraction=0.09)
    assert all(file in str(caught.value) for file in some_cut)
    source = ImageFolder(str(tmp_path), 8, on_error="skip", max_bad_fraction=0.06)
    with pytest.raises(ValueError, match=r"(?s)3 of 40 files .*1/25.png.*0/00.png.*0/08.png: "):
        print(source[0], source[4])
    for file in tmp_path.glob("*/*.png"):
        file.write_bytes(b"")
    with pytest.raises(ValueError, match="40 of 40 files .* can't be read; fix them:"):
        read(max_bad_fraction=1.0)


def test_other_formats_do_not_hide_behind_an_ending(tmp_path):
    save(tmp_path / "1.png", format="EPS")
    with pytest.raises(ValueError, match="not an image"):
        ImageFolder(str(tmp_path), 8)


def test_a_pickled_copy_reads_the_same(tmp_path):
    save(tmp_path / "a" / "1.png")
    source = ImageFolder(str(tmp_path), 8)
    assert torch.equal(pickle.loads(pickle.dumps(source))[0][0], source[0][0])


def test_progress_is_shown_below_another_display_and_nothing_goes_to_standard_output(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setattr(live, "Console", partial(Console, force_terminal=True))
    Image.new("L", (8, 8)).save(tmp_path / "1.png")
    for _ in live.track([0], "training", 1):  # as while a run reads files in place of bad ones
        in_memory(ImageFolder(str(tmp_path), resolution=8))
    out, err = capsys.readouterr()
    assert out == "" and "training" in err


def test_what_takes_the_place_of_a_bad_file_is_held_out_where_that_is(tmp_path):
    for number in range(40):
        Image.new("L", (8, 8), number).save(tmp_path / f"{number:02}.bmp")
    left_out = set(held_out(ImageFolder(str(tmp_path), 8), 0.5).tolist())
    for number in range(0, 40, 2):
        path = tmp_path / f"{number:02}.bmp"
        path.write_bytes(path.read_bytes()[:-30])  # its header is whole
    source = ImageFolder(str(tmp_path), 8, on_error="skip", max_bad_fraction=1.0)
    data = DataModule(source, held_out=0.5, batch_size=8)
    assert set(data.trained_on) == set(range(40)) - left_out
    in_place = {number: int(source[number][0].max()) for number in range(0, 40, 2)}
    assert all((number in left_out) == (other in left_out) for number, other in in_place.items())
    assert len(set(in_place.values())) > 5
    assert torch.equal(in_memory(source).samples[::2].amax((1, 2, 3)), torch.tensor([*in_place.values()]).byte())


@pytest.mark.parametrize("resize", ["crop", "pad", "stretch"])
@pytest.mark.parametrize("size", [(320, 200), (161, 241), (203, 151)])
def test_a_large_jpeg_may_be_decoded_at_a_fraction_of_its_size(tmp_path, resize, size):
    random = np.random.default_rng(0)
    picture = Image.fromarray(random.integers(0, 256, (9, 12, 3), dtype=np.uint8)).resize(
        size, Image.Resampling.BICUBIC
    )
    (tmp_path / "a").mkdir()
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        picture.save(tmp_path / "a" / f"{orientation}.jpg", quality=95, exif=exif.tobytes())
    picture.resize((30, 20)).save(tmp_path / "a" / "9.jpg", quality=95)
    exact, scaled = (ImageFolder(str(tmp_path), (16, 24), resize=resize, scaled_decode=way) for way in (False, True))
    for number in range(8):
        difference = (exact[number][0].float() - scaled[number][0].float()).abs()
        assert 0 < difference.mean() < 1
    assert torch.equal(exact[8][0], scaled[8][0]), "it has no more pixels than are needed"
    assert exact.inventory() != scaled.inventory()
    assert "scaled_decode" not in exact.inventory(), "earlier runs go on"
