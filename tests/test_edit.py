"""The command `framegan edit`: files in and out, their times and sound, and what it refuses before it writes."""

import io
import json
import re
import shlex
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import odd_videos
import pytest
from commands import PROJECT
from edited import clip, noise
from PIL import Image, ImageCms, PngImagePlugin
from test_video_files import read_back

from framegan import media, notes, video_files
from framegan.cli import edit, pages
from framegan.edits import tensors, words


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write(path, frames, rate=8.0):
    video_files.write(path, frames, rate)
    return str(path)


def write_alpha(path):
    """Write a video whose alpha lies in a stream beside it."""
    with av.open(path, "w") as container:
        stream = container.add_stream("libvpx-vp9", rate=8, width=64, height=64, pix_fmt="yuva420p")
        for pixels in clip(3, (64, 64), 4):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgba")))
        container.mux(stream.encode(None))


def write_uneven(path, sound=False):
    """Write a video of variable frame rate, and return when its frames are shown, in its ticks."""
    ticks = [0, 3, 4, 10, 12, 30, 31, 40]
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=24, width=64, height=64, pix_fmt="yuv420p")
        stream.codec_context.time_base = Fraction(1, 24)
        track = container.add_stream("aac", rate=16_000, layout="mono") if sound else None
        for tick, pixels in zip(ticks, clip(8, (64, 64)), strict=True):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = tick, Fraction(1, 24)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if track:
            wave = (8000 * np.sin(np.arange(1024 * 26) / 20)).astype(np.int16)
            for place in range(26):
                heard = av.AudioFrame.from_ndarray(wave[None, place * 1024 :][:, :1024].copy(), "s16", "mono")
                heard.sample_rate, heard.pts, heard.time_base = 16_000, place * 1024, Fraction(1, 16_000)
                container.mux(track.encode(heard))
            container.mux(track.encode(None))
    return [Fraction(tick, 24) for tick in ticks]


def times(path):
    with av.open(path) as container:
        return [frame.pts * frame.time_base for frame in container.decode(video=0)]


def sound(path):
    """Return the packets of the sound of a file: when, and what."""
    with av.open(path) as container:
        if not container.streams.audio:
            return []
        packets = container.demux(container.streams.audio[0])
        return [(packet.pts * packet.time_base, bytes(packet)) for packet in packets if packet.size]


@pytest.mark.parametrize("ending", [".webp", ".apng", ".npy", ".gif", ".mp4", ".webm"])
def test_every_kind_of_file_comes_in_and_goes_out(ending, tmp_path, capsys):
    frames = clip(9, (64, 72))
    source = write(tmp_path / f"in{ending}", frames)
    edit.main([source, f"out{ending}", "flip", "crop=32x48+4+8"])
    made, seconds = read_back(tmp_path / f"out{ending}")
    wanted = read_back(tmp_path / f"in{ending}")[0][:, :, ::-1][:, 8:56, 4:36]
    assert np.abs(made.astype(int) - wanted).mean() <= {".gif": 8, ".mp4": 4, ".webm": 4}.get(ending, 0)
    assert seconds is None or seconds == pytest.approx([k / 8 for k in range(9)], abs=0.006)
    said = "1.12 s at 8.036" if ending == ".gif" else "1.125 s at 8"  # which counts hundredths of a second
    assert capsys.readouterr().out == f"out{ending} has 9 frames of 32x48: {said} frames a second\n"
    edit.main([f"out{ending}", "in.webp", "overwrite=true"])
    assert read_back(tmp_path / "in.webp")[0].shape == (9, 48, 32, 3)


def test_pictures(tmp_path, capsys):
    for channels in (1, 2, 3, 4):
        picture = noise(1, channels=channels)[0]
        media.write_png(tmp_path / "in.png", picture)
        edit.main(["in.png", f"{channels}.png", "rotate=90", "flip=vertical"])
        found = np.atleast_3d(np.asarray(Image.open(f"{channels}.png")))
        assert np.array_equal(found, np.rot90(picture, -1)[::-1]), "alpha and grey stay"
    assert "4.png has 33x47 pixels" in capsys.readouterr().out
    edit.main(["4.png", "a.jpg"])
    over_black = np.asarray(Image.open("4.png")).astype(float)
    over_black = over_black[..., :3] * over_black[..., 3:] / 255
    assert np.abs(np.asarray(Image.open("a.jpg")) - over_black).mean() < 8
    edit.main(["1.png", "2.png", "both.png", "stack"])
    assert Image.open("both.png").mode == "LA"
    edit.main(["a.jpg", "a.mp4"])
    assert len(times("a.mp4")) == 1


