"""Video files hold their frames, their rate, their size, and what they say of themselves."""

import weakref
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image
from test_media import numbered_clips

from framegan import media, notes, video_files, video_formats
from framegan.video_files import Shown, Timing
from framegan.video_formats import Encoding


def read_back(path):
    """Return the frames of a video file and the seconds at which each begins."""
    if path.suffix == ".npy":
        return np.load(path), None
    if path.suffix in (".webp", ".apng"):  # FFmpeg doesn't decode animated .webp
        image, frames, seconds = Image.open(path), [], [0.0]
        for number in range(image.n_frames):
            image.seek(number)
            frames.append(np.asarray(image.convert("RGB")))
            seconds.append(seconds[-1] + image.info["duration"] / 1000)
        return np.stack(frames), seconds[:-1]
    with av.open(path) as container:
        decoded = list(container.decode(video=0))
        return np.stack([frame.to_ndarray(format="rgb24") for frame in decoded]), [
            float(frame.pts * frame.time_base) for frame in decoded
        ]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(32, 48), (33, 47)])
@pytest.mark.parametrize("rate", [8, 12.5, 29.97])
@pytest.mark.parametrize("ending", [".mp4", ".webm", ".gif", ".webp", ".apng", ".npy"])
def test_a_video_file_has_the_frames_the_rate_and_the_size(ending, rate, size, channels, tmp_path):
    video = media.to_frames(numbered_clips(1, 9, size, channels))[0]
    path = tmp_path / f"clip{ending}"
    video_files.write(path, video, rate)
    frames, seconds = read_back(path)
    assert frames.shape[:3] == (9, *size)
    error = np.abs(frames.astype(float) - video).mean()
    assert error == 0 if ending in (".webp", ".apng", ".npy") else error < 6
    if seconds is not None:
        assert np.abs(np.array(seconds) - np.arange(9) / rate).max() < (0.0051 if ending == ".gif" else 0.001)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_of_more_than_four_channels_the_first_three_are_shown(tmp_path):
    video = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 5), dtype=np.uint8)
    video_files.write(tmp_path / "x.webp", video, 8)
    assert np.array_equal(read_back(tmp_path / "x.webp")[0], video[..., :3])
    video_files.write(tmp_path / "x.npy", video, 8)
    assert np.array_equal(np.load(tmp_path / "x.npy"), video)
    media.write_png(tmp_path / "x.png", video[0])
    assert np.array_equal(np.asarray(Image.open(tmp_path / "x.png")), video[0, ..., :3])


@pytest.mark.parametrize("channels", [2, 4])
@pytest.mark.parametrize("ending", [".webp", ".apng", ".npy", ".gif", ".mp4"])
def test_alpha_is_kept_or_laid_over_white(ending, channels, tmp_path):
    video = np.random.default_rng(0).integers(0, 256, (3, 16, 16, channels), dtype=np.uint8)
    video[..., -1] = np.where(video[..., :1].mean(-1) < 128, 0, 255)
    path = tmp_path / f"x{ending}"
    video_files.write(path, video, 8)
    if ending == ".npy":
        assert np.array_equal(np.load(path), video)
    elif ending in (".webp", ".apng"):
        image, wanted = Image.open(path), media.in_colour(video)
        for number in range(3):
            image.seek(number)
            found, seen = np.asarray(image), wanted[number] * (wanted[number, ..., -1:] > 0)  # WebP keeps what is seen
            assert image.mode == "RGBA" and np.array_equal(found * (found[..., -1:] > 0), seen)
    else:
        frames, _ = read_back(path)
        difference = np.abs(frames.astype(int) - media.laid_over(video, 255))
        assert difference.mean() < (40 if ending == ".mp4" else 20), "noise is hard to encode"
        assert np.abs(frames.astype(int) - video[..., :-1]).mean() > 2 * difference.mean()


@pytest.mark.parametrize("ending", [".gif", ".webp", ".apng"])
@pytest.mark.parametrize("rate", [0.5, 8, 25 / 3, 12.5, 29.97, 50])
def test_every_frame_lasts_as_long_the_last_one_too(rate, ending, tmp_path):
    path = tmp_path / f"x{ending}"
    video_files.write(path, media.to_frames(numbered_clips(1, 9))[0], rate)
    durations = []
    with Image.open(path) as image:
        for number in range(image.n_frames):
            image.seek(number)
            image.load()
            durations.append(image.info["duration"])
    assert durations == pytest.approx([1000 / rate] * 9, abs=10 if ending == ".gif" else 1)
    assert sum(durations) == pytest.approx(9000 / rate, abs=5)


