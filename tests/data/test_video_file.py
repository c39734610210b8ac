"""One video file: every frame exactly, whatever the file is like; a broken one is named, never read by half."""

import dataclasses
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from odd_videos import (
    BROKEN,
    FRAMES,
    H264,
    INTACT,
    RATE,
    SIZE,
    WHOLE,
    encode,
    from_packet,
    number_of,
    picture,
    remuxed,
    shown_as,
)

from framegan.data.videos import decode
from framegan.data.videos.decode import VideoInfo, counted, probe, read
from framegan.data.videos.frame_fit import UNSPECIFIED, Fit

STRETCHED = Fit(48, resize="stretch")
FIRST_NUMBER = {"edit list": 3, "h264, cut out without encoding, mp4": 10, "h264, cut out without encoding, mkv": 10}
LENGTH = {"one frame": 1, "two frames": 2, "dv": 5}
COUNTED = {"h264, avi", "h264, no container", "mpeg-4 with packed B-frames, avi"}


def decoded(path: Path, info: VideoInfo, fit: Fit) -> np.ndarray:
    """Return all frames, decoded one after the other from the start."""
    with av.open(str(path.absolute()), metadata_errors="replace") as container:
        stream = container.streams.video[0]
        frames = [frame for packet in container.demux(stream) for frame in packet.decode() if not frame.is_corrupt]
        return np.stack([fit(frame, info.pixel_aspect, info.orientation) for frame in frames])


@pytest.mark.parametrize("kind", WHOLE)
def test_any_frames_are_those_that_decoding_from_the_start_gives(kind: str, tmp_path: Path):
    path = WHOLE[kind](tmp_path)
    info = probe(path)
    truth = decoded(path, info, STRETCHED)
    first = FIRST_NUMBER.get(kind, 0)
    assert [number_of(frame) for frame in truth] == list(range(first, LENGTH.get(kind, FRAMES)))
    assert len(info.pts) == len(truth)
    assert info.linear == (kind in COUNTED)
    for stride in (1, 3):
        for start in range(len(truth)):
            frames = range(start, len(truth), stride)[:4]
            assert np.array_equal(read(path, info, frames, STRETCHED), truth[frames]), (stride, start)
    counted = dataclasses.replace(info, linear=True)
    assert np.array_equal(read(path, counted, range(len(truth)), STRETCHED), truth)


@pytest.mark.parametrize("kind", INTACT)
def test_what_was_cut_or_joined_without_encoding_is_read_from_its_first_keyframe_on(kind: str, tmp_path: Path):
    make, numbers = INTACT[kind]
    path = make(tmp_path)
    info = probe(path)
    whole = read(path, info, range(len(info.pts)), STRETCHED)
    assert [number_of(frame) for frame in whole] == numbers
    assert info.times is not None
    assert (np.diff(info.times) > 0).all()
    for start in range(0, len(numbers), 3):
        assert np.array_equal(read(path, info, [start], STRETCHED)[0], whole[start]), start


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_file_is_named_with_its_reason(kind: str, tmp_path: Path):
    make, reason = BROKEN[kind]
    path = make(tmp_path)
    with pytest.raises(ValueError, match=reason) as caught:
        probe(path)
    assert path.name not in str(caught.value)


@pytest.mark.parametrize(
    "kind",
    [
        "h264, open GOP, mp4",
        "h264, open GOP, mkv",
        "fragmented",
        "vp9",
        "mpeg-4 with B-frames, avi",
        "gif",
        "transport stream",
    ],
)
def test_no_cut_goes_unnoticed(kind: str, tmp_path: Path):
    path = WHOLE[kind](tmp_path)
    data, random_place = path.read_bytes(), random.Random(0)
    for _ in range(20):
        cut = random_place.randrange(1, len(data))
        if kind == "transport stream" and cut % 188 == 0:  # such a cut leaves a whole stream
            continue
        path.write_bytes(data[:cut])
        with pytest.raises(ValueError):
            probe(path)


@pytest.mark.parametrize("kind", ["h264, open GOP, mp4", "h264, avi"])
def test_a_file_that_was_cut_off_after_it_was_indexed_is_no_silent_surprise(kind: str, tmp_path: Path):
    path = WHOLE[kind](tmp_path)
    info = probe(path)
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(ValueError):
        read(path, info, [FRAMES - 1], STRETCHED)


