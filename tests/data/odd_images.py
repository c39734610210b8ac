"""Images of every kind of pixel, made of known samples, and the picture that a reader has to deliver."""

import io
import itertools
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image
from tiff_files import CODES, tiff

HEIGHT, WIDTH = 23, 18
RANDOM = np.random.default_rng(0)
PALETTE = RANDOM.integers(0, 256, (256, 3))


@dataclass(frozen=True)
class Odd:
    """A file, and its picture (H, W, 3) as exact numbers of 0 to 255.

    Args:
        tolerance: by how much a delivered sample may differ.
        refused: whether it is to be refused rather than delivered; None: either.
    """

    name: str
    data: bytes
    picture: np.ndarray
    tolerance: float = 2
    refused: bool | None = False


def samples(depth: int, bits: int = 8) -> np.ndarray:
    """Return (H, W, depth) random numbers, each of a given number of bits."""
    return RANDOM.integers(0, 1 << bits, (HEIGHT, WIDTH, depth)).astype(np.uint8 if bits <= 8 else np.uint16)


def smooth(depth: int) -> np.ndarray:
    """Return (H, W, depth) numbers of 8 bits that lossy compression keeps."""
    down, right = np.mgrid[:HEIGHT, :WIDTH]
    planes = [40 + 8 * down, 30 + 11 * right, 250 - 6 * down - 4 * right, 255 - 3 * right]
    return np.stack(planes[:depth], axis=2).clip(0, 255).astype(np.uint8)


def picture_of(values: np.ndarray, kind: str, bits: int = 8) -> np.ndarray:
    """Return the picture that samples (H, W, S) mean.

    Args:
        kind: white (0 is white), grey, rgb, palette or cmyk, with "+alpha" where another sample is the opacity.
    """
    parts = values.astype(float) / (2**bits - 1)
    colours, _, alpha = kind.partition("+")
    if colours == "palette":
        shown = PALETTE[values[..., 0]] / 255
    elif colours == "cmyk":
        shown = (1 - parts[..., :3]) * (1 - parts[..., 3:4])
    else:
        shown = parts[..., :3] if colours == "rgb" else parts[..., :1]
        shown = 1 - shown if colours == "white" else shown
    return 255 * np.broadcast_to(shown, (*values.shape[:2], 3)) * (parts[..., -1:] if alpha else 1)


PILLOW = {
    "1": (1, "grey", ("PNG", "BMP", "DIB", "GIF", "TIFF", "PPM", "TGA", "PCX", "WEBP")),
    "L": (1, "grey", ("PNG", "BMP", "DIB", "GIF", "TIFF", "PPM", "TGA", "PCX", "SGI", "JPEG2000", "WEBP")),
    "LA": (2, "grey+alpha", ("PNG", "TIFF", "TGA", "JPEG2000", "WEBP")),
    "P": (1, "palette", ("PNG", "BMP", "DIB", "GIF", "TIFF", "TGA", "PCX", "WEBP")),
    "PA": (2, "palette+alpha", ("TIFF", "WEBP")),
    "RGB": (3, "rgb", ("PNG", "BMP", "DIB", "TIFF", "PPM", "TGA", "PCX", "SGI", "QOI", "JPEG2000", "WEBP")),
    "RGBX": (4, "rgb", ("TIFF",)),
    "RGBA": (4, "rgb+alpha", ("PNG", "TIFF", "TGA", "SGI", "QOI", "JPEG2000", "WEBP")),
    "CMYK": (4, "cmyk", ("TIFF",)),
    "I;16": (1, "grey", ("PNG", "TIFF", "PPM", "JPEG2000")),
    "I;16B": (1, "grey", ("PNG", "TIFF")),
}
"""Modes that Pillow writes: samples, what they mean, and the formats that lose nothing."""
ENDINGS = {"JPEG2000": "jp2", "PPM": "pnm", "JPEG": "jpg", "TIFF": "tif"}
WAYS: dict[str, list[dict]] = {
    "TIFF": [{"compression": name} for name in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "zstd", "lzma")],
    "TGA": [{}, {"compression": "tga_rle"}, {"orientation": 1}],
    "SGI": [{}, {"bpc": 2}],
    "PNG": [{}, {"optimize": True}],
    "GIF": [{}, {"interlace": False}],
    "WEBP": [{"lossless": True, "exact": True}],
    "JPEG2000": [{}, {"no_jp2": True}],
}


