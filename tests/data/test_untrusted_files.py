"""Files that claim more than they hold, or would take much more than they are: refused by name, or read in bounds."""

import gzip
import io
import os
import resource
import struct
import subprocess
import sys
import tarfile
import zlib
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest
import torch
from odd_videos import H264, WHOLE, encode
from PIL import Image

from framegan.data.folder import samples_in
from framegan.data.frame_cache.read import CachedVideos
from framegan.data.images.image_file import MAX_PIXELS
from framegan.data.images.image_folder import ImageFolder
from framegan.data.images.tiff import directories
from framegan.data.published import cifar10, idx
from framegan.data.published.cifar10 import ARCHIVE, FILES, FOLDER
from framegan.data.published.ucf101 import UCF101
from framegan.data.source import TensorSource
from framegan.data.videos import video_stream
from framegan.data.videos.decode import probe
from framegan.data.videos.frame_fit import Fit
from framegan.data.videos.frame_folder import FrameFolder
from framegan.data.videos.npy import NpyVideos
from framegan.data.videos.strips import Strips
from framegan.data.videos.structure import fault
from framegan.data.videos.video_folder import VideoFolder


def png(path: Path, width: int, height: int) -> None:
    """Write a PNG whose header claims a size that its few bytes don't have."""
    path.parent.mkdir(parents=True, exist_ok=True)
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(bytes(999)))]
    with path.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        for kind, data in [*chunks, (b"IEND", b"")]:
            file.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))


def like(*shape: int) -> TensorSource:
    """Return real samples of this shape."""
    return TensorSource(torch.zeros((1, *shape), dtype=torch.uint8), torch.zeros(1, dtype=torch.int64), 1)


READERS = {
    "images": lambda root: ImageFolder(str(root), 8),
    "images to be scored": lambda root: samples_in(str(root), like(3, 8, 8)),
    "clips to be scored": lambda root: samples_in(str(root), like(3, 4, 8, 8)),
    "strips": lambda root: Strips(str(root), 8),
    "frames": lambda root: FrameFolder(str(root), 8),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("size", [(60_000, 60_000), (10_000, 10_000)], ids=["beyond Pillow's limit", "below it"])
def test_an_image_bomb_is_refused_by_name(size, reader, tmp_path, recwarn):
    png(tmp_path / "a" / "bomb.png", *size)
    with pytest.raises(ValueError, match="bomb.png: .*more than the 89,478,485 pixels that are read"):
        READERS[reader](tmp_path)
    assert not recwarn.list


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("size", [(60_000, 60_000), (10_000, 10_000)])
def test_an_image_bomb_behind_the_first_frame_is_refused_when_it_is_read(size, tmp_path):
    png(tmp_path / "a" / "2.png", *size)
    Image.new("RGB", (8, 8)).save(tmp_path / "a" / "1.png")
    videos = FrameFolder(str(tmp_path), 8)
    assert videos.read(0, [0]).shape == (1, 8, 8, 3)
    with pytest.raises(ValueError, match="more than the 89,478,485 pixels"):
        videos.read(0, [1])


def test_directories_of_a_tiff_that_lie_over_each_other_are_not_all_looked_at():
    number, lines = 200, 5000
    data = bytearray(8 + 16 * number + 2 + 12 * lines + 4)
    data[:8] = b"II*\0" + struct.pack("<L", 8)
    for place in range(8, 8 + 16 * number, 16):
        struct.pack_into("<H", data, place, lines)
        struct.pack_into("<L", data, place + 2 + 12 * lines, place + 16)
    assert 5 < len(list(directories(io.BytesIO(data)))) < 20


def test_a_wide_strip_is_no_bomb(tmp_path):
    (tmp_path / "a").mkdir()
    Image.new("L", (64 * 2_000, 64)).save(tmp_path / "a" / "long.png")
    assert Strips(str(tmp_path), 8, channels=1).num_frames(0) == 2_000


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [60_000, 10_000, 9])
def test_a_frame_of_a_cache_is_not_decoded_where_it_has_another_size(side, tmp_path):
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "JPEG")
    data = bytearray(buffer.getvalue())
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", side, side)
    shard = tmp_path / "shard-00000.jpegs"
    shard.write_bytes(data + np.array([0, len(data)], np.int64).tobytes())
    source = SimpleNamespace(num_classes=1, split="all", channels=3, resolution=8)
    videos = CachedVideos(source, [shard], np.array([[0, 0]]), "jpeg", {})
    reason = "decompression bomb" if side == 60_000 else f"a frame of {side}x{side}"
    with pytest.raises(ValueError, match=f"shard-00000.jpegs is damaged .*{reason}"):
        videos.clips([0], [np.array([0])])