def test_frames_in_the_middle_are_reached_without_decoding_from_the_start(tmp_path: Path, monkeypatch):
    path = WHOLE["h264, closed GOP, mp4"](tmp_path)
    info = probe(path)
    monkeypatch.setattr(decode, "from_start", lambda *_: pytest.fail("decoded from the start"))
    assert [number_of(frame) for frame in read(path, info, [25, 31], STRETCHED)] == [25, 31]


def test_times(tmp_path: Path):
    uneven = probe(WHOLE["variable rate"](tmp_path)).times
    assert uneven is not None
    np.testing.assert_allclose(uneven, [(40 * n + n * n % 25) / 1000 for n in range(FRAMES)], atol=1e-3)
    late = probe(WHOLE["starts late, mkv"](tmp_path)).times
    assert late is not None
    np.testing.assert_allclose(late, 5 + np.arange(FRAMES) / RATE, atol=1e-3)


def copied_to_avi(to: Path, *, filter: str | None = "h264_mp4toannexb", **settings: Any) -> Path:
    source = encode(to / "source.mp4", options=H264, **settings)
    return remuxed(to / "copied.avi", source, from_packet(0), filter=filter)


def test_a_header_that_names_ticks_in_place_of_a_rate_is_not_believed(tmp_path: Path):
    path = copied_to_avi(tmp_path)
    with av.open(str(path)) as container:
        assert container.streams.video[0].average_rate >= 250
    info = probe(path)
    assert info.times is not None
    np.testing.assert_allclose(np.diff(info.times), 1 / RATE, atol=1e-3)


def test_uneven_times_survive_a_copy_into_a_container_that_knows_rates_alone(tmp_path: Path):
    path = copied_to_avi(tmp_path, times=lambda n: 40 * n + 20 * (n // 10), units=1000)
    times = probe(path).times
    assert times is not None
    assert times[-1] - times[0] == pytest.approx(39 / RATE + 0.06, abs=0.05)


def test_the_rate_of_pictures_without_a_container_is_their_own(tmp_path: Path):
    path = encode(tmp_path / "raw.h264", options=H264, framerate=Fraction(30), units=30)
    info = probe(path)
    assert info.linear
    assert info.times is not None
    np.testing.assert_allclose(np.diff(info.times), 1 / 30, atol=1e-4)


def test_a_rate_that_no_camera_has_is_that_of_the_pictures(tmp_path: Path):
    path = encode(tmp_path / "a.avi", options=H264)
    data = bytearray(path.read_bytes())
    at = data.index(b"strh") + 8 + 20  # its scale, then its rate
    scale, rate = np.frombuffer(data[at : at + 8], "<u4")
    data[at : at + 8] = np.array([scale, 10 * rate], "<u4").tobytes()
    path.write_bytes(data)
    times = probe(path).times
    assert times is not None
    np.testing.assert_allclose(np.diff(times), 1 / RATE, rtol=0.01)


def test_the_rate_of_a_joined_file_is_not_that_of_its_last_pictures(tmp_path: Path):
    pictures = [picture(number % FRAMES) for number in range(5 * FRAMES)]  # so many that opening it sees no others
    fast = encode(tmp_path / "fast.h264", options=H264, pictures=pictures, framerate=Fraction(RATE))
    slow = encode(tmp_path / "slow.h264", options=H264, framerate=Fraction(1), units=1)
    (tmp_path / "joined.h264").write_bytes(fast.read_bytes() + slow.read_bytes())
    path = remuxed(tmp_path / "joined.avi", tmp_path / "joined.h264", at_regular_times)
    times = probe(path).times
    assert times is not None
    np.testing.assert_allclose(np.diff(times), 1 / RATE, atol=1e-3)


def at_regular_times(packets: list[Any]) -> list[Any]:
    for number, packet in enumerate(packets):
        packet.pts = packet.dts = number
        packet.time_base = Fraction(1, RATE)
    return packets


def test_times_that_are_counted():
    assert counted(4, [(5, 1), (7, 1), (9, 1), (12, 1)]).tolist() == [0, 2, 4, 7]
    assert counted(4, [(5, 1), (7, 1), (0, 1), (2, 1)]).tolist() == [0, 2, 4, 6], "joined"
    assert counted(4, [(1 << 60, 1), ((1 << 60) + 1, 1), (None, 1), (3, 1)]).tolist() == [0, 1, 2, 3]
    assert counted(3, [(None, 40)] * 3).tolist() == [0, 40, 80]
    assert counted(3, [(None, None)] * 3) is None
    assert counted(1, [(None, None)]).tolist() == [0]
    assert counted(2, [(0, 1), (1, 1), (2, 1), (3, 1)]).tolist() == [0, 3], "fields"
    assert counted(3, [(0, 1), (1, 1), (2, 1), (4, 1)]).tolist() == [0, 1, 3], "the first packet gave no frame"
    assert counted(4, [(0, 2), (4, 2)]) is not None, "two frames in a packet"


def test_threads_do_not_mix_their_pictures(tmp_path: Path):
    path = WHOLE["h264, open GOP, mp4"](tmp_path)
    info = probe(path)
    fits = [Fit(size) for size in (16, 32, 48, 64)]
    truth = [read(path, info, range(FRAMES), fit) for fit in fits]
    with ThreadPoolExecutor(4) as threads:
        again = list(threads.map(lambda k: read(path, info, range(FRAMES), fits[k % 4]), range(16)))
    assert all(np.array_equal(clip, truth[k % 4]) for k, clip in enumerate(again))


def test_no_file_is_left_open(tmp_path: Path):
    open_files = Path("/proc/self/fd")
    if not open_files.is_dir():
        pytest.skip("needs /proc")
    whole, broken = WHOLE["fragmented"](tmp_path), BROKEN["bits flipped"][0](tmp_path)
    before = len(list(open_files.iterdir()))
    for _ in range(5):
        read(whole, probe(whole), [30], STRETCHED)
        with pytest.raises(ValueError):
            probe(broken)
    assert len(list(open_files.iterdir())) == before


def plain(path: Path, colour: tuple[int, int, int], **settings: object) -> np.ndarray:
    """Return a frame of a video of one colour, written and read."""
    pixels = np.full((*SIZE[::-1], 3), colour, np.uint8)
    encode(path, options={"qp": "4"}, pictures=[pixels] * 2, **settings)
    return read(path, probe(path), [0], Fit(16))[0]


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (200, 40, 60), (30, 180, 90)])
@pytest.mark.parametrize("color_range", [1, 2])
@pytest.mark.parametrize("colorspace", [1, 6])
def test_colours_come_back_whatever_range_and_matrix(tmp_path: Path, colour, color_range: int, colorspace: int):
    got = plain(tmp_path / "plain.mp4", colour, color_range=color_range, colorspace=colorspace)
    assert np.abs(got.astype(int) - colour).max() <= 4