def as_image(values: np.ndarray, mode: str) -> Image.Image:
    if mode in ("P", "PA"):
        image = Image.fromarray(values[..., 0])
        image.putpalette(PALETTE.astype(np.uint8).tobytes())
        if mode == "PA":
            image = image.convert("PA")
            image.putalpha(Image.fromarray(values[..., 1]))
        return image
    if mode.startswith("I"):
        return Image.frombytes(mode, (WIDTH, HEIGHT), values.astype(">u2" if mode.endswith("B") else "<u2").tobytes())
    if mode == "1":
        return Image.fromarray(values[..., 0] * 255).convert("1")
    return Image.frombytes(mode, (WIDTH, HEIGHT), values.tobytes())


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def by_pillow() -> Iterator[Odd]:
    for mode, (depth, meaning, kinds) in PILLOW.items():
        bits = {"1": 1, "I;16": 16, "I;16B": 16}.get(mode, 8)
        values = samples(depth, bits)
        for kind, (number, way) in [(name, way) for name in kinds for way in enumerate(WAYS.get(name, [{}]))]:
            if (mode, way) == ("1", {"compression": "tga_rle"}):
                continue  # Pillow doesn't write it
            ending = ENDINGS.get(kind, kind.lower())
            data = encoded(as_image(values, mode), kind, **way)
            yield Odd(f"pillow_{mode}_{number}.{ending}".replace(";", ""), data, picture_of(values, meaning, bits))
    two = np.where(samples(1) < 128, 0, 1)
    image = Image.fromarray(two[..., 0].astype(np.uint8))
    image.putpalette([0, 0, 0, 255, 255, 255])
    for ending in ("bmp", "dib", "png", "gif", "tga", "tif", "pcx"):
        data = encoded(image, {"tif": "TIFF"}.get(ending, ending.upper()))
        yield Odd(f"pillow_black_and_white_palette.{ending}", data, 255.0 * np.repeat(two, 3, axis=2))


def lossy() -> Iterator[Odd]:
    for mode, (depth, meaning) in {"L": (1, "grey"), "RGB": (3, "rgb"), "CMYK": (4, "cmyk")}.items():
        values = smooth(depth)
        for number, way in enumerate([{}, {"progressive": True}, {"optimize": True}, {"restart_marker_rows": 1}]):
            data = encoded(as_image(values, mode), "JPEG", quality=100, subsampling=0, **way)
            yield Odd(f"lossy_{mode}_{number}.jpg", data, picture_of(values, meaning), 4)
    for kind, mode in itertools.product(("AVIF", "WEBP"), ("RGB", "RGBA")):
        values = smooth(len(mode))
        options = {"subsampling": "4:4:4"} if kind == "AVIF" else {}
        data = encoded(as_image(values, mode), kind, quality=100, **options)
        yield Odd(f"lossy_{mode}.{kind.lower()}", data, picture_of(values, "rgb+alpha" if "A" in mode else "rgb"), 12)
        if mode == "CMYK":
            start = data.index(b"\xff\xee")
            unmarked = data[:start] + data[start + 2 + int.from_bytes(data[start + 2 : start + 4]) :]
            yield Odd("lossy_CMYK_unmarked.jpg", unmarked, picture_of(values, meaning), refused=True)
    tagged = encoded(as_image(smooth(3), "RGB"), "TIFF", compression="jpeg", quality=100)
    yield Odd("lossy_jpeg.tif", tagged, picture_of(smooth(3), "rgb"), 8)