@pytest.mark.parametrize(("name", "rate"), [("x.gif", 51), ("x.gif", 0.001), ("x.webp", 120), ("x.mp4", 1e6)])
def test_a_rate_that_a_file_does_not_hold_is_refused(name, rate, tmp_path):
    with pytest.raises(ValueError, match=r"frames a second, got .*; set frames_per_second="):
        video_files.write(tmp_path / name, np.zeros((2, 4, 4, 3), np.uint8), rate)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", [".mp4", ".webm", ".gif", ".webp", ".apng", ".png"])
def test_a_write_that_fails_leaves_nothing(ending, tmp_path):
    path = tmp_path / f"x{ending}"
    with pytest.raises(Exception, match=r".+"):
        if ending == ".png":
            media.write_png(path, np.zeros((4, 0, 3), np.uint8))
        else:
            video_files.write(path, np.zeros((2, 0, 4, 3), np.uint8), 8)
    assert list(tmp_path.iterdir()) == []


def test_a_rate_that_ffmpeg_can_t_count_is_rounded(tmp_path):
    """As that of half an hour of variable frame rate in ticks of 1/90,000 s."""
    evenly = [Shown(Fraction(k, 30), Fraction(1, 30), np.zeros((8, 8, 3), np.uint8)) for k in range(4)]
    timing = Timing(Fraction(2_700_090_000, 90_000_007), Fraction(1, 90_000))
    video_files.write_shown(tmp_path / "x.mp4", evenly, 30.0, timing)
    assert read_back(tmp_path / "x.mp4")[1] == pytest.approx([k / 30 for k in range(4)], abs=1e-4)


@pytest.mark.parametrize(
    ("ending", "said"),
    [
        (".gif", r"shows a frame for 1/50 s or more, .*; got 0\.01 s; set rate=50"),
        (".webp", r"shows a frame for 1/90 s or more, .*; got 0\.01 s; set rate=90"),
    ],
)
def test_no_frame_is_so_short_that_browsers_show_it_for_longer(ending, said, tmp_path):
    still = np.zeros((8, 8, 3), np.uint8)
    frames = [Shown(Fraction(0), Fraction(1, 100), still), Shown(Fraction(1, 100), Fraction(1), still)]
    with pytest.raises(ValueError, match=said):
        video_files.write_shown(tmp_path / f"x{ending}", frames, 2.0, Timing(Fraction(2), Fraction(1, 100)))
    assert list(tmp_path.iterdir()) == []
    video_files.write(tmp_path / f"x{ending}", [still] * 7, video_formats.RATES[ending][1])


def test_a_video_of_an_unknown_kind_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"x\.wmv can't be written; .* one of: \.mp4, \.webm, \.gif, \.webp, "):
        video_files.write(tmp_path / "x.wmv", np.zeros((2, 4, 4, 3), np.uint8), 8)


NOTE = 'framegan {"seed": 3, "name": "caf\\u00e9"}' + "x" * 600


@pytest.mark.parametrize("ending", [".mp4", ".webm", ".gif", ".webp", ".apng", ".png"])
def test_a_file_says_of_itself_what_it_was_given(ending, tmp_path):
    video, path = media.to_frames(numbered_clips(1, 5))[0], tmp_path / f"x{ending}"
    for note in (NOTE, ""):
        if ending == ".png":
            media.write_png(path, video[0], note)
        else:
            video_files.write(path, video, 8, note=note)
            frames, seconds = read_back(path)
            assert np.abs(frames.astype(float) - video).mean() < 6
            assert seconds == pytest.approx(np.arange(5) / 8, abs=6e-3)
        assert notes.read(path) == note
        with Image.open(path) if ending not in (".mp4", ".webm") else av.open(path) as readable:
            assert readable is not None


def test_what_is_no_picture_has_no_note(tmp_path):
    for content in (b"", b"GIF89a", b"x" * 100):
        (tmp_path / "x.mp4").write_bytes(content)
        with pytest.raises(ValueError, match="can't be read as a picture or a video"):
            notes.read(tmp_path / "x.mp4")


CODED = [
    *(
        (ending, codec, (64, 96), pixels)
        for ending, codec in ((".mp4", "h264"), (".mp4", "hevc"))
        for pixels in ("444", "420")
    ),
    *((".mp4", codec, (33, 47), None) for codec in ("h264", "av1")),
    *((".webm", codec, (33, 47), "420") for codec in ("vp9", "av1")),
    (".webm", "vp9", (16, 16), "444"),
    (".webm", None, (8, 8), None),
]