def gif(path: Path, num_frames: int, width: int = 16, height: int = 16) -> None:
    """Write a GIF of frames that each change one pixel."""
    path.parent.mkdir(parents=True, exist_ok=True)
    control = b"\x21\xf9\x04\x04" + struct.pack("<HH", 4, 0)
    frame = control + b"\x2c" + struct.pack("<HHHH", 0, 0, 1, 1) + b"\0" + b"\x02\x02\x44\x01\x00"
    head = b"GIF89a" + struct.pack("<HH", width, height) + b"\x80\0\0" + b"\0\0\0\xff\xff\xff"
    path.write_bytes(head + frame * num_frames + b"\x3b")


def in_a_process(code: str, *arguments: object) -> list[float]:
    """Run Python with its memory watched; return the numbers it prints, and the most memory it used in MB."""
    watched = f"{code}\nprint(Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0])"
    command = [sys.executable, "-c", watched, *map(str, arguments)]
    said = subprocess.run(command, text=True, capture_output=True, timeout=60, check=True).stdout
    *numbers, kilobytes = map(float, said.splitlines())
    return [*numbers, kilobytes / 1024]


INDEX = """
import sys
from pathlib import Path
from framegan.data.videos.frame_fit import Fit
from framegan.data.videos.decode import probe, read
path = Path(sys.argv[1])
try:
    info = probe(path)
    print(len(info.pts))
except ValueError:
    print(-1)
"""
READ = """
for frames in ([0, 1, 2], [len(info.pts) - 1]):
    print(len(read(path, info, frames, Fit(16))))
"""
linux_only = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")


@linux_only
def test_a_long_gif_is_read_frame_by_frame(tmp_path):
    gif(tmp_path / "long.gif", 100_000)
    *counts, megabytes = in_a_process(INDEX + READ, tmp_path / "long.gif")
    assert counts == [100_000, 3, 1]
    assert megabytes < 120, "65 MB were measured; all frames together are 100 MB more"


def test_clips_of_a_long_gif_keep_only_the_frames_they_need(tmp_path):
    gif(tmp_path / "a" / "long.gif", 100_000)
    source = samples_in(str(tmp_path / "a"), like(3, 4, 16, 16))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert source[0][0].shape == (3, 4, 16, 16)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


@pytest.mark.parametrize("side", [65_535, 16_000])
def test_a_video_of_huge_frames_is_refused(side, tmp_path):
    gif(tmp_path / "a" / "huge.gif", 3, side, side)
    with pytest.raises(ValueError, match="huge.gif: not a video .*more than the 89,478,485 pixels"):
        VideoFolder(str(tmp_path), 16)


@pytest.mark.parametrize(("width", "height", "scaled"), [(16_000, 8, "512000x256"), (1, 65_535, "256x16776960")])
def test_a_video_of_frames_that_are_too_long_to_be_cropped_is_refused(width, height, scaled, tmp_path):
    gif(tmp_path / "a" / "long.gif", 2, width, height)
    message = f"{width}x{height} a frame, {scaled} before it is cropped, more than the .*, or set data.resize=pad"
    with pytest.raises(ValueError, match=f"long.gif: {message}"):
        VideoFolder(str(tmp_path), 256)
    with pytest.raises(ValueError, match=message):
        Fit(256)(av.VideoFrame(width, height, "rgb24"))
    assert VideoFolder(str(tmp_path), 256, resize="pad").read(0, [0]).shape == (1, 256, 256, 3)


