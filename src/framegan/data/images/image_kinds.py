"""Which images are read: their endings, formats and kinds of pixels; see `image_refusals` for the exceptions."""

from functools import cache

from PIL import features

ENDINGS = {
    "AVIF": (".avif",),
    "BMP": (".bmp",),
    "DIB": (".dib",),
    "GIF": (".gif",),
    "JPEG": (".jfif", ".jpe", ".jpeg", ".jpg", ".mpo"),
    "JPEG2000": (".j2k", ".jp2", ".jpf", ".jpx"),
    "PCX": (".pcx",),
    "PNG": (".apng", ".png"),
    "PPM": (".pbm", ".pgm", ".pnm", ".ppm"),
    "QOI": (".qoi",),
    "SGI": (".bw", ".rgb", ".rgba", ".sgi"),
    "TGA": (".tga",),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
}
"""By Pillow's name of a format. Pillow knows others that run programs, such as EPS, or that hold no picture."""

NEEDED = {"AVIF": "avif", "JPEG2000": "jpg_2000", "WEBP": "webp"}
"""Parts that Pillow may have been built without."""

BY_ENDING = {"DIB", "PCX", "SGI", "TGA"}
"""Formats that are hardly known by their content, so that the ending decides; of others the content does."""

FORMATS = tuple(name for name in ENDINGS if name not in NEEDED or features.check(NEEDED[name]))
EXTENSIONS = tuple(sorted(ending for name in FORMATS for ending in ENDINGS[name]))

GREY = {"1", "L", "LA", "La", "I;16", "I;16B", "I"}
COLOUR = {"P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr"}
"""Pillow's modes that are read; 32 bits (I) only from PPM, where they hold 16."""


@cache
def formats_of(ending: str) -> list[str]:
    """Return what a file with this ending may hold."""
    return [kind for kind in FORMATS if kind not in BY_ENDING or ending.lower() in ENDINGS[kind]]
