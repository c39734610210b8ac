"""The pictures of one opened video file, decoded with PyAV so that none is believed that may be wrong.

FFmpeg shows what it can. It invents what a picture refers to where that is gone, and what is missing of a damaged one;
such frames it marks as corrupt. It doesn't where a decoder is begun at a packet that is no keyframe: so nothing before
the first keyframe is decoded. Nor does that of H.264 where pictures are missing in the middle, see `frame_num`.
"""

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import av
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from framegan.data.images.image_file import MAX_PIXELS, OVER_LIMIT
from framegan.data.videos.frame_num import FrameNumbers

Decode = Callable[[Packet], list[VideoFrame]]

FORMATS = "mov,avi,matroska,mpegts,mpeg,mpegvideo,flv,gif,h264,hevc,m4v,asf,ogg,dv"
"""What a file may hold, whatever its name; others, such as playlists, would open further files."""

UNMARKED = {"hevc": "filter_units=remove_types=39|40", "mjpeg": None}
"""Codecs whose decoder marks no frame as corrupt, but fails at damage if it is asked to; and the filter that takes out
what it would fail at as well, though no pixel depends on it: messages beside the pictures (SEI)."""

CARELESS = {
    *("mpeg1video", "mpeg2video", "mpeg4", "h263", "h263p", "flv", "flv1"),
    *("msmpeg4", "msmpeg4v1", "msmpeg4v2", "msmpeg4v3", "wmv1", "wmv2"),
}
"""Codecs whose decoder begins with whatever it is given. That of H.264 waits until a picture is whole, if
need be bit by bit, without keyframes."""

HELD_PACKETS = 1000
"""In how many packets a keyframe has to come; where none does, the container doesn't mark them."""

DAMAGE = (
    av.error.InvalidDataError,
    av.error.PermissionError,  # some decoders return -1 for anything, which is the number of this one
    av.error.UndefinedError,
    av.error.UnknownError,
    av.error.BugError,
)
"""What decoders raise where the data are not what they should be."""

JOINT = 2
"""How many packets before a keyframe a transport stream may call corrupt where another one was joined to it: none of
that is known to be missing, for the counts of both begin anew."""

HDR = {16: "PQ", 18: "HLG"}
"""FFmpeg's numbers of transfer curves whose light goes beyond the white of RGB."""


class DamagedError(ValueError):
    """Some pictures of a file are wrong or missing."""


