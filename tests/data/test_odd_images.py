"""No image is delivered otherwise than it is meant: it is right, or refused by name before training."""

import io
import shutil
import zlib
from pathlib import Path

import numpy as np
import odd_images
import pytest
from odd_images import HEIGHT, WIDTH, chunk, encoded, png, smooth
from PIL import Image, features
from tiff_files import tiff

from framegan.data.images.image_file import ENDINGS, EXTENSIONS, NEEDED, decode, is_grey, size_of
from framegan.data.images.image_folder import ImageFolder
from framegan.data.videos.frame_folder import FrameFolder
from framegan.data.videos.strips import Strips

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of what it then reads all the same

MAKERS = {
    "as Pillow writes them": (odd_images.by_pillow, 150),
    "with loss": (odd_images.lossy, 15),
    "of every orientation": (odd_images.turned, 64),
    "png": (odd_images.pngs, 40),
    "tiff": (odd_images.tiffs, 350),
    "bmp": (odd_images.bmps, 27),
    "pnm": (odd_images.pnms, 40),
    "gif": (odd_images.gifs, 6),
    "tga": (odd_images.tgas, 11),
    "sgi": (odd_images.sgis, 2),
    "ambiguous": (odd_images.ambiguous, 5),
}
READERS = {
    "images": lambda root: ImageFolder(str(root), 8),
    "strips": lambda root: Strips(str(root), 8),
    "frames": lambda root: FrameFolder(str(root), 8),
}


def verdict(odd: odd_images.Odd, folder: Path) -> str:
    """Return what became of an image: right, refused at the start, or what went wrong."""
    path = folder / odd.name
    path.write_bytes(odd.data)
    try:
        is_grey(path)
        width, height = size_of(path)
    except ValueError:
        return "refused" if odd.refused in (True, None) else "refused, though it can be read"
    if odd.refused:
        return "not refused"
    try:
        pixels = np.asarray(decode(path, 3)).astype(float)
    except ValueError as error:
        return "refused" if odd.refused is None else f"refused too late: {error}"
    if pixels.shape != odd.picture.shape or (height, width) != pixels.shape[:2]:
        return f"of {pixels.shape}, announced as {width}x{height}"
    difference = np.abs(pixels - odd.picture).max()
    return "right" if difference <= odd.tolerance else f"wrong by {difference:.0f}"


@pytest.mark.parametrize(("make", "least"), MAKERS.values(), ids=MAKERS)
def test_every_kind_of_pixel_is_right_or_refused_by_name(make, least, tmp_path):
    found = {odd.name: verdict(odd, tmp_path) for odd in make()}
    assert {name: what for name, what in found.items() if what not in ("right", "refused")} == {}
    assert list(found.values()).count("right") >= least


@pytest.mark.parametrize("reader", READERS)
def test_every_reader_refuses_at_its_start(reader, tmp_path):
    refused = [odd for odd in odd_images.tiffs_of_other_numbers() if odd.refused]
    for odd in refused[:9]:
        (tmp_path / odd.name).mkdir()
        (tmp_path / odd.name / odd.name).write_bytes(odd.data)
    with pytest.raises(ValueError, match="9 of 9 files") as caught:
        READERS[reader](tmp_path)
    assert all(odd.name in str(caught.value) for odd in refused[:9])


def test_endings_are_those_that_the_installed_pillow_decodes(tmp_path):
    image = Image.fromarray(smooth(3))
    for kind, endings in ENDINGS.items():
        if kind not in NEEDED or features.check(NEEDED[kind]):
            assert set(endings) <= set(EXTENSIONS)
            for ending in endings:
                path = tmp_path / f"1{ending.upper()}"
                path.write_bytes(encoded(image, kind))
                assert size_of(path) == (WIDTH, HEIGHT)
                assert np.abs(np.asarray(decode(path, 3)).astype(int) - smooth(3)).max() < 60
    assert not {".eps", ".ps", ".pdf", ".wmf", ".psd", ".ico"} & set(EXTENSIONS)


def test_formats_that_hardly_tell_are_only_looked_for_where_the_ending_says_so(tmp_path):
    data = encoded(Image.fromarray(smooth(3)), "TGA")
    (tmp_path / "1.png").write_bytes(data)
    with pytest.raises(ValueError, match="not an image that can be read"):
        is_grey(tmp_path / "1.png")
    (tmp_path / "1.tga").write_bytes(encoded(Image.fromarray(smooth(3)), "PNG"))
    assert np.array_equal(decode(tmp_path / "1.tga", 3), smooth(3))