@pytest.mark.parametrize(("size", "matrix"), [((64, 1280), 1), ((578, 64), 1), ((576, 64), 6)])
def test_a_video_that_names_no_matrix_has_the_colours_that_players_show(tmp_path: Path, size, matrix: int):
    """BT.709 from 1280 pixels across or 577 down, or else BT.601."""
    colour = 30, 180, 60
    frame = av.VideoFrame.from_ndarray(np.full((*size, 3), colour, np.uint8), "rgb24")
    frame = frame.reformat(format="yuv420p", dst_colorspace=matrix)
    frame.colorspace = UNSPECIFIED
    assert np.abs(Fit(16, filter="point")(frame).astype(int) - colour).max() <= 4


def test_hdr_is_refused(tmp_path: Path):
    path = encode(tmp_path / "hlg.mp4", color_trc=18, pictures=[np.zeros((16, 16, 3), np.uint8)])
    with pytest.raises(ValueError, match=r"it is HDR \(HLG\), .* write it as SDR first"):
        probe(path)


def test_grey_has_the_full_range(tmp_path: Path):
    for colour in ((0, 0, 0), (255, 255, 255)):
        for color_range in (1, 2):
            path = tmp_path / "plain.mp4"
            plain(path, colour, color_range=color_range, colorspace=6)
            grey = read(path, probe(path), [0], Fit(16, channels=1))
            assert grey.shape == (1, 16, 16, 1)
            assert np.abs(grey.astype(int) - colour[0]).max() <= 2


def halves(left: int, right: int) -> list[np.ndarray]:
    """Return two frames with a dark and a bright part, left and right of the middle, so many pixels wide."""
    row = np.repeat([20, 220], [left, right])
    return [np.broadcast_to(row[None, :, None], (32, left + right, 3)).astype(np.uint8)] * 2


def test_crop_keeps_the_middle_and_pad_all(tmp_path: Path):
    path = encode(tmp_path / "wide.mp4", options=H264, pictures=halves(48, 48))
    info = probe(path)
    crop, pad, stretched = (read(path, info, [0], Fit(32, resize=resize))[0] for resize in ("crop", "pad", "stretch"))
    assert crop[:, :15].max() < 40 < 200 < crop[:, 17:].min()
    assert pad[:10].max() == pad[22:].max() == 0
    assert pad[11:21, 17:].min() > 200
    assert stretched[:, 17:].min() > 200


