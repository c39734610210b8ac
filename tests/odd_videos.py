"""Small video files of every awkward kind, whose pictures tell their frame's number; made with PyAV."""

import struct
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.bitstream import BitStreamFilterContext

from framegan.data.videos.structure import fault

FRAMES = 40
SIZE = 48, 32
RATE = 25

GOP = "keyint=10:min-keyint=10:scenecut=0:bframes=3:b-adapt=0"
H264 = {"x264-params": GOP}
OPEN = {"x264-params": GOP + ":open-gop=1"}
HEVC = {"x265-params": GOP + ":open-gop=1:log-level=none:pools=none:frame-threads=1"}
NO_B_H264 = {"x264-params": "keyint=20:scenecut=0:bframes=0"}
MPEG = {"g": "12", "bf": "2"}
NO_B = {"g": "12", "bf": "0", "sc_threshold": "1000000000"}
REFRESH = {"x264-params": "intra-refresh=1:keyint=10:bframes=0"}
VP9 = {"g": "10", "deadline": "realtime", "cpu-used": "8"}

Make = Callable[[Path], Path]
"""Makes a file in a folder."""


def picture(number: int, width: int = SIZE[0], height: int = SIZE[1]) -> np.ndarray:
    """Return uint8 (height, width, 3): six blocks, bright where the number's bits are 1, on a slope that moves."""
    y, x = np.mgrid[:height, :width]
    slope = np.stack([(5 * x + 7 * number) % 40, (6 * y + 3 * number) % 40, (x + y + number) % 40], -1)
    bits = np.array([number >> bit & 1 for bit in range(6)]).reshape(2, 3)
    blocks = np.kron(bits, np.ones((height // 2 + 1, width // 3 + 1)))[:height, :width]
    return (30 + 150 * blocks[..., None] + slope).astype(np.uint8)


def number_of(frame: np.ndarray) -> int:
    """Return the number that a picture shows, whatever its size and channels."""
    height, width = frame.shape[0] // 2, frame.shape[1] // 3
    bright = [frame[y : y + height, x : x + width].mean() > 120 for y in (0, height) for x in (0, width, 2 * width)]
    return sum(int(bit) << place for place, bit in enumerate(bright))


def dv(path: Path) -> Path:
    """Write DV without a container, which knows but two sizes."""
    return encode(path, "dvvideo", pictures=[picture(number, 720, 576) for number in range(5)])


def larger() -> list[np.ndarray]:
    """Return pictures for x265, which writes over the end of its memory at the others' size."""
    return [picture(number, 96, 64) for number in range(FRAMES)]


def encode(
    path: Path,
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    *,
    pictures: Iterable[np.ndarray] | None = None,
    pixels: str = "yuv420p",
    mux: dict[str, str] | None = None,
    times: Callable[[int], int] = lambda number: number,
    units: int = RATE,
    later: int = 0,
    audio: bool = False,
    title: str = "",
    **settings: Any,
) -> Path:
    """Write a file of these pictures, by default the numbers from 0 on.

    Args:
        times: when frame number n is shown, in 1 / units seconds.
        later: frames by which all of it is shown later; earlier ones than 0 are cut away by an edit list.
        settings: attributes of the encoder.
    """
    shown = list(pictures if pictures is not None else map(picture, range(FRAMES)))
    with av.open(str(path), "w", options=mux or {}) as container:
        container.metadata.update({"title": title} if title else {})
        stream: Any = container.add_stream(codec, rate=RATE, options=options or {})
        stream.height, stream.width = shown[0].shape[:2]
        stream.pix_fmt = pixels
        context = stream.codec_context
        context.time_base = Fraction(1, units)
        context.thread_count = 1
        for name, value in settings.items():
            setattr(context, name, value)
        sound: Any = container.add_stream("aac", rate=16000, layout="mono") if audio else None
        for packet in _packets(stream, shown, times, settings):
            step = round(Fraction(later, RATE) / packet.time_base)
            packet.pts, packet.dts = packet.pts + step, packet.dts + step
            container.mux(packet)
        if sound is not None:
            container.mux(_silence(sound, len(shown) / RATE))
    return path


def _packets(stream: Any, pictures: list[np.ndarray], times: Callable[[int], int], settings: dict) -> Iterator[Any]:
    tags = {"dst_colorspace": settings.get("colorspace"), "dst_color_range": settings.get("color_range")}
    for number, pixels in enumerate(pictures):
        frame = av.VideoFrame.from_ndarray(pixels, "rgba" if pixels.shape[2] == 4 else "rgb24")
        frame = frame.reformat(format=stream.pix_fmt, **tags)
        frame.pts, frame.time_base = times(number), stream.codec_context.time_base
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _silence(stream: Any, seconds: float) -> list[Any]:
    packets = []
    for start in range(0, int(seconds * 16000), 1024):
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate, frame.pts = 16000, start
        packets += stream.encode(frame)
    return packets + stream.encode(None)


def remuxed(path: Path, source: Path, packets: Callable[[list[Any]], list[Any]], *, filter: str | None = None) -> Path:
    """Copy packets of a file to another one, without encoding them again.

    Args:
        packets: chooses among them.
        filter: that every packet goes through, by its name in FFmpeg.
    """
    with av.open(str(source)) as container, av.open(str(path), "w") as target:
        template = container.streams.video[0]
        stream = target.add_stream_from_template(template)
        sieve = BitStreamFilterContext(filter, template, stream) if filter else None
        for packet in packets([packet for packet in container.demux(template) if packet.size]):
            for piece in sieve.filter(packet) if sieve else [packet]:
                piece.stream = stream
                target.mux(piece)
    return path


def shown_as(path: Path, matrix: tuple[int, int, int, int], stored: Callable[[np.ndarray], np.ndarray]) -> Path:
    """Write pictures as they are stored, and the matrix a, b, c, d that tells players how to show them."""
    encode(path, options=H264, pictures=[np.ascontiguousarray(stored(picture(number))) for number in range(FRAMES)])
    data = path.read_bytes()
    at = data.index(b"tkhd") + 4 + 40
    a, b, c, d = (number << 16 for number in matrix)
    path.write_bytes(data[:at] + struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30) + data[at + 36 :])
    return path


def wrong_message(path: Path, codec: str, settings: dict[str, str]) -> Path:
    """Write a message beside the pictures (SEI) that claims to be longer than it is."""
    encode(path, codec, settings, pictures=larger())
    data = path.read_bytes()
    at = data.index(codec[3:].encode() + b" ") - 17  # before that 16 bytes that say whose it is, and the size's last
    assert data[at] < 0xFE
    path.write_bytes(data[:at] + b"\xfe" + data[at + 1 :])
    return path


def rotated(path: Path, degrees: int) -> Path:
    """Write pictures lying on their side, and the matrix that tells players to turn them clockwise into place."""
    cosine, sine = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    return shown_as(path, (cosine, sine, -sine, cosine), lambda shown: np.rot90(shown, degrees // 90))


def packed(path: Path) -> Path:
    """Write MPEG-4 as DivX and XviD do: each B-frame in one chunk with the frame after it, then an empty chunk."""
    raw = encode(path.with_suffix(".m4v"), "mpeg4", {"g": "12", "bf": "1", "b_strategy": "0"})
    with av.open(str(raw)) as source:
        vops = [bytes(packet) for packet in source.demux(video=0) if packet.size]
    raw.unlink()
    kinds = [vop[vop.index(b"\0\0\1\xb6") + 4] >> 6 for vop in vops]  # 0 I, 1 P, 2 B
    chunks = []
    for vop, following in zip(range(len(vops)), [*kinds[1:], 0], strict=True):
        if kinds[vop] != 2:
            chunks += [vops[vop] + vops[vop + 1], b"\0\0\1\xb6\x50\x4f"] if following == 2 else [vops[vop]]
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("mpeg4", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for number, chunk in enumerate(chunks):
            packet = av.Packet(chunk.replace(b"\0\0\1\xb6", b"\0\0\1\xb2DivX503b1393p\0\0\1\xb6", number == 0))
            packet.stream, packet.time_base = stream, Fraction(1, RATE)
            packet.pts = packet.dts = number
            packet.is_keyframe = b"\0\0\1\xb0" in chunk
            container.mux(packet)
    return path


def cut_out(path: Path) -> Path:
    """Copy packets from a keyframe in the middle on, without encoding them anew."""

    def from_second_keyframe(packets: list[Any]) -> list[Any]:
        _, second, *_ = (number for number, packet in enumerate(packets) if packet.is_keyframe)
        return from_packet(second)(packets)

    return remuxed(path, encode(path.with_name("whole.mkv"), options=OPEN), from_second_keyframe)


def from_packet(number: int) -> Callable[[list[Any]], list[Any]]:
    return lambda packets: [packet for packet in packets[number:] if packet.dts is not None]


def latin1(path: Path) -> Path:
    """Write a title in another encoding than UTF-8."""
    encode(path, "mpeg4", title="caffe")
    path.write_bytes(path.read_bytes().replace(b"caffe", b"caff\xe8"))
    return path


WHOLE: dict[str, Make] = {
    "h264, closed GOP, mp4": lambda to: encode(to / "closed.mp4", options=H264),
    "h264, open GOP, mp4": lambda to: encode(to / "open.mp4", options=OPEN),
    "h264, closed GOP, mkv": lambda to: encode(to / "closed.mkv", options=H264),
    "h264, open GOP, mkv": lambda to: encode(to / "open.mkv", options=OPEN),
    "h264, no keyframes but the first": lambda to: encode(to / "refresh.mp4", options=REFRESH),
    "h264, avi": lambda to: encode(to / "h264.avi", options=H264),
    "h264, no container": lambda to: encode(to / "raw.h264", options=H264),
    "h264, cut out without encoding, mp4": lambda to: cut_out(to / "cut_out.mp4"),
    "h264, cut out without encoding, mkv": lambda to: cut_out(to / "cut_out.mkv"),
    "hevc, open GOP, mp4": lambda to: encode(to / "hevc.mp4", "libx265", HEVC, pictures=larger()),
    "hevc, transport stream": lambda to: encode(to / "hevc.ts", "libx265", HEVC, pictures=larger()),
    "mpeg-4 with B-frames, avi": lambda to: encode(to / "mpeg4.avi", "mpeg4", MPEG),
    "mpeg-4 with packed B-frames, avi": lambda to: packed(to / "packed.avi"),
    "mpeg-4 with dropped frames, avi": lambda to: encode(to / "drop.avi", "mpeg4", times=lambda n: n + n // 5),
    "title in latin-1": lambda to: latin1(to / "title.avi"),
    "motion jpeg": lambda to: encode(to / "jpeg.avi", "mjpeg", pixels="yuvj420p"),
    "transport stream": lambda to: encode(to / "stream.ts", options=H264),
    "program stream": lambda to: encode(to / "stream.mpg", "mpeg2video", MPEG),
    "mpeg-4 without B-frames, transport stream": lambda to: encode(to / "no_b.ts", "mpeg4", NO_B),
    "mpeg-4 without B-frames, program stream": lambda to: encode(to / "no_b.mpg", "mpeg4", NO_B),
    "mpeg-2 without B-frames, vob": lambda to: encode(to / "no_b.vob", "mpeg2video", NO_B),
    "mpeg-1, mts": lambda to: encode(to / "mpeg1.m2ts", "mpeg1video", MPEG).rename(to / "mpeg1.mts"),
    "h263, 3gp": lambda to: encode(
        to / "h263.3gp", "h263", NO_B, pictures=[picture(number, 128, 96) for number in range(FRAMES)]
    ),
    "wmv": lambda to: encode(to / "a.asf", "wmv2", {"g": "12"}).rename(to / "a.wmv"),
    "h264, refreshed bit by bit, transport stream": lambda to: encode(to / "refresh.ts", options=REFRESH),
    "vp8": lambda to: encode(to / "vp8.webm", "libvpx", VP9),
    "av1": lambda to: encode(
        to / "av1.mp4", "libsvtav1", {"g": "10", "preset": "12", "svtav1-params": "lp=1"}, pictures=larger()
    ),
    "flv": lambda to: encode(to / "a.flv", options=H264),
    "dv": lambda to: dv(to / "a.dv"),
    "fragmented": lambda to: encode(to / "frag.mp4", options=H264, mux={"movflags": "frag_keyframe+empty_moov"}),
    "variable rate": lambda to: encode(to / "vfr.mp4", options=H264, times=lambda n: 40 * n + n * n % 25, units=1000),
    "vp9": lambda to: encode(to / "a.webm", "libvpx-vp9", VP9),
    "edit list": lambda to: encode(to / "edit.mp4", options=H264, later=-3),
    "gif": lambda to: encode(to / "a.gif", "gif", pixels="rgb8"),
    "ten bits": lambda to: encode(to / "ten.mp4", options=H264, pixels="yuv420p10le"),
    "odd size": lambda to: encode(
        to / "size.mp4", options=H264, pixels="yuv444p", pictures=[picture(n, 51, 33) for n in range(FRAMES)]
    ),
    "turned by 90": lambda to: rotated(to / "90.mp4", 90),
    "turned by 180": lambda to: rotated(to / "180.mp4", 180),
    "turned by 270": lambda to: rotated(to / "270.mp4", 270),
    "pixels not square": lambda to: encode(to / "sar.mp4", options=H264, sample_aspect_ratio=Fraction(8, 9)),
    "full range": lambda to: encode(to / "full.mp4", options=H264, color_range=2),
    "limited range, bt709": lambda to: encode(to / "709.mp4", options=H264, color_range=1, colorspace=1),
    "limited range, bt601": lambda to: encode(to / "601.mp4", options=H264, color_range=1, colorspace=6),
    "one frame": lambda to: encode(to / "one.mp4", pictures=[picture(0)]),
    "two frames": lambda to: encode(to / "two.mp4", pictures=[picture(0), picture(1)]),
    "starts late, mkv": lambda to: encode(to / "late.mkv", options=H264, later=125),
    "starts late, mp4": lambda to: encode(to / "late.mp4", options=H264, later=125),
    "with sound": lambda to: encode(to / "sound.mp4", options=H264, audio=True),
    "awkward name": lambda to: encode(to / "http:a b%d 100%#é.mp4", options=H264),
}
"""Kinds that have to be read exactly."""


def first_unseen(path: Path) -> Path:
    """Begin between two keyframes: the packets from the first one on are there, and an edit list hides some frames."""
    return encode(path, "mpeg4", NO_B, later=-15)


def twice(path: Path) -> Path:
    path.write_bytes(path.read_bytes() * 2)
    return path


def joined_flv(path: Path) -> Path:
    """Join two files, the second of which counts its pictures in more bits; it says so in a header of its own."""
    first = encode(path.with_stem("first"), options=H264).read_bytes()
    second = encode(path.with_stem("second"), options={"x264-params": "keyint=20:bframes=4:ref=16"}).read_bytes()
    path.write_bytes(first + second[13:])
    return path


REFERRING = {"x264-params": GOP + ":open-gop=1:b-pyramid=normal:ref=4"}
ALL = list(range(FRAMES))
INTACT: dict[str, tuple[Make, list[int]]] = {
    "cut at an open GOP": (
        lambda to: remuxed(to / "cut.mkv", encode(to / "whole.mkv", options=REFERRING), from_packet(9)),
        ALL[10:],
    ),
    "cut off a keyframe, mpeg-4": (
        lambda to: remuxed(to / "cut.avi", encode(to / "whole.avi", "mpeg4", NO_B), from_packet(5)),
        ALL[12:],
    ),
    "cut off a keyframe, h263": (
        lambda to: remuxed(to / "cut.avi", WHOLE["h263, 3gp"](to), from_packet(5)),
        ALL[12:],
    ),
    "cut off a keyframe, transport stream": (
        lambda to: remuxed(to / "cut.ts", WHOLE["transport stream"](to), from_packet(5)),
        ALL[10:],
    ),
    "cut between keyframes, the first one not shown": (lambda to: first_unseen(to / "cut.mp4"), ALL[15:]),
    "packets missing that no other refers to": (
        lambda to: without(WHOLE["h264, closed GOP, mp4"](to), 23, 24),
        [number for number in ALL if number not in (21, 23)],
    ),
    "packets missing before a keyframe": (
        lambda to: without(encode(to / "gone.mp4", options=NO_B_H264), 17, 18, 19),
        ALL[:17] + ALL[20:],
    ),
    "joined, h264": (lambda to: twice(WHOLE["h264, no container"](to)), ALL + ALL),
    "joined, flv, with other settings": (lambda to: joined_flv(to / "joined.flv"), ALL + ALL),
    "joined transport streams": (lambda to: twice(WHOLE["transport stream"](to)), ALL + ALL),
    "joined transport streams, mpeg-4": (
        lambda to: twice(WHOLE["mpeg-4 without B-frames, transport stream"](to)),
        ALL + ALL,
    ),
    "joined program streams": (lambda to: twice(WHOLE["program stream"](to)), ALL + ALL),
    "a message of a wrong length": (lambda to: wrong_message(to / "sei.mp4", "libx264", H264), ALL),
    "a message of a wrong length, hevc": (
        lambda to: wrong_message(to / "sei.ts", "libx265", {"x265-params": HEVC["x265-params"] + ":info=1"}),
        ALL,
    ),
}
"""Kinds of which every frame from the first keyframe on is right, whatever a decoder reports; and their numbers."""


def first_half(make: Make) -> Make:
    """Cut a file off in the middle; not at the end of one of its parts, which no structure tells from a whole file."""

    def cut(to: Path) -> Path:
        path = make(to)
        half = path.read_bytes()[: path.stat().st_size // 2]
        path.write_bytes(half)
        if fault(path) is None:
            path.write_bytes(half[:-1])
        return path

    return cut


def written(name: str, data: bytes) -> Make:
    def write(to: Path) -> Path:
        (to / name).write_bytes(data)
        return to / name

    return write


def flipped(make: Make) -> Make:
    """Turn one bit of every 31st byte around, in the eighth of the file behind its middle."""

    def flip(to: Path) -> Path:
        path = make(to)
        data = bytearray(path.read_bytes())
        for at in range(len(data) // 2, len(data) * 5 // 8, 31):
            data[at] ^= 1 << at % 8
        path.write_bytes(data)
        return path

    return flip


def without(path: Path, *numbers: int) -> Path:
    """Take packets out of a file."""
    whole = path.rename(path.with_stem("whole"))
    return remuxed(path, whole, lambda packets: [packet for at, packet in enumerate(packets) if at not in numbers])


def sound_only(to: Path) -> Path:
    with av.open(str(to / "sound_only.mp4"), "w") as container:
        container.mux(_silence(container.add_stream("aac", rate=16000, layout="mono"), 1.0))
    return to / "sound_only.mp4"


def list_of_others(to: Path) -> Path:
    encode(to / "other.mp4", options=H264)
    return written("list.mp4", b"ffconcat version 1.0\nfile other.mp4\n")(to)


BROKEN: dict[str, tuple[Make, str]] = {
    "cut off, index first": (first_half(lambda to: encode(to / "f.mp4", mux={"movflags": "faststart"})), "cut off"),
    "cut off, index last": (first_half(lambda to: encode(to / "l.mp4")), "cut off"),
    "cut off, fragmented": (first_half(WHOLE["fragmented"]), "cut off"),
    "cut off, mkv": (first_half(WHOLE["h264, open GOP, mkv"]), "cut off"),
    "cut off, webm": (first_half(WHOLE["vp9"]), "cut off"),
    "cut off, avi": (first_half(WHOLE["mpeg-4 with B-frames, avi"]), "cut off"),
    "cut off, transport stream": (first_half(WHOLE["transport stream"]), "cut off"),
    "cut off, program stream": (first_half(WHOLE["program stream"]), "cut off or damaged after"),
    "cut off, flv": (first_half(WHOLE["flv"]), "cut off"),
    "cut off, gif": (first_half(WHOLE["gif"]), "cut off"),
    "cut off, dv": (first_half(WHOLE["dv"]), "cut off"),
    "bits flipped": (flipped(WHOLE["h264, closed GOP, mp4"]), "damaged after"),
    "bits flipped, hevc": (flipped(WHOLE["hevc, transport stream"]), "damaged after"),
    "bits flipped, mpeg-4": (flipped(WHOLE["mpeg-4 with B-frames, avi"]), "damaged after"),
    "bits flipped, mpeg-2": (flipped(WHOLE["program stream"]), "damaged after"),
    "bits flipped, motion jpeg": (flipped(WHOLE["motion jpeg"]), "damaged after"),
    "bits flipped, transport stream": (flipped(WHOLE["transport stream"]), "damaged after"),
    "packets missing": (lambda to: without(encode(to / "a.mp4", options=NO_B_H264), 13, 14, 15, 16), "damaged after"),
    "a packet missing, transport stream": (
        lambda to: without(encode(to / "a.ts", options=NO_B_H264), 13),
        "damaged after",
    ),
    "a packet missing, flv": (lambda to: without(encode(to / "a.flv", options=NO_B_H264), 13), "damaged after"),
    "a packet missing, with B-frames": (lambda to: without(WHOLE["h264, open GOP, mkv"](to), 12), "damaged after"),
    "packets missing, with B-frames": (
        lambda to: without(WHOLE["h264, closed GOP, mp4"](to), 13, 14, 15, 16),
        "damaged after",
    ),
    "a keyframe missing": (lambda to: without(WHOLE["h264, closed GOP, mkv"](to), 20), "damaged after"),
    "packets missing, refreshed bit by bit": (
        lambda to: without(WHOLE["h264, no keyframes but the first"](to), 13, 14),
        "damaged after",
    ),
    "packets missing, hevc": (lambda to: without(WHOLE["hevc, open GOP, mp4"](to), 13, 14, 15, 16), "damaged after"),
    "no bytes": (written("none.mp4", b""), "empty file"),
    "text": (written("text.mp4", b"not a video\n" * 50), "not a video"),
    "only zeros": (written("zeros.avi", bytes(5000)), "not a video"),
    "sound only": (sound_only, "no video in it"),
    "a list of other files": (list_of_others, "not a video"),
    "missing": (lambda to: to / "missing.mp4", "no such file"),
}
"""Kinds that can't be read, and what the reason has to say."""