BOMB = zlib.compress(bytes(1 << 21))
BROKEN_CHUNKS = {
    "a huge profile": chunk(b"iCCP", b"x\0\0" + BOMB),
    "a broken profile": chunk(b"iCCP", b"x\0\0garbage"),
    "a huge text": chunk(b"zTXt", b"a\0\0" + BOMB),
    "a broken text": chunk(b"zTXt", b"a\0\0garbage"),
    "an unknown compression": chunk(b"zTXt", b"a\0\7garbage"),
    "a huge international text": chunk(b"iTXt", b"a\0\1\0en\0a\0" + BOMB),
    "broken XMP": chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0\xff\xfe<"),
    "texts without end": chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(1 << 20))) * 65,
    "hexadecimal EXIF that is none": chunk(b"tEXt", b"Raw profile type exif\0\nexif\n 9\nzz"),
    "empty EXIF": chunk(b"eXIf", b""),
    "EXIF of garbage": chunk(b"eXIf", b"II*\0\x08\0\0\0\xff\xff" + bytes(99)),
    "a wrong checksum": chunk(b"tEXt", b"a\0b", crc=1),
    "a short density": chunk(b"pHYs", b"\0"),
    "short colours": chunk(b"cHRM", b"\0\0\0") + chunk(b"gAMA", b"") + chunk(b"sRGB", b""),
    "no text at all": chunk(b"iTXt", b"") + chunk(b"zTXt", b"") + chunk(b"tEXt", b""),
    "a short animation": chunk(b"acTL", b"\0"),
}


@pytest.mark.parametrize("broken", BROKEN_CHUNKS.values(), ids=BROKEN_CHUNKS)
def test_what_goes_with_a_png_never_costs_the_picture(broken, tmp_path):
    values = smooth(3)
    for name, places in {"before": {"before": broken}, "after": {"after": broken}}.items():
        (tmp_path / f"{name}.png").write_bytes(png(values, 2, 8, **places))
        assert np.array_equal(decode(tmp_path / f"{name}.png", 3), values)
        assert size_of(tmp_path / f"{name}.png") == (WIDTH, HEIGHT)


def exif(order: str, *entries: tuple[int, int, int, bytes]) -> bytes:
    """Return EXIF of entries: tag, type, count, and 4 bytes of value or place; in it the orientation 6."""
    letters = "little" if order == "II" else "big"
    lines = [
        tag.to_bytes(2, letters) + kind.to_bytes(2, letters) + count.to_bytes(4, letters) + value.ljust(4, b"\0")
        for tag, kind, count, value in sorted([*entries, (0x0112, 3, 1, (6).to_bytes(2, letters))])
    ]
    head = order.encode() + (42).to_bytes(2, letters) + (8).to_bytes(4, letters)
    return b"Exif\0\0" + head + len(lines).to_bytes(2, letters) + b"".join(lines) + bytes(4)


ODD_EXIF = {
    "a resolution in letters": [(0x011A, 2, 4, b"72"), (0x011B, 2, 4, b"72"), (0x0128, 2, 2, b"2")],
    "bits in letters": [(0x0102, 2, 4, b"888")],
    "a unit of another type": [(0x0128, 7, 4, b"\xff\xff\xff\xff")],
    "an unknown type": [(0x010F, 99, 5, b"abcd"), (0x0110, 0, 0, b"")],
    "values beyond the end": [(0x010F, 2, 70_000, b"\xff\xff\0\0"), (0x011A, 5, 2**31, b"\xff\xff\xff\xff")],
    "directories beyond the end": [(0x8769, 4, 1, b"\xff\xff\xff\x7f"), (0x8825, 2, 9, b"gps"), (0xA005, 4, 1, b"\1")],
    "a directory in itself": [(0x8769, 4, 1, b"\x08\0\0\0"), (0x8825, 4, 1, b"\0\0\0\x08")],
}


@pytest.mark.parametrize("order", ["II", "MM"])
@pytest.mark.parametrize("entries", ODD_EXIF.values(), ids=ODD_EXIF)
def test_orientation_is_read_whatever_else_the_exif_holds(entries, order, tmp_path):
    image, upright = Image.fromarray(smooth(3)), np.rot90(smooth(3), -1)
    data = exif(order, *entries)
    for kind, ending, options in (
        ("JPEG", "jpg", {"quality": 100, "subsampling": 0}),
        ("WEBP", "webp", {"lossless": True}),
    ):
        path = tmp_path / f"1.{ending}"
        image.save(path, kind, exif=data, **options)
        assert size_of(path) == (HEIGHT, WIDTH)
        assert np.abs(np.asarray(decode(path, 3)).astype(int) - upright).max() < 5
    (tmp_path / "1.png").write_bytes(png(smooth(3), 2, 8, before=chunk(b"eXIf", data[6:])))
    assert np.array_equal(decode(tmp_path / "1.png", 3), upright)


SEGMENTS = {
    "a short density": b"\xff\xe0\0\x07JFIF\0",
    "an unfinished profile": b"\xff\xe2\0\x10ICC_PROFILE\0\7",
    "pictures that are not there": b"\xff\xe2\0\x0eMPF\0II*\0\x08\0\0\0",
    "broken Photoshop settings": b"\xff\xed\0\x1aPhotoshop 3.0\x008BIM\xff\xff\xff\xff\xff\xff",
    "no Exif after all": b"\xff\xe1\0\x0eExif\0\0II*\0\x08\0",
    "broken XMP": b"\xff\xe1\0\x24http://ns.adobe.com/xap/1.0/\0\xff\xfe<<<",
    "an orientation of 9": b"\xff\xe1"
    + (2 + len(exif("MM"))).to_bytes(2)
    + exif("MM").replace(b"\0\6\0\0", b"\0\x09\0\0"),
}


