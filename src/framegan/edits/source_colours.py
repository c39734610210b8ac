"""What the colours of a file mean, where that is said beside the pixels, or left to the player."""

import io
from pathlib import Path
from typing import Any

from PIL import Image

from framegan.data.images import image_file
from framegan.data.images.image_file import Channels

BT709, UNSPECIFIED = 1, 2
"""How YUV becomes RGB, by FFmpeg's numbers."""
LARGE = 1280, 577
"""Width or height from which players take a video that doesn't say it for BT.709, and not for BT.601."""
HDR = {16: "PQ", 18: "HLG"}
"""FFmpeg's numbers of transfer curves whose light goes beyond the white of RGB."""


def require_sdr(stream: Any) -> None:
    """Raise ValueError where a video's light needs tone mapping before it is RGB of 8 bits."""
    if name := HDR.get(stream.codec_context.color_trc):
        raise ValueError(f"it is HDR ({name}), and its colours would be pale; write it as SDR first, with tone mapping")


def as_players_take_it(frame: Any) -> Any:
    """Return a frame that says how its YUV becomes RGB, if it is left to the player."""
    if frame.colorspace == UNSPECIFIED and (frame.width >= LARGE[0] or frame.height >= LARGE[1]):
        frame.colorspace = BT709
    return frame


def picture(path: Path, channels: Channels) -> Image.Image:
    """Return a picture upright in sRGB, of the mode that these channels have, see `framegan.data.images.image_file`.

    Raises:
        ValueError: the file can't be decoded; without the path.
    """
    decoded = image_file.decode(path, channels)
    profile = image_file.ask(path, lambda image: image.info.get("icc_profile"))
    return _in_srgb(decoded, profile) if profile and channels > 2 else decoded


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
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