def _turns(upright: np.ndarray) -> dict[int, np.ndarray]:
    """Return the picture that is meant by each orientation."""
    flipped, upside_down = upright[:, ::-1], upright[::-1]
    turns = {1: upright, 2: flipped, 3: upside_down[:, ::-1], 4: upside_down, 5: upright.swapaxes(0, 1)}
    return turns | {6: turns[4].swapaxes(0, 1), 7: turns[3].swapaxes(0, 1), 8: flipped.swapaxes(0, 1)}


def turned() -> Iterator[Odd]:
    """Yield all orientations in all formats that have them."""
    values = smooth(3)
    turns = _turns(picture_of(values, "rgb"))
    ways = {"jpg": {"quality": 100, "subsampling": 0}, "png": {}, "webp": {"lossless": True}, "tif": {}}
    ways["avif"] = {"quality": 100, "subsampling": "4:4:4"}
    for ending, (number, picture) in itertools.product(ways, turns.items()):
        exif = Image.Exif()
        exif[0x0112] = number
        kind = {"jpg": "JPEG", "tif": "TIFF"}.get(ending, ending.upper())
        data = encoded(as_image(values, "RGB"), kind, exif=exif, **ways[ending])
        yield Odd(f"turned_{number}.{ending}", data, picture, 8)
    grey = smooth(1)
    for number, picture in _turns(picture_of(grey, "grey")).items():
        exif = Image.Exif()
        exif[0x0112] = number
        data = encoded(as_image(grey.astype(np.uint16) << 8, "I;16"), "PNG", exif=exif)
        yield Odd(f"turned_16_bits_{number}.png", data, picture, 8)
    for number, picture in turns.items():
        exif = Image.Exif()
        exif[0x0112] = number
        data = encoded(as_image(values, "RGB"), "PNG")
        end = data.index(b"IEND") - 4
        behind = data[:end] + chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0")) + data[end:]
        yield Odd(f"turned_{number}_behind.png", behind, picture, 8)
    for number, picture in turns.items():
        text = f'<x tiff:Orientation="{number}"/>'.encode()
        data = encoded(as_image(values, "RGB"), "JPEG", quality=100, subsampling=0, xmp=text)
        yield Odd(f"turned_by_xmp_{number}.jpg", data, picture, 8)


def chunk(kind: bytes, content: bytes, crc: int | None = None) -> bytes:
    crc = zlib.crc32(kind + content) if crc is None else crc
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc)


def rows_of_bits(values: np.ndarray, bits: int) -> list[bytes]:
    """Return the bytes of each row, samples of 16 bits with the higher byte first."""
    if bits == 16:
        return [row.astype(">u2").tobytes() for row in values]
    each = (values.reshape(len(values), -1)[..., None] >> np.arange(bits - 1, -1, -1)) & 1
    return [row.tobytes() for row in np.packbits(each.reshape(len(values), -1).astype(np.uint8), axis=1)]


ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
"""Where each pass of an interlaced PNG starts, down and right, and its steps."""


def png(values: np.ndarray, colour: int, bits: int, *, interlaced: bool = False, before=b"", after=b"") -> bytes:
    """Return a PNG; colour is 0 grey, 2 RGB, 3 palette, 4 grey and alpha, or 6 RGB and alpha."""
    passes = [values[top::down, left::right] for top, left, down, right in ADAM7] if interlaced else [values]
    rows = (row for part in passes if part.size for row in rows_of_bits(part, bits))
    height, width, _ = values.shape
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlaced)
    pixels = chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before + pixels + after + chunk(b"IEND", b"")


