"""How much sooner a random clip comes from a cache than from its video: python benchmarks/cache.py

Videos are made on the spot, H.264, 320x240, with key frames as x264 sets them by itself. Clips of 16 frames at 64
pixels are drawn from them in blocks, decoded and then out of a cache, in turn; the ratio of CPU time is taken pair by
pair, so that it holds when the machine's speed drifts. Then one DataLoader worker decodes, and two, against the clock.
"""

import argparse
import contextlib
import io
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
from hydra import compose, initialize_config_dir
from step_time import median_with_interval
from torch.utils.data import DataLoader

SOURCE = Path(__file__).resolve().parent.parent / "src"
sys.path.insert(0, str(SOURCE))

from framegan.cli import compose as composed  # noqa: E402
from framegan.data.frame_cache import layout  # noqa: E402
from framegan.data.frame_cache.build import plan, prepare  # noqa: E402
from framegan.data.stream import Ticket, TicketStream  # noqa: E402
from framegan.data.ticket_dataset import TicketDataset  # noqa: E402
from framegan.data.videos.clips import Clips  # noqa: E402

WIDTH, HEIGHT, RATE = 320, 240, 25
BATCH = 16
CACHED_BATCHES = 40
"""How many batches are read from the cache while one is decoded."""


def write_video(path: Path, num_frames: int, seed: int) -> None:
    """Write a camera's slow way over a landscape of clouds, with grain."""
    random = np.random.default_rng(seed)
    ground = sum(
        np.kron(random.integers(0, 60, (480 // size, 640 // size, 3)), np.ones((size, size, 1)))
        for size in (80, 20, 5, 2)
    )
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", RATE, width=WIDTH, height=HEIGHT, pix_fmt="yuv420p")
        stream.codec_context.thread_count = 1
        for frame in range(num_frames):
            x, y = frame * (WIDTH - 1) // num_frames, round(60 + 60 * np.sin(frame / 20))
            grain = random.integers(0, 12, (HEIGHT, WIDTH, 1))
            pixels = (ground[y : y + HEIGHT, x : x + WIDTH] + grain).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))


def clips_of(folder: Path, cache: str, stride: str) -> Clips:
    """Return the clips that this configuration makes."""
    choices = ["data=video_folder", f"data.root={folder}", f"data.cache={cache}", f"data.frame_stride={stride}"]
    with initialize_config_dir(composed.CONFIGURATIONS, version_base="1.3"):
        cfg = compose("prepare", choices)
    with contextlib.redirect_stdout(io.StringIO()):
        return composed.build(cfg.data.datamodule.source)


def blocks(num_videos: int, number: int) -> list[list[Ticket]]:
    """Return the tickets of so many blocks of clips."""
    stream = iter(TicketStream(num_videos, BATCH, seed=0))
    return [next(stream) for _ in range(number)]


def cpu_ms(read: Callable[[list[Ticket]], object], batches: list[list[Ticket]]) -> float:
    """Return the CPU time that a clip takes, in ms."""
    start = time.process_time()
    for tickets in batches:
        read(tickets)
    return (time.process_time() - start) / len(batches) / BATCH * 1000


def compare(decoding: Clips, reading: Clips, pairs: int) -> np.ndarray:
    """Return the ms of a clip, pair by pair: decoded, its frames out of the cache, a batch out of the cache: (P, 3)."""

    def read_frames(tickets: list[Ticket]) -> object:
        videos, frames = drawn[id(tickets)]
        return reading.videos.clips(videos, frames)

    batches = blocks(len(decoding), max(pairs, CACHED_BATCHES) + 1)
    drawn = {
        id(tickets): tuple(zip(*(reading.draw(*ticket) for ticket in tickets), strict=True)) for tickets in batches
    }
    rows = [
        (cpu_ms(decoding.batch, [tickets]), cpu_ms(read_frames, batches), cpu_ms(reading.batch, batches))
        for tickets in batches[: pairs + 1]
    ]
    return np.array(rows[1:])


def clips_per_second(clips: Clips, num_workers: int, num_batches: int) -> float:
    """Return how many clips workers decode in a second of the clock, once they are under way."""
    loader = DataLoader(
        TicketDataset(clips, flip=False, seed=0),
        batch_sampler=TicketStream(len(clips), BATCH, seed=0),
        num_workers=num_workers,
        collate_fn=list,
    )
    batches = iter(loader)
    for _ in range(2 * num_workers):
        next(batches)
    start = time.perf_counter()
    for _ in range(num_batches):
        next(batches)
    return num_batches * BATCH / (time.perf_counter() - start)


def show(name: str, milliseconds: np.ndarray) -> None:
    """Print a table of what `compare` has measured."""
    decoded = milliseconds[:, 0]
    print(f"{name:<13} decoded                {np.median(decoded):8.2f} ms")
    for what, cached in (("frames", milliseconds[:, 1]), ("a whole batch", milliseconds[:, 2])):
        ratio, low, high = median_with_interval((decoded / cached).tolist())
        times = f"{np.median(cached):8.4f} ms, {ratio:.0f} times as fast ({low:.0f} to {high:.0f})"
        print(f"{'':<13} cached, {what:<15}{times}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=12)
    parser.add_argument("--videos", type=int, default=12)
    parser.add_argument("--frames", type=int, default=200, help="of each video")
    parser.add_argument("--rounds", type=int, default=5, help="of the DataLoader; others on the machine disturb some")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "videos"
        folder.mkdir()
        for number in range(options.videos):
            write_video(folder / f"{number}.mp4", options.frames, number)
        videos = clips_of(folder, "none", "1").videos
        prepare(plan(videos, layout.cache_folder(videos)), num_workers=0)
        print("16 frames of 64x64, CPU time a clip (95 percent intervals)")
        for stride in ("1", "[1,4]"):
            decoding, reading = clips_of(folder, "none", stride), clips_of(folder, "auto", stride)
            show(f"stride {stride}", compare(decoding, reading, options.pairs))
        rounds = [
            [clips_per_second(decoding, workers, 4 * workers) for workers in (1, 2)] for _ in range(options.rounds)
        ]
        one, two = np.max(rounds, axis=0)
        print(f"decoding, clips a second of the clock, the best of {options.rounds} rounds")
        print(f"1 worker {one:.0f}, 2 workers {two:.0f}: {two / one:.2f} times as fast")


if __name__ == "__main__":
    main()