def test_a_video_that_says_how_large_it_is_is_refused_with_its_size(tmp_path, monkeypatch):
    monkeypatch.setattr(video_stream, "MAX_PIXELS", 1000)
    with pytest.raises(ValueError, match="48x32 a frame, more than the"):
        probe(encode(tmp_path / "a.mp4", options=H264))


def patched(path: Path, table: bytes, *numbers: int) -> None:
    """Write numbers over the first ones of a table of an MP4 file."""
    data = bytearray(path.read_bytes())
    at = data.index(table) + 4
    data[at : at + 4 * len(numbers)] = struct.pack(f">{len(numbers)}I", *numbers)
    path.write_bytes(data)


@pytest.mark.parametrize("claim", [1 << 24, 1 << 26, 1 << 31])
@pytest.mark.parametrize("kind", ["h264, closed GOP, mp4", "fragmented"])
def test_a_video_that_claims_more_frames_than_it_has_bytes_is_refused(kind, claim, tmp_path):
    path = WHOLE[kind](tmp_path)
    if kind == "fragmented":
        patched(path, b"trun", 0, claim)
    else:
        patched(path, b"stsz", 0, 1, claim)
    with pytest.raises(ValueError, match=f"it claims {claim:,} bytes of samples or more, and has"):
        probe(path)


@pytest.mark.parametrize("aspect", [(100_000, 1), ((1 << 31) - 1, 1), (1, 101)])
def test_a_video_whose_pixels_are_stretched_beyond_measure_is_refused(aspect, tmp_path):
    path = encode(tmp_path / "a.mp4", options=H264, sample_aspect_ratio=Fraction(2))
    patched(path, b"pasp", *aspect)
    message = f"its pixel aspect is {aspect[0]}:{aspect[1]}, beyond 100:1; write it with square pixels: ffmpeg"
    with pytest.raises(ValueError, match=message):
        probe(path)


@linux_only
@pytest.mark.parametrize(
    ("table", "numbers"), [(b"stsz", (0, 0, 1 << 31)), (b"stts", (0, 1 << 31)), (b"stts", (0, 1, 1 << 31))]
)
def test_other_claims_take_no_room(table, numbers, tmp_path):
    """FFmpeg itself reads such tables as far as they go."""
    path = encode(tmp_path / "a.mp4", options=H264)
    patched(path, table, *numbers)
    found, megabytes = in_a_process(INDEX, path)
    assert found in (-1, 40)
    assert megabytes < 120


def test_an_avi_that_claims_many_frames_is_read_as_what_it_holds(tmp_path):
    path = encode(tmp_path / "a.avi", "mpeg4")
    data = bytearray(path.read_bytes())
    for at in (data.index(b"avih") + 8 + 16, data.index(b"strh") + 8 + 32):
        data[at : at + 4] = struct.pack("<I", (1 << 31) - 1)
    path.write_bytes(data)
    assert len(probe(path).pts) == 40


def test_a_claim_behind_an_unknown_box_is_refused(tmp_path):
    path = encode(tmp_path / "a.mp4", options=H264)
    patched(path, b"stsz", 0, 1, 1 << 24)
    path.write_bytes(struct.pack(">I4sQ", 16, b"abcd", 0) + path.read_bytes())
    assert "it claims 16,777,216 bytes" in str(fault(path))


def test_a_compressed_index_is_refused(tmp_path):
    path = encode(tmp_path / "a.mp4", options=H264)
    path.write_bytes(path.read_bytes().replace(b"udta", b"cmov"))
    assert "its index is compressed" in str(fault(path))