def pngs() -> Iterator[Odd]:
    depths = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
    kinds = {0: (1, "grey"), 2: (3, "rgb"), 3: (1, "palette"), 4: (2, "grey+alpha"), 6: (4, "rgb+alpha")}
    for colour, (depth, meaning) in kinds.items():
        for bits, interlaced, key in itertools.product(depths[colour], (False, True), (False, True)):
            if key and colour in (4, 6):
                continue
            values = samples(depth, bits)
            picture = picture_of(values, meaning, bits).copy()
            before = chunk(b"PLTE", PALETTE[: 2**bits].astype(np.uint8).tobytes()) if colour == 3 else b""
            if key and colour == 3:
                opacity = RANDOM.integers(0, 256, 2**bits).astype(np.uint8)
                before += chunk(b"tRNS", opacity.tobytes())
                picture *= opacity[values] / 255
            elif key:
                place = values[3, 4]
                values[5, 6] = place ^ np.arange(depth).astype(values.dtype) == 0 if bits > 1 else place
                picture = picture_of(values, meaning, bits).copy()
                before += chunk(b"tRNS", place.astype(">u2").tobytes())
                picture[(values == place).all(axis=2)] = 0
            name = f"png_{colour}_{bits}{'_interlaced' * interlaced}{'_key' * key}.png"
            yield Odd(name, png(values, colour, bits, interlaced=interlaced, before=before), picture)


def tiffs() -> Iterator[Odd]:
    kinds = {0: ("white", 1), 1: ("grey", 1), 2: ("rgb", 3), 3: ("palette", 1), 5: ("cmyk", 4)}
    depths = {0: (1, 2, 4, 8, 16), 1: (1, 2, 4, 8, 12, 16), 2: (8, 16), 3: (1, 2, 4, 8), 5: (8, 16)}
    layouts: list[dict] = [{}, {"tile": (16, 16)}, {"order": ">", "rows": 5}, {"order": ">", "tile": (16, 32)}]
    for photometric, (meaning, depth) in kinds.items():
        for bits, planar in itertools.product(depths[photometric], (False, True) if depth > 1 else (False,)):
            values = samples(depth, bits)
            colours = np.zeros((3, 2**bits), int) if photometric != 3 else PALETTE[: 2**bits].T * 257
            tags = [(320, 3, colours.flatten().tolist())] if photometric == 3 else []
            for (number, layout), compression in itertools.product(enumerate(layouts), CODES):
                data = tiff(values, bits, photometric, planar=planar, compression=compression, tags=tags, **layout)
                name = f"tiff_{meaning}{bits}{'_planar' * planar}_{number}_{compression}.tif"
                refused = layout.get("order") == ">" and (photometric, bits) in ((0, 16), (1, 12))
                yield Odd(name, data, picture_of(values, meaning, bits), refused=refused)
    yield from tiffs_with_alpha()
    yield from tiffs_of_other_numbers()


def tiffs_with_alpha() -> Iterator[Odd]:
    for bits, planar, order in itertools.product((8, 16), (False, True), "<>"):
        for kind, extra, compression in itertools.product((0, 1, 2), ("grey", "rgb"), ("none", "lzw")):
            photometric, depth = (1, 2) if extra == "grey" else (2, 4)
            values = samples(depth, bits)
            if kind == 1:  # already multiplied
                highest = 2**bits - 1
                values[..., :-1] = values[..., :-1].astype(np.uint64) * values[..., -1:] // highest
            picture = picture_of(values, f"{extra}+alpha" if kind == 2 else extra, bits)
            options = {"order": order, "planar": planar, "compression": compression, "extra": [kind]}
            name = f"tiff_{extra}{bits}_extra{kind}{'_planar' * planar}_{'IM'[order == '>']}_{compression}.tif"
            unopened = extra == "grey" or (kind == 0 and bits == 8 and planar)  # by some versions of Pillow
            yield Odd(name, tiff(values, bits, photometric, **options), picture, 3, None if unopened else False)