@contextmanager
def opened(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a file and its first video; whatever goes wrong in the block becomes a ValueError."""
    limit = {"max_pixels": str(MAX_PIXELS)}
    options = {"protocol_whitelist": "file", "format_whitelist": FORMATS, **limit}
    with reasons(), av.open(str(path.absolute()), options=options, metadata_errors="replace") as container:
        videos = (video for video in container.streams.video if not video.disposition & Disposition.attached_pic)
        stream = next(videos, None)
        if stream is None:
            raise ValueError("no video in it")
        if stream.codec_context is None:
            raise ValueError("FFmpeg has no decoder for it")
        stream.codec_context.thread_count = 1
        stream.codec_context.options = limit
        if stream.width * stream.height > MAX_PIXELS:
            raise ValueError(f"{stream.width}x{stream.height} a frame, {OVER_LIMIT}")
        if name := HDR.get(stream.codec_context.color_trc):
            raise ValueError(
                f"it is HDR ({name}), and its colours would be pale; write it as SDR first, with tone mapping"
            )
        if stream.metadata.get("alpha_mode") == "1":  # in a stream beside it, of which the decoder knows nothing
            name = stream.codec_context.name
            raise ValueError(
                f"its alpha isn't read, and what it hides would be shown; write it with alpha as another kind: "
                f"ffmpeg -c:v lib{'vpx-vp9' if name == 'vp9' else 'vpx'} -i FILE -c:v qtrle FILE.mov"
            )
        yield container, stream


@contextmanager
def reasons() -> Iterator[None]:
    """Give every error of a file as a ValueError that says why, without the path."""
    try:
        yield
    except av.error.ArgumentError:
        raise ValueError(f"not a video of a kind that is read, or one whose frames have {OVER_LIMIT}") from None
    except (EOFError, IndexError):
        raise ValueError("cut off at its start or its index") from None
    except DAMAGE as error:
        if error.errno == errno.EACCES:
            raise ValueError(error.strerror) from None
        raise ValueError("not a video that can be read, or damaged or cut off at its start") from None
    except (av.FFmpegError, OSError) as error:
        raise ValueError(error.strerror or type(error).__name__) from None


class StrictDecoder:
    """Decodes packets, and looks for damage that a decoder doesn't mark: see UNMARKED, and missing pictures of H.264.

    Of each packet that is shown it keeps in ticks when that is, when it is decoded and how long it lasts.

    Args:
        filtered: without the messages beside the pictures.
    """

    def __init__(self, stream: VideoStream, *, filtered: bool) -> None:
        context = stream.codec_context
        if context.name in UNMARKED:
            context.options = {**context.options, "err_detect": "explode"}
        remover = UNMARKED.get(context.name) if filtered else None
        self.stream = stream
        self.sieve = BitStreamFilterContext(remover, stream) if remover else None
        self.numbers = FrameNumbers(context.extradata) if context.name == "h264" else None
        self.pts: list[int | None] = []
        self.clock: list[tuple[int | None, int | None]] = []
        self.has_keyframes = False

    def __call__(self, packet: Packet) -> list[VideoFrame]:
        if self.numbers and self.numbers.misses_references(packet):
            raise DamagedError
        if packet.size and not packet.is_discard:
            self.pts.append(packet.pts)
            self.clock.append((packet.dts, packet.duration))
            self.has_keyframes |= packet.is_keyframe
        if self.sieve is None or not packet.size:
            return packet.decode()
        return [frame for rest in self.sieve.filter(packet) for frame in self.stream.decode(rest)]


def from_start(container: InputContainer, stream: VideoStream, decode: Decode = Packet.decode) -> Iterator[VideoFrame]:
    """Yield all frames from the first keyframe on, and stop at damage.

    A file that was cut out of a longer one without encoding it again may begin with pictures that are shown before its
    first keyframe and refer to others that are gone: those are left out.

    Raises:
        DamagedError: some pictures are wrong or missing; the message gives the number of whole frames before.
    """
    number = 0
    try:
        for frame in _right(_from_keyframe(container.demux(stream)), decode, stream.codec_context.name):
            yield frame
            number += 1
    except DamagedError as error:
        raise DamagedError(f"cut off or damaged after {number} frames") from error


def _right(packets: Iterator[Packet], decode: Decode, codec: str) -> Iterator[VideoFrame]:
    """Yield the frames but those that refer to what is missing before the first keyframe; DamagedError at others."""
    first = opening = None  # times of the first keyframe, and of the frame that has to come first
    incomplete = 0  # packets since one that the container calls corrupt
    leading = unseen = begun = False
    for packet in packets:
        incomplete = 0 if packet.is_keyframe else incomplete + bool(incomplete or packet.is_corrupt)
        if incomplete > JOINT:
            raise DamagedError
        if first is None and packet.is_keyframe:
            unseen = packet.is_discard  # decoded, but not shown
            first, opening = packet.pts, None if unseen else packet.pts
        leading = leading or before(packet.pts, first)
        try:
            frames = decode(packet)
        except DAMAGE as error:
            if begun or not leading:
                raise DamagedError from error
            continue
        for frame in frames:
            if frame.is_corrupt and before(frame.pts, first):
                continue
            if not begun and not is_whole(frame):
                opening = None
                if codec in CARELESS and not unseen:  # the container's keyframe was none
                    continue
            if frame.is_corrupt or (not begun and before(opening, frame.pts)):
                raise DamagedError
            begun = True
            yield frame


def awaited(container: InputContainer, stream: VideoStream, times: set[int]) -> Iterator[VideoFrame]:
    """Yield the frames shown at these times, among others, from where the container stands, decoding as little as gives
    every bit of them.

    What isn't asked for and no other frame refers to is skipped unread; and once the last packet that was asked for is
    in the decoder, the decoder is flushed, for no later packet can change those frames.

    Raises:
        DamagedError: the first frame is none from which decoding can begin, whatever the container says.
    """
    first = None
    begun = False
    for packet in _from_keyframe(container.demux(stream)):
        if first is None:
            first, begun = packet.pts, packet.is_discard  # decoded, but not shown
        stream.codec_context.skip_frame = "DEFAULT" if packet.pts in times or packet.pts is None else "NONREF"
        frames = packet.decode()
        times.discard(packet.pts)
        if not times:
            frames += stream.decode(None)
        for frame in frames:
            if before(frame.pts, first):  # it may refer to frames before the keyframe
                continue
            if not begun and not is_whole(frame):
                raise DamagedError("the first frame refers to others")
            begun = True
            yield frame
        if not times:
            return


def before(time: int | None, other: int | None) -> bool:
    """Say whether a time is known to be before another one."""
    return time is not None and other is not None and time < other


def is_whole(frame: VideoFrame) -> bool:
    """Say whether a frame refers to no other one."""
    return frame.key_frame or frame.pict_type == PictureType.I


def _from_keyframe(packets: Iterator[Packet]) -> Iterator[Packet]:
    """Yield the packets from the first keyframe on; all of them where the container marks none."""
    held: list[Packet] = []
    for packet in packets:
        if packet.is_keyframe:
            held = []
        elif len(held) < HELD_PACKETS and packet.size:
            held.append(packet)
            continue
        yield from chain(held, [packet], packets)
        return