@pytest.mark.parametrize("segment", SEGMENTS.values(), ids=SEGMENTS)
def test_what_goes_with_a_jpeg_never_costs_the_picture(segment, tmp_path):
    data = encoded(Image.fromarray(smooth(3)), "JPEG", quality=100, subsampling=0)
    (tmp_path / "1.jpg").write_bytes(data[:2] + segment + data[2:])
    assert np.abs(np.asarray(decode(tmp_path / "1.jpg", 3)).astype(int) - smooth(3)).max() < 5


def test_the_first_picture_of_a_camera_is_its_photo(tmp_path):
    photo, preview = Image.fromarray(smooth(3)), Image.new("RGB", (4, 4))
    photo.save(tmp_path / "1.mpo", save_all=True, append_images=[preview], quality=100, subsampling=0)
    assert size_of(tmp_path / "1.mpo") == (WIDTH, HEIGHT)
    shutil.copy(tmp_path / "1.mpo", tmp_path / "2.jpg")
    for name in ("1.mpo", "2.jpg"):
        assert np.abs(np.asarray(decode(tmp_path / name, 3)).astype(int) - smooth(3)).max() < 5


TAGS = {
    "a resolution in letters": [(282, 2, b"72\0"), (283, 2, b"72\0"), (296, 3, [3])],
    "a broken profile": [(34675, 7 - 6, b"garbage")],
    "directories that are not there": [(34665, 4, [1 << 30]), (34853, 4, [8])],
    "settings of garbage": [(33723, 1, range(99)), (34377, 1, range(99)), (700, 1, range(99))],
    "private tags": [(50341, 12, [1.0, 2.0]), (65000, 2, b"abc\0")],
}


@pytest.mark.parametrize("tags", TAGS.values(), ids=TAGS)
@pytest.mark.parametrize("order", ["<", ">"])
def test_what_goes_with_a_tiff_never_costs_the_picture(tags, order, tmp_path):
    for compression in ("none", "lzw"):
        data = tiff(smooth(3), 8, 2, order=order, compression=compression, tags=[*tags, (274, 3, [6])])
        (tmp_path / "1.tif").write_bytes(data)
        assert size_of(tmp_path / "1.tif") == (HEIGHT, WIDTH)
        assert np.array_equal(decode(tmp_path / "1.tif", 3), np.rot90(smooth(3), -1))


@pytest.mark.parametrize(
    "kind", ["AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PCX", "PNG", "PPM", "QOI", "SGI", "TGA", "TIFF", "WEBP"]
)
def test_an_image_cut_anywhere_is_whole_or_refused(kind, tmp_path):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (31, 29, 3), dtype=np.uint8))
    for number, image in enumerate([noise, noise.convert("L"), noise.quantize(32)]):
        if kind in ("AVIF", "JPEG", "JPEG2000", "PPM", "QOI", "SGI", "WEBP") and image.mode == "P":
            continue
        image = image.convert("RGB") if kind in ("QOI", "WEBP") else image
        path = tmp_path / f"{number}.{ {'JPEG2000': 'jp2'}.get(kind, kind.lower()) }"
        data = encoded(image, kind)
        path.write_bytes(data)
        whole = np.asarray(decode(path, 3))
        for length in [*range(len(data) - 40, len(data)), *range(0, len(data) - 40, len(data) // 30)]:
            path.write_bytes(data[:length])
            try:
                assert np.array_equal(decode(path, 3), whole), length
            except ValueError:
                assert length < len(data) - 1 or kind not in ("GIF", "PNG", "QOI", "TGA")


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"optimize": True}, {"restart_marker_rows": 1}], ids=str
)
def test_a_jpeg_without_its_end_mark_is_read_if_nothing_else_is_missing(options, tmp_path):
    pictures = [smooth(3), np.random.default_rng(0).integers(0, 256, (40, 33, 3), dtype=np.uint8)]
    pictures.append(np.where(np.arange(40)[:, None, None] < 20, pictures[1], 255).astype(np.uint8))
    read = 0
    for pixels in pictures:
        data = encoded(Image.fromarray(pixels), "JPEG", **options)
        whole = np.asarray(Image.open(io.BytesIO(data)))
        for cut in (1, 2, 3, 5, 9, 20, 60):
            for rest in (b"", bytes(20), bytes(4000)):
                (tmp_path / "1.jpg").write_bytes(data[:-cut] + rest)
                try:
                    assert np.array_equal(decode(tmp_path / "1.jpg", 3), whole)
                    read += cut <= 2 and not rest
                except ValueError:
                    pass
    assert read == (0 if "restart_marker_rows" in options else 6)