@pytest.mark.parametrize("aspect", [Fraction(8, 9), Fraction(2, 1)])
def test_pixels_that_are_not_square_are_widened(tmp_path: Path, aspect: Fraction):
    path = encode(tmp_path / "sar.mp4", options=H264, sample_aspect_ratio=aspect)
    info = probe(path)
    assert info.pixel_aspect == pytest.approx(float(aspect))
    padded = read(path, info, [0], Fit(48, resize="pad"))[0]
    bars = 48 - padded.any((1, 2)).sum()
    assert bars == pytest.approx(48 - 32 / float(aspect), abs=1)
    asis = read(path, info, [0], Fit(48, resize="pad", pixel_aspect=False))[0]
    assert 48 - asis.any((1, 2)).sum() == 16


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_pictures_are_turned_upright(tmp_path: Path, degrees: int):
    path = WHOLE[f"turned by {degrees}"](tmp_path)
    info = probe(path)
    upright = read(path, info, [37], STRETCHED)[0]
    assert number_of(upright) == 37
    stored = read(path, info, [37], Fit(48, resize="stretch", rotate=False))[0]
    assert np.array_equal(np.rot90(stored, -degrees // 90), upright)
    cropped = read(path, info, [37], Fit(32))[0]
    assert np.abs(cropped.astype(int) - picture(37)[:, 8:40]).mean() < 12


SHOWN: dict[str, tuple[tuple[int, int, int, int], Callable[[np.ndarray], np.ndarray]]] = {
    "mirrored left to right": ((-1, 0, 0, 1), np.fliplr),
    "mirrored top to bottom": ((1, 0, 0, -1), np.flipud),
    "transposed": ((0, 1, 1, 0), lambda shown: shown.swapaxes(0, 1)),
    "transposed along the other diagonal": ((0, -1, -1, 0), lambda shown: np.rot90(shown, 2).swapaxes(0, 1)),
    "nothing at all": ((0, 0, 0, 0), lambda shown: shown),
    "flat": ((1, 0, 1, 0), lambda shown: shown),
    "half as large": ((2, 0, 0, 2), lambda shown: shown),
}
"""What a matrix does, and how a picture has to be stored to be shown as it was."""


@pytest.mark.parametrize("kind", SHOWN)
def test_pictures_are_shown_as_their_matrix_says(tmp_path: Path, kind: str):
    matrix, stored = SHOWN[kind]
    path = shown_as(tmp_path / "a.mp4", matrix, stored)
    info = probe(path)
    as_it_is = Fit(48, resize="stretch", rotate=False)
    for fit, pixels in ((STRETCHED, picture(37)), (as_it_is, stored(picture(37)))):
        expected = fit(av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), "rgb24"))
        assert np.abs(read(path, info, [37], fit)[0].astype(int) - expected).mean() < 12


def test_a_damaged_gif_is_called_damaged(tmp_path: Path):
    path = WHOLE["gif"](tmp_path)
    data = bytearray(path.read_bytes())
    reasons = set()
    for at in range(len(data) // 3, len(data) - 300, len(data) // 40):
        path.write_bytes(data[:at] + bytes(200) + data[at + 200 :])
        try:
            probe(path)
        except ValueError as error:
            reasons.add(str(error))
    assert reasons
    assert all("damaged" in reason for reason in reasons), reasons


def test_what_is_transparent_lies_over_black():
    pixels = np.full((32, 32, 4), 200, np.uint8)
    pixels[:16, :, 3], pixels[16:, :, 3] = 0, 255
    for channels in (1, 3):
        fitted = Fit(32, channels=channels)(av.VideoFrame.from_ndarray(pixels, "rgba"))
        assert fitted[:16].max() == 0
        assert np.abs(fitted[16:].astype(int) - 200).max() <= 1


@pytest.mark.parametrize("size", [(300, 2), (2, 300), (1, 1), (65, 33)])
@pytest.mark.parametrize("resize", ["crop", "pad", "stretch"])
def test_any_size_fits(size: tuple[int, int], resize):
    frame = av.VideoFrame.from_ndarray(np.full((*size, 3), 100, np.uint8), "rgb24")
    assert Fit(16, resize=resize)(frame).shape == (16, 16, 3)
