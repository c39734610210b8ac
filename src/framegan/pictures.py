"""Pictures and clips in Python, which notebooks show: what a trained generator makes for people to look at."""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from reprlib import repr as shortened
from typing import Any, Literal, TypedDict, Unpack

import numpy as np
from PIL import Image
from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from framegan import media, video_files, video_formats


class Coded(TypedDict, total=False):
    """How a video is encoded; see `framegan.video_formats.Encoding`."""

    codec: video_formats.Codec | None
    crf: int | None
    pixel_format: Literal["yuv420p", "yuv444p"] | None


class Images(list[Image.Image]):
    """Pictures of one size, which a notebook shows side by side."""

    def grid(self) -> Image.Image:
        """Return them side by side, in as square a picture as possible."""
        return media.picture(media.tiled([np.atleast_3d(np.asarray(image)) for image in self]))

    def edited(self, *edits: str, trust: Sequence[str] = ()) -> "Images":
        """Return them edited as `framegan edit` does, such as images.edited("scale=2", "sharpen=0.5").

        Args:
            trust: packages of yours whose parts the runs that edits name may build.

        Raises:
            ValueError: there is no such edit, or it doesn't fit pictures.
        """
        from framegan.cli.enlarger import enlargers
        from framegan.edits.samples import postprocess

        pixels = [np.atleast_3d(np.asarray(image)) for image in self]
        runs = enlargers(trust=trust)
        made = {shape: postprocess(edits, shape, None, 1.0, runs) for shape in {one.shape for one in pixels}}
        return Images(media.picture(made[one.shape](one)) for one in pixels)

    def __repr__(self) -> str:
        return f"Images({len(self)})"

    def _repr_png_(self) -> bytes | None:
        return media.picture(media.enlarged(np.atleast_3d(np.asarray(self.grid()))))._repr_png_() if self else None


@dataclass(frozen=True, eq=False, repr=False)
class Clip:
    """A clip, which a notebook plays.

    Args:
        frames: uint8 (T, H, W, C).
        frames_per_second: at which it plays as fast as the data.
    """

    frames: np.ndarray
    frames_per_second: float

    def __len__(self) -> int:
        return len(self.frames)

    def __repr__(self) -> str:
        height, width = self.frames.shape[1:3]
        return f"Clip({len(self)} frames of {height}x{width}, {self.frames_per_second:g} a second)"

    def edited(self, *edits: str, trust: Sequence[str] = ()) -> "Clip":
        """Return it edited as `framegan edit` does, such as clip.edited("speed=0.5", "caption=slow").

        Args:
            trust: packages of yours whose parts the runs that edits name may build.

        Raises:
            ValueError: there is no such edit, or it doesn't fit.
        """
        from framegan.cli.enlarger import enlargers
        from framegan.edits.samples import postprocess

        made = postprocess(edits, self.frames.shape[1:], len(self), self.frames_per_second, enlargers(trust=trust))
        return Clip(made(self.frames), float(made.after.rate))

    def images(self) -> Images:
        """Return its frames as pictures (PIL)."""
        return Images(map(media.picture, self.frames))

    def save(
        self, path: str | os.PathLike[str], frames_per_second: float | None = None, **encoding: Unpack[Coded]
    ) -> Path:
        """Write it as .mp4, .webm, .gif, .webp, .apng or .npy, and return the path; folders above it are made.

        Args:
            frames_per_second: None = as fast as the data.
            encoding: of .mp4 and .webm, such as {"codec": "hevc", "crf": 20}; see `framegan.video_formats.Encoding`.

        Raises:
            ValueError: the path ends otherwise, such a file can't hold that, or it can't be written.
        """
        rate = self.frames_per_second if frames_per_second is None else frames_per_second
        if isinstance(rate, bool) or not isinstance(rate, Real) or not math.isfinite(rate):
            raise ValueError(f"frames_per_second got {shortened(rate)}; it should be a number")
        try:
            file = Path(path).expanduser()
        except (TypeError, RuntimeError):
            raise ValueError(f"{path!r} is no path; give the name of a file, such as a.mp4") from None
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            video_files.write(file, self.frames, float(rate), _encoding(encoding))
        except OSError as error:
            raise ValueError(f"{file} can't be written: {error}; make room, or choose another path") from error
        return file

    def _repr_mimebundle_(self, **_: Any) -> dict[str, bytes]:
        """Return a GIF. Browsers show at most 50 frames a second of one: above, it has every 2nd, 3rd ... frame."""
        every = math.ceil(self.frames_per_second / video_formats.RATES[".gif"][1])
        frames = media.enlarged(self.frames[::every], side=240)
        return {"image/gif": video_files.gif(frames, self.frames_per_second / every)}


class Clips(list[Clip]):
    """Clips of one size and length, which a notebook plays side by side."""

    def grid(self) -> Clip:
        """Return them side by side, in as square a clip as possible."""
        return Clip(media.tiled([clip.frames for clip in self]), self[0].frames_per_second)

    def __repr__(self) -> str:
        return f"Clips({len(self)})"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, bytes]:
        return self.grid()._repr_mimebundle_() if self else {}


def _encoding(choices: Mapping[str, Any]) -> video_formats.Encoding:
    plain = {name: value if value is None or isinstance(value, int) else str(value) for name, value in choices.items()}
    try:
        return TypeAdapter(video_formats.Encoding).validate_json(to_json(plain), strict=True)
    except ValidationError as error:
        slip = error.errors()[0]
        raise ValueError(f"{slip['loc'][0]} got {shortened(slip['input'])}: {slip['msg']}") from None