def tiffs_of_other_numbers() -> Iterator[Odd]:
    grey, rgb = samples(1), samples(3)
    picture = picture_of(rgb, "rgb")
    for compression in ("lzw", "deflate"):
        for bits, order in itertools.product((8, 16), "<>"):
            values = samples(3, bits)
            data = tiff(values, bits, 2, compression=compression, predictor=2, order=order)
            yield Odd(
                f"tiff_predictor_{bits}_{compression}_{'IM'[order == '>']}.tif", data, picture_of(values, "rgb", bits)
            )
    for compression, planar in itertools.product(("none", "packbits", "lzw"), (False, True)):
        data = tiff(rgb, 8, 2, compression=compression, planar=planar, fill_order=2)
        yield Odd(f"tiff_fill_order_{compression}{'_planar' * planar}.tif", data, picture)
    yield Odd("tiff_big.tif", tiff(rgb, 8, 2, big=True), picture)
    values = samples(3, 16)
    data = tiff(values, 16, 2, big=True, planar=True)
    yield Odd("tiff_big_planar16.tif", data, picture_of(values, "rgb", 16))
    lines = {"signed": (grey, 8, 2), "floating": (grey.astype(np.float32) / 255, 32, 3)}
    lines |= {"signed16": (samples(1, 16), 16, 2), "long": (grey.astype(np.uint32) << 24, 32, 1)}
    lines |= {"undefined": (grey, 8, 4), "double": (grey.astype(np.float64), 64, 3), "bits10": (samples(1, 10), 10, 1)}
    for name, (values, bits, sample_format) in lines.items():
        data = tiff(values, bits, 1, sample_format=sample_format)
        yield Odd(f"tiff_{name}.tif", data, picture_of(grey, "grey"), refused=True)
    for name, photometric in {"lab": 8, "ycbcr": 6, "logluv": 32845, "mask": 4}.items():
        yield Odd(f"tiff_{name}.tif", tiff(rgb, 8, photometric), picture, refused=True)
    yield Odd("tiff_pages.tif", tiff(rgb, 8, 2, pages=3), picture, refused=True)
    yield Odd("tiff_volume.tif", tiff(rgb, 8, 2, tags=[(32997, 4, [5])]), picture, refused=True)
    one, values = [(320, 3, PALETTE.T.flatten().tolist())], samples(1)
    yield Odd("tiff_palette_of_8_bits.tif", tiff(values, 8, 3, tags=one), picture_of(values, "palette"))
    for compression in ("none", "lzw"):  # of video: black at 16, white at 235
        luma = samples(1) % 220 + 16
        narrow = [(530, 3, [1, 1]), (532, 5, [(part, 1) for part in (16, 235, 128, 240, 128, 240)])]
        data = tiff(
            np.dstack([luma, np.full_like(luma, 128, shape=(HEIGHT, WIDTH, 2))]),
            8,
            6,
            tags=narrow,
            compression=compression,
        )
        yield Odd(f"tiff_ycbcr_{compression}.tif", data, np.repeat((luma - 16.0) * 255 / 219, 3, axis=2))


def bmp(values: bytes, bits: int, *, palette=b"", compression=0, masks: Sequence[int] = (), header=40) -> bytes:
    """Return a BMP of rows from the bottom to the top; masks are of red, green, blue and alpha."""
    colours = len(palette) // (3 if header == 12 else 4)
    if header == 12:
        head = struct.pack("<LHHHH", 12, WIDTH, HEIGHT, 1, bits)
    else:
        head = struct.pack("<LllHHLLllLL", header, WIDTH, HEIGHT, 1, bits, compression, len(values), 0, 0, colours, 0)
        head += b"".join(struct.pack("<L", mask) for mask in masks)
    head = head.ljust(header, b"\0")
    start = 14 + len(head) + len(palette)
    return b"BM" + struct.pack("<LHHL", start + len(values), 0, 0, start) + head + palette + values