def test_sound_of_samples_of_one_size_is_no_claim(tmp_path):
    path = tmp_path / "sound.mov"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=16000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.int16), "s16", "mono")
        frame.sample_rate, frame.pts = 16000, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert fault(path) is None
    data = path.read_bytes()
    assert struct.unpack_from(">II", data, data.index(b"stsz") + 8)[1] == 16000
    patched(path, b"stsz", 0, 2, 1 << 20)  # as if it were compressed: FFmpeg reads it a thousand at a time
    assert fault(path) is None
    path.write_bytes(path.read_bytes().replace(b"soun", b"vide"))
    assert "it claims 2,097,152 bytes" in str(fault(path))


def npy_header(shape: tuple[int, ...], descr: str = "|u1") -> bytes:
    text = str({"descr": descr, "fortran_order": False, "shape": shape}).encode()
    text += b" " * (-(10 + len(text) + 1) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


@pytest.mark.filterwarnings("ignore:overflow encountered")
@pytest.mark.parametrize(
    "shape", [(1 << 40, 20, 64, 64), (1 << 62, 20, 64, 64), (-5, 20, 64, 64), (20, 10_000, 64, 64)]
)
def test_an_array_that_claims_more_than_there_is_is_refused(shape, tmp_path):
    (tmp_path / "a.npy").write_bytes(npy_header(shape) + bytes(1000))
    with pytest.raises(ValueError, match="a.npy can't be read as an array"):
        NpyVideos(str(tmp_path), 8)


@pytest.mark.parametrize("shape", [(10**10, 16, 0, 64), (0, 16, 64, 64), (5, 4, 0, 8)])
def test_an_array_without_pixels_is_refused(shape, tmp_path):
    (tmp_path / "a.npy").write_bytes(npy_header(shape))
    with pytest.raises(ValueError, match="a.npy is .* it holds no pixels"):
        NpyVideos(str(tmp_path), 8, layout="NTHW")


WRONG_HEADERS = {
    "brackets": "(" * 50,
    "signs": "-" * 9_000,
    "too long": " " * 20_000,
    "a truth as a size": "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 4, True, 8)}",
    "keys of two kinds": "{'descr': '|u1', 1: False, 'shape': (2, 4, 8, 8)}",
    "another letter": "{'descr': '\0', 'fortran_order': False, 'shape': (2, 4, 8, 8)}",
}


@pytest.mark.parametrize("text", WRONG_HEADERS.values(), ids=WRONG_HEADERS)
def test_an_array_whose_header_can_not_be_read_is_refused(text, tmp_path):
    (tmp_path / "a.npy").write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + bytes(1000))
    with pytest.raises(ValueError, match="a.npy can't be read as an array: .*; save it again with np.save$") as caught:
        NpyVideos(str(tmp_path), 8)
    assert len(str(caught.value)) < 300


def test_a_single_number_is_no_array_of_videos(tmp_path):
    np.save(tmp_path / "a.npy", np.uint8(1))
    with pytest.raises(ValueError, match=r"a.npy is \(\), whose axes are ambiguous; set data.layout"):
        NpyVideos(str(tmp_path), 8)


class Program:
    def __reduce__(self):
        return os.system, ("touch marker",)


def test_an_array_of_objects_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save(tmp_path / "a.npy", np.array([Program()], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="a.npy can't be read as an array"):
        NpyVideos(str(tmp_path), 8)
    assert not Path("marker").exists()


def members(root: Path, *named: tuple[str, bytes | str]) -> None:
    """Write an archive of files, given by their content, and symbolic links, given by their target."""
    with tarfile.open(root / ARCHIVE, "w:gz") as archive:
        for name, content in named:
            member = tarfile.TarInfo(name)
            if isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
                archive.addfile(member)
            else:
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))


