"""What files of videos can hold, by their endings: rates, codecs, sizes; and how each is encoded."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

FRAMES_PER_SECOND = 8.0
"""At which clips are shown whose data don't know their times."""
RATES = {".mp4": (0.01, 1000.0), ".webm": (0.01, 1000.0), ".gif": (0.01, 50.0)}
RATES |= dict.fromkeys((".webp", ".apng"), (0.01, 90.0))
"""Frames a second that a file can hold and is shown at: a GIF counts hundredths of a second, and browsers show
frames of 10 ms or less for 100 ms."""
ENDINGS = (*RATES, ".npy")
"""What a video's name can end in."""
Codec = Literal["h264", "hevc", "vp9", "av1"]
CODECS: dict[str, tuple[Codec, ...]] = {".mp4": ("h264", "hevc", "av1"), ".webm": ("vp9", "av1")}
"""What a file can hold; the first is what it holds if nothing else is asked for."""
ENCODERS: dict[Codec, tuple[str, int, int, dict[str, str]]] = {
    "h264": ("libx264", 12, 51, {"preset": "veryfast", "x264-params": "mbtree=0"}),
    "hevc": ("libx265", 12, 51, {"preset": "veryfast", "x265-params": "log-level=error:pools=none:ctu=32"}),
    "vp9": ("libvpx-vp9", 12, 63, {"deadline": "good", "cpu-used": "4"}),
    "av1": ("libsvtav1", 18, 63, {"preset": "8"}),
}
"""FFmpeg's encoder of each codec, the crf if none is asked for, the largest one, and further options.

Without mbtree=0 and ctu=32 small frames are encoded by what was left in the memory around them: of the same frames of
96x96, x264 wrote nine files or more, x265 of 64x64 too. Files of x264 get a fifth larger, or more, and better.
"""
SMALLEST_HEVC = 64
"""Pixels of a side, an even number: with less, or odd sides, libx265 was seen to damage the memory of the process."""


@dataclass(frozen=True)
class Encoding:
    """How an .mp4 or a .webm is encoded.

    Args:
        codec: None = the first that CODECS has for the file's ending.
        crf: from 0, nearly without loss, to 51 (h264, hevc) or 63. None = so that hardly anything is seen of the loss.
        pixel_format: yuv420p keeps colour at half the size, yuv444p at the whole. None = yuv420p, or yuv444p where a
            side is odd and the codec needs it, which few browsers play.
    """

    codec: Codec | None = None
    crf: Annotated[int, Field(ge=0)] | None = None
    pixel_format: Literal["yuv420p", "yuv444p"] | None = None


AS_EVER = Encoding()


def check(ending: str, frames_per_second: float, encoding: Encoding, size: tuple[int, int]) -> None:
    """Raise ValueError where a file with this ending can't hold a video of this rate, coding and (H, W) size."""
    check_rate(ending, frames_per_second)
    allowed = CODECS.get(ending, ())
    for name, value in vars(encoding).items():
        if value is not None and not allowed:
            raise ValueError(f"{name}={value}, but a {ending} has none; leave it out, or write {' or '.join(CODECS)}")
    if not allowed:
        return
    codec = encoding.codec or allowed[0]
    if codec not in allowed:
        fits = next(other for other, codecs in CODECS.items() if codec in codecs)
        raise ValueError(
            f"codec={codec}, but a {ending} holds {' or '.join(allowed)}; set one of them, or write {fits}"
        )
    name, _, largest, _ = ENCODERS[codec]
    if not is_available(codec):
        others = [other for other in allowed if is_available(other)]
        instead = f"set codec={' or '.join(others)}" if others else "write .gif, .webp or .apng"
        raise ValueError(f"codec={codec} needs {name}, which this build of FFmpeg (PyAV) doesn't have; {instead}")
    if encoding.crf is not None and not 0 <= encoding.crf <= largest:
        raise ValueError(f"crf got {encoding.crf}; for {codec} it should be 0, nearly without loss, to {largest}")
    _check_size(codec, encoding.pixel_format, size)


def _check_size(codec: Codec, pixel_format: str | None, size: tuple[int, int]) -> None:
    shown = f"{size[0]}x{size[1]}"
    if codec == "av1" and pixel_format == "yuv444p":
        raise ValueError(
            "pixel_format=yuv444p, but av1 is written in yuv420p alone; leave it out, or set another codec"
        )
    if codec == "hevc" and (min(size) < SMALLEST_HEVC or size[0] % 2 or size[1] % 2):
        raise ValueError(
            f"codec=hevc needs even sides of at least {SMALLEST_HEVC} pixels, got {shown}; set size=128, or codec=h264"
        )
    if _needs_even(codec, size) and pixel_format == "yuv420p":
        raise ValueError(
            f"pixel_format=yuv420p needs even sides for {codec}, got {shown}; leave it out, or set scale=2"
        )


def check_rate(ending: str, frames_per_second: float, to_set: str = "frames_per_second") -> None:
    """Raise ValueError where a video with this ending can't be shown at this rate; other files can at any.

    Args:
        to_set: what sets the rate, as the message says it.
    """
    slowest, fastest = RATES.get(ending, (frames_per_second, frames_per_second))
    if not slowest <= frames_per_second <= fastest:
        others = [other for other, (low, high) in RATES.items() if low <= frames_per_second <= high]
        nearest = fastest if frames_per_second > fastest else slowest
        raise ValueError(
            f"a {ending} shows {slowest:g} to {fastest:g} frames a second, got {frames_per_second:g}; set "
            f"{to_set}={nearest:g}{f' or choose {others[0]}' if others else ''}"
        )


def is_available(codec: Codec) -> bool:
    """Say whether this build of FFmpeg can encode it."""
    import av

    try:
        av.codec.Codec(ENCODERS[codec][0], "w")
    except ValueError:  # one of PyAV's own is raised
        return False
    return True


def _needs_even(codec: str, size: tuple[int, int]) -> bool:
    return codec == "h264" and bool(size[0] % 2 or size[1] % 2)


def stream_of(ending: str, encoding: Encoding, size: tuple[int, int], *, alpha: bool) -> dict[str, Any]:
    """Return the format, encoder, pixel format and options of such a file."""
    if ending == ".apng":
        return {"format": "apng", "encoder": "apng", "pixel_format": "rgba" if alpha else "rgb24", "options": {}}
    codec = encoding.codec or CODECS[ending][0]
    encoder, crf, _, options = ENCODERS[codec]
    chosen = encoding.pixel_format or ("yuv444p" if _needs_even(codec, size) else "yuv420p")
    options = {"crf": str(crf if encoding.crf is None else encoding.crf), **options}
    return {"format": ending.removeprefix("."), "encoder": encoder, "pixel_format": chosen, "options": options}
