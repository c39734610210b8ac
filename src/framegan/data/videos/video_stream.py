"""The pictures of one opened video file, decoded with PyAV so that none is believed that may be wrong.

FFmpeg shows what it can. It invents what a picture refers to where that is gone, and what is missing of a damaged one;
such frames it marks as corrupt. It doesn't where a decoder is begun at a packet that is no keyframe: so nothing before
the first keyframe is decoded. Nor does that of H.264 where pictures are missing in the middle, see `frame_num`.
"""

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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


class DamagedError(ValueError):
    """Some pictures of a file are wrong or missing."""


@contextmanager
def opened(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a file and its first video; whatever goes wrong in the block becomes a ValueError."""
    limit = {"max_pixels": str(MAX_PIXELS)}
    options = {"protocol_whitelist": "file", "format_whitelist": FORMATS, **limit}
    with reasons(), av.open(str(path.absolute()), options=options, metadata_errors="replace") as container:
        streams = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
        if not streams:
            raise ValueError("no video in it")
        if streams[0].codec_context is None:
            raise ValueError("FFmpeg has no decoder for it")
        streams[0].codec_context.thread_count = 1
        streams[0].codec_context.options = limit
        if streams[0].width * streams[0].height > MAX_PIXELS:
            raise ValueError(f"{streams[0].width}x{streams[0].height} a frame, {OVER_LIMIT}")
        yield container, streams[0]


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


def from_start(
    container: InputContainer,
    stream: VideoStream,
    announce: Callable[[Packet], object] = lambda packet: None,
    *,
    strict: bool = False,
    filtered: bool = False,
) -> Iterator[VideoFrame]:
    """Yield all frames from the first keyframe on, and stop at damage.

    A file that was cut out of a longer one without encoding it again may begin with pictures that are shown before its
    first keyframe and refer to others that are gone: those are left out.

    Args:
        announce: called with each packet that is decoded.
        strict: also look for damage that a decoder doesn't mark, see UNMARKED, and for missing pictures of H.264.
        filtered: without the messages beside the pictures.

    Raises:
        DamagedError: some pictures are wrong or missing; the message gives the number of whole frames before.
    """
    remover = UNMARKED.get(stream.codec_context.name)
    if strict and stream.codec_context.name in UNMARKED:
        stream.codec_context.options = {**stream.codec_context.options, "err_detect": "explode"}
    sieve = BitStreamFilterContext(remover, stream) if filtered and remover else None
    is_counted = strict and stream.codec_context.name == "h264"
    counter = FrameNumbers(stream.codec_context.extradata) if is_counted else None
    number = 0
    first = opening = None  # times of the first keyframe, and of the frame that has to come first
    incomplete = 0  # packets since one that the container calls corrupt
    leading = unseen = False
    for packet in _from_keyframe(container.demux(stream)):
        incomplete = 0 if packet.is_keyframe else incomplete + bool(incomplete or packet.is_corrupt)
        if incomplete > JOINT or (counter and counter.misses_references(packet)):
            raise DamagedError(f"cut off or damaged after {number} frames")
        if packet.size and not packet.is_discard:
            announce(packet)
        if first is None and packet.is_keyframe:
            unseen = packet.is_discard  # decoded, but not shown
            first, opening = packet.pts, None if unseen else packet.pts
        leading = leading or before(packet.pts, first)
        try:
            frames = _decoded(packet, stream, sieve)
        except DAMAGE as error:
            if number > 0 or not leading:
                raise DamagedError(f"cut off or damaged after {number} frames") from error
            continue
        for frame in frames:
            if frame.is_corrupt and before(frame.pts, first):
                continue
            if number == 0 and not is_whole(frame):
                opening = None
                if stream.codec_context.name in CARELESS and not unseen:  # the container's keyframe was none
                    continue
            if frame.is_corrupt or (number == 0 and before(opening, frame.pts)):
                raise DamagedError(f"cut off or damaged after {number} frames")
            yield frame
            number += 1


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


def _decoded(packet: Packet, stream: VideoStream, sieve: BitStreamFilterContext | None) -> list[VideoFrame]:
    if sieve is None or not packet.size:
        return packet.decode()
    return [frame for rest in sieve.filter(packet) for frame in stream.decode(rest)]


def _from_keyframe(packets: Iterator[Packet]) -> Iterator[Packet]:
    """Yield the packets from the first keyframe on; all of them where the container marks none."""
    held: list[Packet] = []
    for packet in packets:
        if packet.is_keyframe:
            held = []
        elif len(held) < HELD_PACKETS and packet.size:
            held.append(packet)
            continue
        yield from held
        yield packet
        yield from packets
        return