def bmp_rows(values: np.ndarray, bits: int) -> bytes:
    rows = (
        [row.astype("<u4" if bits == 32 else "<u2").tobytes() for row in values]
        if bits > 8
        else rows_of_bits(values, bits)
    )
    return b"".join(row.ljust(-(-len(row) // 4) * 4, b"\0") for row in reversed(rows))


def bmps() -> Iterator[Odd]:
    four = np.concatenate([PALETTE[:, ::-1], np.zeros((256, 1), int)], axis=1).astype(np.uint8)
    for bits in (1, 4, 8):
        values = samples(1, bits)
        picture, rows = picture_of(values, "palette", bits), bmp_rows(values, bits)
        yield Odd(f"bmp_palette{bits}.bmp", bmp(rows, bits, palette=four[: 2**bits].tobytes()), picture)
        old = four[: 2**bits, :3].tobytes()
        yield Odd(f"bmp_palette{bits}_old.bmp", bmp(rows, bits, palette=old, header=12), picture)
        greys = np.repeat(np.arange(2**bits, dtype=np.uint8)[:, None], 4, axis=1)
        picture = np.repeat(values, 3, axis=2).astype(float)
        yield Odd(f"bmp_dark{bits}.bmp", bmp(rows, bits, palette=greys.tobytes()), picture, refused=bits == 4)
    for count in (2, 5, 200):
        values = samples(1) % count
        greys = np.repeat(np.linspace(0, 255, count).astype(np.uint8)[:, None], 4, axis=1)
        picture = np.repeat(greys[values[..., 0]][..., :1], 3, axis=2).astype(float)
        yield Odd(f"bmp_greys{count}.bmp", bmp(bmp_rows(values, 8), 8, palette=greys.tobytes()), picture)
        runs = b"".join(b"".join(bytes((1, value)) for value in row) + b"\0\0" for row in values[::-1, :, 0].tolist())
        data = bmp(runs + b"\0\1", 8, palette=greys.tobytes(), compression=1)
        yield Odd(f"bmp_greys{count}_rle.bmp", data, picture, refused=None if count == 2 else False)
    values = samples(1, 4)
    runs = b"".join(b"".join(bytes((1, value << 4)) for value in row) + b"\0\0" for row in values[::-1, :, 0].tolist())
    data = bmp(runs + b"\0\1", 4, palette=four[:16].tobytes(), compression=2)
    yield Odd("bmp_rle4.bmp", data, picture_of(values, "palette", 4))
    yield from bmps_of_masks()


def bmps_of_masks() -> Iterator[Odd]:
    for name, (red, green, blue), shifts in (("555", (5, 5, 5), (10, 5, 0)), ("565", (5, 6, 5), (11, 5, 0))):
        parts = [samples(1, bits)[..., 0].astype(np.uint32) for bits in (red, green, blue)]
        pixels = sum(part << shift for part, shift in zip(parts, shifts, strict=True))
        picture = np.stack([255 * part / (2**n - 1) for part, n in zip(parts, (red, green, blue), strict=True)], axis=2)
        masks = [(2**n - 1) << shift for n, shift in zip((red, green, blue), shifts, strict=True)]
        yield Odd(f"bmp_{name}.bmp", bmp(bmp_rows(pixels, 16), 16, masks=masks, compression=3, header=56), picture, 5)
        if name == "555":
            yield Odd("bmp_555_plain.bmp", bmp(bmp_rows(pixels, 16), 16), picture, 5)
            data = bmp(bmp_rows(pixels, 16), 16, masks=[*masks, 0x8000], compression=3, header=56)
            yield Odd("bmp_1555.bmp", data, picture, 5, refused=True)
    values = samples(4)
    orders = {"bgra": (16, 8, 0, 24), "rgba": (0, 8, 16, 24), "abgr": (24, 16, 8, 0), "argb": (8, 16, 24, 0)}
    for name, shifts in orders.items():
        masks = [255 << shift for shift in shifts]
        for alpha in ("some", "none", "zero"):
            shown = values.copy()
            shown[..., 3] = {"some": values[..., 3], "none": 255, "zero": 0}[alpha]
            pixels = sum(shown[..., k].astype(np.uint32) << shifts[k] for k in range(4))
            picture = picture_of(shown, "rgb+alpha" if alpha == "some" else "rgb")
            data = bmp(bmp_rows(pixels, 32), 32, masks=masks, compression=3, header=108)
            yield Odd(f"bmp_{name}_{alpha}.bmp", data, picture, refused=name == "argb")
    pixels = sum(values[..., k].astype(np.uint32) << orders["bgra"][k] for k in range(4))
    yield Odd("bmp_32_plain.bmp", bmp(bmp_rows(pixels, 32), 32), picture_of(values, "rgb"))


def pnms() -> Iterator[Odd]:
    for highest, depth in itertools.product((1, 2, 7, 15, 100, 255, 256, 1023, 4095, 65535), (1, 3)):
        values = RANDOM.integers(0, highest + 1, (HEIGHT, WIDTH, depth))
        picture = 255 * np.broadcast_to(values / highest, (HEIGHT, WIDTH, 3))
        head = f"\n# a comment\n{WIDTH} {HEIGHT}\n{highest}\n".encode()
        packed = values.astype("u1" if highest < 256 else ">u2").tobytes()
        yield Odd(f"pnm_{highest}_{depth}.pnm", (b"P5" if depth == 1 else b"P6") + head + packed, picture)
        text = "\n".join(" ".join(map(str, row)) for row in values.reshape(HEIGHT, -1).tolist()).encode()
        yield Odd(f"pnm_text_{highest}_{depth}.pnm", (b"P2" if depth == 1 else b"P3") + head + text + b"\n", picture)
    values = samples(1, 1)
    size = f"\n{WIDTH} {HEIGHT}\n".encode()
    packed, picture = b"".join(rows_of_bits(values, 1)), picture_of(values, "white", 1)
    yield Odd("pnm_bits.pbm", b"P4" + size + packed, picture)
    yield Odd("pnm_text_bits.pbm", b"P1" + size + b" ".join(b"%d" % value for value in values.flatten()), picture)


def gif(values: np.ndarray, *, left: int, top: int, transparent: int | None = None, frames: int = 1) -> bytes:
    """Return a GIF whose picture (H, W) of numbers below 4 lies somewhere on its screen."""
    codes = [code for value in values.flatten().tolist() for code in (4, value)] + [5]  # the table is always cleared
    bits = "".join(f"{code:03b}" for code in reversed(codes))
    packed = int(bits, 2).to_bytes(-(-len(bits) // 8), "little")
    blocks = b"".join(
        bytes([len(packed[start : start + 255])]) + packed[start : start + 255] for start in range(0, len(packed), 255)
    )
    control = b"" if transparent is None else b"!\xf9\x04\x01\0\0" + bytes([transparent]) + b"\0"
    image = b"," + struct.pack("<HHHHB", left, top, *values.shape[::-1], 0) + b"\x02" + blocks + b"\0"
    head = b"GIF89a" + struct.pack("<HHBBB", WIDTH, HEIGHT, 0x81, 2, 0) + PALETTE[:4].astype(np.uint8).tobytes()
    return head + (control + image) * frames + b";"


def gifs() -> Iterator[Odd]:
    for transparent, (top, left) in itertools.product((None, 0, 1), ((0, 0), (3, 5))):
        values = samples(1, 2)[: HEIGHT - 2 * top, : WIDTH - 2 * left, 0]
        picture = np.zeros((HEIGHT, WIDTH, 3))
        shown = np.where((values != (-1 if transparent is None else transparent))[..., None], PALETTE[values], 0)
        picture[top : HEIGHT - top, left : WIDTH - left] = shown
        data = gif(values, left=left, top=top, transparent=transparent)
        yield Odd(f"gif_{transparent}_{top}.gif", data, picture)
    yield Odd("gif_moving.gif", gif(values, left=left, top=top, frames=2), picture, refused=True)


def tgas() -> Iterator[Odd]:
    """Yield TGA of 32 and 16 bits, from any corner, with and without an alpha that counts."""
    values = samples(4)
    for corner, alpha in itertools.product(range(4), ("some", "zero")):
        shown = values.copy()
        shown[..., 3] = 0 if alpha == "zero" else values[..., 3]
        stored = shown[:: 1 if corner & 2 else -1, :: -1 if corner & 1 else 1][..., [2, 1, 0, 3]]
        head = struct.pack("<BBBHHBHHHHBB", 0, 0, 2, 0, 0, 0, 0, 0, WIDTH, HEIGHT, 32, corner << 4 | 8)
        picture = picture_of(shown, "rgb+alpha" if alpha == "some" else "rgb")
        yield Odd(f"tga_{corner}_{alpha}.tga", head + stored.tobytes(), picture)
    for depth, kind in ((2, 3), (4, 2)):  # room for an alpha of which 0 bits are announced
        values = samples(depth)
        head = struct.pack("<BBBHHBHHHHBB", 0, 0, kind, 0, 0, 0, 0, 0, WIDTH, HEIGHT, 8 * depth, 0x20)
        stored = values[..., [2, 1, 0, 3]] if depth == 4 else values
        picture = picture_of(values, "rgb" if depth == 4 else "grey")
        yield Odd(f"tga_{depth}_without_alpha.tga", head + stored.tobytes(), picture)
    parts = samples(3, 5).astype(np.uint16)
    pixels = parts[..., 0] << 10 | parts[..., 1] << 5 | parts[..., 2]
    head = struct.pack("<BBBHHBHHHHBB", 0, 0, 2, 0, 0, 0, 0, 0, WIDTH, HEIGHT, 16, 0x20)
    yield Odd("tga_16.tga", head + pixels.astype("<u2").tobytes(), picture_of(parts, "rgb", 5), 5)


def sgis() -> Iterator[Odd]:
    """Yield compressed SGI images, whose rows have end marks or, as FFmpeg writes them, none."""
    for depth, end in itertools.product((1, 3), (b"\0", b"")):
        values = samples(depth)
        planes = values.transpose(2, 0, 1)[:, ::-1].reshape(-1, WIDTH)
        rows = [bytes([0x80 | WIDTH]) + row.tobytes() + end for row in planes]
        lengths = [len(row) for row in rows]
        starts = 512 + 8 * len(rows) + np.cumsum([0, *lengths[:-1]])
        head = struct.pack(">HBBHHHHLL", 474, 1, 1, 3 if depth > 1 else 2, WIDTH, HEIGHT, depth, 0, 255).ljust(
            512, b"\0"
        )
        data = head + struct.pack(f">{2 * len(rows)}L", *starts.tolist(), *lengths) + b"".join(rows)
        picture = picture_of(values, "rgb" if depth > 1 else "grey")
        yield Odd(f"sgi_{depth}_{len(end)}.sgi", data, picture, refused=not end)


def ambiguous() -> Iterator[Odd]:
    """Yield what Pillow decodes to other samples than the file may mean."""
    rgb, grey = as_image(smooth(3), "RGB"), as_image(smooth(1), "L")
    for way, (kind, image) in itertools.product(({}, {"no_jp2": True}), {"rgb": rgb, "grey": grey}.items()):
        data = bytearray(encoded(image, "JPEG2000", **way))
        depths = data.index(b"\xff\x4f\xff\x51") + 42
        for name, depth in {"signed": 0x87, "deep": 15}.items():
            data[depths : depths + 3 * len(image.mode) : 3] = bytes([depth]) * len(image.mode)
            refused = True if (kind, name) != ("grey", "deep") else None
            ending = "j2k" if way else "jp2"
            yield Odd(f"jpeg2000_{kind}_{name}.{ending}", bytes(data), picture_of(smooth(1), "grey"), 255, refused)
    data = encoded(rgb, "JPEG")
    unmarked = data[:2] + data[4 + int.from_bytes(data[4:6]) :]
    yield Odd("jpeg_unmarked.jpg", unmarked, picture_of(smooth(3), "rgb"), 60)
    yield Odd(
        "jpeg_lossless.jpg", unmarked.replace(b"\xff\xc0", b"\xff\xc3"), picture_of(smooth(3), "rgb"), refused=True
    )
    for mode, image in {"1": grey.convert("1"), "L": grey, "I;16": grey.convert("I;16"), "RGB": rgb}.items():
        data = encoded(image, "PPM")
        picture = (
            np.asarray(image.convert("RGB")).astype(float) if mode != "I;16" else picture_of(smooth(1) * 0, "grey")
        )
        yield Odd(f"pnm_{mode}_with_a_line_end.pnm".replace(";", ""), data + b"\n", picture)
        yield Odd(f"pnm_{mode}_and_another.pnm".replace(";", ""), data + data, picture, refused=True)