@pytest.mark.parametrize("up", ["../evil", "{absolute}/evil", f"{FOLDER}/../../evil"])
def test_an_archive_writes_nothing_anywhere(up, tmp_path):
    root, up = tmp_path / "data", up.format(absolute=tmp_path)
    root.mkdir()
    members(root, (up, b"evil"), *((f"{up}/{name}", b"evil") for name in FILES["train"]))
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ValueError, match=f"{ARCHIVE} lacks data_batch_1.bin"):
        cifar10.cifar10(str(root))
    assert sorted(tmp_path.rglob("*")) == before


def test_a_link_in_an_archive_is_not_followed(tmp_path):
    (tmp_path / "private").write_bytes(b"private")
    members(tmp_path, *((f"{FOLDER}/{name}", str(tmp_path / "private")) for name in FILES["train"]))
    with pytest.raises(ValueError, match=f"{ARCHIVE} lacks data_batch_1.bin"):
        cifar10.cifar10(str(tmp_path))


def test_a_member_is_read_no_further_than_it_may_be_long(tmp_path, monkeypatch):
    monkeypatch.setattr(cifar10, "RECORDS_PER_FILE", 1)
    members(tmp_path, *((f"{FOLDER}/{name}", bytes(1 << 20)) for name in FILES["train"]))
    with pytest.raises(ValueError, match="data_batch_1.bin has 3074 bytes, not 1 records"):
        cifar10.cifar10(str(tmp_path))


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_SPARSE, tarfile.REGTYPE])
@pytest.mark.parametrize("size", [3 << 30, 1 << 40])
def test_an_archive_that_unpacks_to_too_much_is_refused_before_it_is(kind, size, tmp_path):
    member = tarfile.TarInfo("a")
    member.type, member.size = kind, size
    (tmp_path / ARCHIVE).write_bytes(gzip.compress(member.tobuf(tarfile.GNU_FORMAT)))
    with pytest.raises(ValueError, match=rf"{ARCHIVE} is damaged \(it unpacks to more than 268,435,456 bytes\)"):
        cifar10.cifar10(str(tmp_path))


def test_a_member_of_less_than_nothing_is_empty(tmp_path):
    member = tarfile.TarInfo(f"{FOLDER}/data_batch_1.bin")
    member.size = -512
    (tmp_path / ARCHIVE).write_bytes(gzip.compress(member.tobuf(tarfile.GNU_FORMAT) + bytes(1 << 20)))
    with pytest.raises(ValueError, match=f"{ARCHIVE} lacks data_batch_2.bin"):
        cifar10.cifar10(str(tmp_path))


def test_all_members_of_an_archive_count(tmp_path, monkeypatch):
    monkeypatch.setattr(cifar10, "MAX_BYTES", 1 << 16)
    members(tmp_path, *(("a", bytes(1 << 10)) for _ in range(64)))
    with pytest.raises(ValueError, match="it unpacks to more than 65,536 bytes"):
        cifar10.cifar10(str(tmp_path))


def test_a_gzip_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(idx, "MAX_BYTES", 1 << 16)
    (tmp_path / "a.gz").write_bytes(gzip.compress(bytes(1 << 20)))
    with pytest.raises(ValueError, match="a.gz unpacks to more than 65,536 bytes"):
        idx.read_idx(tmp_path / "a.gz", 3)


@pytest.mark.parametrize(
    "line", ["../out/v_Swing_g01_c01.avi", "Swing/../../out/v_Swing_g01_c01.avi", "/out/v_Swing_g01_c01.avi"]
)
def test_a_list_of_videos_can_not_climb_out_of_its_folder(line, tmp_path):
    for name, text in {"classInd": "1 Swing\n2 ..\n", "trainlist01": line, "testlist01": ""}.items():
        (tmp_path / f"{name}.txt").write_text(text)
    with pytest.raises(ValueError, match="expected class/v_class_gNN_cNN.avi"):
        UCF101(str(tmp_path), 8)


def test_the_limit_is_pillows_own():
    assert Image.MAX_IMAGE_PIXELS == MAX_PIXELS