def test_alpha_of_animations_stays(tmp_path):
    frames = noise(4, channels=4)
    frames[frames[..., 3] == 0] = 0  # a .webp keeps no colour where nothing is seen
    np.save("in.npy", frames)
    for ending in ("webp", "apng"):
        edit.main(["in.npy", f"a.{ending}", "flip"])
        edit.main([f"a.{ending}", "b.npy", "flip", "overwrite=true"])
        assert np.array_equal(np.load("b.npy"), frames)


def test_variable_rate_and_sound_are_kept(tmp_path, capsys):
    starts = write_uneven("in.mp4", sound=True)
    edit.main(["in.mp4", "out.mp4", "flip", "sharpen=0.5", "caption=x"])
    assert times("out.mp4") == starts
    assert sound("out.mp4") == sound("in.mp4") != []
    assert "sound" not in capsys.readouterr().out
    edit.main(["in.mp4", "slow.mp4", "speed=0.5"])
    assert times("slow.mp4") == [2 * start for start in starts]
    edit.main(["in.mp4", "even.mp4", "rate=30"])
    assert sound("even.mp4") == sound("in.mp4")
    edit.main(["in.mp4", "a.webm", "flip"])
    edit.main(["in.mp4", "in.mp4", "both.mp4", "concatenate"])
    assert times("both.mp4") == pytest.approx([*starts, *(start + Fraction(41, 24) for start in starts)], abs=0.05)
    assert sound("slow.mp4") == sound("a.webm") == sound("both.mp4") == []
    said = capsys.readouterr().out
    assert "the sound is left out: speed changes when frames are shown, and not the sound" in said
    assert "the sound is left out: it is aac, and a .webm holds libopus, libvorbis, opus, vorbis" in said
    assert "the sound is left out: it is kept of one clip alone" in said
    edit.main(["slow.mp4", "in.mp4", "both.mp4", "stack", "overwrite=true"])
    assert "the sound is left out: it is kept of one clip alone" in capsys.readouterr().out


def write_coloured(path, colour, size=(64, 64), tag=1, **settings):
    """Write one frame of a colour as YUV of BT.709, and whether the file says so."""
    with av.open(path, "w") as container:
        height, width = size
        stream = container.add_stream("libx264", rate=8, width=width, height=height, pix_fmt="yuv420p")
        stream.codec_context.options = {"crf": "1"}
        for name, value in {"colorspace": tag, **settings}.items():
            setattr(stream.codec_context, name, value)
        frame = av.VideoFrame.from_ndarray(np.zeros((*size, 3), np.uint8) + np.uint8(colour), format="rgb24")
        frame = frame.reformat(format="yuv420p", dst_colorspace="itu709")
        frame.colorspace = tag
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


@pytest.mark.parametrize(("size", "tag"), [((64, 64), 1), ((64, 1280), 2)])
def test_colours_are_those_that_a_player_shows(size, tag, tmp_path):
    """Of a video in BT.709, as cameras write it, in large ones without a word; and of what is made of it, in BT.601."""
    colour = np.array([200, 60, 20])
    write_coloured("in.mp4", colour, size, tag)
    edit.main(["in.mp4", "out.npy", "flip"])
    edit.main(["in.mp4", "out.mp4", "flip", "crf=1"])
    assert np.abs(np.load("out.npy") - colour).max() <= 3
    with av.open("out.mp4") as container:
        (frame,) = container.decode(video=0)
        assert frame.colorspace == video_files.BT601
        assert np.abs(frame.to_ndarray(format="rgb24") - colour).max() <= 4


