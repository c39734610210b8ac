"""Missing reference pictures of H.264 are noticed, in streams of x264 and in headers written by hand."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from odd_videos import GOP, encode, without

from framegan.data.videos.decode import probe
from framegan.data.videos.frame_num import FrameNumbers
from framegan.data.videos.video_stream import StrictDecoder, from_start, opened

SETTINGS = {
    "without B-frames": "keyint=12:scenecut=0:bframes=0",
    "B-frames": GOP,
    "open GOP, pyramid": GOP + ":open-gop=1:b-pyramid=normal:ref=4",
    "weighted": "keyint=12:scenecut=0:weightp=2:weightb=1:ref=3",
    "interlaced": "keyint=12:scenecut=0:tff=1",
    "slices": "keyint=12:scenecut=0:slices=2",
    "all keyframes": "keyint=1",
    "refreshed bit by bit": "intra-refresh=1:keyint=10:bframes=1",
}


def frames_of(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray().tobytes() for frame in container.decode(video=0) if not frame.is_corrupt]


@pytest.mark.parametrize("kind", SETTINGS)
def test_a_file_that_lacks_a_packet_is_refused_if_any_pixel_is_wrong(kind: str, tmp_path: Path):
    path = encode(tmp_path / "whole.mkv", options={"x264-params": SETTINGS[kind]})
    whole = set(frames_of(path))
    assert len(probe(path).pts) == 40
    right = refused = 0
    for number in range(1, 39, 2):
        lacking = without(shutil.copy(path, tmp_path / "lacking.mkv"), number)
        wrong = set(frames_of(lacking)) - whole
        try:
            assert len(probe(lacking).pts) == 39
            right += 1
            assert not wrong, number
        except ValueError as error:
            refused += 1
            assert "cut off or damaged after" in str(error)
    assert refused or kind == "all keyframes"
    assert right or kind in ("without B-frames", "slices", "interlaced")


@pytest.mark.parametrize("seed", [4, 6, 12])
def test_a_whole_clip_that_fades_in_is_read(seed: int, tmp_path: Path):
    """As x264 encodes it by itself: by weights of the pictures that others refer to."""
    blocks = np.random.default_rng(seed).integers(0, 256, (9, 20, 3)).astype(np.uint8).repeat(8, 0).repeat(8, 1)
    moving = [blocks[:64, number % 32 :][:, :96] * min(1, number / 24) for number in range(48)]
    path = encode(tmp_path / "fade.mp4", pictures=[one.astype(np.uint8) for one in moving])
    assert len(probe(path).pts) == 48
    with opened(path) as (container, stream):
        assert len(list(from_start(container, stream, StrictDecoder(stream, filtered=False)))) == 48


class Writer:
    """Writes numbers as the standard names them: bits of a fixed count, or Exp-Golomb codes."""

    def __init__(self) -> None:
        self.bits = ""

    def u(self, count: int, value: int) -> "Writer":
        self.bits += f"{value:0{count}b}" if count else ""
        return self

    def ue(self, *values: int) -> "Writer":
        for value in values:
            code = f"{value + 1:b}"
            self.bits += "0" * (len(code) - 1) + code
        return self

    def unit(self, kind: int, importance: int = 3) -> bytes:
        bits = self.bits + "1"
        bits += "0" * (-len(bits) % 8)
        payload = int(bits, 2).to_bytes(len(bits) // 8)
        return b"\0\0\1" + bytes([importance << 5 | kind]) + payload.replace(b"\0\0", b"\0\0\3")


def sets(*, gaps: int = 0, planes: bool = False, fields: bool = False) -> bytes:
    """Return sets of pictures without an order count, whose numbers have 4 bits."""
    sequence = Writer().u(8, 244 if planes else 66).u(16, 30).ue(0)
    if planes:
        sequence.ue(3).u(1, 1).ue(0, 0).u(2, 0)
    sequence.ue(0, 2, 4).u(1, gaps).ue(2, 1).u(1, not fields).u(4, 0)
    picture = Writer().ue(0, 0).u(2, 0).ue(0, 0, 0).u(3, 0).ue(0, 0, 0).u(3, 0)
    return sequence.unit(7) + picture.unit(8)


def picture(
    number: int,
    kind: str = "P",
    *,
    importance: int = 3,
    restarts: bool = False,
    planes: bool = False,
    fields: bool = False,
) -> av.Packet:
    """Return a packet with the header of one picture.

    Args:
        kind: IDR, I, K (an I that is a keyframe), P or B.
        importance: 0 where no other picture refers to it.
    """
    bits = Writer().ue(0, {"P": 0, "B": 1}.get(kind, 2), 0).u(2 * planes, 0).u(4, number)
    if fields:
        bits.u(1, 1).u(1, 0)
    if kind == "IDR":
        bits.ue(0).u(2, 0)
    elif importance:
        flags = {"P": 2, "B": 4}.get(kind, 0)  # no other count of references, no other order
        bits.u(flags, 0).u(1, restarts)
        if restarts:
            bits.ue(1, 0, 5, 0)
    packet = av.Packet(bits.u(8, 255).unit(5 if kind == "IDR" else 1, importance))
    packet.is_keyframe = kind in ("IDR", "K")
    return packet


def missed(pictures: Iterable[av.Packet], **settings: Any) -> list[bool]:
    numbers = FrameNumbers(sets(**settings))
    return [numbers.misses_references(packet) for packet in pictures]


def pictures(*numbers: int, **settings: Any) -> list[av.Packet]:
    return [picture(0, "IDR", planes=settings.get("planes", False), fields=settings.get("fields", False))] + [
        picture(number, **settings) for number in numbers
    ]


def test_numbers_ascend_by_one_and_begin_again():
    ascending = pictures(*(number % 16 for number in range(1, 40)))
    assert not any(missed(ascending))
    for number in range(1, 39):
        assert missed(ascending[:number] + ascending[number + 1 :]).index(True) == number


def test_what_no_picture_refers_to_has_the_next_number():
    unimportant = picture(1, importance=0)
    assert not any(missed([*pictures(), unimportant, unimportant, picture(1), picture(2)]))
    assert missed([*pictures(), picture(2, importance=0)]) == [False, True]


def test_a_number_comes_once():
    assert missed(pictures(1, 1)) == [False, False, True]
    assert not any(missed(pictures(0, 1, 1, 2, 2, fields=True), fields=True)), "two fields have one number"


def test_gaps_that_are_announced_are_none():
    assert not any(missed(pictures(1, 5, 9), gaps=1))


def test_colour_planes_of_their_own():
    assert not any(missed(pictures(1, 2, 3, planes=True), planes=True))
    assert missed(pictures(1, 3, planes=True), planes=True) == [False, False, True]


def test_numbers_begin_again_after_operation_5():
    assert not any(missed([*pictures(1), picture(2, restarts=True), picture(1), picture(2)]))
    assert missed([*pictures(1, 2), picture(1)]) == [False, False, False, True]


def test_a_stream_may_begin_anew_at_a_keyframe():
    assert not any(missed([*pictures(1), picture(9, "K"), picture(10), picture(11, "B", importance=0)]))
    leading = [*pictures(1), picture(9, "K"), picture(10, "B", importance=0)]
    assert missed(leading) == [False, False, False, True], "it is shown before the keyframe"
    assert missed([*pictures(1), picture(9, "I")]) == [False, False, True], "later ones may refer to earlier ones"
    assert not any(missed([*pictures(1), picture(9, "K"), picture(0, "IDR"), picture(1, "B")]))


def test_what_can_not_be_understood_is_no_damage():
    cut = av.Packet(bytes(picture(3))[:5])
    assert not any(missed([*pictures(1), cut, picture(9), picture(10)]))
    numbers = FrameNumbers(None)
    assert not any(numbers.misses_references(packet) for packet in pictures(1, 5))
    for extradata in (b"\1", b"\1\x42\0\x1e\xff\xe1", b"\1\x42\0\x1e\xff\xe1\0\4\x67\x42\0\x1e\1\0\1\x68", b"\0\0\1"):
        assert not any(map(FrameNumbers(extradata).misses_references, [av.Packet(b"\0\0\0\1"), *pictures(1, 5)]))
