"""An open image's pixels as 8 bits that mean what the file says, where Pillow alone would have them mean another thing.

16 bits are cut to their upper 8, as Pillow does for colours.
"""

import io
from typing import Any

import numpy as np
import PIL
from PIL import Image

from framegan.data.images.file import from_start
from framegan.data.images.image_refusals import GREY, header_of_bitmap
from framegan.data.images.jpeg import is_ended
from framegan.data.images.tiff import BITS, COLOUR_MAP, COMPRESSION, LENGTH, PHOTOMETRIC, PLANAR, WIDTH, YCBCR


def eight_bits(image: Any) -> Image.Image:
    """Decode an image that was opened; return it with 8 bits a channel, and alpha where parts may be transparent."""
    if image.format == "TIFF":
        return _of_tiff(image)
    if image.format == "PNG" and "transparency" in image.info and image.mode != "P":
        return _with_key(image)
    if image.format in ("JPEG", "MPO") and not is_ended(image.fp):
        raise ValueError("cut short: its end mark is missing")
    if image.format == "GIF":
        return _on_its_screen(image)
    if image.format in ("BMP", "DIB", "TGA"):
        return _of_bitmap(image)
    return _high_byte(np.asarray(image)) if image.mode.startswith("I") else image


def with_alpha(image: Image.Image) -> Image.Image:
    """Return an image as grey or colour with alpha."""
    return image.convert("LA" if image.mode in GREY else "RGBA")


def without_alpha(image: Image.Image) -> Image.Image:
    """Lay what may be transparent over black."""
    if not image.has_transparency_data:
        return image
    layers = with_alpha(image)
    canvas = Image.new(layers.mode.removesuffix("A"), image.size)
    canvas.paste(layers.convert(canvas.mode), mask=layers.getchannel("A"))
    return canvas


def _high_byte(samples: np.ndarray) -> Image.Image:
    return Image.fromarray((samples >> 8).astype(np.uint8))


def _of_tiff(image: Any) -> Image.Image:
    tags, bits = image.tag_v2, image.tag_v2.get(BITS, (1,))[0]
    ycbcr = tags.get(PHOTOMETRIC) == YCBCR
    if (tags.get(PLANAR, 1) == 2 or ycbcr) and tags.get(COMPRESSION, 1) == 1:
        # libtiff puts planes together and turns YCbCr into RGB rightly; Pillow has it decode compressed ones only
        tile = image.tile[0]._replace(codec_name="libtiff", extents=(0, 0, tags[WIDTH], tags[LENGTH]), offset=0)
        image._mode = "RGB" if ycbcr else image.mode
        rawmode = f"{image.mode}{'X' * ycbcr}" if bits == 8 else f"{image.mode};16N"
        compression = () if int(PIL.__version__.split(".")[0]) > 12 else ("raw",)
        image.tile, image.use_load_libtiff = [tile._replace(args=(rawmode, *compression, False, tags.offset))], True
    if image.mode == "P" and max(tags[COLOUR_MAP]) < 256:  # as libtiff takes it, of a writer of 8 bits rather than 16
        image.putpalette(np.reshape(tags[COLOUR_MAP], (3, -1)).T.astype(np.uint8).tobytes())
    if not image.mode.startswith("I"):
        return image
    grey = _high_byte(np.asarray(image) << (16 - bits))
    return grey if tags.get(PHOTOMETRIC, 0) else grey.point(lambda value: 255 - value)


def _with_key(image: Any) -> Image.Image:
    """Decode a PNG of which one grey or colour, given with as many bits as its samples have, is transparent."""
    key, tile = image.info["transparency"], image.tile[0]
    if tile.args in ("L;2", "L;4"):
        image.info["transparency"] = key * 255 // (2 ** int(tile.args[-1]) - 1)
    if not tile.args.endswith(";16B"):
        return image
    seen = np.asarray(image) != key if image.mode != "RGB" else _differs(image, tile, key)
    picture = image if image.mode == "RGB" else _high_byte(np.asarray(image))
    picture.putalpha(Image.fromarray(np.where(seen, 255, 0).astype(np.uint8)))
    return picture


def _differs(image: Any, tile: Any, key: tuple[int, int, int]) -> np.ndarray:
    """Say of each pixel of a PNG with 16 bits whether it is another colour, looking at both bytes of its samples."""
    with from_start(image) as file:
        lower = Image.open(io.BytesIO(file.read()), formats=["PNG"])
    lower.tile = [tile._replace(args="RGB;16L")]
    samples = np.asarray(image).astype(np.uint16) << 8 | np.asarray(lower)
    return (samples != key).any(axis=2)


def _on_its_screen(image: Any) -> Image.Image:
    """Decode a GIF; where its picture does not fill its screen, nothing is seen."""
    box = image.tile[0].extents
    if box == (0, 0, *image.size):
        return image
    screen = Image.new("RGBA", image.size)
    screen.paste(image.convert("RGBA").crop(box), box[:2])
    return screen


def _of_bitmap(image: Any) -> Image.Image:
    """Decode what may announce an alpha that its writer left at 0: no visible pixel at all means all of them."""
    tile = image.tile[0]
    if image.mode == "1" and image.format != "TGA" and header_of_bitmap(image)[0] == 8 and tile.codec_name == "raw":
        image.tile = [tile._replace(args=("1;8", *tile.args[1:]))]
    with from_start(image) as file:  # a TGA says how many bits are of alpha; its pixels may have room for more
        without = image.format == "TGA" and not file.read(18)[17] & 15
    if image.mode in ("LA", "RGBA") and (without or image.getchannel("A").getbbox() is None):
        image.putalpha(255)
    return image