def swapped_profile():
    """Return a profile in which red and blue have changed places."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for name, other in ((b"rXYZ", b"XXXX"), (b"bXYZ", b"rXYZ"), (b"XXXX", b"bXYZ")):
        place = profile.index(name, 128)
        profile[place : place + 4] = other
    name = "sRGB".encode("utf-16-be")
    return bytes(profile.replace(name, "oRGB".encode("utf-16-be")))


def test_a_picture_of_another_colour_space_becomes_srgb(tmp_path):
    profile = swapped_profile()
    Image.new("RGBA", (3, 2), (255, 0, 0, 99)).save("in.png", icc_profile=profile)
    edit.main(["in.png", "out.png"])
    assert np.abs(np.asarray(Image.open("out.png")).astype(int) - [0, 0, 255, 99]).max() <= 1
    Image.new("RGB", (8, 8), (255, 0, 0)).save("like.png", icc_profile=profile)
    blue = tensors.read_picture(Path("like.png"), "colours_like")
    assert np.abs(blue.astype(int) - [0, 0, 255, 255]).max() <= 1


@pytest.mark.parametrize("ending", [".png", ".webp"])
def test_an_animation_of_another_colour_space_becomes_srgb(ending, tmp_path):
    frames = [Image.new("RGBA", (8, 8), (red, 0, 0, 99)) for red in (255, 128, 255)]
    options = {"save_all": True, "append_images": frames[1:], "icc_profile": swapped_profile(), "lossless": True}
    frames[0].save(f"in{ending}", **options)
    edit.main([f"in{ending}", "out.npy"])
    wanted = np.array([[0, 0, blue, 99] for blue in (255, 128, 255)])[:, None, None]
    assert np.abs(np.load("out.npy") - wanted).max() <= 2


def test_times_of_an_avi_are_in_the_order_of_showing(tmp_path):
    odd_videos.encode(tmp_path / "in.avi", options=odd_videos.H264)
    edit.main(["in.avi", "out.mp4"])
    assert times("out.mp4") == [Fraction(k, 25) for k in range(odd_videos.FRAMES)]


@pytest.mark.parametrize("ending", [".mp4", ".webm", ".apng", ".gif"])
def test_the_last_frame_is_shown_as_long_as_before(ending, tmp_path, capsys):
    frames = [Image.fromarray(frame) for frame in clip(6, (64, 64))]
    frames[0].save("in.webp", save_all=True, append_images=frames[1:], duration=[50, 50, 50, 50, 50, 2000])
    edit.main(["in.webp", f"out{ending}"])
    edit.main([f"out{ending}", "again.gif"])
    assert all("6 frames of 64x64: 2.25 s" in line for line in capsys.readouterr().out.splitlines())


def test_animations_of_which_pillow_shows_something_else(tmp_path):
    frames = [Image.fromarray(np.full((8, 8, 3), 40 * k, np.uint8)) for k in range(3)]
    frames[0].save("in.png", save_all=True, append_images=frames[1:], default_image=True)
    edit.main(["in.png", "a.npy"])
    assert np.load("a.npy")[:, 0, 0, 0].tolist() == [40, 80], "without the one for programs that know no animations"
    grey = np.arange(2 * 64, dtype=np.uint16).reshape(2, 8, 8) * 500
    with av.open("grey.apng", "w") as container:
        stream = container.add_stream("apng", rate=5, width=8, height=8, pix_fmt="gray16be")
        for pixels in grey:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="gray16le")))
        container.mux(stream.encode(None))
    edit.main(["grey.apng", "b.npy"])
    assert np.array_equal(np.load("b.npy")[..., 0], grey >> 8)


@pytest.mark.parametrize("error", [MemoryError("Unable to allocate 9 GiB"), RuntimeError("can't allocate memory")])
def test_too_little_memory_is_one_message(error, monkeypatch):
    def exhausted(*_, **__):
        raise error

    write(Path("in.mp4"), clip())
    monkeypatch.setattr("framegan.edits.graph.filtered", exhausted)
    with pytest.raises(ValueError, match=r"there isn't enough memory for that \(.*allocate.*\); make the pictures"):
        edit.main(["in.mp4", "out.mp4", "blur=1"])
    assert not Path("out.mp4").exists()


def test_what_a_file_says_names_no_folder(tmp_path):
    (tmp_path / "secret").mkdir()
    Image.new("RGB", (4, 4)).save("secret/logo.png")
    source = write(tmp_path / "secret" / "in.mp4", clip())
    edit.main([source, "out.mp4", f"watermark={tmp_path}/secret/logo.png", "watermark.margin=1"])
    said = json.loads(notes.read(tmp_path / "out.mp4"))
    assert said["edited"] == ["in.mp4"]
    assert said["edits"] == ["watermark=logo.png", "watermark.margin=1"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["in.mp4"], "framegan edit takes what is read and what is written"),
        (["in.mp4", "in.mp4"], "in.mp4 is read and can't be written at the same time"),
        (["in.mp4", "./in.mp4", "overwrite=true"], "is read and can't be written at the same time"),
        (["in.mp4", "there.mp4"], "there.mp4 is there already; set overwrite=true"),
        (["in.mp4", "folder"], "folder is a folder; name a file"),
        (["missing.mp4", "x.mp4"], "there is no file missing.mp4"),
        (["in.mp4", "x.avi"], "x.avi can't be written; the name of a file ends in one of: .png"),
        (["in.mp4", "x.MP4"], "x.MP4 can't be written; the name of a file ends in one of: .png"),
        (["in.mp4", "x.png"], "x.png holds one picture, and there are 8 frames"),
        (["in.mp4", "in.mp4", "x.mp4", "scale=2"], "2 clips make one by concatenate, crossfade=0.5 or stack=beside"),
        (
            ["in.mp4", "small.mp4", "x.mp4", "concatenate"],
            "needs pictures of one size, got 72x64 and 36x32; set scale=",
        ),
        (["in.mp4", "x.mp4", "crop=31x31", "pixel_format=yuv420p"], "pixel_format=yuv420p needs even sides for h264"),
        (["in.mp4", "x.webm", "codec=h264"], "codec=h264, but a .webm holds vp9 or av1"),
        (["in.mp4", "x.mp4", "crf=high"], "crf got 'high'; it should be "),
        (["in.mp4", "x.gif", "speed=10"], "a .gif shows 0.01 to 50 frames a second, got 80; set rate=50"),
        (["in.mp4", "x.mp4", "--scale=2"], "--scale=2 is no option"),
        (["in.mp4", "x.mp4", "overwrite=maybe"], "overwrite got 'maybe'; it should be true or false"),
        (["broken.mp4", "x.mp4"], "broken.mp4 can't be read"),
        (["in.mp4", "x.mp4", "overwrite"], "overwrite needs a value, as in overwrite=true"),
        (["hdr.mp4", "x.mp4"], "hdr.mp4 can't be read: it is HDR (PQ), and its colours would be pale"),
        (["hdr.png", "x.png"], "hdr.png can't be read: it is HDR (HLG), and its colours would be pale"),
        (["alpha.webm", "x.apng"], "alpha.webm can't be read: its alpha isn't read"),
        (["empty.npy", "x.gif"], "empty.npy can't be read: empty.npy can't be read as an array: it doesn't begin as"),
        (["in.mp4", "x.mp4", "scale=60x45", "codec=hevc"], "even sides of at least 64 pixels, got 60x45; set scale="),
    ],
)
def test_a_slip_leaves_nothing(given, said, tmp_path):
    write(tmp_path / "in.mp4", clip())
    write(tmp_path / "small.mp4", clip()[:, ::2, ::2])
    write(tmp_path / "there.mp4", clip(1))
    write_coloured(tmp_path / "hdr.mp4", [9, 9, 9], color_trc=16)
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.npy").write_bytes(b"")
    picture, chunks = io.BytesIO(), PngImagePlugin.PngInfo()
    chunks.add(b"cICP", bytes([9, 18, 0, 1]))
    Image.new("RGB", (4, 4)).save(picture, "PNG", pnginfo=chunks)
    (tmp_path / "hdr.png").write_bytes(picture.getvalue())
    write_alpha(tmp_path / "alpha.webm")
    (tmp_path / "broken.mp4").write_bytes((tmp_path / "in.mp4").read_bytes()[:400])
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    with pytest.raises(ValueError, match=re.escape(said)):
        edit.main(given)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


def test_damage_that_is_met_on_the_way_leaves_nothing(tmp_path):
    write(tmp_path / "in.mp4", noise(40, (64, 64)))
    whole = bytearray((tmp_path / "in.mp4").read_bytes())
    whole[-9000:-5000] = bytes(4000)
    (tmp_path / "in.mp4").write_bytes(whole)
    with pytest.raises(ValueError, match=r"in\.mp4 can't be read: cut off or damaged after"):
        edit.main(["in.mp4", "out.mp4"])
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_ctrl_c_leaves_no_half_file(tmp_path):
    np.save("in.npy", np.zeros((1000, 96, 96, 3), np.uint8))
    words = ["in.npy", "out.mp4", "denoise=5", "denoise=5"]
    with subprocess.Popen([sys.executable, "-m", "framegan", "edit", *words]) as editing:
        while not (tmp_path / "out.mp4.part").exists():
            assert editing.poll() is None
            time.sleep(0.02)
        editing.send_signal(signal.SIGINT)
    assert editing.returncode == -signal.SIGINT
    assert [path.name for path in tmp_path.iterdir()] == ["in.npy"]


def test_the_page_of_the_command_lists_every_edit():
    page = pages.page("edit")
    for name in words.EDITS:
        assert f"\n  {name}" in page


EXAMPLES = re.findall(r"^framegan edit (.+)$", (PROJECT / "docs" / "commands" / "edit.md").read_text(), re.MULTILINE)


@pytest.mark.parametrize("line", EXAMPLES)
def test_the_commands_of_the_page(line, tmp_path):
    for name in ("clip.mp4", "one.mp4", "two.mp4"):
        write(tmp_path / name, clip(12, (48, 64)))
    for name in ("picture.png", "painting.png"):
        media.write_png(tmp_path / name, clip(1)[0])
    given = shlex.split(line)
    edit.main(given)
    assert (tmp_path / next(word for word in reversed(given) if "=" not in word)).is_file()


def test_the_page_has_every_edit():
    page = (PROJECT / "docs" / "commands" / "edit.md").read_text()
    for name in words.EDITS:
        assert f"`{name}" in page