@pytest.mark.parametrize(("ending", "codec", "size", "pixels"), CODED)
def test_every_codec_holds_the_frames(ending, codec, size, pixels, tmp_path):
    video, path = media.to_frames(numbered_clips(1, 6, size))[0], tmp_path / f"x{ending}"
    video_files.write(path, iter(video), 12.5, Encoding(codec, None, pixels and f"yuv{pixels}p"))
    frames, seconds = read_back(path)
    assert frames.shape == video.shape
    assert np.abs(frames.astype(float) - video).mean() < 3
    assert seconds == pytest.approx(np.arange(6) / 12.5, abs=1e-3)
    with av.open(path) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name.removeprefix("lib").startswith(
            {None: "vp", "vp9": "vp", "av1": "dav1d"}.get(codec, codec)
        )
        is_odd = size[0] % 2 and codec == "h264"
        assert stream.codec_context.pix_fmt == f"yuv{pixels or ('444' if is_odd else '420')}p"


@pytest.mark.parametrize("codec", ["h264", "hevc", "vp9", "av1"])
def test_the_same_frames_are_the_same_file_whatever_lay_in_the_memory(codec, tmp_path):
    numbers, files = np.random.default_rng(0), set()
    for size in ((96, 96), (64, 64), (64, 140)):  # of the first two, encoders read what they hadn't written
        frames = np.kron(numbers.integers(60, 200, (8, -(-size[0] // 4), size[1] // 4, 3)), np.ones((1, 4, 4, 1)))
        for _ in range(5):
            left = [np.full(numbers.integers(1, 200_000), number, np.uint8) for number in range(8)]
            del left
            path = tmp_path / ("x.webm" if codec == "vp9" else "x.mp4")
            video_files.write(path, frames.astype(np.uint8), 12.5, Encoding(codec))
            files.add(path.read_bytes())
    assert len(files) == 3


def test_a_lower_crf_loses_less(tmp_path):
    video = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    lost = []
    for crf in (0, 20, 51):
        video_files.write(tmp_path / "x.mp4", video, 8, Encoding(crf=crf, pixel_format="yuv444p"))
        lost.append(np.abs(read_back(tmp_path / "x.mp4")[0].astype(float) - video).mean())
    assert lost[0] < 2 < lost[1] < lost[2]


@pytest.mark.parametrize(
    ("name", "options", "size", "message"),
    [
        ("x.gif", {"crf": 3}, (16, 16), "crf=3, but a .gif has none; leave it out, or write .mp4 or .webm"),
        (
            "x.webm",
            {"codec": "hevc"},
            (16, 16),
            "codec=hevc, but a .webm holds vp9 or av1; set one of them, or write .mp4",
        ),
        ("x.mp4", {"crf": 52}, (16, 16), "crf got 52; for h264 it should be 0, nearly without loss, to 51"),
        (
            "x.mp4",
            {"codec": "hevc"},
            (64, 32),
            "codec=hevc needs even sides of at least 64 pixels, got 64x32; set size=128, or",
        ),
        ("x.mp4", {"codec": "hevc"}, (64, 65), "codec=hevc needs even sides of at least 64 pixels, got 64x65; set"),
        ("x.mp4", {"pixel_format": "yuv420p"}, (15, 16), "needs even sides for h264, got 15x16; leave it out"),
        ("x.mp4", {"codec": "av1", "pixel_format": "yuv444p"}, (16, 16), "av1 is written in yuv420p alone"),
    ],
)
def test_what_a_file_does_not_hold_is_refused(name, options, size, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        video_files.write(tmp_path / name, np.zeros((2, *size, 3), np.uint8), 8, Encoding(**options))
    assert list(tmp_path.iterdir()) == []


def test_a_codec_that_is_not_in_the_build_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(video_formats.ENCODERS, "hevc", ("libnone", 12, 51, {}))
    with pytest.raises(
        ValueError, match=r"codec=hevc needs libnone, which this build of FFmpeg \(PyAV\) doesn't have; set"
    ):
        video_files.write(tmp_path / "x.mp4", np.zeros((2, 16, 16, 3), np.uint8), 8, Encoding("hevc"))


def test_frames_are_taken_one_by_one(tmp_path):
    """10,000 frames are never in memory together."""
    alive = []

    def frames():
        for number in range(200):
            frame = np.full((16, 16, 3), number, np.uint8)
            alive.append(weakref.ref(frame))
            assert sum(one() is not None for one in alive) < 60
            yield frame

    video_files.write(tmp_path / "x.mp4", frames(), 25)
    assert len(read_back(tmp_path / "x.mp4")[0]) == 200
