"""Pictures whose colours are what their profile says."""

import io
from pathlib import Path

from PIL import Image

from framegan.data.images import image_file
from framegan.data.images.image_file import Channels


def picture(path: Path, channels: Channels) -> Image.Image:
    """Return a picture upright in sRGB, of the mode that these channels have, see `framegan.data.images.image_file`.

    Raises:
        ValueError: the file can't be decoded; without the path.
    """
    decoded = image_file.decode(path, channels)
    profile = image_file.ask(path, lambda image: image.info.get("icc_profile"))
    return in_srgb(decoded, profile) if profile and channels > 2 else decoded


def in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Return an RGB picture in sRGB; a profile that is broken, or of other colours than RGB, says nothing."""
    from PIL import ImageCms

    try:
        given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if given.profile.xcolor_space.strip() != "RGB" or "sRGB" in ImageCms.getProfileDescription(given):
            return image
        made = ImageCms.profileToProfile(image.convert("RGB"), given, ImageCms.createProfile("sRGB"))
    except (ImageCms.PyCMSError, OSError):
        return image
    assert made is not None  # it isn't changed in place
    if image.mode == "RGBA":
        made.putalpha(image.getchannel("A"))
    return made
